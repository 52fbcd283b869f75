/* One connection to a node: whole frames out and in, answers sorted by request, every wait bounded. */
#ifndef TOGUNA_CLIENT_LIB_CHANNEL_H
#define TOGUNA_CLIENT_LIB_CHANNEL_H

#include "client/local.h"

struct channel;

enum { CHANNEL_FOREVER = -1 };

/* Connects. TG_UNREACHABLE, TG_NO_MEMORY, TG_BAD_INPUT for a path that cannot be a socket's. */
enum tg_err channel_open(const char *path, struct channel **ret, struct tg_why *why);
/* Wipes: content went through here. NULL is fine. */
void channel_free(struct channel *c);
/* The longest wait, in milliseconds, for an answer or for room to write. */
void channel_set_silence(struct channel *c, int milliseconds);
int channel_fd(const struct channel *c);

/* A number for the next request. */
uint64_t channel_number(struct channel *c);
/* Sends a frame. That the node is gone is not told here but by the next receive, since the node may have said
   why before it went. TG_BUSY after too long a silence; errors of local_encode(), which leave the channel
   usable. */
enum tg_err channel_send(struct channel *c, enum local_type type, const ProtobufCMessage *message,
                         struct tg_why *why);
/* The same, but it goes out with the next channel_flush(), channel_send() or once 256 KiB are queued. */
enum tg_err channel_queue(struct channel *c, enum local_type type, const ProtobufCMessage *message,
                          struct tg_why *why);
enum tg_err channel_flush(struct channel *c, struct tg_why *why);
/* Ends a request whose answers are no longer wanted; those on their way are dropped later. */
void channel_cancel(struct channel *c, uint64_t request);

/* Types that a caller accepts as an answer: ANSWER(LOCAL_ITEM) | ANSWER(LOCAL_DONE). */
#define ANSWER(type) (UINT32_C(1) << (type))

/* The next answer to `request`; *ret_message is NULL when none came in timeout_ms (a frame that has come in
   part is kept). The message and what it points to is valid until the next receive. An LError becomes its
   error, *why borrowing in the same way. TG_UNREACHABLE: the node is gone; TG_BAD_INPUT, TG_TOO_BIG,
   TG_UNKNOWN: it does not keep to the protocol, and the channel is over. */
enum tg_err channel_poll(struct channel *c, uint64_t request, uint32_t answers, int timeout_ms,
                         enum local_type *ret_type, ProtobufCMessage **ret_message, struct tg_why *why);
/* The same, waiting as long as the silence allows: TG_BUSY then, and the channel is over. */
enum tg_err channel_answer(struct channel *c, uint64_t request, uint32_t answers, enum local_type *ret_type,
                           ProtobufCMessage **ret_message, struct tg_why *why);

/* The next answer to whatever request, LError among them, which is no failure of the channel's; *ret_message is NULL when
   none came in timeout_ms. */
enum tg_err channel_next(struct channel *c, int timeout_ms, uint64_t *ret_request, enum local_type *ret_type,
                         ProtobufCMessage **ret_message, struct tg_why *why);
/* What an LError says, *why borrowing from what was received. */
enum tg_err channel_error(struct channel *c, const ProtobufCMessage *message, struct tg_why *why);

/* Where what was received lives until the next receive; for what is made of it. */
struct arena *channel_arena(struct channel *c);

#endif
