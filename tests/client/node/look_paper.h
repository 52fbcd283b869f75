/* Signed documents in an exchange of whole nodes: what a node knows of one, and proves of its entry in the log. */
#ifndef TOGUNA_TESTS_CLIENT_NODE_LOOK_PAPER_H
#define TOGUNA_TESTS_CLIENT_NODE_LOOK_PAPER_H

#include "keys/note.h"
#include "tests/client/node/world.h"

#include <jansson.h>

#define LOOK_PAPER_ALLOW "export allow ** to * up-to SECRET\nimport allow ** from * up-to SECRET\n"

/* The key of the hub's log. */
struct note_key look_paper_log(const struct world *w);
/* Of a document as it was signed. */
struct hash look_paper_hash(struct slice bytes);
/* ML has a new policy, which no longer lets anything go to BF; or, if it is hidden, says so to the hub alone. */
struct hash look_paper_policy(struct world *w, bool hidden);
bool look_paper_is_known(struct world *w, size_t member, const struct hash *document);
/* What a program at this node is answered; NULL: it is refused. argument and more may be NULL. For json_decref(). */
json_t *look_paper_asked(struct world *w, size_t member, const char *what, const char *argument, const char *more);
/* Does the node prove that this document of this member, with this serial, was logged? To whoever knows the log's key and nothing else. */
bool look_paper_is_proved(struct world *w, size_t member, const char *asked, const struct hash *document, const char *code, uint64_t serial);
/* The same of ML's policy. */
bool look_paper_policy_is_proved(struct world *w, size_t member, const struct hash *policy);
/* Entries that were ever kept, that are, and documents. */
struct look_paper_kept {
  uint64_t ever, now, documents;
};
struct look_paper_kept look_paper_kept(struct world *w, size_t member);

#endif
