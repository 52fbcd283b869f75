/* A whole exchange in one process: a hub, its signer, five nodes with their programs, a network between them
   and a disk below each, under one clock and one source of chance. The seed decides everything: which faults
   come when, and every key, salt and delay; so a failing seed replays bit for bit.

   What must hold whatever happens (the oracle checks it):
     1 accepted is in the log (with two hubs in one of the logs), and spooled is never lost: in the end a hub has it, once
     2 a bulletin is shown to a reader at one place only, and no place twice in a row of follows
     3 only to the permitted, and exactly the text that was published; what a narrowed policy no longer permits does not leave the hub
       once it said that it has the policy, not even what was queued before
     4 who is said to have it has it: once the last fault is over, everything deliverable arrives everywhere
   it was said to be, and witnesses of both camps settle it; nothing is said to be settled that they have not
     5 no two checkpoints of one size differ, and no size follows a larger one
     6 an honest exchange raises no alarm, and no core ends by itself
     7 of a node that was revoked nothing is accepted any more, nor is it let in
     8 nobody who said that a recalled bulletin is purged can read it, and in the end all to whom the recall went have purged it

     9 every decision has its entry in the log, and one only; what was signed is the tree of these entries; of a revoked key nothing stands behind its
       revocation
    10 proofs verify, and evidence of two histories that were signed; what was changed or made up does not. Where a hub signs two, nodes do not
       show anything twice or to whom it is not permitted either; whoever saw one and is shown the other has evidence

   Files: stand_in (for libsodium's curves), agenda (time), network, hub_site, node_site, program (publishing and reading), carrier (bundles), succession (another hub), pairing (two at once), replacement (another node), widening (a policy that permits more), oracle, ledger, cosigned, evidence, fault, sim
   (one run), worker (many), main. */
#ifndef TOGUNA_TESTS_SIM_SIM_H
#define TOGUNA_TESTS_SIM_SIM_H

#include "audit/signing.h"
#include "broker/hub.h"
#include "broker/store.h"
#include "client/local.h"
#include "client/node/node.h"
#include "proto/subject.h"
#include "tests/kit/exchange.h"
#include "tests/sim/disk.h"
#include "tests/sim/random.h"
#include "tests/sim/scarce.h"

#define SIM_BEGINS TG_DAY /* after the charter took effect: a clock that is behind must not come before it */

enum { SIM_HUBS = 2 /* the first, and the one that the members name in its place, or beside it */ };
enum { SIM_NODES = 5, SIM_STORM = 24, SIM_PUBLICATIONS = SIM_STORM + 3 /* when all is over */, SIM_PARTS = 2, SIM_TEXT = 180 * 1024, SIM_INLINE = 2048, SIM_REVOKED = 2, SIM_NARROWER = 2, SIM_WIDER = 1 };

/* ---- time: what happens next */

struct sim;
struct event {
  int64_t at;
  uint64_t order; /* of events at the same time: as they were posted */
  void (*happens)(struct sim *s, const struct event *e);
  int node;      /* whom it concerns; -1: a hub alone */
  int hub;       /* which one, where it concerns one */
  uint64_t life; /* of that process; checked by `happens` */
  uint64_t number;
  uint8_t *bytes; /* owned */
  size_t n;
};
struct agenda {
  struct event *v; /* a binary heap */
  size_t n, room;
  uint64_t posted;
};
/* After `delay` ms. bytes are copied. */
void agenda_post(struct sim *s, int64_t delay, struct event what, struct slice bytes);
/* Takes the next event and makes it the present. False at the end of time. The caller frees e->bytes. */
bool agenda_next(struct sim *s, struct event *ret);
void agenda_clear(struct sim *s);

/* ---- the parts */

/* Invariant: up implies wanted and both ends alive; what was sent in another session is lost or late. */
enum { WIRE_TYPES = 64 }; /* of frames */

struct wire {
  bool wanted, up;
  int hub; /* with which it is, or is to be */
  uint64_t session, attempt;
  int64_t barred; /* until then it does not come up */
  int64_t last_to_hub, last_to_node; /* arrival of the newest frame: order is kept within a session */
  size_t waiting;                    /* bytes on the way to the hub */
  uint64_t gap;                      /* a frame of this session was lost: of it, and those before it, nothing follows */
  uint64_t dropping;                 /* the life of the node that is to be told of `dropped`: till then all that it sends is */
  bool dropped[WIRE_TYPES];
};

