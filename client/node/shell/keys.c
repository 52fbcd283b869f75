#include "client/node/shell/keys.h"

#include "keys/keyfile.h"
#include "os/file.h"
#include "os/secret.h"
#include "os/speak.h"

#include <unistd.h>

void node_keys_free(struct node_keys *k)
{
  secret_key_free(k->node);
  secret_key_free(k->transport);
  secret_key_free(k->witness);
  *k = (struct node_keys){0};
}

static enum tg_err open_one(const char *path, enum key_kind kind, struct slice pass, struct secret_key **ret,
                            struct tg_why *why)
{
  struct buf bytes = buf_new(KEYFILE_BYTES_MAX);
  struct secret_key *key = NULL;
  enum tg_err err = file_read_private(path, KEYFILE_BYTES_MAX, &bytes, why);
  if (err == TG_OK)
    err = keyfile_open(buf_slice(&bytes), path, pass, &key, why);
  buf_free(&bytes);
  if (err == TG_OK && secret_key_kind(key) != kind) {
    err = why_set(why, TG_BAD_INPUT, path, N_("this is a key of kind %1$s, not %2$s"),
                  N_("name the right file"), key_kind_name(secret_key_kind(key)), key_kind_name(kind), NULL);
    secret_key_free(key);
  }
  if (err == TG_OK)
    *ret = key;
  return err;
}

enum tg_err node_keys_open(const struct settings *s, struct node_keys *ret, struct tg_why *why)
{
  struct secret *pass = NULL;
  struct node_keys keys = {0};
  enum tg_err err = secret_find(s->passphrase_file, tr(N_("Passphrase of the node's keys: ")), &pass, why);
  if (err == TG_OK)
    err = open_one(s->node_key, KEY_NODE, secret_slice(pass), &keys.node, why);
  if (err == TG_OK)
    err = open_one(s->transport_key, KEY_TRANSPORT, secret_slice(pass), &keys.transport, why);
  if (err == TG_OK && access(s->witness_key, F_OK) == 0)
    err = open_one(s->witness_key, KEY_WITNESS, secret_slice(pass), &keys.witness, why);
  secret_free(&pass);
  if (err == TG_OK)
    *ret = keys;
  else
    node_keys_free(&keys);
  return err;
}
