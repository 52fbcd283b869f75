/* A whole exchange in memory for tests: charter, keys, credentials and policies of a few states, all properly signed. Nothing here touches a
   disk or asks the time; whoever wants the same exchange twice seeds libsodium first. Any failure ends the process: a test cannot
   go on without its exchange. */
#ifndef TOGUNA_TESTS_KIT_EXCHANGE_H
#define TOGUNA_TESTS_KIT_EXCHANGE_H

#include "keys/charter.h"
#include "keys/credential.h"
#include "keys/secret.h"

enum { KIT_MEMBERS = 6, KIT_NODES_PER_MEMBER = 2 };

/* One of a member's nodes with everything it holds. */
struct kit_node {
  char name[HOLDER_MAX + 1]; /* "ML/ops/n1" */
  struct secret_key *identity, *transport, *witness;
  struct buf credential; /* note */
};

struct kit_member {
  struct country code;
  struct secret_key *root, *officer[2];     /* officers with role policy */
  struct buf officer_credential[2];         /* notes */
  struct buf policy;                        /* note; serial `policy_serial` */
  uint64_t policy_serial;
  size_t n_nodes;
  struct kit_node node[KIT_NODES_PER_MEMBER];
};

/* Members are ML BF NE SN NG TD, in this order; blocs AES (ML BF NE) and ECOWAS (SN NG). */
struct kit {
  tg_time start;   /* everything is effective from here */
  struct hash exchange;
  struct secret_key *hub_transport, *hub_log;
  struct buf charter; /* note, version 1 */
  size_t n_members;
  struct kit_member member[KIT_MEMBERS];
};

/* An exchange of the first n members (2..6), one node each, hub "hub1" in SN; every policy lets everything pass between members up to
   SECRET. `tune` may change the charter before it is signed; NULL. */
struct kit *kit_new(size_t n, tg_time start, void (*tune)(struct charter *));
/* To be given as tune: a checkpoint is settled when the nodes of two members have cosigned it. */
void kit_two_cosign(struct charter *c);
void kit_free(struct kit *k);

/* Gives member m a further node, "CC/ops/n2"; it receives too. */
struct kit_node *kit_add_node(struct kit *k, size_t m);
/* The same of another agency than ops. */
struct kit_node *kit_add_node_of(struct kit *k, size_t member, const char *agency);
/* A node in place of member m's first, with keys of its own, under its name or another; nobody knows its credential yet. The caller frees it. */
void kit_replace_node(const struct kit *k, size_t m, const char *name, struct kit_node *ret);
void kit_node_free(struct kit_node *node);
/* Replaces member m's policy note by one with these rules (lines after the head), the next serial, effective at `effective`, signed by the first
   n_officers officers. */
void kit_policy(struct kit *k, size_t m, const char *rules, tg_time effective, size_t n_officers);
/* Such a note with this serial; the kit stays as it is. */
struct buf kit_policy_note(const struct kit *k, size_t m, uint64_t serial, const char *rules, tg_time effective, size_t n_officers);
/* A further officer of member m ("ML/release-1"); the caller frees both. ret_note: its credential, which nobody knows yet. */
struct secret_key *kit_officer(const struct kit *k, size_t m, const char *holder, enum role role, struct buf *ret_note);
/* Member m has another root from now on: for charters made and whatever is signed after this. */
void kit_replace_root(struct kit *k, size_t m);
/* Its first or second officer's key, vouched for once more, under the next serial, by the root of now. A note. */
struct buf kit_vouch_again(const struct kit *k, size_t m, size_t officer);
/* A note by which member m's root revokes this node's key; or any key of the member's. */
struct buf kit_revoke(struct kit *k, size_t m, const struct kit_node *node, tg_time now);
struct buf kit_revoke_key(const struct kit *k, size_t m, const struct sign_pk *key, tg_time now);

/* A note by which member m leaves this version of the charter. */
struct buf kit_withdrawal(const struct kit *k, size_t m, uint64_t charter, tg_time effective);

/* Version 2 of the charter, changed by tune, effective then, signed by everybody. A note. */
struct buf kit_next_charter(const struct kit *k, tg_time effective, void (*tune)(struct charter *));
/* The same, version 3, behind that one. */
struct buf kit_charter_after(const struct kit *k, struct slice before, tg_time effective, void (*tune)(struct charter *));
/* Keys of a further hub; the caller frees them. And version 2 of the charter that names it in place of hub1, signed by everybody. A note. */
void kit_hub_keys(const char *name, struct secret_key **ret_transport, struct secret_key **ret_log);
struct buf kit_charter_naming(const struct kit *k, tg_time effective, const char *hub, const struct secret_key *transport,
                              const struct secret_key *log);
/* The same, that names it beside hub1. */
struct buf kit_charter_adding(const struct kit *k, tg_time effective, const char *hub, const struct secret_key *transport,
                              const struct secret_key *log);

/* Calls f for every document that founds the exchange, in an order in which they can be taken in. */
void kit_each_document(const struct kit *k, void (*f)(void *context, struct slice note), void *context);

#endif
