/* What the files of this room share, and nobody else. */
#ifndef TOGUNA_REVIEW_INSIDE_H
#define TOGUNA_REVIEW_INSIDE_H

#include "audit/checkpoint.h"
#include "audit/dossier.h"
#include "audit/tile.h"
#include "client/review/review.h"
#include "client/review/words.h"
#include "keys/directory.h"
#include "os/db.h"

enum { REVIEW_PATH = 4096, REVIEW_ARENA = 4 * DOSSIER_MAX };

/* A view is what one node can prove: its own entries with their paths, and checkpoints; no tiles. */
enum review_kind { REVIEW_HUB, REVIEW_COPY, REVIEW_NODE, REVIEW_NODE_COPY };

/* Where the files of a source are. */
struct place {
  enum review_kind kind;
  char log[REVIEW_PATH];      /* checkpoint and tiles */
  char private[REVIEW_PATH];  /* above openings/ */
  bool vouched;               /* whose log it must be was stated */
  bool has_key;
  struct note_key key;
  char charter[REVIEW_PATH]; /* NOTE|FOLDER; empty: none was given */
  review_ask *ask;           /* a node's */
  void *ask_arg;
};
static inline bool place_is_view(const struct place *p)
{
  return p->kind >= REVIEW_NODE;
}

/* One entry as the index knows it. */
struct place_of {
  uint64_t leaf, at, n; /* of its dossier in its bundle's file; n 0: it is not open to us */
  tg_time time;
  struct hash hash; /* its leaf */
};

struct review {
  struct place place;
  struct db *db;
  struct words *words;
  struct directory *directory; /* of all documents that are open to us; NULL until the founding charter is known */
  struct hash exchange;
  struct buf note; /* the newest checkpoint that was verified */
  struct checkpoint checkpoint; /* points into note */
  uint64_t size;                /* entries in the index; of a view, those that its newest checkpoint covers */
  struct merkle_frontier frontier;
  struct batch_verifier *verifier;
  struct arena *arena; /* reset by each question */
  struct buf bundle;   /* the file of dossiers read last */
  uint64_t bundle_of;  /* UINT64_MAX: none */
  uint64_t asked_of;   /* the bundle of the dossier asked for last: who asks for two of one reads it whole */
};

/* ---- place.c: files */
enum tg_err place_find(const struct review_place *wish, struct place *ret, struct tg_why *why);
/* Appends a file of the log or of the dossiers. TG_NOT_FOUND; why names it. */
enum tg_err place_read(const char *folder, const char *name, size_t max, struct buf *ret, struct tg_why *why);
/* The notes at PATH, a file or a folder, each given once. */
enum tg_err place_notes(const char *path, enum tg_err (*each)(void *arg, struct slice bytes), void *arg, struct tg_why *why);

/* ---- index.c: what is known */
extern const char *const REVIEW_SCHEMA[];
extern const size_t REVIEW_SCHEMAS;
enum tg_err index_open(struct review *r, const char *path, struct tg_why *why);
enum tg_err index_fact(struct review *r, const char *name, struct buf *ret); /* TG_NOT_FOUND */
enum tg_err index_fact_put(struct review *r, const char *name, struct slice value);
/* How many entries are open to us: counted once, then kept with what is taken in. */
uint64_t index_opened(struct review *r);
enum tg_err index_opened_put(struct review *r, uint64_t n);
enum tg_err index_place(struct review *r, uint64_t leaf, struct place_of *ret);

/* ---- mark.c: what each open entry is counted by, 256 of them in one blob */
enum { MARK_BYTES = 15 };
struct marks {
  uint8_t slot[TILE_WIDTH][MARK_BYTES];
};
enum tg_err marks_load(struct review *r, uint64_t block, struct marks *ret); /* empty when there are none yet */
void marks_set(struct marks *m, uint64_t leaf, const struct entry *e);
enum tg_err marks_store(struct review *r, uint64_t block, const struct marks *m);
/* Makes those that an index of an earlier version lacks, from dossiers that are checked again. Inside the caller's transaction. */
enum tg_err marks_fill(struct review *r, review_progress *progress, void *arg, struct tg_why *why);

/* ---- key.c: whose log it is */
typedef enum tg_err key_each(void *arg, struct slice charter);
/* Finds the key of the log with this name (bytes to find it by, not to be believed) in the charters that were given, or else in
   those that `inside` shows of the source itself. */
enum tg_err key_find(struct review *r, struct slice origin, enum tg_err (*inside)(struct review *r, key_each *each, void *arg),
                     struct tg_why *why);

/* ---- view.c: what a node can prove */
enum tg_err view_take(struct review *r, uint64_t *ret_new, struct tg_why *why);
/* The dossier of an entry of a view, in the arena. TG_NOT_FOUND. */
enum tg_err view_dossier(struct review *r, uint64_t leaf, struct arena *arena, struct slice *ret);
enum tg_err view_export(struct review *r, const char *folder, uint64_t *ret_entries, struct tg_why *why);

