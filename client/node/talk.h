/* The session with a hub: greeting, order of frames, proof of life, and where to connect next. */
#ifndef TOGUNA_CLIENT_NODE_TALK_H
#define TOGUNA_CLIENT_NODE_TALK_H

#include "client/node/core.h"
#include "proto/pace.h"
#include "proto/subject.h"

enum talk_state {
  TALK_ALONE,      /* no charter names a hub that we may use */
  TALK_RESTING,    /* waits before it tries again */
  TALK_CLOSED,     /* outside its call windows, and nothing urgent waits */
  TALK_CONNECTING, /* the link is trying */
  TALK_GREETING,   /* Hello is out */
  TALK_OPEN,
};
const char *talk_state_name(enum talk_state state);

struct talk *talk_new(void);
void talk_free(struct talk *t);

enum tg_err talk_link(struct node_core *core, enum node_link_state state);
enum tg_err talk_frame(struct node_core *core, struct slice frame);
/* Deadlines: begins, switches hubs, ticks, notices silence. */
enum tg_err talk_time(struct node_core *core);
int64_t talk_due(const struct node_core *core); /* monotonic */
/* Something of this precedence was spooled: it may be worth a call. */
void talk_urgent(struct node_core *core, enum precedence precedence);
/* The charter changed: perhaps the hubs did. */
enum tg_err talk_hubs_changed(struct node_core *core);
/* Ends the session, if there is one, to begin it anew: whatever was not answered is sent again. */
enum tg_err talk_again(struct node_core *core);
/* The hub is not to be believed: ends the session. A hub whose log forked is not connected to again; any other is tried
   again after a rest, and must prove itself anew. */
enum tg_err talk_distrust(struct node_core *core);
/* Asks the hub to prove that this checkpoint, which another node saw, is a beginning of its log. */
enum tg_err talk_ask(struct node_core *core, struct slice other);
/* Says goodbye and stays alone. */
enum tg_err talk_stop(struct node_core *core);

bool talk_is_open(const struct node_core *core);
/* Does it only look in at a hub, or is on its way to or from one? Bulletins of ours wait until it is back where it belongs. */
bool talk_is_away(const struct node_core *core);
/* Something of ours, so urgent, waits for another hub: the others are looked in at sooner. */
void talk_round_hurry(struct node_core *core, enum precedence precedence);
/* Is the hub of this log among those that we connect to? */
bool talk_goes_to(const struct node_core *core, const char *log);
int64_t talk_heard(const struct node_core *core); /* monotonic: the hub's last frame in this session */
enum talk_state talk_state(const struct node_core *core);
const char *talk_hub(const struct node_core *core); /* name of the present hub; "" when none */
/* Where it is reached, or will be tried next, and which hub that is; "" when there is none. */
const char *talk_endpoint(const struct node_core *core);
const char *talk_next_hub(const struct node_core *core);
/* The hub that did not admit this node's key, since a session opened last; "": none. And that as a sentence. */
const char *talk_refused_by(const struct node_core *core);
void talk_why_refused(const struct node_core *core, struct tg_why *ret);
/* Sends a frame when the session is open; when not, nothing happens: whatever must arrive is sent again at Welcome. */
enum tg_err talk_send(struct node_core *core, enum frame_type type, const ProtobufCMessage *message);
/* The newest checkpoint, for a frame of the open session; empty when the hub has heard it in this session. */
struct slice talk_note(struct node_core *core);
/* Largest body of a bulletin of this precedence that travels inside a frame, by the hub's limit and the line's rate; and largest frame, as the hub said. */
uint64_t talk_inline_body(const struct node_core *core, enum precedence precedence);
size_t talk_max_frame(const struct node_core *core);
/* The hub sent something that no honest hub sends: told as an alarm; too many of them end the session. */
enum tg_err talk_strike(struct node_core *core, const char *name, const struct hash *subject, const struct tg_why *why);
/* The link's queue, as the shell said. */
void talk_queued(struct node_core *core, size_t bytes);
void talk_dropped(struct node_core *core); /* a frame was lost, and perhaps a checkpoint with it */
void talk_drained(struct node_core *core);
void talk_line(struct node_core *core, bool busy); /* node_line() */
bool talk_has_room(const struct node_core *core); /* may content be sent now? */
/* Is the line so slow that each frame of content is to be thought about anew? How much of a body may go in one frame; `most` at the most. */
bool talk_is_slow(const struct node_core *core);
size_t talk_piece(const struct node_core *core, size_t most);
/* Content is left that waits for the line: a turn when it is free. */
void talk_wake_when_free(struct node_core *core);

#endif
