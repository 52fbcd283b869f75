/* What commands print: for people aligned, dated in the local zone, coloured on terminals only; for programs
 * JSON. */
#ifndef TOGUNA_CLI_SHOW_H
#define TOGUNA_CLI_SHOW_H

#include "client/cli/speak.h"
#include "proto/buf.h"

#include <jansson.h>

/* Meaning is never in the colour alone: it underlines words that say the same. */
enum tint { TINT_PLAIN, TINT_BOLD, TINT_DIM, TINT_GOOD, TINT_WARN, TINT_BAD };

/* Decides, once, whether standard output takes colour: a terminal, TERM other than dumb, no NO_COLOR. */
void show_init(void);
/* A word in a colour, to standard output. */
void show_tinted(enum tint tint, const char *text);

/* Columns that a text takes on a terminal: one per code point. */
size_t show_width(const char *text);
/* A paragraph, wrapped at the terminal's width (80 elsewhere), indented. Newlines in it begin new paragraphs.
 */
void show_wrapped(const char *text, size_t indent);

/* An aligned table. Cells are copied. */
enum { GRID_COLUMNS_MAX = 12 };
struct grid;
/* headings: n translated words; NULL headings: none printed. Never NULL: a command without memory for its
 * table ends. */
struct grid *grid_new(size_t n, const char *const *headings);
/* Starts a row of n cells; missing ones (NULL) are empty. */
void grid_row(struct grid *g, const char *const *cells);
/* Colours cell `column` of the last row. */
void grid_tint(struct grid *g, size_t column, enum tint tint);
size_t grid_rows(const struct grid *g);
/* Prints and frees. */
void grid_print(struct grid *g);
void grid_free(struct grid *g);

/* "2026-12-01 14:03:05 CET" in the local zone, for people; "-" for 0. */
enum { SHOW_TIME = 48 };
const char *show_time(tg_time t, char out[SHOW_TIME]);
/* A country's name in the language of who reads, by its code; "" for what is none. */
const char *show_country(const char *code);
/* Topics as areas_name() names them, "alert.** except alert.attack.**", for people; cut to fit. */
const char *show_topics(const char *name, char *out, size_t size);
/* "16 MiB", "512 bytes" */
enum { SHOW_SIZE = 24 };
const char *show_size(uint64_t bytes, char out[SHOW_SIZE]);

/* JSON: values for json_pack and the like; times in Z, null for 0. Never NULL. */
json_t *json_time(tg_time t);
json_t *json_hex(struct slice bytes);
json_t *json_base64(struct slice bytes);
json_t *json_words(const char *const *words); /* NULL-terminated list */
/* Prints one JSON value on standard output and lets go of it: one line, or indented on a terminal. */
void show_json(json_t *value);
/* What went wrong, as JSON: {"error":"bad-input","exit":3,"where":…,"what":…,"todo":…,"message":…}. */
json_t *json_why(const struct tg_why *why, const char *message);
/* The same from parts that are in words already; "" becomes null. */
json_t *json_failure(enum tg_err err, const char *where, const char *what, const char *todo, const char *message);

/* A sentence that the node sends in JSON, {"what", "todo", "args"}: one of them, translated and filled in. */
const char *show_sentence(const json_t *sentence, const char *key, char *out, size_t size);

/* Everything printed has arrived? TG_DISK when standard output did not take it. */
enum tg_err show_flush(struct tg_why *why);

/* The names that people read of an array of codes, as {"ML": "Mali"}; what is no country is left out. To be released. */
json_t *show_states(const json_t *states);

#endif
