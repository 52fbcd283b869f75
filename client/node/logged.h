/* The entries of a hub's log that say that a document was accepted, as the hub opened them to us: a node takes in no document from a hub that does not
   show its entry, and can prove to others what it was shown. One is kept for each log in which the document stands, as long as the document is. */
#ifndef TOGUNA_CLIENT_NODE_LOGGED_H
#define TOGUNA_CLIENT_NODE_LOGGED_H

#include "audit/opening.h"
#include "audit/reason.h"
#include "client/node/core.h"

/* Is this the entry by which the hub accepted (REASON_NONE) or refused this document, under the newest checkpoint? news: what is known of the document; NULL:
   nothing beyond its hash. Errors of watch_entry(); TG_BAD_PROOF also when the entry is about something else. */
enum tg_err logged_check(struct node_core *core, const struct opening *opening, const struct hash *document, enum reason reason,
                         const struct directory_news *news, struct tg_why *why);

/* Keeps one that was verified in this turn under the newest checkpoint, of a document that is kept; what is kept already stays. Of one that says what another
   has said before nothing is: of those there may be any number. */
enum tg_err logged_keep(struct node_core *core, const struct hash *document, const struct opening *opening);
/* The document is forgotten: a newer one made it useless. */
enum tg_err logged_forget(struct node_core *core, const struct hash *document);

/* One with its document; all in the arena. */
struct logged_row {
  uint64_t place, size; /* size: of the checkpoint that its path leads to */
  struct hash document;
  enum document_kind kind;
  struct slice content, proof; /* proof: of sealing keys, encoded */
  struct opening opening;
};
/* The first of the log that is watched now with a larger place. TG_NOT_FOUND. */
enum tg_err logged_after(struct node_core *core, uint64_t place, struct arena *arena, struct logged_row *ret);
/* Of this document in this log. TG_NOT_FOUND. */
enum tg_err logged_of(struct node_core *core, const char *log, const struct hash *document, struct arena *arena, struct logged_row *ret);
/* The document whose entry stands there, in whichever log it was seen last. TG_NOT_FOUND. */
enum tg_err logged_at(struct node_core *core, uint64_t leaf, struct hash *ret);

#endif
