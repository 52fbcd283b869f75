/* Credentials and revocations: whose keys count. */
#include "keys/directory_state.h"
#include "proto/hash.h"

#include <stdlib.h>
#include <string.h>

/* --- credentials --- */

static struct record *record_named(const struct directory *d, const struct holder *holder)
{
  struct hash key = name_key(holder);
  return table_find(&d->by_name, key.b);
}

struct hash revoked_key(struct country member, const struct hash *credential, const struct sign_pk *key)
{
  struct hash_state state;
  hash_begin(&state, credential ? "revoked credential" : "revoked key");
  hash_put(&state, member.code, 2);
  hash_put(&state, credential ? credential->b : key->b, 32);
  return hash_end(&state);
}

static enum tg_err check_revoked(const struct directory *d, const struct intake *in)
{
  const struct credential *c = &in->credential;
  struct hash by_hash = revoked_key(c->holder.member, &in->news.hash, NULL);
  struct hash by_key = revoked_key(c->holder.member, NULL, &c->identity);
  if (!table_find(&d->revoked, by_hash.b) && !table_find(&d->revoked, by_key.b))
    return TG_OK;
  return intake_error(in, TG_REVOKED, N_("this credential, or its key, was revoked"),
                      N_("make a new key and issue a credential for it"), NULL, NULL);
}

/* Newer than what its name has now? */
static enum tg_err check_serial(const struct directory *d, const struct intake *in)
{
  char name[HOLDER_MAX + 1];
  const struct record *r = record_named(d, &in->credential.holder);
  holder_print(&in->credential.holder, name);
  if (!r || r->node.credential.serial < in->credential.serial)
    return TG_OK;
  if (r->node.credential.serial == in->credential.serial)
    return intake_error(in, TG_CONFLICT, N_("there are two credentials of %1$s with one serial, both signed"),
                        N_("issue it again with a higher serial"), name, NULL);
  return intake_error(in, TG_STALE, N_("a newer credential of %1$s is known"),
                      N_("issue it again with a higher serial"), name, NULL);
}

static enum tg_err key_taken(const struct intake *in, const struct holder *owner)
{
  char name[HOLDER_MAX + 1];
  holder_print(owner, name);
  return intake_error(in, TG_CONFLICT, N_("a key in this credential belongs to %1$s already"),
                      N_("every holder has its own keys; make new ones"), name, NULL);
}

/* Its keys are nobody else's: no other holder's, no root, no hub's. */
static enum tg_err check_keys(const struct directory *d, const struct intake *in)
{
  const struct credential *c = &in->credential;
  const struct record *same_name = record_named(d, &c->holder);
  const struct record *same_key = table_find(&d->by_identity, c->identity.b);
  const struct record *same_wire = c->role == ROLE_NODE ? table_find(&d->by_transport, c->transport.b) : NULL;
  const struct charter *charter = directory_newest_charter(d);
  if (same_key && same_key != same_name)
    return key_taken(in, &same_key->node.credential.holder);
  if (same_wire && same_wire != same_name)
    return key_taken(in, &same_wire->node.credential.holder);
  if (same_key && same_key->node.credential.role != c->role)
    return intake_error(in, TG_BAD_INPUT, N_("this key was vouched for in the role %1$s"),
                        N_("a key serves one purpose; make a new one"),
                        role_name(same_key->node.credential.role), NULL);
  for (size_t i = 0; i < charter->n_members; i++)
    if (sign_pk_eq(&c->identity, &charter->member[i].root.pk) ||
        sign_pk_eq(&c->witness, &charter->member[i].root.pk))
      return intake_error(in, TG_BAD_INPUT, N_("a key in this credential is the root of %1$s"),
                          N_("a key serves one purpose; make a new one"), charter->member[i].code.code, NULL);
  for (size_t i = 0; i < charter->n_hubs; i++)
    if (sign_pk_eq(&c->identity, &charter->hub[i].log.pk) ||
        seal_pk_eq(&c->transport, &charter->hub[i].transport))
      return intake_error(in, TG_BAD_INPUT, N_("a key in this credential is that of the hub %1$s"),
                          N_("a key serves one purpose; make a new one"), charter->hub[i].name, NULL);
  return TG_OK;
}

