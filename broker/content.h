/* What the store remembers of a bulletin: its Submission without wraps and bodies. Written and read by the
   hub alone, from bytes that were checked before they were stored. */
#ifndef TOGUNA_BROKER_CONTENT_H
#define TOGUNA_BROKER_CONTENT_H

#include "proto/bulletin.h"

struct content {
  const Tg__Submission *message;
  struct header header;
  size_t portion_count;
  struct portion portions[LIMIT_PORTIONS];
  struct release releases[LIMIT_PORTIONS];
};

/* What failing to read something from the store again means: it was in order when it came, so the disk is wrong, or memory ran out. */
enum tg_err content_stored(enum tg_err err);
/* Appends. TG_NO_MEMORY. */
enum tg_err content_write(const Tg__Submission *message, struct buf *out);
/* The message alone, for whoever only hands it on; as content_read(). */
enum tg_err content_message(struct slice bytes, struct arena *arena, const Tg__Submission **ret);
/* Everything in the arena; id: of the bulletin, as the store has it. TG_DISK: this is not what was written. */
enum tg_err content_read(struct slice bytes, const struct hash *id, struct arena *arena, struct content **ret);

#endif
