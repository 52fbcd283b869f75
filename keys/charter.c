#include "keys/charter.h"
#include "keys/limit.h"
#include "proto/endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  EXCHANGE,
  VERSION,
  PREVIOUS,
  EFFECTIVE,
  SUITES,
  MEMBER,
  CEILING,
  SUSPENDED,
  BLOC,
  HUB,
  QUORUM,
  WITNESSES,
  LIMIT
};

static const struct line_rule rules[] = {
    [EXCHANGE] = {"exchange", 1, 1, LINE_ONCE},
    [VERSION] = {"version", 1, 1, LINE_ONCE},
    [PREVIOUS] = {"previous", 1, 1, LINE_OPTIONAL},
    [EFFECTIVE] = {"effective", 1, 1, LINE_ONCE},
    [SUITES] = {"suites", 1, CHARTER_SUITES_MAX, LINE_ONCE},
    [MEMBER] = {"member", 2, 2, LINE_SOME},
    [CEILING] = {"ceiling", 2, 2, LINE_MANY},
    [SUSPENDED] = {"suspended", 2, 2, LINE_MANY},
    [BLOC] = {"bloc", 2, 1 + MEMBERS_MAX, LINE_MANY},
    [HUB] = {"hub", 9, 8 + CHARTER_ENDPOINTS_MAX, LINE_SOME},
    [QUORUM] = {"quorum", 3, 4 * QUORUM_TERMS_MAX, LINE_ONCE},
    [WITNESSES] = {"witness-quorum", 3, 4 * QUORUM_TERMS_MAX, LINE_OPTIONAL},
    [LIMIT] = {"limit", 2, 2, LINE_MANY},
};

static const struct document_grammar grammar = {"toguna/charter v1", rules, sizeof rules / sizeof *rules,
                                                false};

/* --- standing --- */

static const char *const standing_names[] = {
    [STANDING_NONE] = N_("none"),
    [STANDING_GOOD] = N_("good"),
    [STANDING_NO_SENDING] = N_("no-sending"),
    [STANDING_NO_NEW_TRAFFIC] = N_("no-new-traffic"),
    [STANDING_WITHDRAWN] = N_("withdrawn"),
};

const char *standing_name(enum standing s)
{
  return (size_t)s < sizeof standing_names / sizeof *standing_names ? standing_names[s] : "none";
}

bool standing_may_connect(enum standing s)
{
  return s == STANDING_GOOD || s == STANDING_NO_SENDING || s == STANDING_NO_NEW_TRAFFIC;
}

bool standing_may_originate(enum standing s)
{
  return s == STANDING_GOOD;
}
bool standing_may_receive(enum standing s)
{
  return s == STANDING_GOOD || s == STANDING_NO_SENDING;
}

/* --- look-ups --- */

const struct charter_member *charter_member(const struct charter *c, struct country code)
{
  size_t low = 0, high = c->n_members;
  while (low < high) {
    size_t middle = (low + high) / 2;
    int order = memcmp(code.code, c->member[middle].code.code, 2);
    if (order == 0)
      return &c->member[middle];
    if (order < 0)
      high = middle;
    else
      low = middle + 1;
  }
  return NULL;
}

const struct charter_bloc *charter_bloc(const struct charter *c, struct slice name)
{
  for (size_t i = 0; i < c->n_blocs; i++)
    if (slice_is(name, c->bloc[i].name))
      return &c->bloc[i];
  return NULL;
}

const struct charter_hub *charter_hub(const struct charter *c, struct slice name)
{
  for (size_t i = 0; i < c->n_hubs; i++)
    if (slice_is(name, c->hub[i].name))
      return &c->hub[i];
  return NULL;
}

bool charter_has_suite(const struct charter *c, uint16_t suite)
{
  for (size_t i = 0; i < c->n_suites; i++)
    if (c->suite[i] == suite)
      return true;
  return false;
}

/* --- reading, line by line --- */

/* What the readers of one charter share. `c` is filled from zero; its arrays are large enough for the document. */
struct reading {
  struct charter *c;
  const struct document *d;
  struct tg_why *why;
  bool limit_seen[LIMIT_ROWS];
};

typedef enum tg_err line_reader(struct reading *r, const struct line *l);

static enum tg_err fault(const struct reading *r, const struct line *l, size_t i, const char *what,
                         const char *todo, const char *a)
{
  return document_error(r->d, l, i, TG_BAD_INPUT, what, todo, a, NULL, r->why);
}

