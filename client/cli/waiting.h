/* Bulletins that wait for approvals, as the node tells of them. What officers sign is read from the very bytes that they sign, and the
   markings and release lists are those that these bytes commit to; so is the content, once waiting_open() has opened it. The node
   is not believed. */
#ifndef TOGUNA_CLI_WAITING_H
#define TOGUNA_CLI_WAITING_H

#include "client/cli/bulletin.h"
#include "client/cli/reach.h"
#include "proto/body.h"
#include "proto/hash.h"
#include "proto/subject.h"

struct waiting_portion {
  struct body_seal seal;            /* as signed */
  struct toguna_portion_info *info; /* item->portions[i]; title, type, name and size as the node says, until it is opened */
  bool opened;
  uint8_t digest[32]; /* SHA-256 of its content */
};

struct waiting_draft {
  struct subject subject;         /* its hash is the draft's id */
  const struct toguna_item *item; /* the same as people see it; without portions once it has ended */
  const char *state;              /* "waiting", "sent", "denied", "expired" */
  unsigned demanded, lacking;
  const json_t *json;             /* the node's answer, borrowed */
  size_t portions;
  struct waiting_portion *portion;
};

/* What waits, or, with a prefix, what begins with it, ended or not. *ret_n drafts in the arena; *ret_json holds what they point into:
   the caller lets go of it. TG_BAD_PROOF: the node shows something else than what would be signed. */
enum tg_err waiting_ask(struct call *call, struct toguna *node, const char *prefix, struct arena *arena,
                        const struct waiting_draft **ret, size_t *ret_n, json_t **ret_json, struct tg_why *why);
/* The one that begins with prefix. TG_NOT_FOUND, TG_CONFLICT. */
enum tg_err waiting_find(struct call *call, struct toguna *node, const char *prefix, struct arena *arena,
                         const struct waiting_draft **ret, json_t **ret_json, struct tg_why *why);

/* Opens the sealed bytes of one portion here, under the root and the key that are signed, and puts what its own head says into info. on_data
   (may be NULL) gets its content: not to be trusted before TG_OK. TG_BAD_PROOF: the node has other bytes than those to be signed. */
enum tg_err waiting_open(struct call *call, struct toguna *node, const struct waiting_draft *d, size_t portion, struct arena *arena,
                         toguna_on_data *on_data, void *context, struct tg_why *why);

/* A table; who is missing, in sentences; all of it as JSON. */
void waiting_table(const struct waiting_draft *list, size_t n);
void waiting_missing(const struct waiting_draft *d);
json_t *waiting_json(const struct waiting_draft *d);

#endif
