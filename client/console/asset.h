/* The files of the page, put into the program at build. */
#ifndef TOGUNA_CONSOLE_ASSET_H
#define TOGUNA_CONSOLE_ASSET_H

#include "proto/base.h"

struct asset {
  const char *name; /* "main.js", "vendor/uPlot.js" */
  const uint8_t *bytes;
  size_t n;
};
/* In the generated asset_table.c. */
extern const struct asset ASSETS[];
extern const size_t ASSET_COUNT;

/* NULL when there is none of that name. */
const struct asset *asset_find(struct slice name);
/* By the ending of its name; NULL for an ending that we have not. */
const char *asset_type(const struct asset *asset);

#endif
