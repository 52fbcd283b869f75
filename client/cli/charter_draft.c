/* toguna charter draft: a charter's text, from cards and what was agreed; or the next one, from the one in
 * force. */
#include "client/cli/box.h"
#include "client/cli/card.h"
#include "client/cli/charter.h"
#include "client/cli/command.h"
#include "client/cli/lines.h"
#include "client/cli/show.h"
#include "keys/charter.h"
#include "keys/codec.h"
#include "os/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct draft_options {
  struct common common;
  char *output;
  struct charter_terms terms;
};

/* Lines that may stand several times are told apart by their second word. */
static size_t words(const char *keyword)
{
  static const char *const many[] = {"member", "ceiling", "suspended", "bloc", "hub", "limit"};
  for (size_t i = 0; i < sizeof many / sizeof *many; i++)
    if (!strcmp(keyword, many[i]))
      return 2;
  return 1;
}

static enum tg_err no_memory(struct tg_why *why)
{
  return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
}

static enum tg_err set(struct lines *l, const char *keyword, const char *name, const char *rest,
                       struct tg_why *why)
{
  char *key = NULL, *text = NULL;
  if (asprintf(&key, "%s%s%s", keyword, name ? " " : "", name ? name : "") < 0)
    return no_memory(why);
  if (rest && asprintf(&text, "%s %s", key, rest) < 0)
    text = NULL;
  enum tg_err err = rest && !text ? no_memory(why) : lines_set(l, key, text);
  free(key);
  free(text);
  return err;
}

/* --- what the options say --- */

/* Each "NAME=VALUE" of a list as "keyword NAME VALUE"; commas in the value become spaces, and an empty value
 * removes the line. */
static enum tg_err set_pairs(struct lines *l, const struct options_list *list, const char *keyword,
                             const char *option, struct tg_why *why)
{
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < list->n; i++) {
    char *name = strdup(list->v[i]), *value = name ? strchr(name, '=') : NULL;
    if (!name)
      return no_memory(why);
    if (!value) {
      err = why_set(why, TG_USAGE, option, N_("%1$s is not written as NAME=VALUE"),
                    N_("See --help for an example"), list->v[i], NULL, NULL);
    } else {
      *value++ = 0;
      for (char *c = value; *c; c++)
        if (*c == ',')
          *c = ' ';
      err = set(l, keyword, name, *value ? value : NULL, why);
    }
    free(name);
  }
  return err;
}

static enum tg_err set_suites(struct lines *l, const struct options_list *list, struct tg_why *why)
{
  struct buf all = buf_new(1024);
  for (size_t i = 0; i < list->n; i++)
    buf_printf(&all, "%s%s", i ? " " : "", list->v[i]);
  buf_put_u8(&all, 0);
  enum tg_err err = !list->n           ? TG_OK
                    : buf_status(&all) ? no_memory(why)
                                       : set(l, "suites", NULL, (char *)all.p, why);
  buf_free(&all);
  return err;
}

/* Takes a country out of every bloc. */
static enum tg_err leave_blocs(struct lines *l, const char *code, struct tg_why *why)
{
  const char *key, *text;
  for (size_t i = 0; (text = lines_at(l, i, &key)); i++) {
    if (strncmp(key, "bloc ", 5))
      continue;
    struct buf kept = buf_new(NOTE_BYTES_MAX);
    char *name = strdup(key), *copy = strdup(text), *save = NULL;
    for (char *w = copy ? strtok_r(copy, " ", &save) : NULL; w; w = strtok_r(NULL, " ", &save))
      if (strcmp(w, code))
        buf_printf(&kept, "%s%s", kept.n ? " " : "", w);
    buf_put_u8(&kept, 0);
    enum tg_err err = name && copy && !buf_status(&kept) ? TG_OK : TG_NO_MEMORY;
    bool empty = err == TG_OK && !strcmp((char *)kept.p, name);
    if (err == TG_OK)
      err = lines_set(l, name, empty ? NULL : (char *)kept.p);
    i -= empty;
    buf_free(&kept);
    free(name);
    free(copy);
    if (err != TG_OK)
      return no_memory(why);
  }
  return TG_OK;
}

