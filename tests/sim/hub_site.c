/* The hub where it stands: its core on a disk of its own, and its signer on another. Both processes die
   together, but a signer may have answered what the core never read. */
#include "tests/sim/sim.h"

#include "audit/reason.h"
#include "os/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RESTART_MS = 3000 };

static struct hub_now now(const struct sim *s)
{
  return (struct hub_now){.wall = sim_wall(s) + s->hub.site.skew, .mono = s->mono};
}

static struct event for_hub(const struct sim *s, void (*happens)(struct sim *, const struct event *))
{
  return (struct event){.happens = happens, .node = -1, .life = s->hub.site.life};
}

/* ---- the end of a process */

static void starts_again(struct sim *s, const struct event *e)
{
  if (e->life == s->hub.site.life && !site_alive(&s->hub.site))
    hub_site_start(s);
}

void hub_site_crash(struct sim *s)
{
  struct site *site = &s->hub.site;
  if (!site_alive(site))
    return;
  sim_tell(s, "hub", "POWER FAILS");
  disk_cut(site->disk);
  hub_free(s->hub.hub);
  s->hub.hub = NULL;
  disk_restore(site->disk);
  site->life++;
  for (int i = 0; i < SIM_NODES; i++)
    network_cut(s, i);
  agenda_post(s, sim_between(s, 20, RESTART_MS), for_hub(s, starts_again), (struct slice){0});
}

/* What a core answers is TG_OK, or its disk has failed it and it must start again from there. */
static bool check(struct sim *s, enum tg_err err, const struct tg_why *why)
{
  char text[400] = "";
  if (err == TG_OK)
    return true;
  if (why && why->what)
    why_render(why, NULL, text, sizeof text);
  if (!s->hub.site.sabotaged)
    sim_fail(s, "hub", "it ended by itself: %s %s", tg_err_name(err), text);
  sim_tell(s, "hub", "what it needs failed it: %s", tg_err_name(err));
  hub_site_crash(s);
  return false;
}

/* ---- turns */

static void turn_ends(struct sim *s, const struct event *e)
{
  struct site *site = &s->hub.site;
  struct tg_why why = {.err = TG_OK};
  if (!site_hears(site, e))
    return;
  site->in_turn = site->turn_posted = false;
  if (!check(s, SCARCE(&s->hub.site, hub_commit(s->hub.hub, &why)), &why))
    return;
  if (site->doomed < 0)
    hub_site_crash(s);
  else if (site->stopping && !hub_is_busy(s->hub.hub)) {
    sim_tell(s, "hub", "stopped in good order");
    hub_site_crash(s); /* nothing more is written: pulling the plug changes nothing */
  }
}

/* Something happens to the hub: a turn begins unless one has. False when there is nobody. */
static bool turn(struct sim *s)
{
  struct site *site = &s->hub.site;
  if (!site_alive(site))
    return false;
  if (!site->turn_posted) {
    site->turn_posted = true;
    agenda_post(s, sim_between(s, 0, 3), for_hub(s, turn_ends), (struct slice){0});
  }
  if (site->in_turn)
    return true;
  site->in_turn = true;
  return check(s, SCARCE(&s->hub.site, hub_time(s->hub.hub, now(s))), NULL);
}

static void goes_on(struct sim *s, const struct event *e);

/* The rest of a long frame comes when it comes: with others' frames, ends of turns and of sessions between. */
static void posts_rest(struct sim *s, int node, size_t left)
{
  struct event e = for_hub(s, goes_on);
  e.number = (uint64_t)node;
  if (left > 0)
    agenda_post(s, sim_between(s, 0, 5), e, (struct slice){0});
}

static void goes_on(struct sim *s, const struct event *e)
{
  const struct seal_pk key = secret_key_seal_pk(s->kit->member[e->number].node[0].transport);
  size_t left = 0;
  if (site_hears(&s->hub.site, e) && turn(s) && check(s, SCARCE(&s->hub.site, hub_go_on(s->hub.hub, &key, &left)), NULL))
    posts_rest(s, (int)e->number, left);
}

void hub_site_frame(struct sim *s, int node, struct slice frame)
{
  const struct seal_pk key = secret_key_seal_pk(s->kit->member[node].node[0].transport);
  size_t left = 0;
  if (turn(s) && check(s, SCARCE(&s->hub.site, hub_hear(s->hub.hub, &key, frame, &left)), NULL))
    posts_rest(s, node, left);
}

void hub_site_gone(struct sim *s, int node)
{
  struct seal_pk key = secret_key_seal_pk(s->kit->member[node].node[0].transport);
  if (turn(s))
    check(s, SCARCE(&s->hub.site, hub_gone(s->hub.hub, &key)), NULL);
}

