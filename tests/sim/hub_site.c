/* The hub where it stands: its core on a disk of its own, and its signer on another. Both processes die
   together, but a signer may have answered what the core never read. */
#include "tests/sim/sim.h"

#include "audit/reason.h"
#include "os/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RESTART_MS = 3000, NEWS_MS = 3000 };

static struct hub_now now(const struct sim *s, int hub)
{
  return (struct hub_now){.wall = sim_wall(s) + s->hub[hub].site.skew, .mono = s->mono};
}

static struct event for_hub(const struct sim *s, int hub, void (*happens)(struct sim *, const struct event *))
{
  return (struct event){.happens = happens, .node = -1, .hub = hub, .life = s->hub[hub].site.life};
}

static const char *name_of(const struct sim *s, int hub)
{
  return s->hub[hub].site.name;
}

/* ---- the end of a process */

static void starts_again(struct sim *s, const struct event *e)
{
  const struct hub_site *h = &s->hub[e->hub];
  if (e->life == h->site.life && !site_alive(&h->site) && !h->lost)
    hub_site_start(s, e->hub);
}

static void cut_all(struct sim *s, int hub)
{
  for (int i = 0; i < SIM_NODES; i++)
    if (s->node[i].wire.hub == hub)
      network_cut(s, i);
}

void hub_site_crash(struct sim *s, int hub)
{
  struct hub_site *h = &s->hub[hub];
  struct site *site = &h->site;
  if (!site_alive(site))
    return;
  sim_tell(s, site->name, "POWER FAILS");
  disk_cut(site->disk);
  hub_free(h->hub);
  h->hub = NULL;
  disk_restore(site->disk);
  site->life++;
  cut_all(s, hub);
  agenda_post(s, sim_between(s, 20, RESTART_MS), for_hub(s, hub, starts_again), (struct slice){0});
}

/* What a core answers is TG_OK, or its disk has failed it and it must start again from there. */
static bool check(struct sim *s, int hub, enum tg_err err, const struct tg_why *why)
{
  char text[400] = "";
  if (err == TG_OK)
    return true;
  if (why && why->what)
    why_render(why, NULL, text, sizeof text);
  if (!s->hub[hub].site.sabotaged)
    sim_fail(s, name_of(s, hub), "it ended by itself: %s %s", tg_err_name(err), text);
  sim_tell(s, name_of(s, hub), "what it needs failed it: %s", tg_err_name(err));
  hub_site_crash(s, hub);
  return false;
}

/* ---- turns */

static void turn_ends(struct sim *s, const struct event *e)
{
  struct hub_site *h = &s->hub[e->hub];
  struct site *site = &h->site;
  struct tg_why why = {.err = TG_OK};
  if (!site_hears(site, e))
    return;
  site->in_turn = site->turn_posted = false;
  if (!check(s, e->hub, SCARCE(site, hub_commit(h->hub, &why)), &why))
    return;
  if (site->doomed < 0)
    hub_site_crash(s, e->hub);
  else if (site->stopping && !hub_is_busy(h->hub)) {
    sim_tell(s, site->name, "stopped in good order");
    hub_site_crash(s, e->hub); /* nothing more is written: pulling the plug changes nothing */
  }
}

/* Something happens to the hub: a turn begins unless one has. False when there is nobody. */
static bool turn(struct sim *s, int hub)
{
  struct hub_site *h = &s->hub[hub];
  struct site *site = &h->site;
  if (!site_alive(site))
    return false;
  if (!site->turn_posted) {
    site->turn_posted = true;
    agenda_post(s, sim_between(s, 0, 3), for_hub(s, hub, turn_ends), (struct slice){0});
  }
  if (site->in_turn)
    return true;
  site->in_turn = true;
  return check(s, hub, SCARCE(site, hub_time(h->hub, now(s, hub))), NULL);
}

static struct seal_pk key_of(const struct sim *s, int node)
{
  return secret_key_seal_pk(s->node[node].holder->transport);
}

static void goes_on(struct sim *s, const struct event *e);

/* The rest of a long frame comes when it comes: with others' frames, ends of turns and of sessions between. */
static void posts_rest(struct sim *s, int hub, int node, size_t left)
{
  struct event e = for_hub(s, hub, goes_on);
  e.number = (uint64_t)node;
  if (left > 0)
    agenda_post(s, sim_between(s, 0, 5), e, (struct slice){0});
}