/* Its nodes have no other until the charter is in force: when that is, is no matter for a default. timed: it was said. */
static enum tg_err remove_one(struct lines *l, const char *name, bool timed, struct tg_why *why)
{
  char member[80], hub[80];
  snprintf(member, sizeof member, "member %.60s", name);
  snprintf(hub, sizeof hub, "hub %.60s", name);
  if (!lines_get(l, member) && !lines_get(l, hub))
    return why_set(why, TG_NOT_FOUND, "--remove", N_("the charter has neither a member nor a hub %1$s"),
                   N_("See toguna charter show"), name, NULL, NULL);
  if (lines_get(l, hub) && !timed)
    return why_set(why, TG_USAGE, "--remove", N_("it is not said from when on the hub %1$s is no longer in, and its nodes need another by then"),
                   N_("State it with --effective, in UTC, as 2026-12-01T00:00:00Z"), name, NULL, NULL);
  (void)lines_set(l, hub, NULL); /* removing takes no memory */
  (void)lines_set(l, member, NULL);
  (void)set(l, "ceiling", name, NULL, why);
  (void)set(l, "suspended", name, NULL, why);
  return leave_blocs(l, name, why);
}

/* --- where it starts --- */

/* The exchange's name is that of the cards; all must agree. */
static enum tg_err add_card(struct lines *l, const char *path, struct tg_why *why)
{
  struct card card;
  char line[128];
  enum tg_err err = card_read(path, &card, why);
  if (err != TG_OK)
    return err;
  snprintf(line, sizeof line, "exchange %s", card.exchange);
  const char *known = lines_get(l, "exchange");
  if (card.kind == CARD_HOLDER)
    err = why_set(why, TG_BAD_INPUT, path,
                  N_("this is the card of a node or officer, for whom its root vouches"),
                  N_("A charter is made of the cards of members and hubs; see toguna credential issue"), NULL,
                  NULL, NULL);
  else if (known && strcmp(known, line))
    err = why_set(why, TG_BAD_INPUT, path,
                  N_("this card is for the exchange %1$s, others here are for another"),
                  N_("Ask its owner to make it again with the right name"), card.exchange, NULL, NULL);
  else if ((err = lines_set(l, "exchange", line)) == TG_OK) {
    card.line[strlen(card.line) - 1] = 0;
    char *key = strndup(card.line, strcspn(card.line, " ") + 1 + strlen(card.name));
    err = key ? lines_set(l, key, card.line) : TG_NO_MEMORY;
    free(key);
  }
  card_free(&card);
  return err == TG_NO_MEMORY ? no_memory(why) : err;
}

static enum tg_err start_after(struct lines *l, const char *path, struct tg_why *why)
{
  struct charter_file before;
  char hash[HASH_TEXT], version[24];
  enum tg_err err = charter_file_read(path, &before, why);
  if (err != TG_OK)
    return err;
  struct buf text = buf_new(NOTE_BYTES_MAX);
  charter_print(before.charter, &text);
  err = buf_status(&text) ? no_memory(why) : lines_read(l, buf_slice(&text), words);
  hash_print(&before.hash, hash);
  snprintf(version, sizeof version, "%llu", (unsigned long long)before.charter->version + 1);
  if (err == TG_OK)
    err = set(l, "version", NULL, version, why);
  if (err == TG_OK)
    err = set(l, "previous", NULL, hash, why);
  buf_free(&text);
  charter_file_free(&before);
  return err;
}

/* Version 1 begins now, since founders sign knowing that; later ones leave time for signing and for all to
 * learn of them. */
