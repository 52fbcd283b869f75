/* Key files up to the point where a passphrase would be worked on, and stored sealing keys. */
#include "keys/keyfile.h"
#include "keys/keyring.h"
#include "keys/sealing.h"

#include <assert.h>
#include <sodium.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc;
  (void)argv;
  return sodium_init() < 0 ? -1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const uint8_t storage[32] = {1};
  struct slice bytes = slice_of(data, size);
  struct keyfile_head head;
  struct keyring *ring;
  struct sealing_keys keys;
  struct tg_why why;
  if (!keyfile_peek(bytes, "key", &head, &why))
    assert(head.cost.passes <= 16 && head.cost.memory <= UINT64_C(1) << 30);
  if (!keyring_open(bytes, storage, &ring))
    keyring_free(ring);
  if (!sealing_keys_parse(bytes, &keys, &why)) {
    struct buf out = buf_new(1 << 17);
    assert(sealing_keys_print(&keys, &out) == TG_OK && slice_eq(buf_slice(&out), bytes));
    buf_free(&out);
  }
  return 0;
}
