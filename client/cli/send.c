#include "client/cli/send.h"

#include "client/cli/audience.h"
#include "client/cli/bulletin.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What will be sent, in one line or one for each portion: classification and precedence always. */
static void print_head(const struct toguna_draft *d)
{
  char mark[BULLETIN_MARK];
  show_tinted(bulletin_tint(d->precedence), bulletin_precedence(d->precedence));
  printf("  %s%s\n", d->topics[0], d->flags & TOGUNA_EXERCISE ? _("  EXERCISE: not real") : "");
  struct grid *g = grid_new(4, NULL);
  for (size_t i = 0; i < d->portion_count; i++) {
    const struct toguna_portion *p = &d->portions[i];
    char number[24], size[SHOW_SIZE];
    snprintf(number, sizeof number, "  %zu", i + 1);
    grid_row(g, (const char *const[]){d->portion_count > 1 ? number : "",
                                      bulletin_mark(p->level, p->tlp, p->caveats, mark),
                                      show_size(p->content.size, size), p->title ? p->title : p->filename});
    grid_tint(g, 1, TINT_BOLD);
  }
  grid_print(g);
}

/* A person at a terminal is asked; anything but yes is no. */
static bool agreed(const struct wish_options *o)
{
  char answer[16] = "";
  if (o->yes || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
    return true;
  printf("%s ", _("Send it? [y/N]"));
  fflush(stdout);
  if (!fgets(answer, sizeof answer, stdin))
    return false;
  /* TRANSLATORS: the letters that mean yes. */
  return answer[0] && answer[0] != '\n' && strchr(_("yY"), answer[0]);
}

struct telling {
  bool json;
};

static int tell(void *context, const struct toguna_progress *p)
{
  const struct telling *t = context;
  char id[BULLETIN_SHORT];
  if (t->json)
    return 0;
  bulletin_short(&p->id, id);
  if (p->state == TOGUNA_IS_WAITING) {
    printf(_("%s  waits for approvals: see who is missing with toguna track %s\n"), id, id);
    fflush(stdout);
    return 0;
  }
  printf("%s  %s", id, _(bulletin_progress(p->state)));
  if (p->state == TOGUNA_IS_ACCEPTED)
    printf(_(", entry %llu of the hub's log"), (unsigned long long)p->leaf);
  if (*p->detail)
    printf(_(": %s"), p->detail);
  putchar('\n');
  fflush(stdout);
  return 0;
}

/* One object, whatever became of it; "bulletin" is null when nothing left, also when it waits for approvals, as "draft". */
static void show_outcome(const struct toguna_audience *audience, const struct toguna_progress *p,
                         bool dry_run)
{
  bool known = p != NULL, waits = known && p->state == TOGUNA_IS_WAITING;
  show_json(json_pack("{s:b, s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "dry_run", dry_run, "bulletin",
                      bulletin_id_json(known && !waits ? &p->id : NULL), "draft", bulletin_id_json(waits ? &p->id : NULL), "approvals",
                      (int)audience->approvals, "state",
                      known ? json_string(bulletin_progress(p->state)) : json_null(), "number",
                      known && !waits ? json_integer((json_int_t)p->number) : json_null(), "leaf",
                      known && p->leaf ? json_integer((json_int_t)p->leaf) : json_null(), "detail",
                      known && *p->detail ? json_string(p->detail) : json_null(), "audience",
                      audience_json(audience), "missing", json_words(audience->missing)));
}

static enum tg_err publish(struct call *call, struct toguna *node, const struct wish *w,
                           const struct toguna_audience *audience)
{
  const struct wish_options *o = call->options;
  struct toguna_error error;
  struct toguna_progress progress = {.detail = NULL}; /* stays NULL when nothing was spooled */
  struct telling telling = {.json = call->json};
  enum toguna_err err =
      toguna_publish(node, &w->draft, (enum toguna_wait)o->wait,
                     o->timeout ? (int)(o->timeout < INT32_MAX ? o->timeout : INT32_MAX) : -1, tell, &telling,
                     &progress, &error);
  if (call->json)
    show_outcome(audience, progress.detail ? &progress : NULL, false);
  return err == TOGUNA_OK ? TG_OK : call_said(call, &error);
}

static enum tg_err decide(struct call *call, struct toguna *node, const struct wish *w,
                          const struct toguna_audience *audience, struct tg_why *why)
{
  const struct wish_options *o = call->options;
  if (!call->json) {
    print_head(&w->draft);
    audience_print(audience, w->draft.portion_count);
  }
  enum tg_err err = audience_check(audience, w->draft.portion_count, why);
  bool stop = err != TG_OK || o->dry_run;
  if (stop && call->json)
    show_outcome(audience, NULL, o->dry_run);
  if (stop)
    return err;
  if (!call->json && !agreed(o)) {
    puts(_("Nothing was sent."));
    return TG_OK;
  }
  return publish(call, node, w, audience);
}

enum tg_err send_wish(struct call *call, struct toguna *node, struct wish *w, struct tg_why *why)
{
  struct toguna_error error;
  struct toguna_audience *audience;
  enum tg_err err = wish_sources(call, node, w);
  if (err != TG_OK)
    return err;
  if (toguna_preview(node, &w->draft, &audience, &error) != TOGUNA_OK)
    return call_said(call, &error);
  err = decide(call, node, w, audience, why);
  toguna_audience_free(audience);
  return err;
}