static enum tg_err set_time(struct lines *l, const struct charter_terms *o, struct tg_why *why)
{
  char text[25];
  tg_time when = clock_wall();
  if (o->effective)
    return set(l, "effective", NULL, o->effective, why);
  if (o->after)
    when += TG_DAY;
  time_print(when - when % TG_SECOND, text);
  return set(l, "effective", NULL, text, why);
}

static enum tg_err start(struct lines *l, const struct charter_terms *o, struct tg_why *why)
{
  enum tg_err err = o->after ? start_after(l, o->after, why) : set(l, "version", NULL, "1", why);
  if (err == TG_OK && !o->after)
    err = set(l, "suites", NULL, "0x0001", why);
  if (err == TG_OK && !o->after)
    err = set(l, "quorum", NULL, "all of members", why);
  return err ? err : set_time(l, o, why);
}

static enum tg_err compose(struct lines *l, char *const *cards, size_t n, const struct charter_terms *o,
                           struct tg_why *why)
{
  enum tg_err err = start(l, o, why);
  for (size_t i = 0; err == TG_OK && i < n; i++)
    err = add_card(l, cards[i], why);
  for (size_t i = 0; err == TG_OK && i < o->removed.n; i++)
    err = remove_one(l, o->removed.v[i], o->effective != NULL, why);
  if (err == TG_OK)
    err = set_pairs(l, &o->blocs, "bloc", "--bloc", why);
  if (err == TG_OK)
    err = set_pairs(l, &o->limits, "limit", "--limit", why);
  if (err == TG_OK)
    err = set_pairs(l, &o->ceilings, "ceiling", "--ceiling", why);
  if (err == TG_OK)
    err = set_pairs(l, &o->suspended, "suspended", "--suspend", why);
  if (err == TG_OK)
    err = set_suites(l, &o->suites, why);
  if (err == TG_OK && o->quorum)
    err = set(l, "quorum", NULL, o->quorum, why);
  if (err == TG_OK && o->witness_quorum)
    err = set(l, "witness-quorum", NULL, *o->witness_quorum ? o->witness_quorum : NULL, why);
  return err;
}

/* Does the draft name one of these? Said of the cards, which people know, and not of the lines made of them. */
static enum tg_err need_card(const struct buf *text, const char *keyword, const char *what, const char *todo,
                             struct tg_why *why)
{
  char begin[16];
  int n = snprintf(begin, sizeof begin, "\n%s ", keyword);
  return memmem(text->p, text->n, begin, (size_t)n)
             ? TG_OK
             : why_set(why, TG_BAD_INPUT, NULL, what, todo, NULL, NULL, NULL);
}

enum tg_err charter_draft(char *const *cards, size_t n, const struct charter_terms *terms, struct buf *out,
                          struct tg_why *why)
{
  struct buf text = buf_new(NOTE_BYTES_MAX);
  struct charter *charter = NULL;
  struct lines *l = lines_new();
  enum tg_err err = l ? compose(l, cards, n, terms, why) : no_memory(why);
  if (err == TG_OK) {
    buf_put_str(&text, "toguna/charter v1\n");
    lines_print(l, &text);
    err = need_card(&text, "hub", N_("no hub's card is among these"),
                    N_("Add the card that `toguna init hub` made"), why);
    if (err == TG_OK)
      err = need_card(&text, "member", N_("no member's card is among these"),
                      N_("Add the cards that `toguna init member` made"), why);
  }
  if (err == TG_OK) {
    err = charter_parse(buf_slice(&text), "charter", &charter, why);
  }
  if (err == TG_OK)
    charter_print(charter, out);
  charter_free(charter);
  lines_free(l);
  buf_free(&text);
  return err;
}

/* --- the command --- */