static void word_copy(const struct line *l, size_t i, char *out, size_t size)
{
  snprintf(out, size, "%.*s", (int)l->word[i].text.n, (const char *)l->word[i].text.p);
}

static enum tg_err read_exchange(struct reading *r, const struct line *l)
{
  return document_exchange(r->d, l, 0, r->c->exchange, r->why);
}

static enum tg_err read_version(struct reading *r, const struct line *l)
{
  return document_number(r->d, l, 0, 1, UINT32_MAX, &r->c->version, r->why);
}

static enum tg_err read_previous(struct reading *r, const struct line *l)
{
  return document_hash_word(r->d, l, 0, &r->c->previous, r->why);
}

static enum tg_err read_effective(struct reading *r, const struct line *l)
{
  return document_time(r->d, l, 0, &r->c->effective, r->why);
}

static enum tg_err read_suites(struct reading *r, const struct line *l)
{
  for (size_t i = 0; i < l->n; i++) {
    char given[8], text[8];
    unsigned suite = 0;
    word_copy(l, i, given, sizeof given);
    sscanf(given, "0x%4x", &suite);
    snprintf(text, sizeof text, "0x%04x", suite & 0xffff);
    if (suite == 0 || !slice_is(l->word[i].text, text))
      return fault(r, l, i, N_("this is not the number of a suite"), N_("write it as 0x0001"), NULL);
    if (charter_has_suite(r->c, (uint16_t)suite))
      return fault(r, l, i, N_("this suite stands here a second time"), N_("remove it"), NULL);
    r->c->suite[r->c->n_suites++] = (uint16_t)suite;
  }
  return TG_OK;
}

static enum tg_err read_member(struct reading *r, const struct line *l)
{
  struct charter_member m = {.ceiling = LEVEL_TOP_SECRET, .standing = STANDING_GOOD};
  enum tg_err err = document_country(r->d, l, 0, &m.code, r->why);
  if (!err)
    err = document_vkey(r->d, l, 1, &m.root, r->why);
  if (err)
    return err;
  if (m.root.type != NOTE_ED25519)
    return fault(r, l, 1, N_("a member's root key must be of the type that signs notes"),
                 N_("use the member's root key"), NULL);
  r->c->member[r->c->n_members++] = m;
  return TG_OK;
}

/* The member that a word names; the members are read and sorted before. */
static enum tg_err named_member(struct reading *r, const struct line *l, size_t i, size_t *ret)
{
  struct country code;
  enum tg_err err = document_country(r->d, l, i, &code, r->why);
  if (err)
    return err;
  const struct charter_member *m = charter_member(r->c, code);
  if (!m)
    return fault(r, l, i, N_("%1$s is not a member in this charter"),
                 N_("add its member line, or remove it here"), code.code);
  *ret = (size_t)(m - r->c->member);
  return TG_OK;
}

static enum tg_err read_ceiling(struct reading *r, const struct line *l)
{
  size_t m;
  enum tg_err err = named_member(r, l, 0, &m);
  if (err)
    return err;
  if (r->c->member[m].ceiling != LEVEL_TOP_SECRET)
    return fault(r, l, 0, N_("%1$s has a ceiling already"), N_("keep one of the two lines"),
                 r->c->member[m].code.code);
  if (level_parse(l->word[1].text, &r->c->member[m].ceiling))
    return fault(r, l, 1, N_("this is not a level"),
                 N_("the levels are UNCLASSIFIED, RESTRICTED, CONFIDENTIAL, SECRET and TOP-SECRET"), NULL);
  return TG_OK;
}

static enum tg_err read_suspended(struct reading *r, const struct line *l)
{
  size_t m;
  enum tg_err err = named_member(r, l, 0, &m);
  if (err)
    return err;
  if (r->c->member[m].standing != STANDING_GOOD)
    return fault(r, l, 0, N_("%1$s is suspended already"), N_("keep one of the two lines"),
                 r->c->member[m].code.code);
  if (slice_is(l->word[1].text, standing_name(STANDING_NO_SENDING)))
    r->c->member[m].standing = STANDING_NO_SENDING;
  else if (slice_is(l->word[1].text, standing_name(STANDING_NO_NEW_TRAFFIC)))
    r->c->member[m].standing = STANDING_NO_NEW_TRAFFIC;
  else
    return fault(r, l, 1, N_("this is not a degree of suspension"),
                 N_("the degrees are no-sending and no-new-traffic"), NULL);
  return TG_OK;
}