static void goes_on(struct sim *s, const struct event *e)
{
  struct hub_site *h = &s->hub[e->hub];
  const struct seal_pk key = key_of(s, (int)e->number);
  size_t left = 0;
  if (site_hears(&h->site, e) && turn(s, e->hub) && check(s, e->hub, SCARCE(&h->site, hub_go_on(h->hub, &key, &left)), NULL))
    posts_rest(s, e->hub, (int)e->number, left);
}

void hub_site_frame(struct sim *s, int hub, int node, struct slice frame)
{
  struct hub_site *h = &s->hub[hub];
  const struct seal_pk key = key_of(s, node);
  size_t left = 0;
  if (turn(s, hub) && check(s, hub, SCARCE(&h->site, hub_hear(h->hub, &key, frame, &left)), NULL))
    posts_rest(s, hub, node, left);
}

void hub_site_gone(struct sim *s, int hub, int node)
{
  struct hub_site *h = &s->hub[hub];
  const struct seal_pk key = key_of(s, node);
  if (turn(s, hub))
    check(s, hub, SCARCE(&h->site, hub_gone(h->hub, &key)), NULL);
}

void hub_site_dropped(struct sim *s, int hub, int node, uint8_t type)
{
  struct hub_site *h = &s->hub[hub];
  const struct seal_pk key = key_of(s, node);
  if (turn(s, hub))
    check(s, hub, SCARCE(&h->site, hub_dropped(h->hub, &key, type)), NULL);
}

bool hub_site_admits(const struct sim *s, int hub, int node)
{
  const struct hub_site *h = &s->hub[hub];
  const struct seal_pk key = key_of(s, node);
  for (size_t i = 0; i < h->n_allowed; i++)
    if (seal_pk_eq(&h->allowed[i], &key))
      return true;
  return false;
}

static void front_returns(struct sim *s, const struct event *e)
{
  struct hub_site *h = &s->hub[e->hub];
  h->front = true;
  if (site_hears(&h->site, e) && turn(s, e->hub))
    check(s, e->hub, SCARCE(&h->site, hub_disconnected(h->hub)), NULL);
}

void hub_site_front_dies(struct sim *s, int hub)
{
  struct hub_site *h = &s->hub[hub];
  if (!site_alive(&h->site) || !h->front)
    return;
  sim_tell(s, h->site.name, "its front dies");
  h->front = false;
  cut_all(s, hub);
  agenda_post(s, sim_between(s, 100, 500), for_hub(s, hub, front_returns), (struct slice){0});
}

void hub_site_disk(struct sim *s, int hub, uint64_t free_bytes)
{
  struct hub_site *h = &s->hub[hub];
  if (turn(s, hub))
    check(s, hub, SCARCE(&h->site, hub_disk(h->hub, free_bytes)), NULL);
}

void hub_site_stop(struct sim *s, int hub)
{
  struct hub_site *h = &s->hub[hub];
  if (h->site.stopping || !turn(s, hub))
    return;
  sim_tell(s, h->site.name, "is told to stop");
  h->site.stopping = true;
  check(s, hub, SCARCE(&h->site, hub_stop(h->hub)), NULL);
}

/* ---- effects */

static struct here here_of(void *context)
{
  return *(const struct here *)context;
}

static void effect_send(void *context, const struct seal_pk *peer, struct slice frame)
{
  const struct here h = here_of(context);
  if (site_effect(&h.s->hub[h.which].site))
    network_to_node(h.s, h.which, peer, frame); /* where the oracle sees it */
}

static void effect_allow(void *context, const struct hub_peer *peers, size_t count)
{
  const struct here here = here_of(context);
  struct sim *s = here.s;
  struct hub_site *h = &s->hub[here.which];
  if (!site_effect(&h->site))
    return;
  if (count > sizeof h->allowed / sizeof *h->allowed) {
    sim_fail(s, h->site.name, "it lets in more keys than there are");
    return;
  }
  for (size_t i = 0; i < count; i++)
    h->allowed[i] = peers[i].key;
  h->n_allowed = count;
  for (int i = 0; i < SIM_NODES; i++)
    if (s->node[i].wire.hub == here.which && !hub_site_admits(s, here.which, i))
      network_cut(s, i);
}

static void effect_cut(void *context, const struct seal_pk *peer)
{
  scarce_rest();
  const struct here h = here_of(context);
  if (!site_effect(&h.s->hub[h.which].site))
    return;
  for (int i = 0; i < SIM_NODES; i++) {
    const struct seal_pk key = key_of(h.s, i);
    if (h.s->node[i].wire.hub == h.which && seal_pk_eq(&key, peer))
      network_cut(h.s, i);
  }
}

static void effect_wake_at(void *context, int64_t mono);
static void effect_tell(void *context, const struct hub_event *event);
static void effect_sign(void *context, const struct hub_sign *request);

