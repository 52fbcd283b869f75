/* Reads an exchange, its policies and bulletins from standard input, one per line, and prints what the engine
   decides: the other half of differential.py, which writes that input.

     W at                                        a new exchange
     M code originates receives connects ceiling
     B name since exists code...
     S suite
     G now                                       go: the set begins
     P from lines                                a policy follows, so many lines
     Q originator agency suite owed time expires approvals topics hubs sources level tlp orcon size release
   label Lists are joined by commas, "-" is an empty one; sources are release/granted pairs joined by ';'.
   Codes are counted by place. For each Q one line: permitted unmet approvals orcon retain stages allow ask.
 */
#include "policy/explain.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct policy_member members[MEMBERS_MAX];
static struct policy_bloc blocs[64];
static struct policy_world world;
static struct policy_set *set;
static char line[1 << 16];

static void fail(const char *what)
{
  fprintf(stderr, "answer: %s: %s\n", what, line);
  exit(1);
}

static int place_of(const char *code)
{
  struct country c = {{code[0], code[1], 0}};
  return policy_world_member(&world, c);
}

static struct memberset codes(const char *list)
{
  struct memberset s = {0};
  for (; strlen(list) >= 2; list += list[2] == ',' ? 3 : 2) {
    int place = place_of(list);
    if (place >= 0)
      memberset_add(&s, (unsigned)place);
  }
  return s;
}

static void print_codes(const struct memberset *s)
{
  const char *comma = "";
  if (memberset_empty(s))
    putchar('-');
  for (unsigned i = memberset_next(s, 0); i < MEMBERS_MAX; i = memberset_next(s, i + 1)) {
    printf("%s%s", comma, members[i].code.code);
    comma = ",";
  }
  putchar(' ');
}

static void read_member(void)
{
  struct policy_member *m = &members[world.member_count++];
  int originates, receives, connects, ceiling;
  if (sscanf(line, "M %2s %d %d %d %d", m->code.code, &originates, &receives, &connects, &ceiling) != 5)
    fail("member");
  m->originates = originates;
  m->receives = receives;
  m->connects = connects;
  m->ceiling = (uint8_t)ceiling;
}

static void read_bloc(void)
{
  struct policy_bloc *b = &blocs[world.bloc_count++];
  long long since;
  int exists;
  char list[2048];
  if (sscanf(line, "B %31s %lld %d %2047s", b->name, &since, &exists, list) != 4)
    fail("bloc");
  b->since = since;
  b->exists = exists;
  b->members = codes(list);
}

static void read_policy(void)
{
  long long from, lines;
  char text[1 << 15] = "", message[1024];
  struct policy *p;
  struct tg_why why;
  if (sscanf(line, "P %lld %lld", &from, &lines) != 2)
    fail("policy");
  while (lines-- > 0 && fgets(line, sizeof line, stdin)) {
    if (strlen(text) + strlen(line) >= sizeof text)
      fail("policy too long");
    strcat(text, line);
  }
  enum tg_err err = policy_parse(slice_str(text), "p", NULL, &p, NULL, &why);
  if (!err)
    err = policy_set_put(set, &p, from, world.at, &why);
  if (err) {
    why_render(&why, NULL, message, sizeof message);
    fprintf(stderr, "%s\n%s\n", message, text);
    fail("policy refused");
  }
}

static size_t split(char *list, char separator, char **out, size_t max)
{
  size_t n = 0;
  if (!strcmp(list, "-"))
    return 0;
  for (char *next; list && *list && n < max; list = next) {
    next = strchr(list, separator);
    if (next)
      *next++ = 0;
    out[n++] = list;
  }
  return n;
}

