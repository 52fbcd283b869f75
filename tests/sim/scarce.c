/* The cores' calls of malloc() come here (--wrap in CMakeLists.txt), and SQLite's by heap.c. Libraries are as they are. */
#include "tests/sim/scarce.h"

#include <stddef.h>

static bool on;
static uint64_t until;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

void scarce_begin(uint64_t *left)
{
  until = *left;
  on = until > 0;
}

enum tg_err scarce_end(uint64_t *left, enum tg_err err)
{
  if (*left > 0)
    *left = until;
  on = false;
  return err;
}

void scarce_rest(void)
{
  on = false;
}

bool scarce_fails(void)
{
  if (!on || until == 0)
    return false;
  return --until == 0;
}

void *scarce_never(size_t n)
{
  return __real_malloc(n);
}

void *__wrap_malloc(size_t n)
{
  return scarce_fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
  return scarce_fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
  return scarce_fails() ? NULL : __real_realloc(p, n);
}
