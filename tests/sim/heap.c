#include "tests/sim/heap.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Blocks have 2^class bytes, their head included, and go back to their class for ever. */
enum { CLASS_MIN = 5, CLASSES = 31 };
struct block {
  struct block *next; /* while free */
  unsigned class;
  _Alignas(max_align_t) unsigned char bytes[];
};
static struct block *spare[CLASSES];

static unsigned class_for(size_t n)
{
  const unsigned bits = 64 - (unsigned)__builtin_clzll((unsigned long long)(n + sizeof(struct block) - 1));
  return bits < CLASS_MIN ? CLASS_MIN : bits < CLASSES - 1 ? bits : CLASSES - 1;
}

static struct block *block_of(void *p)
{
  return (struct block *)(void *)((unsigned char *)p - offsetof(struct block, bytes));
}

static int room_of(void *p)
{
  return p ? (int)(((size_t)1 << block_of(p)->class) - sizeof(struct block)) : 0;
}

static int round_up(int n)
{
  return (int)(((size_t)1 << class_for((size_t)n)) - sizeof(struct block));
}

static bool (*fails)(void);
static void *(*grow)(size_t) = malloc;

static void *take(int n)
{
  if (fails && fails())
    return NULL;
  unsigned class = class_for((size_t)n);
  struct block *b = spare[class];
  if (b)
    spare[class] = b->next;
  else if (!(b = grow((size_t)1 << class)))
    return NULL;
  b->class = class;
  return b->bytes;
}

static void give(void *p)
{
  struct block *b = block_of(p);
  b->next = spare[b->class];
  spare[b->class] = b;
}

static void *change(void *p, int n)
{
  if (n <= room_of(p))
    return p;
  void *wider = take(n);
  if (wider) {
    memcpy(wider, p, (size_t)room_of(p));
    give(p);
  }
  return wider;
}

static int begin(void *context)
{
  (void)context;
  return SQLITE_OK;
}
static void end(void *context)
{
  (void)context;
}

void heap_fails_when(bool (*f)(void), void *(*source)(size_t))
{
  fails = f;
  grow = source;
}

void heap_serves_sqlite(void)
{
  static sqlite3_mem_methods methods = {take, give, change, room_of, round_up, begin, end, NULL};
  if (sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK ||
      sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) != SQLITE_OK ||
      sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) != SQLITE_OK)
    abort(); /* SQLite was used before */
}
