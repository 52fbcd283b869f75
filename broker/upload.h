/* Large bodies on their way in: chunks asked for, taken in order, checked against the portion's root when the
   last has come. The store has what came; memory has only the hashing of those under way, and that is written
   down with every chunk, so that a restart goes on where it was. */
#ifndef TOGUNA_BROKER_UPLOAD_H
#define TOGUNA_BROKER_UPLOAD_H

#include "broker/session.h"

/* So long what waits for its bodies waits after it was announced, and after each chunk. */
#define UPLOAD_WAIT TG_DAY

struct uploads *uploads_new(void); /* NULL without memory */
void uploads_free(struct uploads *u);

/* Asks the originator for what is missing of a parked bulletin. */
enum tg_err upload_ask(struct hub *hub, struct party *party, const struct hash *id);
/* Asks again for everything that a node's parked bulletins lack: a session opened. */
enum tg_err upload_resume(struct hub *hub, struct session *s);
/* A chunk came. *ret_forged: it has not the size it must have. */
enum tg_err upload_chunk(struct hub *hub, struct session *s, const Tg__Chunk *chunk, bool *ret_forged);
/* A parked bulletin was decided: nothing more of it is awaited. */
enum tg_err upload_forget(struct hub *hub, const struct hash *id);
/* Does a body come from this node now? */
bool upload_is_under_way(const struct hub *hub, const struct party *party);
/* Asks once more for what was asked for and did not come. */
enum tg_err uploads_tick(struct hub *hub);

#endif