void hub_site_dropped(struct sim *s, int node, uint8_t type)
{
  struct seal_pk key = secret_key_seal_pk(s->kit->member[node].node[0].transport);
  if (turn(s))
    check(s, SCARCE(&s->hub.site, hub_dropped(s->hub.hub, &key, type)), NULL);
}

bool hub_site_admits(const struct sim *s, int node)
{
  struct seal_pk key = secret_key_seal_pk(s->kit->member[node].node[0].transport);
  for (size_t i = 0; i < s->hub.n_allowed; i++)
    if (seal_pk_eq(&s->hub.allowed[i], &key))
      return true;
  return false;
}

static void front_returns(struct sim *s, const struct event *e)
{
  s->hub.front = true;
  if (site_hears(&s->hub.site, e) && turn(s))
    check(s, SCARCE(&s->hub.site, hub_disconnected(s->hub.hub)), NULL);
}

void hub_site_front_dies(struct sim *s)
{
  if (!site_alive(&s->hub.site) || !s->hub.front)
    return;
  sim_tell(s, "hub", "its front dies");
  s->hub.front = false;
  for (int i = 0; i < SIM_NODES; i++)
    network_cut(s, i);
  agenda_post(s, sim_between(s, 100, 500), for_hub(s, front_returns), (struct slice){0});
}

void hub_site_disk(struct sim *s, uint64_t free_bytes)
{
  if (turn(s))
    check(s, SCARCE(&s->hub.site, hub_disk(s->hub.hub, free_bytes)), NULL);
}

void hub_site_stop(struct sim *s)
{
  if (s->hub.site.stopping || !turn(s))
    return;
  sim_tell(s, "hub", "is told to stop");
  s->hub.site.stopping = true;
  check(s, SCARCE(&s->hub.site, hub_stop(s->hub.hub)), NULL);
}

/* ---- effects */

static void effect_send(void *context, const struct seal_pk *peer, struct slice frame)
{
  struct sim *s = context;
  if (site_effect(&s->hub.site))
    network_to_node(s, peer, frame); /* where the oracle sees it */
}

static void effect_allow(void *context, const struct hub_peer *peers, size_t count)
{
  struct sim *s = context;
  if (!site_effect(&s->hub.site))
    return;
  if (count > sizeof s->hub.allowed / sizeof *s->hub.allowed) {
    sim_fail(s, "hub", "it lets in more keys than there are");
    return;
  }
  for (size_t i = 0; i < count; i++)
    s->hub.allowed[i] = peers[i].key;
  s->hub.n_allowed = count;
  for (int i = 0; i < SIM_NODES; i++)
    if (!hub_site_admits(s, i))
      network_cut(s, i);
}

static void effect_cut(void *context, const struct seal_pk *peer)
{
  scarce_rest();
  struct sim *s = context;
  if (!site_effect(&s->hub.site))
    return;
  for (int i = 0; i < SIM_NODES; i++) {
    struct seal_pk key = secret_key_seal_pk(s->kit->member[i].node[0].transport);
    if (seal_pk_eq(&key, peer))
      network_cut(s, i);
  }
}

static void effect_wake_at(void *context, int64_t mono);
static void effect_tell(void *context, const struct hub_event *event);
static void effect_sign(void *context, const struct hub_sign *request);

static void wakes(struct sim *s, const struct event *e)
{
  if (site_hears(&s->hub.site, e) && e->number == s->hub.site.wish)
    (void)turn(s);
}

static void effect_wake_at(void *context, int64_t mono)
{
  struct sim *s = context;
  scarce_rest();
  s->hub.site.wish++;
  if (mono == INT64_MAX)
    return;
  struct event e = for_hub(s, wakes);
  e.number = s->hub.site.wish;
  agenda_post(s, mono - s->mono, e, (struct slice){0});
}

static void effect_tell(void *context, const struct hub_event *event)
{
  struct sim *s = context;
  scarce_rest();
  char text[300] = "";
  if (event->why)
    why_render(event->why, NULL, text, sizeof text);
  sim_tell(s, "hub", "%s %s #%llu %s", event->name, event->node ? event->node : "",
           (unsigned long long)event->number, text);
  const char *revoked = s->kit->member[SIM_REVOKED].node[0].name;
  if (s->revoked && !strcmp(event->name, "bulletin-accepted") && event->node && !strcmp(event->node, revoked))
    sim_fail(s, "hub", "it accepts what a revoked node said");
  if (s->revoking && !strcmp(event->name, "document-accepted") && event->subject &&
      hash_eq(event->subject, &s->revocation))
    s->revoked = true;
  if (s->narrowing && !strcmp(event->name, "document-accepted") && event->subject && hash_eq(event->subject, &s->narrower))
    s->narrowed = true;
  if (event->level == HUB_ALARM && !s->forked && strcmp(event->name, "receipts-overdue") != 0) /* faults do make things late */
    sim_fail(s, "hub", "an alarm in an honest exchange: %s %s", event->name, text);
}