static enum tg_err run(struct call *call, struct tg_why *why)
{
  const struct draft_options *o = call->options;
  const char *output = o->output ? o->output : "charter.note";
  bool screen = !strcmp(output, "-");
  struct buf out = buf_new(NOTE_BYTES_MAX);
  enum tg_err err = charter_draft(call->arg, call->n, &o->terms, &out, why);
  if (err == TG_OK && screen)
    fwrite(out.p, 1, out.n, stdout);
  else if (err == TG_OK)
    err = box_write(output, buf_slice(&out), false, why);
  if (err == TG_OK && !screen)
    err = charter_show(call, output, why);
  if (err == TG_OK && !screen && !call->json)
    printf(_("\nWritten to %s. Read it, then have it signed: toguna charter sign %s --key ROOT.key\n"), output, output);
  buf_free(&out);
  return err;
}

#define LIST(name, member, placeholder, help)                                                                \
  {                                                                                                          \
    name, 0, OPTION_MANY, VALUE_TEXT, offsetof(struct draft_options, member), {0}, placeholder, help         \
  }
#define ONE(name, letter, kind, member, placeholder, help)                                                   \
  {                                                                                                          \
    name, letter, OPTION_ONE, kind, offsetof(struct draft_options, member), {0}, placeholder, help           \
  }

static const struct option_key options[] = {
    LIST("bloc", terms.blocs, N_("NAME=CC,CC"),
         N_("A bloc and its members, such as AES=BF,ML,NE. May be repeated.")),
    ONE("quorum", 0, VALUE_TEXT, terms.quorum, N_("TEXT"),
        N_("Who can change the charter and revoke, such as '2 of AES and 4 of ECOWAS'. Unless stated: all of "
           "members.")),
    ONE("witness-quorum", 0, VALUE_TEXT, terms.witness_quorum, N_("TEXT"),
        N_("Whose nodes must cosign the hub's log, such as '1 of AES and 1 of ECOWAS'. Unless stated: "
           "nobody.")),
    LIST("limit", terms.limits, N_("NAME=VALUE"),
         N_("A limit, such as lifetime=14d; keys/GRAMMAR.md has all. May be repeated.")),
    LIST("ceiling", terms.ceilings, N_("CC=LEVEL"),
         N_("The highest level that a member originates or receives, such as NG=CONFIDENTIAL. May be "
            "repeated.")),
    LIST("suspend", terms.suspended, N_("CC=DEGREE"),
         N_("Suspend a member: no-sending or no-new-traffic; CC= lifts it. May be repeated.")),
    LIST("suite", terms.suites, N_("NUMBER"),
         N_("Cipher suites that may be used: 0x0001 unless stated. May be repeated.")),
    ONE("effective", 0, VALUE_TEXT, terms.effective, N_("TIME"),
        N_("In force from then on, such as 2026-12-01T00:00:00Z. Unless stated: now for version 1, tomorrow "
           "for later ones.")),
    ONE("after", 0, VALUE_PATH, terms.after, N_("NOTE"),
        N_("Draft the version after this charter: everything stays as it is there but for what is stated.")),
    LIST("remove", terms.removed, N_("NAME"),
         N_("With --after: a member or a hub that is no longer in; for a hub state --effective, too. May be repeated.")),
    ONE("output", 'o', VALUE_PATH, output, N_("FILE"),
        N_("Where to write it: charter.note unless stated, - to the screen.")),
};

const struct command command_charter_draft = {
    .noun = "charter",
    .verb = "draft",
    .section = SECTION_PAPERS,
    .summary = N_("Draft a charter from the cards of members and hubs"),
    .operands = N_("[CARD...]"),
    .min = 0,
    .max = OPERANDS_ANY,
    .about = N_("The cards are those that toguna init member and toguna init hub made; compare their "
                "fingerprints with their "
                "owners. A founding charter is signed by all its members; a later one by the quorum of the "
                "one before."),
    .examples = "toguna charter draft ML.card SN.card dakar.card\n"
                "toguna charter draft *.card --bloc AES=BF,ML,NE --quorum '2 of AES and 4 of ECOWAS'\n"
                "toguna charter draft TD.card --after charter.note --limit lifetime=14d -o charter-2.note\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct draft_options),
    .run = run,
};
