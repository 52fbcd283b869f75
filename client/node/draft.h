/* A bulletin of our own in the making: a local program's wish becomes an exact audience by our own policy, its content is
   sealed into the store as it comes, and what is finished goes to the outbox.

   Verdicts. Functions here return TG_OK or fail-stop; *ret_verdict is TG_OK, or why the wish cannot be met, with the sentence
   in *ret_why. Then nothing is kept. */
#ifndef TOGUNA_CLIENT_NODE_DRAFT_H
#define TOGUNA_CLIENT_NODE_DRAFT_H

#include "client/local.h"
#include "client/node/core.h"

/* Stages of LAudienceLine beyond those of a decision. */
enum { DRAFT_NO_NODE = 8, DRAFT_NO_KEY = 9 };

/* Who would be able to read it, and who would not and why; in the arena, for every member that a release list names: those
   that get something first, each group by code. An audience of nobody is an answer, not an error. TG_BAD_INPUT, TG_NOT_FOUND
   (an unknown name), TG_EXPIRED, TG_TOO_BIG, TG_REFUSED (we are no member, or may not send), TG_BUSY (no charter yet). */
enum tg_err draft_preview(struct node_core *core, const Tg__LDraft *wish, struct arena *arena, Tg__LAudience **ret,
                          enum tg_err *ret_verdict, struct tg_why *ret_why);

struct draft;

/* Begins one: its content must follow. Refused besides: an audience of nobody, for any portion; obligations unmet; no room on the
   disk. The wish is copied. */
enum tg_err draft_begin(struct node_core *core, const Tg__LDraft *wish, struct draft **ret, enum tg_err *ret_verdict,
                        struct tg_why *ret_why);
/* The next content of a portion; portions in order, every one exactly as long as the wish says. After any verdict but TG_OK the
   draft is good for nothing but draft_abort(). */
enum tg_err draft_put(struct node_core *core, struct draft *d, uint32_t portion, struct slice content,
                      enum tg_err *ret_verdict, struct tg_why *ret_why);

struct draft_done {
  struct hash id;
  uint64_t number;
  Tg__LAudience *audience; /* in core->arena: of this event */
};
/* Decides again, seals, numbers, hands it to the outbox: it is spooled when this turn is on the disk. Takes the draft, whatever
   the verdict. */
enum tg_err draft_finish(struct node_core *core, struct draft **d, struct draft_done *ret, enum tg_err *ret_verdict,
                         struct tg_why *ret_why);
/* All of this at once, for content that came with the wish: contents[i] is that of portion i, exactly as long as the wish says (asserted).
   with_audience: fill ret->audience. */
enum tg_err draft_publish(struct node_core *core, const Tg__LDraft *wish, const struct slice *contents, bool with_audience,
                          struct draft_done *ret, enum tg_err *ret_verdict, struct tg_why *ret_why);
/* Forgets it and what it put into the store. NULL is fine. */
enum tg_err draft_abort(struct node_core *core, struct draft **d);
/* Frees it without touching the store: what it put there goes at the next start. For desk_free(). */
void draft_free(struct draft *d);

#endif