/* One member cannot fill the tables of all. */
static enum tg_err check_room(const struct directory *d, const struct intake *in,
                              const struct member_state *state)
{
  size_t living = 0;
  const struct record *replaced = record_named(d, &in->credential.holder);
  for (size_t i = 0; i < state->records.n; i++) {
    const struct record *r = state->records.at[i];
    living += r != replaced && !r->node.revoked && r->node.credential.not_after >= in->now;
  }
  if (living < charter_record_judging(d, in->now)->charter->limits.credentials &&
      state->n_credentials < CREDENTIALS_MAX)
    return TG_OK;
  return intake_error(in, TG_QUOTA, N_("%1$s has as many credentials as the charter allows"),
                      N_("revoke those that are not needed, or raise the limit 'credentials'"),
                      state->code.code, NULL);
}

/* The sealing keys of another key that had this name. Who knows this credential first, as the machine does that it was issued for, takes the
   earlier one for stale, and would find nobody who vouches for them. */
static struct hash keys_of_former(const struct directory *d, const struct credential *c)
{
  const struct record *former = record_named(d, &c->holder);
  const bool has = former && former->sealing_item && !sign_pk_eq(&former->node.credential.identity, &c->identity);
  return has ? former->sealing_item->is.hash : (struct hash){{0}};
}

enum tg_err take_credential_check(const struct directory *d, struct intake *in)
{
  struct credential *c = &in->credential;
  struct member_state *state;
  enum tg_err err = intake_note(in);
  if (!err)
    err = credential_parse(in->note.text, document_kind_name(in->kind), c, in->why);
  if (err)
    return err;
  in->news.member = c->holder.member;
  in->news.serial = c->serial;
  err = intake_exchange(d, in, c->exchange);
  err = err ? err : intake_member(d, in, c->holder.member, &state);
  err = err ? err : intake_new(d, in);
  err = err ? err : intake_root(d, in, c->holder.member);
  err = err ? err : check_revoked(d, in);
  err = err ? err : check_serial(d, in);
  err = err ? err : check_keys(d, in);
  err = err ? err : check_room(d, in, state);
  if (!err && in->how == DIRECTORY_FRESH && c->not_after < in->now)
    err = intake_error(in, TG_EXPIRED, N_("this credential has expired already"),
                       N_("issue it with later dates"), NULL, NULL);
  if (!err)
    in->news.superseded = keys_of_former(d, c);
  return err;
}

/* What the credential says, into the record. */
static void record_fill(struct record *r, const struct directory *d, const struct intake *in)
{
  r->node.credential = in->credential;
  r->node.hash = in->news.hash;
  r->node.member = (unsigned)directory_member_index(d, in->credential.holder.member);
  r->node.revoked = false;
  r->node.revoked_at = 0;
  memcpy(r->root, in->root, sizeof r->root);
}

/* A record that is no longer the newest of its name: found by its identity only, and then it is not good. */
static void record_retire(struct directory *d, struct record *r, tg_time now)
{
  table_remove(&d->by_name, &r->by_name);
  table_remove(&d->by_transport, &r->by_transport);
  item_drop(d, r->sealing_item);
  free(r->sealing);
  r->sealing_item = NULL;
  r->sealing = NULL;
  if (!r->node.revoked)
    r->node.revoked_at = now;
  r->node.revoked = true;
}

static void record_index(struct directory *d, struct record *r)
{
  const struct credential *c = &r->node.credential;
  struct hash name = name_key(&c->holder);
  if (!r->by_name.thing)
    table_put(&d->by_name, &r->by_name, name.b, r);
  if (c->role == ROLE_NODE)
    table_put(&d->by_transport, &r->by_transport, c->transport.b, r);
}

static enum tg_err take_new_record(struct directory *d, const struct intake *in, struct record **ret)
{
  struct member_state *state = d->member[directory_member_index(d, in->credential.holder.member)];
  struct list *all = in->credential.role == ROLE_NODE ? &d->nodes : &d->officers;
  struct record *before = record_named(d, &in->credential.holder);
  struct record *r = list_reserve(&state->records) || list_reserve(all) ? NULL : calloc(1, sizeof *r);
  if (!r)
    return TG_NO_MEMORY;
  if (before)
    record_retire(d, before, in->now);
  record_fill(r, d, in);
  table_put(&d->by_identity, &r->by_identity, in->credential.identity.b, r);
  record_index(d, r);
  list_push(&state->records, r);
  list_push(all, r);
  *ret = r;
  return TG_OK;
}

static void take_same_record(struct directory *d, const struct intake *in, struct record *r)
{
  table_remove(&d->by_transport, &r->by_transport);
  record_fill(r, d, in);
  record_index(d, r);
}

