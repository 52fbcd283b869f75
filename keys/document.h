/* The one grammar of all signed documents: a first line that names the type, then "keyword value..." lines, comments
   (#) and blank lines. GRAMMAR.md has every line of every type. */
#ifndef TOGUNA_KEYS_DOCUMENT_H
#define TOGUNA_KEYS_DOCUMENT_H

#include "keys/name.h"
#include "keys/note.h"

/* Values are those of Document.kind in proto/session.proto. */
enum document_kind {
  DOCUMENT_CHARTER = 1,
  DOCUMENT_CREDENTIAL = 2,
  DOCUMENT_REVOCATION = 3,
  DOCUMENT_POLICY = 4,
  DOCUMENT_WITHDRAWAL = 5,
  DOCUMENT_GRANT = 6,
  DOCUMENT_SEALING_KEYS = 7, /* not a note: a statement in protobuf */
};

/* "charter", "credential", ... Never NULL; "document" for a number that is no kind. */
const char *document_kind_name(enum document_kind kind);

/* Which kind a text is, from its first line ("toguna/charter v1"). TG_UNKNOWN for another type or version. */
enum tg_err document_kind_of(struct slice text, const char *file, enum document_kind *ret, struct tg_why *why);

/* H("toguna/document/v1" ‖ text): the identity of a document. Text without signatures, as note.text. */
struct hash document_hash(struct slice text);

enum { DOCUMENT_WORDS_MAX = 1024, DOCUMENT_LINES_MAX = 12000 };

/* What a keyword's line looks like. Tables of these, one per kind, are the grammar. */
struct line_rule {
  const char *keyword;
  uint16_t words_min, words_max; /* words after the keyword */
  enum line_need { LINE_OPTIONAL, LINE_ONCE, LINE_MANY, LINE_SOME } need; /* at most one, exactly one, any, at least one */
};

/* A grammar: first line and rules. `open` lets keywords through that have no rule (policies: their own parser reads
   those). */
struct document_grammar {
  const char *first_line;
  const struct line_rule *rules;
  size_t n;
  bool open;
};

/* One word and where it stands. */
struct word {
  struct slice text;
  uint32_t column; /* 1-based, in bytes */
};

/* One line that is not blank or comment. */
struct line {
  size_t rule;     /* index into the grammar's rules; SIZE_MAX for a keyword without rule in an open grammar */
  uint32_t number; /* 1-based */
  size_t n;        /* words after the keyword */
  const struct word *word;
};

struct document;

/* Reads a text by a grammar. The document points into text and keeps file (NULL: the kind's first line) by pointer:
   both must outlive it. TG_BAD_INPUT with file:line:column: unknown keyword (with a suggestion), a line twice,
   missing, too few or many words, characters that hide; TG_TOO_BIG beyond the limits above; TG_NO_MEMORY. */
enum tg_err document_parse(const struct document_grammar *grammar, struct slice text, const char *file,
                           struct document **ret, struct tg_why *why);
void document_free(struct document *d);

/* The lines in order; NULL past the end. */
const struct line *document_line(const struct document *d, size_t i);
/* The first line of this rule; NULL when there is none. */
const struct line *document_find(const struct document *d, size_t rule);

/* An error at word i of a line (i == SIZE_MAX: at its keyword): err, and why filled in with file:line:column. */
enum tg_err document_error(const struct document *d, const struct line *line, size_t i, enum tg_err err,
                           const char *what, const char *todo, const char *a, const char *b, struct tg_why *why);

/* Reading word i of a line as a value. TG_BAD_INPUT with a full explanation; *ret untouched then. */
enum tg_err document_time(const struct document *d, const struct line *l, size_t i, tg_time *ret, struct tg_why *why);
enum tg_err document_duration(const struct document *d, const struct line *l, size_t i, tg_time *ret, struct tg_why *why);
enum tg_err document_number(const struct document *d, const struct line *l, size_t i, uint64_t min, uint64_t max,
                            uint64_t *ret, struct tg_why *why);
enum tg_err document_size(const struct document *d, const struct line *l, size_t i, uint64_t *ret, struct tg_why *why);
enum tg_err document_country(const struct document *d, const struct line *l, size_t i, struct country *ret,
                             struct tg_why *why);
enum tg_err document_holder(const struct document *d, const struct line *l, size_t i, struct holder *ret,
                            struct tg_why *why);
enum tg_err document_exchange(const struct document *d, const struct line *l, size_t i,
                              char ret[EXCHANGE_NAME_MAX + 1], struct tg_why *why);
enum tg_err document_key(const struct document *d, const struct line *l, size_t i, uint8_t ret[32], struct tg_why *why);
enum tg_err document_hash_word(const struct document *d, const struct line *l, size_t i, struct hash *ret,
                               struct tg_why *why);
enum tg_err document_vkey(const struct document *d, const struct line *l, size_t i, struct note_key *ret,
                          struct tg_why *why);
/* The rest of the line from word i on, as it stands in the text. Empty when there is no word i. */
struct slice document_rest(const struct line *l, size_t i);

#endif