/* ---- the signer */

static void note_arrives(struct sim *s, const struct event *e)
{
  if (site_hears(&s->hub.site, e) && turn(s))
    check(s, SCARCE(&s->hub.site, hub_signed(s->hub.hub, slice_of(e->bytes, e->n))), NULL);
}

static struct buf signed_note(struct sim *s)
{
  struct buf note = buf_new(CHECKPOINT_BYTES_MAX);
  struct checkpoint checkpoint = signing_checkpoint(&s->hub.signed_state);
  if (checkpoint.size > 0 && checkpoint_sign(&checkpoint, s->kit->hub_log, &note, NULL) != TG_OK)
    sim_fail(s, "signer", "it cannot sign");
  return note;
}

static void signs(struct sim *s, const struct event *e)
{
  struct signing_request request;
  struct signing_state next;
  struct tg_why why = {.err = TG_OK};
  if (!site_hears(&s->hub.site, e) && random_chance(&s->chance, 50))
    return; /* it died with the core; or just before, having read and answered */
  if (!site_hears(&s->hub.site, e) && s->forked)
    return; /* the signer that was asked is gone, too */
  enum tg_err err = signing_request_parse(slice_of(e->bytes, e->n), &request);
  if (err == TG_OK)
    err = signing_advance(&s->hub.signed_state, &request, sim_wall(s), &next, &why);
  if (err != TG_OK) {
    sim_fail(s, "signer", "it refuses to sign %llu after %llu: %s", (unsigned long long)request.new_size,
             (unsigned long long)s->hub.signed_state.size, tg_err_name(err));
    return;
  }
  s->hub.signed_state = next;
  struct checkpoint checkpoint = signing_checkpoint(&next);
  oracle_signed(s, &checkpoint);
  struct buf note = signed_note(s);
  struct event answer = *e;
  answer.happens = note_arrives;
  agenda_post(s, sim_between(s, 0, 4), answer, buf_slice(&note));
  buf_free(&note);
}

static void effect_sign(void *context, const struct hub_sign *request)
{
  struct sim *s = context;
  struct buf bytes = buf_new(8192);
  if (!site_effect(&s->hub.site))
    return;
  signing_request_print(&(struct signing_request){.old_size = request->old_size,
                                                  .new_size = request->new_size,
                                                  .new_root = request->new_root,
                                                  .path = request->path},
                        &bytes);
  agenda_post(s, sim_between(s, 0, 4), for_hub(s, signs), buf_slice(&bytes));
  buf_free(&bytes);
}

/* ---- the start */

static void take_document(void *context, struct slice note)
{
  struct sim *s = context;
  struct tg_why why = {.err = TG_OK};
  if (!site_alive(&s->hub.site))
    return;
  enum tg_err err = SCARCE(&s->hub.site, hub_document(s->hub.hub, note, &why));
  if (err == TG_REFUSED && !s->revoking && !s->narrowing && !s->forked) /* the founding documents are older than what is known */
    sim_fail(s, "hub", "a document is refused: %s %s", why.what ? why.what : "", why.arg[0]);
  else if (err != TG_REFUSED)
    check(s, err, &why);
}

/* Once in a run. *known is true from here on, *hash the document's. Frees the note. */
static void hand_in(struct sim *s, struct buf *note, const char *what, int node, bool *known, struct hash *hash)
{
  struct note parsed;
  if (!*known && note_parse(buf_slice(note), NULL, &parsed, NULL) == TG_OK && turn(s)) {
    *known = true;
    *hash = document_hash(parsed.text);
    sim_tell(s, "hub", "is handed %s of %s", what, s->node[node].site.name);
    take_document(s, buf_slice(note));
  }
  buf_free(note);
}

void hub_site_revoke(struct sim *s)
{
  struct buf note = kit_revoke(s->kit, SIM_REVOKED, &s->kit->member[SIM_REVOKED].node[0], s->kit->start + SIM_BEGINS);
  hand_in(s, &note, "the revocation", SIM_REVOKED, &s->revoking, &s->revocation);
}

void hub_site_narrow(struct sim *s)
{
  const struct kit_member *m = &s->kit->member[SIM_NARROWER];
  struct buf note = kit_policy_note(s->kit, SIM_NARROWER, m->policy_serial + 1,
                                    "export allow alert.** to * up-to SECRET\nimport allow ** from * up-to SECRET\n", s->kit->start, 1);
  hand_in(s, &note, "the narrower policy", SIM_NARROWER, &s->narrowing, &s->narrower);
}

