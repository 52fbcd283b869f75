#include "broker/keys.h"

#include "os/file.h"

enum tg_err keys_open(const char *path, enum key_kind kind, struct slice passphrase, struct secret_key **ret,
                      struct tg_why *why)
{
  struct buf bytes = buf_new(KEYFILE_BYTES_MAX);
  struct keyfile_head head;
  enum tg_err err = file_read_private(path, KEYFILE_BYTES_MAX, &bytes, why);
  if (err == TG_OK)
    err = keyfile_peek(buf_slice(&bytes), path, &head, why);
  /* Before the passphrase is tried: that takes long, and would not help. */
  if (err == TG_OK && head.kind != kind)
    err = why_set(why, TG_BAD_INPUT, path, N_("this file holds a key of kind %1$s, not %2$s"),
                  N_("Name the right file in the configuration"), key_kind_name(head.kind),
                  key_kind_name(kind), NULL);
  if (err == TG_OK)
    err = keyfile_open(buf_slice(&bytes), path, passphrase, ret, why);
  buf_free(&bytes);
  return err;
}
