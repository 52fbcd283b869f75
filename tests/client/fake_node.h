/* A node that does exactly what a test tells it, on a real Unix socket. A script runs in a thread of its own
   and reads as the node's side of the story:

     static void lists_two(struct fake *f)
     {
       fake_accept(f);
       fake_expect(f, LOCAL_LIST);
       fake_item(f, &sample_flash()->item);
       fake_done(f, 1);
     }

   Every wait has a deadline. What goes wrong in the script is told by fake_finish(), in the test's own
   thread. */
#ifndef TOGUNA_TESTS_CLIENT_FAKE_NODE_H
#define TOGUNA_TESTS_CLIENT_FAKE_NODE_H

#include "client/local.h"

struct fake;
typedef void fake_script(struct fake *f);

struct fake *fake_start(fake_script *script, void *context);
const char *fake_path(const struct fake *f); /* of the socket */
/* Waits for the script's end and fails the test when it did not go as written. */
void fake_finish(struct fake *f);

/* ---- verbs of a script ---- */

void *fake_context(struct fake *f);
void fake_accept(
    struct fake *f); /* the next program: greets it as ML/dgse/n1, all roles; speaks with it from now on */
void fake_accept_silently(struct fake *f);      /* without a greeting */
void fake_turn_to(struct fake *f, int program); /* speaks again with the 1st, 2nd ... that was accepted */
/* The next frame must be of this type; later answers go to its request. Valid until the next expect. LCancel
   is skipped unless it is what is expected. */
const void *fake_expect(struct fake *f, enum local_type type);
uint64_t fake_request(const struct fake *f);
void fake_answer_to(struct fake *f, uint64_t request); /* an earlier one, until the next expect */
void fake_send(struct fake *f, enum local_type type, ProtobufCMessage *message); /* fills in the request */
void fake_done(struct fake *f, uint64_t count);
void fake_error(struct fake *f, enum tg_err err, const char *where, const char *what, const char *todo,
                const char *arg);
void fake_bytes(struct fake *f, const void *bytes, size_t n);
void fake_hang_up(struct fake *f);
void fake_until_closed(struct fake *f);   /* waits for the program to go */
void fake_expect_nothing(struct fake *f); /* the same, and the program must not say anything more */
void fake_pause(struct fake *f, int ms);  /* a slow node: the only place where time itself is the subject */
/* Ends the script with a complaint unless it holds. */
#define fake_check(f, holds) ((holds) ? (void)0 : fake_complain(f, #holds, __LINE__))
void fake_complain(struct fake *f, const char *what, int line) __attribute__((noreturn));

/* ---- answers ---- */

void fake_item(struct fake *f, const Tg__LItem *item);
/* A state of a publication of the bulletin whose id is 32 times `id`. */
void fake_progress(struct fake *f, uint8_t id, uint32_t state, const char *detail);
void fake_content(struct fake *f, const char *text, bool end);
void fake_json(struct fake *f, const char *json, bool end);
void fake_track(struct fake *f, const char *node, uint32_t event, tg_time time);

ProtobufCBinaryData fake_text(const char *s);

/* A bulletin to begin with; change what matters. Each sample is one object per thread, filled anew by each
 * call. */
struct sample {
  Tg__LItem item;
  Tg__LPortionInfo portion[2], *portions[2];
  ProtobufCBinaryData topics[2], to[4], except[2];
  uint8_t id[32];
};
struct sample *
sample_flash(void); /* id aaaa..., ML/dgse/n1, FLASH, alert.attack, one portion for AES and SN */
struct sample *
sample_two(void); /* id bbbb..., BF/anr/n1, PRIORITY, patrol, a tear-line bulletin of two portions */

#endif
