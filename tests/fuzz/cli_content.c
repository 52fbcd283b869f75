/* Any content that a person publishes: its type is one of those we know. */
#include "client/cli/content.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const char *const types[] = {"application/stix+json;version=2.1", "application/json",
                                      "application/cap+xml", "text/plain; charset=utf-8",
                                      "application/octet-stream"};
  const char *type = content_type_of(slice_of(data, size), size % 2);
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (!strcmp(type, types[i]))
      return 0;
  abort();
}