static void wakes(struct sim *s, const struct event *e)
{
  if (site_hears(&s->hub[e->hub].site, e) && e->number == s->hub[e->hub].site.wish)
    (void)turn(s, e->hub);
}

static void effect_wake_at(void *context, int64_t mono)
{
  const struct here h = here_of(context);
  struct site *site = &h.s->hub[h.which].site;
  scarce_rest();
  site->wish++;
  if (mono == INT64_MAX)
    return;
  struct event e = for_hub(h.s, h.which, wakes);
  e.number = site->wish;
  agenda_post(h.s, mono - h.s->mono, e, (struct slice){0});
}

/* What it says of documents and bulletins that the oracle waits for. */
static void learn(struct sim *s, int hub, const struct hub_event *event)
{
  struct hub_site *h = &s->hub[hub];
  const bool is_document = !strcmp(event->name, "document-accepted") && event->subject;
  const bool is_bulletin = !strcmp(event->name, "bulletin-accepted");
  if (h->revoked && is_bulletin && event->node && !strcmp(event->node, s->kit->member[SIM_REVOKED].node[0].name))
    sim_fail(s, h->site.name, "it accepts what a revoked node said");
  if (is_bulletin && event->subject)
    oracle_logged(s, hub, event->subject);
  h->revoked |= s->revoking && is_document && hash_eq(event->subject, &s->revocation);
  h->chartered |= is_document && hash_eq(event->subject, &s->naming);
  h->narrowed |= s->narrowing && is_document && hash_eq(event->subject, &s->narrower);
}

static void effect_tell(void *context, const struct hub_event *event)
{
  const struct here h = here_of(context);
  struct sim *s = h.s;
  scarce_rest();
  char text[300] = "";
  if (event->why)
    why_render(event->why, NULL, text, sizeof text);
  sim_tell(s, name_of(s, h.which), "%s %s #%llu %s", event->name, event->node ? event->node : "",
           (unsigned long long)event->number, text);
  learn(s, h.which, event);
  if (event->level == HUB_ALARM && !s->forked && strcmp(event->name, "receipts-overdue") != 0) /* faults do make things late */
    sim_fail(s, name_of(s, h.which), "an alarm in an honest exchange: %s %s", event->name, text);
}

/* ---- the signer */

static void note_arrives(struct sim *s, const struct event *e)
{
  struct hub_site *h = &s->hub[e->hub];
  if (site_hears(&h->site, e) && turn(s, e->hub))
    check(s, e->hub, SCARCE(&h->site, hub_signed(h->hub, slice_of(e->bytes, e->n))), NULL);
}

static struct buf signed_note(struct sim *s, int hub)
{
  struct buf note = buf_new(CHECKPOINT_BYTES_MAX);
  struct checkpoint checkpoint = signing_checkpoint(&s->hub[hub].signed_state);
  if (checkpoint.size > 0 && checkpoint_sign(&checkpoint, s->hub[hub].log, &note, NULL) != TG_OK)
    sim_fail(s, "signer", "it cannot sign");
  return note;
}

static void signs(struct sim *s, const struct event *e)
{
  struct hub_site *h = &s->hub[e->hub];
  struct signing_request request;
  struct signing_state next;
  struct tg_why why = {.err = TG_OK};
  if (!site_hears(&h->site, e) && random_chance(&s->chance, 50))
    return; /* it died with the core; or just before, having read and answered */
  if (!site_hears(&h->site, e) && (s->forked || h->lost))
    return; /* the signer that was asked is gone, too */
  enum tg_err err = signing_request_parse(slice_of(e->bytes, e->n), &request);
  if (err == TG_OK)
    err = signing_advance(&h->signed_state, &request, sim_wall(s), &next, &why);
  if (err != TG_OK) {
    sim_fail(s, "signer", "it refuses to sign %llu after %llu: %s", (unsigned long long)request.new_size,
             (unsigned long long)h->signed_state.size, tg_err_name(err));
    return;
  }
  h->signed_state = next;
  struct checkpoint checkpoint = signing_checkpoint(&next);
  oracle_signed(s, e->hub, &checkpoint);
  struct buf note = signed_note(s, e->hub);
  struct event answer = *e;
  answer.happens = note_arrives;
  agenda_post(s, sim_between(s, 0, 4), answer, buf_slice(&note));
  buf_free(&note);
}

