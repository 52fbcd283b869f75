/* Bulletins on screens and in JSON. Classification and precedence are always there, in words. */
#ifndef TOGUNA_CLI_BULLETIN_H
#define TOGUNA_CLI_BULLETIN_H

#include "client/cli/show.h"
#include "client/lib/toguna.h"

enum { BULLETIN_SHORT = 13, BULLETIN_MARK = 64 };

/* The first 12 digits of an id. */
const char *bulletin_short(const struct toguna_id *id, char out[BULLETIN_SHORT]);
/* "SECRET TLP:AMBER+STRICT ORCON" */
const char *bulletin_mark(enum toguna_level level, enum toguna_tlp tlp, unsigned caveats,
                          char out[BULLETIN_MARK]);
/* The highest marking among the portions. */
const char *bulletin_highest(const struct toguna_item *item, char out[BULLETIN_MARK]);
/* Stable words, for JSON; for people through _(): "report"; "delivered"; "stored". */
const char *bulletin_kind(enum toguna_kind kind);
const char *bulletin_precedence(enum toguna_precedence precedence); /* "FLASH", for people too */
const char *bulletin_progress(enum toguna_state state);
const char *bulletin_event(enum toguna_event event);
enum tint bulletin_tint(enum toguna_precedence precedence);

/* A table of bulletins: begin, a row for each, print. */
struct grid *bulletin_table(bool sent);
void bulletin_row(struct grid *g, const struct toguna_item *item, bool sent);
/* The same as a line of its own, for those that come one by one. */
void bulletin_line(const struct toguna_item *item, bool sent);
/* All that is known of one, but for its content. */
void bulletin_card(const struct toguna_item *item, bool sent);
/* One line over a portion's content. */
void bulletin_portion(const struct toguna_item *item, const struct toguna_portion_info *p);

json_t *bulletin_id_json(const struct toguna_id *id); /* NULL: null */
json_t *bulletin_json(const struct toguna_item *item, bool sent);

#endif