/* ---- intake.c: what is new */
/* What nodes signed: the bulletin by its originator, receipts by their node. */
enum tg_err intake_signed(struct review *r, const struct dossier *d, const struct entry *e, struct arena *arena, struct tg_why *why);
enum tg_err intake(struct review *r, review_progress *progress, void *arg, uint64_t *ret_new, struct tg_why *why);

/* ---- record.c: one dossier into the tables; it was checked */
enum tg_err record(struct review *r, const struct dossier *d, const struct entry *e, struct arena *arena);

/* ---- papers.c: who is who */
/* Takes a document in. What the directory does not take is no error: it was accepted by the hub's rules of its day. */
enum tg_err papers_take(struct review *r, const struct dossier *d, tg_time accepted, struct directory_news *ret);
/* A signed document in a view, which has no entry. */
enum tg_err papers_take_bare(struct review *r, unsigned kind, struct slice bytes, tg_time accepted, struct directory_news *ret);
/* Takes the documents of the index from one leaf on and below another into a directory, which is made with the founding charter (*into
   NULL before). *ret_rules: another than sealing keys was among them. On failure the directory has some of them. */
enum tg_err papers_between(struct review *r, uint64_t from, uint64_t below, struct directory **into, bool *ret_rules,
                            struct tg_why *why);
/* Of a view: the first n in the order in which its node accepted them, in a directory of their own; *ret NULL: no charter is among them. */
enum tg_err papers_first(struct review *r, uint64_t n, struct directory **ret);
/* "ML/dgse/n1", or 16 hex digits of the key. */
enum { PAPERS_NAME = HOLDER_MAX + 1 };
const char *papers_name(const struct review *r, const struct sign_pk *key, char out[PAPERS_NAME]);
/* The member a node belongs to; "" when nobody knows. */
void papers_member(const struct review *r, const struct sign_pk *node, char out[3]);

/* ---- review.c: witnesses */
/* Is every cosignature in the name of a known witness its own? One by a key that nobody vouches for counts for nothing, and is no
   error. TG_BAD_SIGNATURE. */
enum tg_err witnesses_check(const struct review *r, struct slice note, const char *where, struct tg_why *why);

/* ---- file.c: reading dossiers again */
/* The dossier of an entry that the index knows, checked again; valid until the next call. TG_NOT_FOUND: not open to us, or no such entry. */
enum tg_err file_dossier(struct review *r, uint64_t leaf, struct arena *arena, struct dossier *ret, struct entry *ret_entry,
                         struct tg_why *why);
/* The leaf of the bulletin whose id begins so. TG_NOT_FOUND, TG_CONFLICT, TG_USAGE. */
enum tg_err file_bulletin(struct review *r, const char *prefix, uint64_t *ret, struct tg_why *why);
/* The range of hashes that begin with these hex digits. False: they are none. */
bool file_range(const char *prefix, struct hash *low, struct hash *high);

/* ---- json.c: shared shapes */
json_t *json_of_time(tg_time t);
json_t *json_of_hash(const struct hash *h);
json_t *json_of_text(struct slice s);
/* ENTRY of review.h. NULL without memory. */
json_t *json_of_entry(struct review *r, const struct dossier *d, const struct entry *e, struct arena *arena);
/* Why a stage of a decision keeps a member out, as a sentence to translate; "" for another number. */
const char *json_stage_sentence(unsigned stage);
json_t *json_of_ruling(struct review *r, const struct ruling *ruling);
json_t *json_of_receipt(struct review *r, const struct receipt *receipt);
/* "stage","sentence","policy","file","line","rule" into `into`. */
void json_add_rule(struct review *r, json_t *into, unsigned stage, const struct hash *policy, unsigned line);
json_t *json_of_denied(struct review *r, uint64_t leaf);
json_t *json_of_audience(struct review *r, uint64_t leaf, const struct dossier *d, const struct dossier_bulletin *b);

/* ---- count.c ---- */

/* One state gave another something for the first time. */
struct first {
  char from[3], to[3];
  tg_time time; /* the earliest of their bulletins, */
  uint64_t leaf; /* and the first place of one */
};
/* Those between the two times, from <= time <= to, the latest first; *ret is the caller's to free(), NULL when there is none. */
enum tg_err count_firsts(struct review *r, tg_time from, tg_time to, struct first **ret, size_t *ret_n);

/* ---- find.c */
/* TG_USAGE for a state of which nothing can be found: no charter that is open here ever named it, and no entry does. where: what it was stated in; NULL. */
enum tg_err find_state(struct review *r, const char *state, const char *where, struct tg_why *why);

#endif