struct site {
  char name[8];
  struct disk *disk;
  uint64_t life; /* counts its processes; odd while one is alive */
  bool in_turn, turn_posted;
  bool sabotaged; /* its disk or its memory was told to fail: an error is no surprise */
  uint64_t scarce; /* > 0: the so-manieth allocation from now on fails */
  int doomed;     /* > 0: so many effects more, then the power fails */
  bool stopping;
  tg_time skew;  /* of its wall clock */
  uint64_t wish; /* number of its newest wake_at */
  struct disk_image *copy; /* of its disk, for later; NULL: none */
};

struct here { /* what an effect must know */
  struct sim *s;
  int which; /* hub or node */
};
/* What a hub's signer signed: the root for each size, zeros where none was. */
struct log_roots {
  struct hash *root;
  uint64_t n, newest;
};
struct log_roots log_roots_copy(const struct log_roots *roots);
/* Was it signed? */
bool log_roots_have(const struct log_roots *roots, uint64_t size, const struct hash *root);
struct hub_site {
  struct site site;
  struct here here;
  struct hub *hub;
  struct hub_config config;
  const struct secret_key *transport, *log;
  struct signing_state signed_state; /* on the signer's own disk */
  struct log_roots roots;
  uint8_t *cosigned;   /* for each size, a mask over the nodes whose witnesses told it that they have cosigned that */
  uint64_t n_cosigned;
  uint64_t settled; /* the largest of them that those of both camps have, */
  uint64_t shown[SIM_NODES]; /* and that this node was shown */
  struct hash accepted[4 * SIM_PUBLICATIONS]; /* what it said that it accepted */
  size_t n_accepted;
  bool lost;              /* its machine is no more */
  bool chartered;         /* it said that it has the charter that names both */
  bool revoked, narrowed; /* it said that it has the revocation of SIM_REVOKED's node; the policy that permits less */
  struct seal_pk allowed[16];
  size_t n_allowed;
  bool front; /* alive */
  uint64_t copied; /* leaves that were signed when the copy of the disk was made */
  struct disk_image *cheat; /* a copy of its disk to cheat with, and of its signer's; NULL: none */
  struct signing_state cheat_signed;
  int64_t barred[SIM_NODES]; /* until then that node cannot reach it */
  const char *bodies; /* the stage's folder for them */
};

/* A program that follows the inbox, one that publishes, one that looks after what became of it. `client` is 0
 * while it is not connected. */
struct program {
  uint64_t client;
  uint64_t requests; /* numbers given */
  bool welcome;
};
struct reader {
  struct program p;
  uint64_t follow, reading; /* request numbers; 0: none */
  uint64_t place, at;       /* done up to; reading this one */
  struct hash id;
  struct buf text;
  /* what was shown and is not read yet; parts: those not read, the lowest is under way */
  struct {
    uint64_t place;
    struct hash id;
    unsigned parts;
  } shown[SIM_PUBLICATIONS * 2];
  size_t n_shown, next;
};
struct writer {
  struct program p;
  uint64_t request; /* under way */
  int publication;
};
struct looker {
  struct program p;
  uint64_t request;
  uint64_t proves;    /* number of the publication whose proof is asked for, and one: 0: none */
  struct buf json;    /* of the answer so far */
  size_t items, open, unsettled; /* of the list under way; open: not delivered to all; unsettled: delivered, and too few witnesses have seen it */
  size_t last_items, last_open, last_unsettled;
  bool fresh; /* a list came in full since the quiet began */
};
/* Somebody with a stick. */
struct carrier {
  struct program p;
  enum { CARRIER_RESTS, CARRIER_WRITES, CARRIER_READS } does;
  uint64_t request; /* for that */
  int other;        /* whom it is written for, or who wrote it */
  struct buf bundle, answer; /* on the stick, as it was written; the receipts so far */
  bool receipts, altered, tried; /* the bundle is of receipts; it is read with a byte changed; it was read before */
};
struct node_site {
  struct site site;
  const struct kit_node *holder; /* its keys */
  bool away;                     /* its machine is no more, and the next one not there yet */
  struct here here;
  struct node_core *core;
  struct node_config config;
  const char *hubs[SIM_HUBS + 1]; /* in the order in which it prefers them; NULL: the charter's */
  struct node_secrets secrets;
  struct wire wire;
  struct reader reader;
  struct writer writer;
  struct looker looker;
  struct carrier carrier;
  struct {
    struct hash id;
    bool purged;
  } stated[4 * SIM_PUBLICATIONS]; /* to the hub: that it has this, or has purged it; each once, in this order */
  size_t n_stated, stated_in_copy;
  size_t forgot_from, forgot_to; /* of these its old copy may know nothing: they were confirmed, and do not come again */
  size_t copied;   /* publications there were when the copy of the disk was made */
  uint64_t copied_place; /* and how far its reader had read, who keeps that on the same disk */
  bool restored;   /* it has gone on from an old copy once */
  bool took_nameless; /* from a bundle: something whose id its writer's program did not live to hear */
  bool distrusts;    /* it said that it does not listen to the hub any more, */
  unsigned evidence; /* and left so many files of evidence */
};

