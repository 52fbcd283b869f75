/* How many bytes a bulletin of 1 KiB takes on the wire, to 1, 5 and 15 nodes: what its originator sends to the hub, and what the hub
   sends to each recipient (without the log's opening, which adds about 200 bytes and 32 for every doubling of the log). CURVE adds 33
   bytes to each frame, and a frame carries many. One JSON object a line. */
#include "proto/frame.h"
#include "tests/proto/story.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { CONTENT = 1024 };

static void measure(size_t recipients, const struct sealed_body *body)
{
  struct story *s = story_new(1, recipients);
  story_close(s);
  Tg__Submission *submission = story_submission(s);
  Tg__Delivery *delivery = story_delivery(s, 0);
  submission->bodies[0]->sealed = delivery->bodies[0]->sealed = (ProtobufCBinaryData){body->bytes.n, body->bytes.p};
  size_t up = tg__submission__get_packed_size(submission), down = tg__delivery__get_packed_size(delivery);
  printf("{\"content\":%d,\"sealed_body\":%zu,\"recipients\":%zu,\"submission\":%zu,\"wrap\":%zu,\"delivery\":%zu}\n", CONTENT,
         body->bytes.n, recipients, up, submission->wraps[0].len, down);
  story_free(s);
}

int main(void)
{
  uint8_t content[CONTENT];
  struct sealed_body body;
  struct body_head head = head_of(sizeof content, 0, "A title of thirty bytes or so");
  if (sodium_init() < 0)
    abort();
  randombytes_buf(content, sizeof content);
  if (body_make(0, &head, NULL, slice_of(content, sizeof content), 0, &body) != TG_OK)
    abort();
  for (size_t i = 0; i < 3; i++)
    measure((const size_t[]){1, 5, 15}[i], &body);
  body_drop(&body);
  return 0;
}