static int by_number(const void *a, const void *b)
{
  return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

static enum tg_err read_bloc(struct reading *r, const struct line *l)
{
  struct charter_bloc *bloc = &r->c->bloc[r->c->n_blocs];
  if (!bloc_name_valid(l->word[0].text))
    return fault(r, l, 0, N_("this cannot be the name of a bloc"),
                 N_("use three or more capital letters, digits or '-'"), NULL);
  if (r->c->n_blocs == CHARTER_BLOCS_MAX || charter_bloc(r->c, l->word[0].text))
    return fault(r, l, 0, N_("this bloc is one too many, or stands here a second time"),
                 N_("remove the line"), NULL);
  word_copy(l, 0, bloc->name, sizeof bloc->name);
  bloc->member = calloc(l->n - 1, sizeof *bloc->member);
  if (!bloc->member)
    return TG_NO_MEMORY;
  r->c->n_blocs++;
  for (size_t i = 1; i < l->n; i++) {
    size_t m;
    enum tg_err err = named_member(r, l, i, &m);
    if (err)
      return err;
    for (size_t k = 0; k < bloc->n; k++)
      if (bloc->member[k] == m)
        return fault(r, l, i, N_("%1$s stands in this bloc twice"), N_("remove it once"),
                     r->c->member[m].code.code);
    bloc->member[bloc->n++] = (uint16_t)m;
  }
  qsort(bloc->member, bloc->n, sizeof *bloc->member, by_number);
  return TG_OK;
}

/* Printable and without anything that a socket library would take for an option. */
bool charter_endpoint_valid(struct slice s)
{
  struct endpoint e;
  if (s.n > ENDPOINT_MAX || endpoint_read(s, &e) != TG_OK || e.port == 0)
    return false;
  for (size_t i = e.kind == ENDPOINT_RESUME ? 9 : 6; i < s.n; i++)
    if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("/;,*\"'\\", s.p[i]))
      return false;
  return true;
}

static enum tg_err read_endpoints(struct reading *r, const struct line *l, struct charter_hub *hub)
{
  for (size_t i = 8; i < l->n; i++) {
    if (!charter_endpoint_valid(l->word[i].text))
      return fault(r, l, i, N_("this is not the address of a hub"), N_("write it as tcp://host:port or resume://host:port"), NULL);
    word_copy(l, i, hub->endpoint[hub->n_endpoints++], sizeof hub->endpoint[0]);
  }
  return TG_OK;
}

/* hub NAME host CC transport KEY log VKEY endpoint ADDRESS... */
static enum tg_err read_hub(struct reading *r, const struct line *l)
{
  static const char *const fixed[] = {[1] = "host", [3] = "transport", [5] = "log", [7] = "endpoint"};
  struct charter_hub *hub = &r->c->hub[r->c->n_hubs];
  for (size_t i = 1; i < 8; i += 2)
    if (!slice_is(l->word[i].text, fixed[i]))
      return fault(r, l, i, N_("'%1$s' must stand here"),
                   N_("a hub's line is: hub NAME host CC transport KEY log VKEY endpoint ADDRESS..."),
                   fixed[i]);
  if (!label_valid(l->word[0].text))
    return fault(r, l, 0, N_("this cannot be the name of a hub"), N_("use small letters, digits and '-'"),
                 NULL);
  if (r->c->n_hubs == CHARTER_HUBS_MAX || charter_hub(r->c, l->word[0].text))
    return fault(r, l, 0, N_("this hub is one too many, or stands here a second time"), N_("remove the line"),
                 NULL);
  word_copy(l, 0, hub->name, sizeof hub->name);
  enum tg_err err = document_country(r->d, l, 2, &hub->host, r->why);
  if (!err)
    err = document_key(r->d, l, 4, hub->transport.b, r->why);
  if (!err)
    err = document_vkey(r->d, l, 6, &hub->log, r->why);
  if (!err && hub->log.type != NOTE_ED25519)
    err = fault(r, l, 6, N_("a log key must be of the type that signs notes"), N_("use the hub's log key"),
                NULL);
  if (!err)
    err = read_endpoints(r, l, hub);
  r->c->n_hubs += !err;
  return err;
}

static enum tg_err read_quorum(struct reading *r, const struct line *l)
{
  return quorum_parse(r->d, l, &r->c->quorum, r->why);
}

