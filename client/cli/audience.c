#include "client/cli/audience.h"

#include <stdio.h>

/* Stable, for --json. */
static const char *stage_name(enum toguna_stage stage)
{
  static const char *const names[] = {"permitted", "charter", "marking", "export",  "obligation",
                                      "transit",   "import",  "sources", "no-node", "no-key"};
  return (size_t)stage < sizeof names / sizeof *names ? names[stage] : "?";
}

static const char *stage_sentence(enum toguna_stage stage)
{
  static const char *const sentences[] = {"",
                                          N_("the charter does not let this state have it"),
                                          N_("the release list or the marking leaves this state out"),
                                          N_("our policy does not let this state have it"),
                                          N_("an obligation of our policy is not met"),
                                          N_("our policy does not let it pass through the hub's country"),
                                          N_("this state does not take it"),
                                          N_("a bulletin that this derives from may not go there"),
                                          N_("this state has no node that receives"),
                                          N_("this state's nodes have no sealing key")};
  return (size_t)stage < sizeof sentences / sizeof *sentences ? _(sentences[stage]) : "";
}

/* "1 2" */
static const char *portions_cell(uint32_t mask, char *out, size_t size)
{
  size_t n = 0;
  out[0] = 0;
  for (unsigned i = 0; i < 16 && n < size; i++)
    if (mask >> i & 1)
      n += (size_t)snprintf(out + n, size - n, "%s%u", n ? " " : "", i + 1);
  return out;
}

static const char *nodes_cell(const struct toguna_audience_line *line, char *out, size_t size)
{
  size_t n = 0;
  out[0] = 0;
  for (size_t i = 0; line->nodes[i] && n < size; i++)
    n += (size_t)snprintf(out + n, size - n, "%s%s", n ? " " : "", line->nodes[i]);
  return out;
}

static const char *note_of(const struct toguna_audience_line *line, char *out, size_t size)
{
  snprintf(out, size, "%s%s%s", line->new_for_topic ? _("NEW for this topic") : "",
           line->new_for_topic && line->fallback_key ? ", " : "",
           line->fallback_key ? _("old sealing key") : "");
  return out;
}

static size_t print_readers(const struct toguna_audience *audience, size_t portions)
{
  char which[48], nodes[256], note[128];
  size_t n_new = 0;
  struct grid *g = grid_new(5, NULL);
  for (size_t i = 0; audience->lines[i]; i++) {
    const struct toguna_audience_line *line = audience->lines[i];
    if (!line->portions)
      continue;
    char cell[80] = "";
    if (portions > 1)
      snprintf(cell, sizeof cell, _("portions %s"), portions_cell(line->portions, which, sizeof which));
    char member[8];
    snprintf(member, sizeof member, "  %s", line->member);
    grid_row(g,
             (const char *const[]){member, show_country(line->member), cell, nodes_cell(line, nodes, sizeof nodes),
                                   note_of(line, note, sizeof note)});
    grid_tint(g, 0, TINT_GOOD);
    grid_tint(g, 4, TINT_WARN);
    n_new += line->new_for_topic;
  }
  bool any = grid_rows(g) > 0;
  puts(any ? _("Will be able to read it:") : _("Nobody will be able to read it."));
  grid_print(g);
  return n_new;
}

static void print_rule(const struct toguna_audience_line *line, char *out, size_t size)
{
  out[0] = 0;
  if (*line->rule_file && line->rule_line)
    snprintf(out, size, "%s:%u", line->rule_file, line->rule_line);
  else
    snprintf(out, size, "%s", line->rule_file);
}

static void print_others(const struct toguna_audience *audience)
{
  char rule[300];
  struct grid *g = grid_new(4, NULL);
  for (size_t i = 0; audience->lines[i]; i++) {
    const struct toguna_audience_line *line = audience->lines[i];
    if (line->portions)
      continue;
    char member[8];
    snprintf(member, sizeof member, "  %s", line->member);
    print_rule(line, rule, sizeof rule);
    grid_row(g, (const char *const[]){member, show_country(line->member), rule,
                                      *line->reason ? line->reason : stage_sentence(line->stage)});
    grid_tint(g, 0, TINT_BAD);
    if (*line->rule_text)
      grid_row(g, (const char *const[]){"", "", "", line->rule_text});
  }
  if (grid_rows(g))
    puts(_("Will not:"));
  grid_print(g);
}

void audience_print(const struct toguna_audience *audience, size_t portions)
{
  size_t n_new = print_readers(audience, portions);
  print_others(audience);
  if (n_new) {
    show_tinted(TINT_WARN, _("The audience is wider than this topic had before."));
    putchar('\n');
  }
  for (size_t i = 0; audience->missing[i]; i++)
    printf(_("Still missing: %s\n"), audience->missing[i]);
  if (audience->approvals)
    printf(_("The policy demands approvals by officers with the role release: %u. Until then it waits at the node.\n"),
           audience->approvals);
}

/* ---- JSON ---- */

static json_t *line_json(const struct toguna_audience_line *line)
{
  json_t *portions = json_array();
  for (unsigned i = 0; i < 16; i++)
    if (line->portions >> i & 1)
      json_array_append_new(portions, json_integer(i + 1));
  json_t *rule = *line->rule_file ? json_pack("{s:s, s:i, s:s}", "file", line->rule_file, "line",
                                              (int)line->rule_line, "text", line->rule_text)
                                  : json_null();
  return json_pack("{s:s, s:b, s:o, s:o, s:s, s:o, s:s, s:b, s:b}", "member", line->member, "permitted",
                   line->portions != 0, "portions", portions, "nodes", json_words(line->nodes), "stage",
                   stage_name(line->portions ? TOGUNA_STAGE_NONE : line->stage), "rule", rule, "reason",
                   *line->reason || line->portions ? line->reason : stage_sentence(line->stage),
                   "new_for_topic", line->new_for_topic, "fallback_key", line->fallback_key);
}

json_t *audience_json(const struct toguna_audience *audience)
{
  json_t *lines = json_array();
  for (size_t i = 0; audience->lines[i]; i++)
    json_array_append_new(lines, line_json(audience->lines[i]));
  return lines;
}

/* ---- may it go? ---- */

enum tg_err audience_check(const struct toguna_audience *audience, size_t portions, struct tg_why *why)
{
  uint32_t read = 0;
  for (size_t i = 0; audience->lines[i]; i++)
    read |= audience->lines[i]->portions;
  if (!read)
    return why_set(why, TG_REFUSED, NULL,
                   N_("nobody on the release list may have it, so that nothing was sent"),
                   N_("Each refusal above says why"), NULL, NULL, NULL);
  for (size_t i = 0; i < portions; i++) {
    char which[24];
    snprintf(which, sizeof which, "%zu", i + 1);
    if (!(read >> i & 1))
      return why_set(why, TG_REFUSED, NULL, N_("nobody may have portion %1$s, so that nothing was sent"),
                     N_("Each refusal above says why"), which, NULL, NULL);
  }
  if (audience->missing[0])
    return why_set(why, TG_REFUSED, NULL, N_("our policy demands more before this may leave: %1$s"), NULL,
                   audience->missing[0], NULL, NULL);
  return TG_OK;
}