/* Earlier credentials stay among the items: what was signed under them could not be verified by newcomers otherwise. */
enum tg_err take_credential(struct directory *d, struct intake *in)
{
  struct record *r = table_find(&d->by_identity, in->credential.identity.b);
  struct item *item = item_prepare(d, in);
  enum tg_err err = item ? TG_OK : TG_NO_MEMORY;
  if (!err && r)
    take_same_record(d, in, r);
  else if (!err)
    err = take_new_record(d, in, &r);
  if (err) {
    free(item);
    return err;
  }
  d->member[r->node.member]->n_credentials++;
  item->record = r;
  item_commit(d, item);
  return TG_OK;
}

/* --- revocations --- */

static struct hash target_key(const struct revocation *r)
{
  return revoked_key(r->member, r->by_key ? NULL : &r->credential, &r->key);
}

/* By the member's root alone, or by the quorum of the charter. */
static enum tg_err check_authority(const struct directory *d, struct intake *in)
{
  bool signed_by[MEMBERS_MAX], left[MEMBERS_MAX];
  const struct charter_record *c = charter_record_judging(d, in->now);
  struct tg_why *why = in->why, lost;
  in->why = &lost;
  const enum tg_err by_root = intake_root(d, in, in->revocation.member);
  enum tg_err err = by_root;
  in->why = why;
  if (!err)
    return TG_OK;
  charter_left(d, c, in->now, left);
  if (err != TG_NO_MEMORY)
    err = charter_signers(c->charter, &in->note, signed_by, NULL);
  if (err == TG_NO_MEMORY) /* says nothing of who signed */
    return intake_error(in, err, N_("out of memory"), NULL, NULL, NULL);
  if (!err && !charter_quorum(c->charter, &c->charter->quorum, signed_by, left, NULL))
    return TG_OK;
  if (by_root == TG_REVOKED) { /* a root of another time says so for itself */
    if (why)
      *why = lost;
    return TG_REVOKED;
  }
  return intake_error(in, TG_BAD_SIGNATURE,
                      N_("neither the root key of %1$s nor the quorum has signed this revocation"),
                      N_("sign the text with the member's root key, or collect the quorum's signatures"),
                      in->revocation.member.code, NULL);
}

enum tg_err take_revocation_check(const struct directory *d, struct intake *in)
{
  struct revocation *r = &in->revocation;
  struct member_state *state;
  enum tg_err err = intake_note(in);
  if (!err)
    err = revocation_parse(in->note.text, document_kind_name(in->kind), r, in->why);
  if (err)
    return err;
  in->news.member = r->member;
  in->news.serial = r->serial;
  err = intake_exchange(d, in, r->exchange);
  err = err ? err : intake_member(d, in, r->member, &state);
  err = err ? err : intake_new(d, in);
  err = err ? err : check_authority(d, in);
  if (err)
    return err;
  struct hash key = target_key(r);
  if (table_find(&d->revoked, key.b))
    return intake_error(in, TG_DUPLICATE, N_("this was revoked already"), NULL, NULL, NULL);
  if (state->n_revocations == DIRECTORY_REVOCATIONS_MAX)
    return intake_error(in, TG_QUOTA, N_("%1$s has more revocations than can be kept"),
                        N_("change its root key in the charter: that ends all its credentials"),
                        state->code.code, NULL);
  return TG_OK;
}

/* Whom it hits among those known, if anybody. A credential that a newer one has replaced hits nobody. */
static struct record *target(const struct directory *d, const struct revocation *r)
{
  const struct item *item = r->by_key ? NULL : table_find(&d->by_hash, r->credential.b);
  struct record *hit = r->by_key ? table_find(&d->by_identity, r->key.b) : item ? item->record : NULL;
  if (!hit || !country_eq(hit->node.credential.holder.member, r->member))
    return NULL;
  return r->by_key || hash_eq(&hit->node.hash, &r->credential) ? hit : NULL;
}

enum tg_err take_revocation(struct directory *d, struct intake *in)
{
  struct revocation_record *record = calloc(1, sizeof *record);
  struct item *item = record && !list_reserve(&d->revocations) ? item_prepare(d, in) : NULL;
  if (!item) {
    free(record);
    return TG_NO_MEMORY;
  }
  struct hash key = target_key(&in->revocation);
  struct record *hit = target(d, &in->revocation);
  if (hit && !hit->node.revoked) {
    hit->node.revoked = true;
    hit->node.revoked_at = in->now;
  }
  table_put(&d->revoked, &record->by_what, key.b, record);
  list_push(&d->revocations, record);
  d->member[directory_member_index(d, in->revocation.member)]->n_revocations++;
  item_commit(d, item);
  return TG_OK;
}