static enum tg_err read_witnesses(struct reading *r, const struct line *l)
{
  return quorum_parse(r->d, l, &r->c->witness_quorum, r->why);
}

static enum tg_err read_limit(struct reading *r, const struct line *l)
{
  size_t row;
  enum tg_err err = limit_parse(r->d, l, &r->c->limits, &row, r->why);
  if (!err && r->limit_seen[row])
    err = fault(r, l, 0, N_("the limit '%1$s' stands here a second time"), N_("keep one of the two lines"),
                limit_name(row));
  if (!err)
    r->limit_seen[row] = true;
  return err;
}

static line_reader *const readers[] = {
    [EXCHANGE] = read_exchange, [VERSION] = read_version,
    [PREVIOUS] = read_previous, [EFFECTIVE] = read_effective,
    [SUITES] = read_suites,     [MEMBER] = read_member,
    [CEILING] = read_ceiling,   [SUSPENDED] = read_suspended,
    [BLOC] = read_bloc,         [HUB] = read_hub,
    [QUORUM] = read_quorum,     [WITNESSES] = read_witnesses,
    [LIMIT] = read_limit,
};

/* All lines of one rule. */
static enum tg_err read_rule(struct reading *r, size_t rule)
{
  const struct line *l;
  enum tg_err err = TG_OK;
  for (size_t i = 0; !err && (l = document_line(r->d, i)); i++)
    if (l->rule == rule)
      err = readers[rule](r, l);
  return err;
}

/* --- checks that need the whole --- */

static int by_code(const void *a, const void *b)
{
  return memcmp(((const struct charter_member *)a)->code.code, ((const struct charter_member *)b)->code.code,
                2);
}

/* The line on which member number i of the sorted array stands. */
static const struct line *member_line(const struct reading *r, struct country code)
{
  const struct line *l, *last = NULL;
  for (size_t i = 0; (l = document_line(r->d, i)); i++)
    if (l->rule == MEMBER && slice_is(l->word[0].text, code.code))
      last = l;
  return last;
}

static enum tg_err check_members(struct reading *r)
{
  struct charter *c = r->c;
  char name[NOTE_NAME_MAX + 1];
  qsort(c->member, c->n_members, sizeof *c->member, by_code);
  for (size_t i = 0; i < c->n_members; i++) {
    const struct charter_member *m = &c->member[i];
    const struct line *l = member_line(r, m->code);
    if (i > 0 && country_eq(m->code, c->member[i - 1].code))
      return fault(r, l, 0, N_("the member %1$s stands here a second time"), N_("keep one of the two lines"),
                   m->code.code);
    snprintf(name, sizeof name, "%s/%s", c->exchange, m->code.code);
    if (strcmp(name, m->root.name))
      return fault(r, l, 1, N_("this root key must be named %1$s"),
                   N_("a key is made for one exchange and one member"), name);
    for (size_t k = 0; k < i; k++)
      if (sign_pk_eq(&m->root.pk, &c->member[k].root.pk))
        return fault(r, l, 1, N_("this key is also the root of %1$s"),
                     N_("every member has its own root key"), c->member[k].code.code);
  }
  return TG_OK;
}

/* A log key is named below the exchange, and is nobody else's key. */
static enum tg_err check_hubs(struct reading *r)
{
  const struct charter *c = r->c;
  size_t n = strlen(c->exchange), at = 0;
  const struct line *l;
  for (size_t i = 0; (l = document_line(r->d, i)); i++) {
    if (l->rule != HUB)
      continue;
    const struct charter_hub *hub = &c->hub[at++];
    if (strncmp(hub->log.name, c->exchange, n) || hub->log.name[n] != '/')
      return fault(r, l, 6, N_("the name of this log key must begin with '%1$s/'"),
                   N_("make a log key for this exchange"), c->exchange);
    for (size_t k = 0; k < c->n_members; k++)
      if (sign_pk_eq(&hub->log.pk, &c->member[k].root.pk))
        return fault(r, l, 6, N_("this log key is also the root of %1$s"), N_("a key serves one purpose"),
                     c->member[k].code.code);
    for (size_t k = 0; k + 1 < at; k++)
      if (sign_pk_eq(&hub->log.pk, &c->hub[k].log.pk) || seal_pk_eq(&hub->transport, &c->hub[k].transport) ||
          !strcmp(hub->log.name, c->hub[k].log.name))
        return fault(r, l, 0, N_("this hub has a key of the hub %1$s"), N_("every hub has its own keys"),
                     c->hub[k].name);
  }
  return TG_OK;
}

