/* What a node sees of a hub's log: every checkpoint is checked for signature and consistency with all it saw before; the
   newest is kept on disk before anything rests on it. A hub that shows two histories leaves evidence here and is not
   listened to any more. */
#ifndef TOGUNA_CLIENT_NODE_WATCH_H
#define TOGUNA_CLIENT_NODE_WATCH_H

#include "client/node/core.h"
#include "proto/header.h"
#include "audit/opening.h"
#include "audit/witness.h"

struct watch *watch_new(void);
void watch_free(struct watch *w);

/* A session with this hub begins: its log is the one watched from now on. */
enum tg_err watch_begin(struct node_core *core, const struct charter_hub *hub);
/* Was this log seen to fork? Then nothing of it is believed. */
enum tg_err watch_is_forked(struct node_core *core, const struct charter_hub *hub, bool *ret);

enum watch_verdict {
  WATCH_CHAINED, /* it extends what we knew, or is the same, and is on its way to the disk */
  WATCH_BROKEN,  /* forged, or not proven to extend it: the session must end */
  WATCH_FORKED,  /* it contradicts it: evidence was taken */
};
/* A checkpoint note from a frame, and the proof that came with it. An empty note changes nothing: WATCH_CHAINED. */
enum tg_err watch_take(struct node_core *core, struct slice note, struct slice consistency, enum watch_verdict *ret,
                       struct tg_why *why);

/* The newest checkpoint; size 0 and an empty note before the first. The note carries our cosignature if we are a witness;
   it may leave in this turn, since that is after the commit. Valid until the next watch_take(). */
uint64_t watch_size(const struct node_core *core);
struct hash watch_root(const struct node_core *core);
struct slice watch_note(struct node_core *core);
/* The clock was wrong and is right: our next cosignature of it states the time anew. */
void watch_cosign_again(struct node_core *core);
/* Entries below this leaf are under a checkpoint with all cosignatures the charter demands. */
uint64_t watch_settled(const struct node_core *core);
/* The same of an entry of the log that a row says: watch_mark(). */
bool watch_has_settled(const struct node_core *core, struct slice mark, uint64_t leaf);
/* What a row says of this log: nothing of the first that this store ever watched, so that with one hub rows are no longer; NULL: of none that is listened to. */
const char *watch_mark(const struct node_core *core, const char *log);
/* For who only looks: before the first session since the start, what the store has of that log. */
bool watch_shows_settled(struct node_core *core, struct slice mark, uint64_t leaf);
/* Size and settled size for who only looks: before the first session since the start they are those of the hub that is tried first, as the store has them. */
enum tg_err watch_look(struct node_core *core, uint64_t *ret_size, uint64_t *ret_settled);
/* A number that is kept of the log that is watched, under this name; 0 when absent. */
enum tg_err watch_number(struct node_core *core, const char *name, uint64_t *ret);
enum tg_err watch_number_put(struct node_core *core, const char *name, uint64_t value);
/* The name of the log that is watched; "" before the first session. */
const char *watch_log(const struct node_core *core);

/* The newest checkpoint as the log signed it, without cosignatures: what we tell other nodes in our bulletins. Empty: none. */
struct slice watch_bare(const struct node_core *core);

/* What another node says in a signed bulletin that it saw of the log, before the bulletin was logged at `leaf`. */
enum watch_heard {
  HEARD_SAME,    /* it is a checkpoint that we saw too, or says nothing */
  HEARD_OTHER,   /* of no log that we watch now */
  HEARD_NEW,     /* one that we have not seen: does the hub prove it to us? */
  HEARD_FORGED,  /* the log never signed it: its originator lies, not the hub */
  HEARD_FORKED,  /* it contradicts what the hub shows us: evidence was taken where it is portable */
};
/* The checkpoint in the header of a bulletin that the hub says it logged so: the opening was verified under `under`. *ret_size: of the log that
   it states; 0 when our log did not sign it, or it need not be looked at. */
enum tg_err watch_hear(struct node_core *core, const struct header *header, const struct opening *opening,
                       const struct witness_state *under, enum watch_heard *ret, uint64_t *ret_size);
/* The hub's proof, in full, that such a checkpoint is a beginning of the newest: WATCH_BROKEN when it is none. */
enum tg_err watch_proven(struct node_core *core, struct slice note, struct slice path, enum watch_verdict *ret,
                         struct tg_why *why);

/* At the end of a turn: the checkpoint under which entries were opened to us is kept as long as they are. */
enum tg_err watch_turn(struct node_core *core);
/* A log entry as opened to us: is it under the newest checkpoint? *ret points into the opening. Errors of opening_verify();
   TG_BAD_PROOF before the first checkpoint. */
enum tg_err watch_entry(struct node_core *core, const struct opening *opening, struct entry *ret, struct tg_why *why);
/* The newest checkpoint, for entries that come with it and are looked at later: it is kept as long as they are. Before the first one: its size is 0. */
struct witness_state watch_hold(struct node_core *core);
/* The same as watch_entry() for one that was held. */
enum tg_err watch_entry_under(struct node_core *core, const struct witness_state *under, const struct opening *opening, struct entry *ret,
                              struct tg_why *why);

/* Another node states, signed, that it saw this root at this size: compares it with ours. */
enum tg_err watch_compare(struct node_core *core, const struct sign_pk *who, uint64_t size, const struct hash *root,
                          struct slice statement);

#endif
