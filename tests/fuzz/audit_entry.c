/* Entries and rulings: what parses is written again byte for byte. */
#include "audit/entry.h"
#include "audit/ruling.h"

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

static void entry(struct slice bytes)
{
  struct entry e;
  struct buf again = buf_new(LIMIT_ENTRY);
  /* A reason that this version does not know is read, but never written. */
  if (entry_parse(bytes, &e, NULL) == TG_OK && reason_known(e.reason))
    assert(entry_build(&e, &again, NULL) == TG_OK && slice_eq(bytes, buf_slice(&again)));
  buf_free(&again);
}

static void ruling(struct slice bytes)
{
  struct ruling r;
  struct arena *arena = arena_new(8 * LIMIT_DECISION);
  struct buf again = buf_new(LIMIT_DECISION);
  if (ruling_parse(bytes, arena, &r, NULL) == TG_OK)
    assert(ruling_build(&r, &again, NULL) == TG_OK && slice_eq(bytes, buf_slice(&again)));
  buf_free(&again);
  arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  entry(slice_of(data, size));
  ruling(slice_of(data, size));
  return 0;
}