static void effect_sign(void *context, const struct hub_sign *request)
{
  const struct here h = here_of(context);
  struct buf bytes = buf_new(8192);
  if (!site_effect(&h.s->hub[h.which].site))
    return;
  signing_request_print(&(struct signing_request){.old_size = request->old_size,
                                                  .new_size = request->new_size,
                                                  .new_root = request->new_root,
                                                  .path = request->path},
                        &bytes);
  agenda_post(h.s, sim_between(h.s, 0, 4), for_hub(h.s, h.which, signs), buf_slice(&bytes));
  buf_free(&bytes);
}

/* ---- documents */

/* A charter that has been in force for an hour when it comes is of the past. */
static bool is_too_late(const struct sim *s, int hub)
{
  return s->effective && (s->plan.faults & PLAN_HUBS) && hub == 0 && sim_wall(s) + s->hub[hub].site.skew > s->effective + TG_HOUR - TG_MINUTE;
}

/* Founding documents are older than what is known after a change; and a hub that is given up is named by none. */
static bool may_refuse_documents(const struct sim *s)
{
  return s->revoking || s->narrowing || s->forked || s->replaced.begun || s->wider.begun;
}

bool hub_site_document(struct sim *s, int hub, struct slice note)
{
  struct hub_site *h = &s->hub[hub];
  struct tg_why why = {.err = TG_OK};
  if (!turn(s, hub))
    return false;
  enum tg_err err = SCARCE(&h->site, hub_document(h->hub, note, &why));
  if (err == TG_REFUSED && !may_refuse_documents(s) && !is_too_late(s, hub))
    sim_fail(s, h->site.name, "a document is refused: %s %s", why.what ? why.what : "", why.arg[0]);
  else if (err != TG_REFUSED)
    check(s, hub, err, &why);
  return err == TG_OK;
}

static void founding_document(void *context, struct slice note)
{
  const struct here *h = context;
  (void)hub_site_document(h->s, h->which, note);
}

/* What is in its folder besides. */
static void read_folder(struct sim *s, int hub)
{
  replacement_documents(s, hub);
  widening_documents(s, hub);
  succession_documents(s, hub);
}

static void folder_grows(struct sim *s, const struct event *e)
{
  if (site_alive(&s->hub[e->hub].site))
    read_folder(s, e->hub); /* otherwise when it starts */
}

static void other_hears(struct sim *s)
{
  for (int hub = 0; hub < SIM_HUBS; hub++)
    if (hub != s->serving && sim_is_named(s, hub))
      agenda_post(s, sim_between(s, 0, NEWS_MS), (struct event){.happens = folder_grows, .node = -1, .hub = hub}, (struct slice){0});
}

void hub_site_news(struct sim *s, void (*documents)(struct sim *, int hub))
{
  documents(s, s->serving);
  other_hears(s);
}

/* Once in a run. *known is true from here on, *hash the document's. Takes the note. */
static void hand_in(struct sim *s, struct buf *note, const char *what, int node, bool *known, struct hash *hash, struct buf *keep)
{
  struct note parsed;
  if (!*known && note_parse(buf_slice(note), NULL, &parsed, NULL) == TG_OK && turn(s, s->serving)) {
    *known = true;
    *hash = document_hash(parsed.text);
    *keep = *note;
    *note = (struct buf){0};
    sim_tell(s, name_of(s, s->serving), "is handed %s of %s", what, s->node[node].site.name);
    (void)hub_site_document(s, s->serving, buf_slice(keep));
    other_hears(s);
  }
  buf_free(note);
}

void hub_site_revoke(struct sim *s)
{
  struct buf note = kit_revoke(s->kit, SIM_REVOKED, &s->kit->member[SIM_REVOKED].node[0], s->kit->start + SIM_BEGINS);
  hand_in(s, &note, "the revocation", SIM_REVOKED, &s->revoking, &s->revocation, &s->revocation_note);
}

void hub_site_narrow(struct sim *s)
{
  const struct kit_member *m = &s->kit->member[SIM_NARROWER];
  struct buf note = kit_policy_note(s->kit, SIM_NARROWER, m->policy_serial + 1,
                                    "export allow alert.** to * up-to SECRET\nimport allow ** from * up-to SECRET\n", s->kit->start, 1);
  hand_in(s, &note, "the narrower policy", SIM_NARROWER, &s->narrowing, &s->narrower, &s->narrower_note);
}

/* ---- the start */