static size_t group_size(const struct charter *c, const char *group)
{
  const struct charter_bloc *bloc = charter_bloc(c, slice_str(group));
  return bloc ? bloc->n : !strcmp(group, "members") ? c->n_members : 0;
}

/* Can it ever be met? */
static enum tg_err check_quorum(struct reading *r, size_t rule, const struct quorum *q)
{
  const struct line *l = document_find(r->d, rule);
  for (size_t i = 0; i < q->n; i++) {
    size_t size = group_size(r->c, q->term[i].group);
    if (size == 0)
      return fault(r, l, 4 * i + 2, N_("there is no bloc %1$s in this charter"),
                   N_("add its bloc line, or say members"), q->term[i].group);
    if (q->term[i].count > size)
      return fault(r, l, 4 * i, N_("%1$s has fewer members than that"), N_("lower the number"),
                   q->term[i].group);
  }
  return TG_OK;
}

static enum tg_err check_previous(struct reading *r)
{
  const struct line *previous = document_find(r->d, PREVIOUS);
  if (r->c->version == 1 && previous)
    return fault(r, previous, SIZE_MAX, N_("version 1 has no previous version"), N_("remove the line"), NULL);
  if (r->c->version > 1 && (!previous || hash_is_zero(&r->c->previous)))
    return fault(r, document_find(r->d, VERSION), 0, N_("this version must name the hash of the one before"),
                 N_("add the line: previous HASH"), NULL);
  return TG_OK;
}

static enum tg_err read_all(struct reading *r)
{
  /* Members first and sorted, then what refers to them; blocs before the quorums that count them. */
  static const uint8_t early[] = {EXCHANGE, VERSION, PREVIOUS, EFFECTIVE, SUITES, MEMBER};
  static const uint8_t late[] = {CEILING, SUSPENDED, BLOC, HUB, QUORUM, WITNESSES, LIMIT};
  enum tg_err err = TG_OK;
  for (size_t i = 0; !err && i < sizeof early; i++)
    err = read_rule(r, early[i]);
  err = err ? err : check_members(r);
  for (size_t i = 0; !err && i < sizeof late; i++)
    err = read_rule(r, late[i]);
  err = err ? err : check_previous(r);
  err = err ? err : check_hubs(r);
  err = err ? err : check_quorum(r, QUORUM, &r->c->quorum);
  return err ? err : check_quorum(r, WITNESSES, &r->c->witness_quorum);
}

static size_t count_rule(const struct document *d, size_t rule)
{
  size_t n = 0;
  const struct line *l;
  for (size_t i = 0; (l = document_line(d, i)); i++)
    n += l->rule == rule;
  return n;
}

static struct charter *charter_alloc(const struct document *d)
{
  struct charter *c = calloc(1, sizeof *c);
  if (!c)
    return NULL;
  c->limits = CHARTER_LIMITS_DEFAULT;
  c->member = calloc(count_rule(d, MEMBER), sizeof *c->member);
  c->bloc = calloc(count_rule(d, BLOC) + 1, sizeof *c->bloc);
  c->hub = calloc(count_rule(d, HUB) + 1, sizeof *c->hub);
  if (c->member && c->bloc && c->hub)
    return c;
  charter_free(c);
  return NULL;
}

enum tg_err charter_parse(struct slice text, const char *file, struct charter **ret, struct tg_why *why)
{
  struct document *d;
  enum tg_err err = document_parse(&grammar, text, file, &d, why);
  if (err)
    return err;
  struct reading r = {.d = d, .why = why};
  if (count_rule(d, MEMBER) > MEMBERS_MAX)
    err = why_set(why, TG_TOO_BIG, file, N_("a charter has at most 256 members"), NULL, NULL, NULL, NULL);
  if (!err && !(r.c = charter_alloc(d)))
    err = TG_NO_MEMORY;
  if (!err)
    err = read_all(&r);
  if (err == TG_NO_MEMORY)
    why_set(why, err, file, N_("out of memory"), NULL, NULL, NULL, NULL);
  document_free(d);
  if (err)
    charter_free(r.c);
  else
    *ret = r.c;
  return err;
}

void charter_free(struct charter *c)
{
  if (!c)
    return;
  for (size_t i = 0; c->bloc && i < c->n_blocs; i++)
    free(c->bloc[i].member);
  free(c->member);
  free(c->bloc);
  free(c->hub);
  free(c);
}
