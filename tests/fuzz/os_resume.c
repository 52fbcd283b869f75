/* Any bytes from the other end of a resumed connection, and any bytes of ours to it: never a crash, what is kept stays within its bounds, and an end of ours at the other side
   hears what was said. */
#include "os/resume.h"

#include <stdlib.h>
#include <string.h>

static void need(bool ok)
{
  if (!ok)
    abort();
}

/* What a side hears over one connection, and what it says. */
static enum tg_err hears_some(struct resume *r, struct slice bytes)
{
  need(resume_room(r) < 20 || resume_put(r, slice_of("twenty bytes of ours", 20)) == TG_OK);
  resume_wrote(r, resume_out(r).n);
  const enum tg_err err = resume_take(r, bytes);
  need(resume_room(r) <= RESUME_WINDOW && resume_in(r).n <= 2 * bytes.n + 25); /* 25: of a message that has just begun */
  resume_gave(r, resume_in(r).n);
  resume_wrote(r, resume_out(r).n);
  resume_lost(r);
  return err;
}

/* A client hears `bytes` from a server, or a server from a client that has opened: over three connections, cut after the first third and the second. The
   client's later openings say that it received what the last byte of each third says. */
static void hears(bool client, struct slice bytes)
{
  static const uint8_t token[RESUME_TOKEN] = {1};
  struct resume *r = resume_new(1200);
  struct resume_opening o = {.begins = true};
  struct slice part;
  enum tg_err err = TG_OK;
  need(r != NULL);
  for (size_t i = 0; err == TG_OK && i < 3; i++) {
    need(take(&bytes, bytes.n / (3 - i), &part));
    if (client)
      resume_connect(r, token);
    else
      err = resume_accept(r, &o);
    need(client || i > 0 || err == TG_OK);
    if (err == TG_OK)
      err = hears_some(r, part);
    o = (struct resume_opening){.begins = part.n > 1 && part.p[0] == 0xff, .received = part.n ? part.p[part.n - 1] : 0};
    memcpy(o.token, token, sizeof token);
  }
  resume_free(&r);
}

static void step(struct resume *from, struct resume *to)
{
  struct slice out = resume_out(from);
  const size_t n = out.n < 3000 ? out.n : 3000;
  need(resume_take(to, slice_of(out.p, n)) == TG_OK);
  resume_wrote(from, n);
}

/* `bytes` said by a server, with a cut after each piece. */
static void says(struct slice bytes, size_t piece)
{
  uint8_t token[RESUME_TOKEN] = {2};
  struct resume *client = resume_new(0), *server = resume_new(0);
  struct slice rest = bytes, part;
  need(client && server);
  for (bool more = true; more;) {
    struct resume_opening o;
    more = take(&rest, rest.n < piece ? rest.n : piece, &part) && part.n > 0;
    need(resume_put(server, part) == TG_OK);
    resume_connect(client, token);
    need(resume_opening_read(resume_out(client), &o) == TG_OK && resume_accept(server, &o) == TG_OK);
    resume_wrote(client, RESUME_OPENING);
    step(server, client);
    if (!more)
      while (resume_out(server).n)
        step(server, client);
    resume_lost(client);
    resume_lost(server);
  }
  need(slice_eq(resume_in(client), bytes));
  resume_free(&client);
  resume_free(&server);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct resume_opening o;
  if (size < 1 || size > 3000)
    return 0;
  const struct slice bytes = slice_of(data + 1, size - 1);
  (void)resume_opening_read(slice_of(bytes.p, bytes.n < RESUME_OPENING ? bytes.n : RESUME_OPENING), &o);
  hears(data[0] & 1, bytes);
  says(bytes, 1 + 16 * (size_t)data[0]);
  return 0;
}
