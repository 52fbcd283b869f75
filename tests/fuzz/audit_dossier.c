/* Any bytes as a file of dossiers: taken or refused, and never read beyond. */
#include "audit/dossier.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
  struct arena *arena = arena_new(4 * DOSSIER_MAX);
  struct dossier d;
  struct receipt receipt;
  struct dossier_bulletin *b;
  struct entry e;
  for (struct slice rest = slice_of(data, n); arena && dossier_take(&rest, &d) == TG_OK;) {
    struct hash leaf = entry_leaf(d.salt, d.paper[DOSSIER_ENTRY]);
    arena_reset(arena);
    (void)dossier_check(&d, &leaf, arena, &e, NULL);
    arena_reset(arena);
    (void)dossier_bulletin(&d, arena, &b, NULL);
    for (struct slice r = dossier_receipts(&d); dossier_receipt_next(&d, &r, arena, &receipt) == TG_OK;)
      continue;
  }
  arena_free(arena);
  return 0;
}
