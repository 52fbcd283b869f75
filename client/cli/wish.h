/* What a person wants to send, read from options and operands: the draft that libtoguna takes. */
#ifndef TOGUNA_CLI_WISH_H
#define TOGUNA_CLI_WISH_H

#include "client/cli/body.h"
#include "client/cli/reach.h"

enum { WISH_PORTIONS = 16 };

/* Options of all commands that send a bulletin. Those about a portion may be repeated, once for each
   --portion, and are read from call->argv, because their order matters. */
struct wish_options {
  struct common common;
  char *socket;
  struct options_list topic, source;
  char *precedence, *expires;
  bool exercise;
  struct options_list portion, level, tlp, to, except, title, label, language,
      type; /* counted here, read in order elsewhere */
  bool orcon, blind, compress;
  bool dry_run, yes;
  unsigned wait;
  tg_time timeout;
};

/* Rows for tables of options, in groups. */
#define WISH_ROW(option, shape, kind, field, limits, placeholder, help)                                      \
  {                                                                                                          \
    option, 0, shape, kind, offsetof(struct wish_options, field), limits, placeholder, help                  \
  }
#define WISH_NO_LIMITS                                                                                       \
  {                                                                                                          \
    0                                                                                                        \
  }
#define WISH_TEXT(option, field, placeholder, help)                                                          \
  WISH_ROW(option, OPTION_ONE, VALUE_TEXT, field, WISH_NO_LIMITS, placeholder, help)
#define WISH_MANY(option, field, placeholder, help)                                                          \
  WISH_ROW(option, OPTION_MANY, VALUE_TEXT, field, WISH_NO_LIMITS, placeholder, help)
#define WISH_FLAG(option, field, help)                                                                       \
  WISH_ROW(option, OPTION_FLAG, VALUE_BOOL, field, WISH_NO_LIMITS, NULL, help)

/* About the bulletin. */
#define WISH_BULLETIN_OPTIONS                                                                                \
  WISH_MANY("topic", topic, N_("TOPIC"), N_("What it is about: alert.attack. Up to four, no wildcards.")),   \
      WISH_TEXT("precedence", precedence, N_("WORD"), N_("ROUTINE, PRIORITY, IMMEDIATE or FLASH.")),         \
      WISH_TEXT(                                                                                             \
          "expires", expires, N_("WHEN"),                                                                    \
          N_("24h, 30d, or a time such as 2026-12-01T00:00:00Z. Default: as the node is configured.")),      \
      WISH_FLAG("exercise", exercise, N_("This is an exercise, not real.")),                                 \
      WISH_MANY("source", source, N_("ID"), N_("A bulletin that this one derives from. May be repeated."))

/* About a portion. */
#define WISH_PORTION_OPTIONS                                                                                 \
  WISH_MANY("to", to, N_("LIST"), N_("Who may have it: countries, blocs and agencies, as ML,AES,SN/drn.")),  \
      WISH_MANY("except", except, N_("LIST"), N_("Who may not, although --to names them.")),                 \
      WISH_MANY("class", level, N_("LEVEL"),                                                                 \
                N_("UNCLASSIFIED, RESTRICTED, CONFIDENTIAL, SECRET or TOP-SECRET.")),                        \
      WISH_MANY("tlp", tlp, N_("TLP"), N_("clear, green, amber, amber+strict or red.")),                     \
      WISH_FLAG("orcon", orcon, N_("Nobody may pass it on without our grant.")),                             \
      WISH_FLAG("blind", blind, N_("Recipients do not learn of each other.")),                               \
      WISH_MANY("label", label, N_("TEXT"), N_("A national marking beside the classification.")),            \
      WISH_MANY("title", title, N_("TEXT"), N_("A title, sealed like the content.")),                        \
      WISH_MANY("language", language, N_("TAG"), N_("The language of the content: fr, en, ha.")),            \
      WISH_MANY("content-type", type, N_("TYPE"),                                                            \
                N_("What the content is. Default: seen from it (STIX 2.1, CAP 1.2, JSON, text).")),          \
      WISH_FLAG("compress", compress, N_("Compress the content before it is sealed.")),                      \
      WISH_MANY("portion", portion, N_("FILE"),                                                              \
                N_("Begin one more portion; the options behind it are for that one."))

/* About sending. */
#define WISH_SENDING_OPTIONS                                                                                 \
  WISH_FLAG("dry-run", dry_run, N_("Show who would be able to read it, and stop there.")),                   \
      WISH_FLAG("yes", yes, N_("Do not ask before sending (it asks on a terminal only).")),                  \
      WISH_ROW("wait", OPTION_ONE, VALUE_CHOICE, wait, {.choices = wish_waits}, N_("STATE"),                 \
               N_("Wait until it is spooled (by the node), accepted (by the hub), delivered (to everybody) " \
                  "or settled "                                                                              \
                  "(in the witnessed log). Default: spooled.")),                                             \
      WISH_ROW("timeout", OPTION_ONE, VALUE_DURATION, timeout, WISH_NO_LIMITS, N_("DURATION"),                   \
               N_("How long to wait for that: 30s, 5m. Default: for ever.")),                                \
      REACH_OPTION(struct wish_options)

extern const char *const wish_waits[];

/* What holds where the options say nothing. NULL and 0: it must be said. */
struct wish_like {
  enum toguna_kind kind;
  enum toguna_precedence precedence;
  unsigned flags;
  const char *const *topics;
  const struct toguna_id *supersedes, *replies_to;
  const struct toguna_portion_info
      *portion[WISH_PORTIONS]; /* release list and markings; of the i-th portion */
  bool texts;                  /* title, label and language of these too */
};

struct wish {
  struct arena *arena;
  struct toguna_draft draft;
  struct toguna_portion portion[WISH_PORTIONS];
  struct body body[WISH_PORTIONS];
};

/* files: operands that are portions; none and no --portion: standard input. text: instead of all that, one
   short text, for as many portions as `like` has. TG_USAGE, TG_BAD_INPUT, TG_NOT_FOUND. wish_free() in any
   case. */
enum tg_err wish_read(struct call *call, const struct wish_like *like, char *const *files, size_t n_files,
                      const char *text, struct wish *w, struct tg_why *why);
/* Finds the bulletins that --source names. */
enum tg_err wish_sources(struct call *call, struct toguna *node, struct wish *w);
void wish_free(struct wish *w);

/* "24h" (from now on, or with `past` up to now) or "2026-12-01T00:00:00Z". TG_USAGE. */
enum tg_err wish_time(const char *option, const char *text, bool past, int64_t *ret, struct tg_why *why);

#endif
