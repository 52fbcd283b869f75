#include "policy/policy.h"

#include "policy/rule.h"

static void put_word(struct buf *out, const char *word)
{
  buf_put_u8(out, ' ');
  buf_put_str(out, word);
}

static void put_text(struct buf *out, const char *keyword, struct slice text)
{
  if (!text.n)
    return;
  put_word(out, keyword);
  buf_put_u8(out, ' ');
  buf_put_slice(out, text);
}

static void put_names(const struct policy *p, struct span list, struct buf *out)
{
  for (uint32_t i = 0; i < list.n; i++) {
    buf_put_u8(out, ' ');
    buf_put_slice(out, p->name[list.from + i].text);
  }
}

static void put_what(const struct policy *p, const struct rule *r, struct buf *out)
{
  for (uint32_t i = 0; i < r->patterns.n; i++) {
    buf_put_u8(out, ' ');
    buf_put_slice(out, p->pattern[p->rule_pattern[r->patterns.from + i]]);
  }
  if (rule_permits(r->kind) || !r->level_stated)
    return;
  if (r->patterns.n)
    put_word(out, "at");
  buf_printf(out, " %s and above", level_name(r->level));
}

static void put_list(const struct policy *p, const struct rule *r, const char *keyword, struct buf *out)
{
  if (!r->names.n)
    return;
  put_word(out, keyword);
  if (r->outside)
    put_word(out, "outside");
  put_names(p, r->names, out);
}

/* The clauses after topics and members, in their order. */
static void put_clauses(const struct policy *p, const struct rule *r, struct buf *out)
{
  if (r->except.n) {
    put_word(out, "except");
    put_names(p, r->except, out);
  }
  put_text(out, "as-of", r->as_of_text);
  if (rule_permits(r->kind) && r->level_stated)
    buf_printf(out, " up-to %s", level_name(r->level));
  if (r->tlp_stated)
    buf_printf(out, " tlp %s%s", tlp_name(r->tlp), rule_permits(r->kind) ? "" : " and above");
  put_text(out, "max-size", r->size_text);
  for (uint32_t i = 0; i < r->agencies.n; i++) {
    const struct rule_agency *a = &p->agency[p->rule_agency[r->agencies.from + i]];
    buf_printf(out, "%s %s/%s", i ? "" : " when origin agency", a->member.code, a->name);
  }
  put_text(out, "from", r->from_text);
  put_text(out, "until", r->until_text);
}

static void put_rule(const struct policy *p, const struct rule *r, struct buf *out)
{
  static const struct {
    const char *words, *names;
  } forms[] = {
      [RULE_EXPORT_ALLOW] = {"export allow", "to"},      [RULE_EXPORT_DENY] = {"export deny", "to"},
      [RULE_ORCON] = {"export require orcon for", "to"}, [RULE_IMPORT_ALLOW] = {"import allow", "from"},
      [RULE_IMPORT_DENY] = {"import deny", "from"},      [RULE_ONWARD_ASK] = {"onward ask for", "to"},
      [RULE_ONWARD_ALLOW] = {"onward allow", "to"},      [RULE_PIN] = {"pin never", "to"},
  };
  switch (r->kind) {
  case RULE_LABEL:
    buf_put_str(out, "label \"");
    buf_put_slice(out, r->label);
    buf_printf(out, "\" is %s", level_name(r->level));
    return;
  case RULE_TRANSIT_DENY:
    buf_put_str(out, "transit deny");
    put_list(p, r, "hub-in", out);
    put_word(out, "for");
    put_what(p, r, out);
    break;
  case RULE_APPROVALS:
    buf_printf(out, "export require approvals %u by release for", r->approvals);
    put_what(p, r, out);
    put_list(p, r, "to", out);
    break;
  case RULE_RETAIN:
    buf_put_str(out, "export retain ");
    buf_put_slice(out, r->retain_text);
    put_word(out, "for");
    put_what(p, r, out);
    break;
  case RULE_EXPORT_ALLOW:
  case RULE_EXPORT_DENY:
  case RULE_ORCON:
  case RULE_IMPORT_ALLOW:
  case RULE_IMPORT_DENY:
  case RULE_ONWARD_ASK:
  case RULE_ONWARD_ALLOW:
  case RULE_PIN:
    buf_put_str(out, forms[r->kind].words);
    put_what(p, r, out);
    put_list(p, r, forms[r->kind].names, out);
    break;
  }
  put_clauses(p, r, out);
}

/* A line as it is, without spaces around it; inside a head line, single ones between words. */
static void put_plain(struct slice line, bool squeeze, struct buf *out)
{
  while (line.n && line.p[0] == ' ')
    line = slice_of(line.p + 1, line.n - 1);
  while (line.n && line.p[line.n - 1] == ' ')
    line.n--;
  for (size_t i = 0; i < line.n; i++)
    if (!squeeze || line.p[i] != ' ' || line.p[i - 1] != ' ')
      buf_put_u8(out, line.p[i]);
}

void policy_print(const struct policy *p, struct buf *out)
{
  for (size_t i = 0; i < p->n_lines; i++) {
    if (p->line_rule[i] >= 0)
      put_rule(p, &p->rule[p->line_rule[i]], out);
    else
      put_plain(p->line[i], p->line_rule[i] == LINE_HEAD, out);
    buf_put_u8(out, '\n');
  }
}
