/* Verifying a whole log from its static files (c2sp.org/tlog-tiles): every entry is hashed again, every tile
   compared with what its entries make it, and the root with the signed one. Whatever is wrong is named: the
   file, and the entry or hash in it. */
#ifndef TOGUNA_AUDIT_RECOUNT_H
#define TOGUNA_AUDIT_RECOUNT_H

#include "audit/checkpoint.h"
#include "audit/tile.h"

enum {
  RECOUNT_FILE_MAX = TILE_WIDTH * (2 + 32), /* bytes of the largest file: a full entry bundle */
  RECOUNT_TOLD_MAX = 1000,                  /* findings told one by one; all are counted */
};

enum recount_wrong {
  RECOUNT_MISSING = 1, /* the file is not there */
  RECOUNT_LENGTH,      /* it is no tile or bundle of this width */
  RECOUNT_ENTRY,       /* entry `at` of the log is not the one in the signed tree */
  RECOUNT_HASH,        /* hash `at` of the tile is not that of the signed tree */
  RECOUNT_DIFFERS, /* hash `at` of the tile is not what the entries below make it, and the signed root tells
                      neither right */
};
/* "missing", "length", "entry", "hash", "differs"; and an N_() sentence with %1$s: the file, %2$s: `at`.
 * Never NULL. */
const char *recount_wrong_name(enum recount_wrong wrong);
const char *recount_wrong_sentence(enum recount_wrong wrong);

struct recount_finding {
  enum recount_wrong wrong;
  struct tile_name file;
  uint64_t at; /* RECOUNT_ENTRY: index in the log; RECOUNT_HASH, _DIFFERS: place of the first such hash in its
                  tile */
};

/* Where the files are, and who hears. All functions are given `context`. */
struct recount_source {
  void *context;
  /* Appends the whole file, RECOUNT_FILE_MAX bytes at most, to out, which is empty. TG_NOT_FOUND when it is
   * not there. */
  enum tg_err (*read)(void *context, const struct tile_name *name, struct buf *out);
  void (*found)(void *context, const struct recount_finding *finding);
  void (*progress)(void *context, uint64_t entries); /* after every bundle; NULL: nobody asks */
};

struct recount_result {
  uint64_t entries, tiles; /* looked at, and right */
  uint64_t wrong;          /* findings */
  bool reached;            /* the entries, or at least the tiles, lead to the signed root */
};

/* Verifies all of the log below a checkpoint, whose signature the caller has checked. Partial tiles that a
   log which has grown on no longer holds are looked for in wider ones. *ret is filled in whenever TG_OK or
   TG_BAD_PROOF comes back. TG_OK: every file is there and right. TG_BAD_PROOF: some are not, or the root is
   not reached. TG_NO_MEMORY, or an error of read(). */
enum tg_err recount(const struct checkpoint *checkpoint, const struct recount_source *source,
                    struct recount_result *ret);

#endif
