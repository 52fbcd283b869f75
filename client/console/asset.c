#include "client/console/asset.h"

#include <string.h>

const struct asset *asset_find(struct slice name)
{
  for (size_t i = 0; i < ASSET_COUNT; i++)
    if (slice_is(name, ASSETS[i].name))
      return &ASSETS[i];
  return NULL;
}

const char *asset_type(const struct asset *asset)
{
  static const char *const types[][2] = {{".html", "text/html; charset=utf-8"},
                                         {".css", "text/css; charset=utf-8"},
                                         {".js", "text/javascript; charset=utf-8"}};
  const char *end = strrchr(asset->name, '.');
  for (size_t i = 0; end && i < sizeof types / sizeof *types; i++)
    if (!strcmp(end, types[i][0]))
      return types[i][1];
  return NULL;
}