/* What was published, and what is known of it. Masks are over nodes. */
struct part {
  unsigned to, permitted;
  unsigned sealed; /* to whom, as the node said when it was spooled */
  unsigned shown;  /* read there, in full */
  char *text;
  size_t n;
};
struct publication {
  int node;
  enum kind kind;
  size_t topic;
  struct publication *target; /* that it corrects or recalls */
  bool recalled;              /* taken back, perhaps in vain */
  bool kept;                  /* in vain: its node would not spool the recall */
  size_t n_parts;
  struct part part[SIM_PARTS];
  bool spooled, accepted, refused;
  bool accepted_by_next; /* when its originator heard that it was accepted, the hub that follows had it */
  bool lost; /* its node forgot it with the rest of its disk, and had not said that the hub has it; or that hub was lost since */
  bool unanswered; /* when its node's disk was copied: it may be on the copy or not */
  bool forgotten; /* its node forgot it */
  bool disowned;  /* the key that signed it is or will be revoked: its machine was lost */
  struct hash id; /* zeros: not told */
  uint64_t number;
  uint64_t place[SIM_NODES];
  unsigned purged; /* who has said so */
  unsigned carried; /* who took it in from a bundle, or had it when one came */
  unsigned entries; /* of the log that decide on it */
  unsigned logs;    /* the hubs in whose logs it was found accepted */
};

/* What a seed plays; drawn from it apart from everything else, so that a new kind of fault leaves old seeds' stories as they were. */
enum plan_fault { PLAN_FOUNDED = 1, PLAN_MEMORY = 2, PLAN_FULL = 4, PLAN_IMAGE = 8, PLAN_BLANK = 16, PLAN_CHEAT = 32, PLAN_CARRY = 64, PLAN_NIGHT = 128,
                  PLAN_HUB = 256, PLAN_REPLACE = 512, PLAN_WIDEN = 1024, PLAN_HUBS = 2048 };
struct plan {
  bool founded; /* it begins with the stage's exchange; otherwise with empty disks, or (PLAN_BLANK) stores that are laid out */
  unsigned faults; /* of enum plan_fault: those that may come besides the old ones */
};
/* As a number: for --plan and the file of known seeds. */
unsigned plan_number(struct plan plan);
struct plan plan_from(unsigned number);

struct sim {
  uint64_t seed;
  struct plan plan;
  const struct stage *stage;
  struct random chance, entropy;
  int64_t mono;
  struct agenda agenda;
  struct kit *kit;
  struct hub_site hub[SIM_HUBS];
  bool succeeding;    /* the first hub is to be followed by another */
  int serving;        /* the hub that the members named last; the first, when both are named at once */
  bool both;          /* they are */
  tg_time effective;  /* since then; */
  struct hash naming; /* of one that names both */
  struct buf charter; /* that names another than the first, or both */
  unsigned told;      /* the nodes that were handed that charter */
  struct node_site node[SIM_NODES];
  struct {
    bool begun;
    int node;           /* whose machine was lost */
    const struct kit_node *former, *holder;
    struct buf revocation; /* of the former; empty: it is not written yet */
    struct hash revoked;
    bool vouched; /* the credential of the next is in the hub's folder */
  } replaced;
  struct {
    bool begun, over;  /* SIM_WIDER takes in what is political, too: the policy is signed; the day that it must wait has passed */
    tg_time effective;
    struct buf note;
    struct {
      unsigned times; /* in a row it had it, in this life of it */
      uint64_t life;
    } taken[SIM_HUBS];
  } wider;
  bool late;        /* all know of a node that was replaced, and of a policy that permits more: what is published now is for everybody */
  size_t late_from; /* number of the first such publication */
  struct publication publication[SIM_PUBLICATIONS];
  size_t n_publications, to_publish;
  tg_time slept; /* all machines together: their clocks, and no timeout, went on by so much */
  int64_t storm; /* its end; from then on no faults */
  struct arena *arena;
  uint64_t clients;
  bool quiet; /* no more faults */
  bool revoking; /* the node SIM_REVOKED: the document is on its way, or there */
  struct hash revocation;
  struct buf revocation_note;
  bool narrowing; /* the same of the policy by which SIM_NARROWER tells its reports to nobody any more */
  struct hash narrower;
  struct buf narrower_note;
  bool forked; /* the hub went on from an old copy of its disk and its signer's, of fork_size entries */
  uint64_t fork_size;
  struct log_roots other; /* what was signed before */
  bool clocks_off; /* a clock was wrong by more than the charter allows */
  bool failed;
  bool story; /* print what happens */
  uint64_t events, digest;
};