static void answer(const struct policy_request *q)
{
  struct policy_decision d;
  struct memberset allow, ask;
  if (policy_decide(set, q, &d) || policy_onward(set, q, 0, &allow, &ask))
    fail("refused");
  const struct policy_verdict *v = &d.portions[0];
  print_codes(&v->permitted);
  print_codes(&v->unmet);
  printf("%u %d %lld ", v->approvals, v->orcon, (long long)v->retain);
  for (unsigned m = 0; m < world.member_count; m++) {
    struct policy_reason r;
    if (policy_explain(set, q, 0, m, POLICY_ASKED_BY_ALL, &r))
      fail("not explained");
    printf("%d", r.stage);
  }
  putchar(' ');
  print_codes(&allow);
  print_codes(&ask);
  putchar('\n');
}

static void read_request(void)
{
  char from[3], agency[32], topics[512], hubs[64], sources[4096], release[2048], *list[16], *pair[2];
  int suite, owed, level, tlp, orcon, consumed = 0;
  unsigned approvals;
  long long at, expires, size;
  struct slice topic[POLICY_TOPICS_MAX];
  struct country hub[POLICY_HUBS_MAX];
  struct policy_source source[POLICY_SOURCES_MAX];
  if (sscanf(line, "Q %2s %31s %d %d %lld %lld %u %511s %63s %4095s %d %d %d %lld %2047s %n", from, agency,
             &suite, &owed, &at, &expires, &approvals, topics, hubs, sources, &level, &tlp, &orcon, &size,
             release, &consumed) != 15)
    fail("request");
  line[strcspn(line, "\n")] = 0;
  struct policy_portion portion = {.level = (uint8_t)level,
                                   .tlp = (uint8_t)tlp,
                                   .orcon = orcon,
                                   .label = slice_str(strcmp(line + consumed, "-") ? line + consumed : ""),
                                   .size = (uint64_t)size,
                                   .release = codes(release)};
  struct policy_request q = {.originator = (unsigned)place_of(from),
                             .agency = slice_str(agency),
                             .suite = (uint16_t)suite,
                             .owed = owed,
                             .time = at,
                             .expires = expires,
                             .topics = topic,
                             .hubs = hub,
                             .approvals = approvals,
                             .sources = source,
                             .portion_count = 1,
                             .portions = &portion};
  q.topic_count = split(topics, ',', list, POLICY_TOPICS_MAX);
  for (size_t i = 0; i < q.topic_count; i++)
    topic[i] = slice_str(list[i]);
  q.hub_count = split(hubs, ',', list, POLICY_HUBS_MAX);
  for (size_t i = 0; i < q.hub_count; i++)
    memcpy(hub[i].code, list[i], sizeof hub[i].code);
  q.source_count = split(sources, ';', list, POLICY_SOURCES_MAX);
  for (size_t i = 0; i < q.source_count; i++) {
    if (split(list[i], '/', pair, 2) != 2)
      fail("source");
    source[i] = (struct policy_source){codes(pair[0]), codes(pair[1])};
  }
  answer(&q);
}

int main(void)
{
  long long number;
  if (sodium_init() < 0)
    return 1;
  world.members = members;
  world.blocs = blocs;
  while (fgets(line, sizeof line, stdin)) {
    if (line[0] == 'W' && sscanf(line, "W %lld", &number) == 1) {
      world.at = number;
      world.member_count = world.bloc_count = world.suite_count = 0;
    } else if (line[0] == 'M') {
      read_member();
    } else if (line[0] == 'B') {
      read_bloc();
    } else if (line[0] == 'S' && sscanf(line, "S %lld", &number) == 1) {
      world.suites[world.suite_count++] = (uint16_t)number;
    } else if (line[0] == 'G' && sscanf(line, "G %lld", &number) == 1) {
      policy_set_free(set);
      set = NULL;
      if (policy_set_new(&world, number, &set))
        fail("no set");
    } else if (line[0] == 'P') {
      read_policy();
    } else if (line[0] == 'Q') {
      read_request();
    } else {
      fail("unknown line");
    }
  }
  policy_set_free(set);
  return 0;
}
