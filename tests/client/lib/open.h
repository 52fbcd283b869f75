/* A connection of libtoguna to the node that a test scripts. */
#ifndef TOGUNA_TESTS_CLIENT_LIB_OPEN_H
#define TOGUNA_TESTS_CLIENT_LIB_OPEN_H

#include "client/lib/toguna.h"
#include "tests/client/fake_node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static inline struct toguna *open_to(struct fake *f)
{
  struct toguna *node = NULL;
  struct toguna_error error;
  if (toguna_open(fake_path(f), "test", &node, &error) != TOGUNA_OK)
    fail_msg("%s", error.text);
  return node;
}

#endif