/* The core on what its disk holds, and the newest of what its signer said. */
static enum tg_err open_hub(struct sim *s, struct tg_why *why)
{
  struct hub_site *h = &s->hub;
  const struct hub_effects effects = {.context = s,
                                      .send = effect_send,
                                      .allow = effect_allow,
                                      .cut = effect_cut,
                                      .sign = effect_sign,
                                      .wake_at = effect_wake_at,
                                      .tell = effect_tell};
  /* Some hundred pages: a hub that lives for minutes has checkpoints, and pages that are written ahead of them. */
  const struct store_options options = {.database = "hub.db", .bodies = h->bodies, .vfs = disk_vfs(h->site.disk), .checkpoint_bytes = 384 * 1024};
  struct store *store = NULL;
  struct buf note = signed_note(s);
  enum tg_err err = SCARCE(&h->site, store_open(&options, &store, why));
  if (err == TG_OK)
    err = SCARCE(&h->site, hub_new(&h->config, &store, &effects, now(s), buf_slice(&note), &h->hub, why));
  buf_free(&note);
  store_close(&store);
  return err;
}

void hub_site_copy(struct sim *s)
{
  disk_image_free(s->hub.site.copy);
  s->hub.site.copy = disk_image(s->hub.site.disk);
  s->hub.copied = s->hub.signed_state.size;
  sim_tell(s, "hub", "its disk is copied, with %llu leaves signed", (unsigned long long)s->hub.copied);
}

/* A copy that has all that was signed since is not old: its last entries were written when it was made, and signed later. */
void hub_site_restore(struct sim *s)
{
  struct hub_site *h = &s->hub;
  struct tg_why why = {.err = TG_OK};
  if (!site_alive(&h->site) || h->signed_state.size == h->copied)
    return; /* such a copy is not old */
  hub_site_crash(s);
  sim_tell(s, "hub", "its disk is replaced by an old copy, with %llu leaves signed", (unsigned long long)h->copied);
  struct disk_image *newest = disk_image(h->site.disk);
  disk_image_restore(h->site.disk, h->site.copy);
  const uint64_t scarce = h->site.scarce;
  h->site.scarce = 0;
  uint64_t entries = 0;
  if (open_hub(s, &why) == TG_OK && store_log_size(hub_store(h->hub), &entries) == TG_OK && entries < h->signed_state.size)
    sim_fail(s, "hub", "it starts from a copy that is older than what was signed");
  h->site.scarce = scarce;
  hub_free(h->hub);
  h->hub = NULL;
  disk_image_restore(h->site.disk, newest);
  disk_image_free(newest);
}

static void cheats(struct sim *s, const struct event *e)
{
  struct hub_site *h = &s->hub;
  if (s->quiet)
    return;
  if (!site_alive(&h->site) || h->signed_state.size <= h->cheat_signed.size) {
    agenda_post(s, 100, *e, (struct slice){0});
    return;
  }
  hub_site_crash(s);
  sim_tell(s, "hub", "CHEATS: it goes on from %llu entries, having signed %llu", (unsigned long long)h->cheat_signed.size,
           (unsigned long long)h->signed_state.size);
  disk_image_restore(h->site.disk, h->cheat);
  h->signed_state = h->cheat_signed;
  disk_image_free(h->site.copy);
  h->site.copy = NULL;
  oracle_forks(s, h->cheat_signed.size);
}

void hub_site_cheat(struct sim *s)
{
  struct hub_site *h = &s->hub;
  sim_tell(s, "hub", "keeps a copy of its disk and its signer's, with %llu entries", (unsigned long long)h->signed_state.size);
  h->cheat = disk_image(h->site.disk);
  h->cheat_signed = h->signed_state;
  agenda_post(s, sim_between(s, 200, 4000), (struct event){.happens = cheats, .node = -1}, (struct slice){0});
}

void hub_site_start(struct sim *s)
{
  struct hub_site *h = &s->hub;
  struct tg_why why = {.err = TG_OK};
  struct disk *disk = h->site.disk;
  uint64_t life = h->site.life + 1, wish = h->site.wish;
  bool sabotaged = h->site.sabotaged;
  h->site = (struct site){
      .name = "hub", .disk = disk, .life = life, .wish = wish, .sabotaged = sabotaged, .scarce = h->site.scarce, .copy = h->site.copy, .skew = h->site.skew};
  h->front = true;
  h->n_allowed = 0;
  sim_tell(s, "hub", "starts; signed so far: %llu leaves", (unsigned long long)h->signed_state.size);
  enum tg_err err = open_hub(s, &why);
  if (check(s, err, &why) && turn(s))
    kit_each_document(s->kit, take_document, s);
}
