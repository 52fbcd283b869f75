#include "proto/locked.h"

#include <sodium.h>

/* What lies on a shelf is nobody's: the sanitizer is told, for such pages are never unmapped. */
#if defined(__SANITIZE_ADDRESS__)
#define WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WATCHED 1
#endif
#endif
#ifdef WATCHED
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

void *locked_take(struct locked_shelf *shelf)
{
  for (size_t i = 0; i < LOCKED_KEPT; i++) {
    void *p = atomic_load_explicit(&shelf->kept[i], memory_order_relaxed);
    if (p && atomic_compare_exchange_strong(&shelf->kept[i], &p, NULL)) {
      ASAN_UNPOISON_MEMORY_REGION(p, shelf->size);
      return p;
    }
  }
  void *p = sodium_malloc(shelf->size);
  if (p)
    sodium_memzero(p, shelf->size); /* libsodium fills it with garbage, to show who relies on zeros */
  return p;
}

void locked_give(struct locked_shelf *shelf, void *p)
{
  if (!p)
    return;
  sodium_memzero(p, shelf->size);
  ASAN_POISON_MEMORY_REGION(p, shelf->size);
  for (size_t i = 0; i < LOCKED_KEPT; i++) {
    void *none = NULL;
    if (atomic_compare_exchange_strong(&shelf->kept[i], &none, p))
      return;
  }
  ASAN_UNPOISON_MEMORY_REGION(p, shelf->size);
  sodium_free(p);
}