/* ---- sim.c */
/* Where seeds are played: an exchange that was founded once, from empty disks to everybody's knowing everybody's keys. Most seeds go on from
   there. One of them is played at a time. */
struct stage {
  struct kit *kit;
  struct {
    struct secret_key *transport, *log; /* the first one's are the kit's */
    char bodies[64]; /* folder of its large ones: real files, which lose nothing in a crash */
  } machine[SIM_HUBS];
  struct kit_node spare[SIM_NODES][2]; /* machines that may come in place of one that is lost: under its name, and another */
  struct disk_image *hub, *node[SIM_NODES];
  struct disk_image *blank_hub, *blank_node; /* stores with their tables and nothing in them: to make these each time took a seed's half */
  struct signing_state signed_state;
  struct log_roots roots;
};
/* Borrows the kit. From now on libsodium's chance is the simulator's. */
void stage_open(struct stage *stage, struct kit *kit);
void stage_tidy(const struct stage *stage); /* what a seed left of files */
void stage_close(struct stage *stage);

struct sim_stats {
  bool held;
  uint64_t events, digest, publications;
  int64_t simulated; /* ms */
};
struct plan plan_of(uint64_t seed);
/* One run; false when something that must hold did not. */
bool sim_run(const struct stage *stage, uint64_t seed, struct plan plan, bool story, struct sim_stats *ret);
void sim_tell(struct sim *s, const char *who, const char *format, ...) __attribute__((format(printf, 3, 4)));
void sim_fail(struct sim *s, const char *who, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* What every text that is published says of itself, and nothing else does; returns its length. */
enum { SIM_MARK = 48 };
size_t sim_mark(const struct sim *s, char out[SIM_MARK]);
int64_t sim_between(struct sim *s, int64_t least, int64_t most);

/* May something not fit the rules that the hub goes by when it comes? */
bool sim_rules_change(const struct sim *s);
/* The same of one bulletin; p may be NULL. */
bool sim_may_be_refused(const struct sim *s, const struct publication *p);
/* What a clock says that is right. */
tg_time sim_wall(const struct sim *s);

/* ---- site.c: what hub and nodes have in common */
bool site_alive(const struct site *site);
/* Is this event for the process that is alive now? */
bool site_hears(const struct site *site, const struct event *e);
/* Counts an effect; false when the power failed before it got out. */
bool site_effect(struct site *site);

/* ---- hub_site.c */
void hub_site_start(struct sim *s, int hub);
void hub_site_crash(struct sim *s, int hub);
void hub_site_stop(struct sim *s, int hub);
void hub_site_disk(struct sim *s, int hub, uint64_t free_bytes); /* is told how much is free */
void hub_site_front_dies(struct sim *s, int hub);
void hub_site_frame(struct sim *s, int hub, int node, struct slice frame);
void hub_site_gone(struct sim *s, int hub, int node);
void hub_site_dropped(struct sim *s, int hub, int node, uint8_t type);
/* These have come into its folder. With two hubs the other's operator has them a little later. */
void hub_site_news(struct sim *s, void (*documents)(struct sim *s, int hub));
/* A document from its folder. False: it was not taken in. */
bool hub_site_document(struct sim *s, int hub, struct slice note);
/* The state of SIM_REVOKED revokes its node's credential; the hub's operator hands the document in. */
void hub_site_revoke(struct sim *s);
/* The state of SIM_NARROWER signs a policy that permits less. */
void hub_site_narrow(struct sim *s);
/* Of its disk; and what stands there now is put away for one, which must not start. */
void hub_site_copy(struct sim *s, int hub);
void hub_site_restore(struct sim *s, int hub);
/* Keeps a copy of its disk and its signer's, and after a while goes on from both as if nothing had been: it signs a second history. */
void hub_site_cheat(struct sim *s);
bool hub_site_admits(const struct sim *s, int hub, int node);

/* ---- succession.c */
/* The hub's machine is lost, or to be given up; the members name another. */
void succession_begins(struct sim *s);
/* Each node is handed the newest charter, at a moment of its own. */
void succession_tells(struct sim *s);
/* What the members have decided since the exchange was founded is in the folder of a hub that is named later. */
void succession_documents(struct sim *s, int hub);
/* Is it over, or not to be? */
bool succession_is_over(const struct sim *s);
/* The charter that names it, where somebody has handed it to this node; else empty. */
struct slice succession_charter(const struct sim *s, int node);

/* ---- pairing.c: two hubs at once */
/* Does the charter that is newest name it? */
bool sim_is_named(const struct sim *s, int hub);
/* Which hub does this node go to first? */
void pairing_prefers(struct sim *s, int node);
/* Both are named before anybody starts, if that is how it is to be. */
void pairing_founds(struct sim *s);
void pairing_begins(struct sim *s); /* otherwise soon */
bool pairing_is_over(const struct sim *s);
/* So much later something happens, now and then, where a storm is to last long; mostly 0. */
int64_t pairing_lull(struct sim *s);
/* A fault: one of the hubs cannot be reached. */
void pairing_parts(struct sim *s, int who);

/* ---- replacement.c */
/* A node's machine is lost with its disk; its state revokes the key and issues a credential to another. */
void replacement_begins(struct sim *s);
/* What of it is in this hub's folder. */
void replacement_documents(struct sim *s, int hub);
bool replacement_is_over(const struct sim *s);
/* All have heard of it: somebody writes to it, and it writes to all. */
void replacement_is_known(struct sim *s);

/* ---- widening.c */
/* The state of SIM_WIDER signs a policy that permits more. */
void widening_begins(struct sim *s);
void widening_documents(struct sim *s, int hub);
bool widening_is_over(const struct sim *s);
/* All have heard of it, and it is in force everywhere: somebody writes what it permits. */
void widening_is_known(struct sim *s);
/* May it be in force by somebody's clock? */
bool widening_may_hold(const struct sim *s);

/* ---- node_site.c */
void node_site_start(struct sim *s, int node);
void node_site_crash(struct sim *s, int node);
/* Its machine is lost, with its disk; node_site_start() is of another, which has these keys and an empty disk. */
void node_site_lose(struct sim *s, int node, const struct kit_node *next);
void node_site_copy(struct sim *s, int node);    /* of its disk */
void node_site_restore(struct sim *s, int node); /* and back to it */
void node_site_stop(struct sim *s, int node);
void node_site_document(struct sim *s, int node, struct slice note); /* from its folder */
void node_site_disk(struct sim *s, int node, uint64_t free_bytes);
void node_site_frame(struct sim *s, int node, struct slice frame);
void node_site_link(struct sim *s, int node, enum node_link_state state);
void node_site_dropped(struct sim *s, int node, const bool types[static WIRE_TYPES]);
void node_site_drained(struct sim *s, int node);
void node_site_program(struct sim *s, int node, uint64_t client, enum local_type type,
                       const ProtobufCMessage *message);
void node_site_joined(struct sim *s, int node, uint64_t client);

/* ---- network.c */
void network_connect(struct sim *s, int node, int hub);
void network_disconnect(struct sim *s, int node);
size_t network_to_hub(struct sim *s, int node, struct slice frame);
void network_to_node(struct sim *s, int hub, const struct seal_pk *peer, struct slice frame);
/* The connection breaks; what is under way is lost. Each side learns of it some time. */
void network_cut(struct sim *s, int node);

/* The same, and it does not come up again for so long. */
void network_bar(struct sim *s, int node, int64_t ms);

/* ---- carrier.c */
/* Somebody wants a bundle of what `from` has for `to`, carries it there, and the receipts back. */
void carrier_sets_out(struct sim *s, int from, int to);
void carrier_hears(struct sim *s, int node, enum local_type type, const ProtobufCMessage *m);
void carrier_refused(struct sim *s, int node, const Tg__LError *m);
void carrier_leaves(struct sim *s, int node); /* its connection is gone */

/* ---- program.c */
void program_node_up(struct sim *s, int node);   /* the node's socket is there */
void program_node_down(struct sim *s, int node); /* and gone */
void program_frame(struct sim *s, int node, uint64_t client, struct slice frame);
void program_closed(struct sim *s, int node, uint64_t client);
void program_publish(struct sim *s, int node);
/* A report on this topic (program.c), to all of `to`, who may have it. */
void program_report(struct sim *s, int node, size_t topic, unsigned to);
void program_look(struct sim *s, int node);
/* Asks the node for the proof that its bulletin was logged. */
void program_prove(struct sim *s, int node, const struct publication *p);
/* Tries to read what was taken back from it; sim_fail() when it can. */
void program_reread(struct sim *s, int node, const struct publication *p);

/* ---- oracle.c */
void oracle_signed(struct sim *s, int hub, const struct checkpoint *checkpoint);
/* A hub says that it accepted this; did it? */
void oracle_logged(struct sim *s, int hub, const struct hash *id);
bool oracle_has_logged(const struct sim *s, int hub, const struct publication *p);
/* A hub is gone for good: its log is read for the last time, and another is to have what it had. */
void oracle_hub_lost(struct sim *s, int hub);
void oracle_spooled(struct sim *s, struct publication *p, struct slice id, uint64_t number);
/* A frame leaves the hub for a node. */
void oracle_leaves(struct sim *s, int hub, int node, struct slice frame);
/* Does the narrowed policy no longer permit it? */
bool oracle_is_narrowed(const struct sim *s, const struct publication *p);
/* ledger.c: the log in the hub's store, entry by entry. */
void oracle_ledger(struct sim *s, int hub, struct store *store, uint64_t size);
/* A reader got this portion's text, whole, at this place. */
void oracle_read(struct sim *s, int node, uint64_t place, const struct hash *id, unsigned part, struct slice text);
/* A frame leaves a node for the hub. */
void oracle_states(struct sim *s, int node, struct slice frame);
/* Another machine stands in place of the node's. */
void oracle_replaced(struct sim *s, int node);
/* The node goes on from the copy of its disk. */
void oracle_restored(struct sim *s, int node);
/* NULL: nobody has told this id. */
const struct publication *oracle_with_id(struct sim *s, struct slice id);
/* Its originator finds it refused, and that was to be expected. */
void oracle_refused(struct sim *s, struct slice id);
/* Its originator finds it accepted. */
void oracle_accepted(struct sim *s, struct slice id);
void oracle_heard_accepted(struct sim *s, struct publication *p);
/* A reader was told that this is not here any more. */
void oracle_gone(struct sim *s, int node, const struct hash *id);
/* What its originator has heard of it: a receipt of this event from the node. */
void oracle_heard(struct sim *s, struct publication *p, struct slice from, unsigned event);
/* A bundle lies on a stick. */
void oracle_bundle(struct sim *s, int node, struct slice bundle);
/* What became of one bulletin of it, and of the whole. */
void oracle_imported(struct sim *s, int node, int from, const Tg__LImported *m);
void oracle_bundle_refused(struct sim *s, int node, int from, const Tg__LError *m);
/* Has everything arrived that is to arrive? */
bool oracle_settled(const struct sim *s);
void oracle_explain(struct sim *s); /* what has not */
/* The end: the hub's disk is looked at. */
void oracle_inspect(struct sim *s);

/* ---- cosigned.c */
void oracle_cosigns(struct sim *s, int hub, struct slice frame); /* leaves a node for the hub */
void oracle_is_shown(struct sim *s, int hub, int node, struct slice frame); /* comes from the hub */
/* With two hubs: how many of its bulletins that were accepted stand in no log of which it was shown since the quiet began that it is settled there. Where nobody is at home witnesses come one by one,
   and never cosign the same; and who is not there when a checkpoint is settled is shown the next that is while it is there. */
size_t oracle_unsettled(const struct sim *s, int node);
/* The node says that its bulletin is settled. */
void oracle_settles(struct sim *s, int node, const struct publication *p);

/* ---- evidence.c */
/* The node's proof of an entry, as a file. */
void oracle_proof(struct sim *s, int node, const struct publication *p, struct slice text);
/* The node keeps a file of evidence. */
void oracle_evidence(struct sim *s, int node, const char *file, struct slice text);
/* The hub goes on from so many entries, once more. */
void oracle_forks(struct sim *s, uint64_t size);
/* Has every node that could see both histories evidence of it? */
bool oracle_uncovered(const struct sim *s);
void oracle_deceived(struct sim *s); /* tells who has not */
/* Does made up evidence convict an honest hub? */
void oracle_slander(struct sim *s, int hub);

/* ---- fault.c */
void fault_begin(struct sim *s);
void fault_end(struct sim *s);

#endif