/* The core on what its disk holds, and the newest of what its signer said. */
static enum tg_err open_hub(struct sim *s, int hub, struct tg_why *why)
{
  struct hub_site *h = &s->hub[hub];
  const struct hub_effects effects = {.context = &h->here,
                                      .send = effect_send,
                                      .allow = effect_allow,
                                      .cut = effect_cut,
                                      .sign = effect_sign,
                                      .wake_at = effect_wake_at,
                                      .tell = effect_tell};
  /* Some hundred pages: a hub that lives for minutes has checkpoints, and pages that are written ahead of them. */
  const struct store_options options = {.database = "hub.db", .bodies = h->bodies, .vfs = disk_vfs(h->site.disk), .checkpoint_bytes = 384 * 1024};
  struct store *store = NULL;
  h->here = (struct here){.s = s, .which = hub};
  struct buf note = signed_note(s, hub);
  enum tg_err err = SCARCE(&h->site, store_open(&options, &store, why));
  if (err == TG_OK)
    err = SCARCE(&h->site, hub_new(&h->config, &store, &effects, now(s, hub), buf_slice(&note), &h->hub, why));
  buf_free(&note);
  store_close(&store);
  return err;
}

/* ---- copies of the disk */

void hub_site_copy(struct sim *s, int hub)
{
  struct hub_site *h = &s->hub[hub];
  disk_image_free(h->site.copy);
  h->site.copy = disk_image(h->site.disk);
  h->copied = h->signed_state.size;
  sim_tell(s, h->site.name, "its disk is copied, with %llu leaves signed", (unsigned long long)h->copied);
}

/* A copy that has all that was signed since is not old: its last entries were written when it was made, and signed later. */
void hub_site_restore(struct sim *s, int hub)
{
  struct hub_site *h = &s->hub[hub];
  struct tg_why why = {.err = TG_OK};
  if (!site_alive(&h->site) || h->signed_state.size == h->copied)
    return; /* such a copy is not old */
  hub_site_crash(s, hub);
  sim_tell(s, h->site.name, "its disk is replaced by an old copy, with %llu leaves signed", (unsigned long long)h->copied);
  struct disk_image *newest = disk_image(h->site.disk);
  disk_image_restore(h->site.disk, h->site.copy);
  const uint64_t scarce = h->site.scarce;
  h->site.scarce = 0;
  uint64_t entries = 0;
  if (open_hub(s, hub, &why) == TG_OK && store_log_size(hub_store(h->hub), &entries) == TG_OK && entries < h->signed_state.size)
    sim_fail(s, h->site.name, "it starts from a copy that is older than what was signed");
  h->site.scarce = scarce;
  hub_free(h->hub);
  h->hub = NULL;
  disk_image_restore(h->site.disk, newest);
  disk_image_free(newest);
}

static void cheats(struct sim *s, const struct event *e)
{
  struct hub_site *h = &s->hub[e->hub];
  if (s->quiet)
    return;
  if (!site_alive(&h->site) || h->signed_state.size <= h->cheat_signed.size) {
    agenda_post(s, 100, *e, (struct slice){0});
    return;
  }
  hub_site_crash(s, e->hub);
  sim_tell(s, h->site.name, "CHEATS: it goes on from %llu entries, having signed %llu", (unsigned long long)h->cheat_signed.size,
           (unsigned long long)h->signed_state.size);
  disk_image_restore(h->site.disk, h->cheat);
  h->signed_state = h->cheat_signed;
  disk_image_free(h->site.copy);
  h->site.copy = NULL;
  oracle_forks(s, h->cheat_signed.size);
}

void hub_site_cheat(struct sim *s)
{
  struct hub_site *h = &s->hub[0];
  sim_tell(s, h->site.name, "keeps a copy of its disk and its signer's, with %llu entries", (unsigned long long)h->signed_state.size);
  h->cheat = disk_image(h->site.disk);
  h->cheat_signed = h->signed_state;
  agenda_post(s, sim_between(s, 200, 4000), (struct event){.happens = cheats, .node = -1}, (struct slice){0});
}

void hub_site_start(struct sim *s, int hub)
{
  struct hub_site *h = &s->hub[hub];
  struct tg_why why = {.err = TG_OK};
  const struct site old = h->site;
  h->site = (struct site){
      .disk = old.disk, .life = old.life + 1, .wish = old.wish, .sabotaged = old.sabotaged, .scarce = old.scarce, .copy = old.copy, .skew = old.skew};
  memcpy(h->site.name, old.name, sizeof old.name);
  h->front = true;
  h->n_allowed = 0;
  sim_tell(s, h->site.name, "starts; signed so far: %llu leaves", (unsigned long long)h->signed_state.size);
  enum tg_err err = open_hub(s, hub, &why);
  if (!check(s, hub, err, &why) || !turn(s, hub))
    return;
  kit_each_document(s->kit, founding_document, &h->here);
  read_folder(s, hub);
}
