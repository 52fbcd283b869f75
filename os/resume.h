/* One end of a stream of bytes that outlives the connections that carry it: for lines that are cut again and again. Each side keeps what the other has not
   confirmed; a new connection goes on from the byte that the other lacks. Whoever talks over it never sees the cut. Pure: no sockets, no clock. The bytes
   on the line are in docs/protocol.md ("Resumed connections"). It hides nothing and proves nothing: CURVE runs inside, from end to end. Who steals the
   token on the way can cut the line, which he could do before. */
#ifndef TOGUNA_OS_RESUME_H
#define TOGUNA_OS_RESUME_H

#include "proto/buf.h"

enum {
  RESUME_TOKEN = 16,
  RESUME_OPENING = 4 + 1 + RESUME_TOKEN + 4 + 8,
  RESUME_WINDOW = 64 << 10, /* bytes that are kept until the other side confirms them */
  RESUME_FRAME = 8191,      /* bytes that one frame announces */
};

struct resume;

/* rate: bytes a second that the line carries; 0: no limit is known. NULL without memory. */
struct resume *resume_new(uint32_t rate);
void resume_free(struct resume **r); /* NULL is fine */

/* ---- connections: resume_connect() on the client, resume_accept() on the server, again after each resume_lost() */
/* token: fresh, by chance; it becomes the session's unless that was answered before. */
void resume_connect(struct resume *r, const uint8_t token[RESUME_TOKEN]);

/* What a client begins a connection with. */
struct resume_opening {
  bool begins; /* a session; otherwise it resumes one */
  uint8_t token[RESUME_TOKEN];
  uint32_t rate;
  uint64_t received; /* of the server's bytes */
};
/* TG_BAD_INPUT: this is none of ours. */
enum tg_err resume_opening_read(struct slice bytes, struct resume_opening *ret);
bool resume_is_token(const struct resume *r, const uint8_t token[RESUME_TOKEN]); /* in constant time */
/* TG_BAD_INPUT: the client has what was never said, or lacks what it had confirmed; nothing changed. */
enum tg_err resume_accept(struct resume *r, const struct resume_opening *opening);
/* What a server answers whose session it does not know, or has no room for. */
struct slice resume_refusal(void);
void resume_lost(struct resume *r);

/* ---- the line. Bytes to write now, and that so many were; none wait when it is empty. */
struct slice resume_out(struct resume *r);
void resume_wrote(struct resume *r, size_t n);
/* Bytes that came, RESUME_FRAME at the most; everything is taken. TG_BAD_INPUT: nonsense. TG_NOT_FOUND: the server does not know the session, or takes no more.
   TG_NO_MEMORY. After each of these it is over. */
enum tg_err resume_take(struct resume *r, struct slice bytes);

/* ---- the local side. What may be put now; nothing while it is 0. TG_TOO_BIG, TG_NO_MEMORY: over. */
void resume_limit(struct resume *r, size_t window); /* keep no more than this, from now on, instead of RESUME_WINDOW */
size_t resume_room(const struct resume *r);
enum tg_err resume_put(struct resume *r, struct slice bytes);
void resume_end(struct resume *r); /* nothing more will be put, and nothing more is wanted: the other side hears it after the last byte */
/* What the other side said, to be handed on; read no more from the line before it is empty. */
struct slice resume_in(struct resume *r);
void resume_gave(struct resume *r, size_t n);

/* ---- how it stands */
bool resume_is_ended(const struct resume *r); /* the other side has ended, and all that it said was handed on */
/* More was put than the line takes for now, or there is no line: what is urgent would wait behind what comes next. */
bool resume_is_busy(const struct resume *r);
/* Memory lacked for what the connection should carry next: give it up. Nothing is lost by that; the next one says it. */
bool resume_is_starved(const struct resume *r);
bool resume_was_met(const struct resume *r); /* the present connection, or the last one, was answered */
bool resume_waits(const struct resume *r); /* something is under way that the other side must confirm, an answer is due, or the end of the line after our own */
/* Confirm now what came; small amounts are else confirmed with the next. */
void resume_confirm(struct resume *r);
bool resume_owes(const struct resume *r); /* is something unconfirmed? */
size_t resume_holds(const struct resume *r); /* bytes of memory for what is kept, made ready and not handed on yet */
uint64_t resume_moved(const struct resume *r); /* grows with each byte that was put, taken, written or handed on */

#endif
