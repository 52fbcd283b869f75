#include "broker/store_schema.h"

/* Booleans are 0 and 1; times are milliseconds; hashes and keys are blobs of 32 bytes; nodes are node.no. */
static const char FIRST[] =
    "CREATE TABLE fact(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"

    "CREATE TABLE node("
    "  no INTEGER PRIMARY KEY,"
    "  identity BLOB NOT NULL UNIQUE,"
    "  last_number INTEGER NOT NULL DEFAULT 0,"
    "  receipts_serial INTEGER NOT NULL DEFAULT 0,"
    "  receipts_root BLOB NOT NULL DEFAULT x'',"
    "  notes_sequence INTEGER NOT NULL DEFAULT 0) STRICT;"

    /* The log: openings, and the tiles of its tree, place = level << 56 | index. */
    "CREATE TABLE entry(leaf INTEGER PRIMARY KEY, salt BLOB NOT NULL, bytes BLOB NOT NULL) STRICT;"
    "CREATE TABLE tile(place INTEGER PRIMARY KEY, hashes BLOB NOT NULL) STRICT;"

    /* What was decided, for ever. recipients: node(4) portions(4), big-endian, in order of the wraps.
       number is NULL where the originator's number is not taken. */
    "CREATE TABLE bulletin("
    "  leaf INTEGER PRIMARY KEY,"
    "  id BLOB NOT NULL UNIQUE,"
    "  originator INTEGER NOT NULL,"
    "  member TEXT NOT NULL,"
    "  number INTEGER,"
    "  accepted INTEGER NOT NULL,"
    "  rank INTEGER NOT NULL,"
    "  kind INTEGER NOT NULL,"
    "  created INTEGER NOT NULL,"
    "  expires INTEGER NOT NULL,"
    "  bytes INTEGER NOT NULL,"
    "  charter_version INTEGER NOT NULL,"
    "  policy_set BLOB NOT NULL,"
    "  recalls BLOB NOT NULL,"
    "  recalled INTEGER NOT NULL DEFAULT 0,"
    "  recipients BLOB NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX bulletin_number ON bulletin(originator, number);"

    /* What was said of a bulletin, until it is forgotten; and who still waits for its bodies. */
    "CREATE TABLE memory("
    "  leaf INTEGER PRIMARY KEY, until INTEGER NOT NULL, content BLOB NOT NULL, decision BLOB NOT NULL) STRICT;"
    "CREATE INDEX memory_until ON memory(until);"
    "CREATE TABLE awaited("
    "  leaf INTEGER PRIMARY KEY, rows INTEGER NOT NULL, expires INTEGER NOT NULL) STRICT;"
    "CREATE INDEX awaited_expires ON awaited(expires);"
    "CREATE TABLE body(place INTEGER PRIMARY KEY, sealed BLOB NOT NULL) STRICT;" /* leaf << 4 | portion */
    "CREATE TABLE usage(member TEXT PRIMARY KEY, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;"

    "CREATE TABLE queue("
    "  node INTEGER NOT NULL, held INTEGER NOT NULL, rank INTEGER NOT NULL, leaf INTEGER NOT NULL,"
    "  portions INTEGER NOT NULL, bytes INTEGER NOT NULL, wrap_index INTEGER NOT NULL,"
    "  wrap BLOB NOT NULL, wrap_path BLOB NOT NULL,"
    "  PRIMARY KEY(node, held, rank, leaf)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE tally("
    "  node INTEGER NOT NULL, held INTEGER NOT NULL, rank INTEGER NOT NULL,"
    "  rows INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    "  PRIMARY KEY(node, held, rank)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE document("
    "  sequence INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  kind INTEGER NOT NULL, hash BLOB NOT NULL UNIQUE, content BLOB NOT NULL, proof BLOB NOT NULL,"
    "  leaf INTEGER NOT NULL, accepted INTEGER NOT NULL) STRICT;"
    "CREATE TABLE note("
    "  node INTEGER NOT NULL, sequence INTEGER NOT NULL, receipt BLOB NOT NULL, proof BLOB NOT NULL,"
    "  leaf INTEGER NOT NULL, PRIMARY KEY(node, sequence)) STRICT, WITHOUT ROWID;"

    /* Submissions that wait, and files: chunks is what is synced. trash: files to remove after this commit. */
    "CREATE TABLE parked("
    "  place INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  id BLOB NOT NULL UNIQUE, originator INTEGER NOT NULL, member TEXT NOT NULL, why INTEGER NOT NULL,"
    "  until INTEGER NOT NULL, bytes INTEGER NOT NULL, item BLOB NOT NULL) STRICT;"
    "CREATE INDEX parked_originator ON parked(originator, place);"
    "CREATE INDEX parked_until ON parked(until);"
    "CREATE TABLE file("
    "  id BLOB NOT NULL, portion INTEGER NOT NULL, chunks INTEGER NOT NULL,"
    "  PRIMARY KEY(id, portion)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE trash(name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;"

    "CREATE TABLE evidence(place INTEGER PRIMARY KEY, leaf INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;";

/* What nodes stated, as they signed it: for auditors. */
static const char SAID[] = "CREATE TABLE said(leaf INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;";

/* Of each chunk in a file: files have no sums of their own. Chunks from before have no row and are not checked. */
static const char SUM[] = "CREATE TABLE sum(id BLOB NOT NULL, portion INTEGER NOT NULL, chunk INTEGER NOT NULL, sum BLOB NOT NULL,"
                          "  PRIMARY KEY(id, portion, chunk)) STRICT, WITHOUT ROWID;";

/* The index of ids apart from the table, in slices (os/late.h): what was decided before stands in it whole. A column that is UNIQUE cannot be made
   otherwise, so the table is written anew. */
static const char IDS[] =
    "CREATE TABLE decided("
    "  leaf INTEGER PRIMARY KEY,"
    "  id BLOB NOT NULL,"
    "  originator INTEGER NOT NULL,"
    "  member TEXT NOT NULL,"
    "  number INTEGER,"
    "  accepted INTEGER NOT NULL,"
    "  rank INTEGER NOT NULL,"
    "  kind INTEGER NOT NULL,"
    "  created INTEGER NOT NULL,"
    "  expires INTEGER NOT NULL,"
    "  bytes INTEGER NOT NULL,"
    "  charter_version INTEGER NOT NULL,"
    "  policy_set BLOB NOT NULL,"
    "  recalls BLOB NOT NULL,"
    "  recalled INTEGER NOT NULL DEFAULT 0,"
    "  recipients BLOB NOT NULL) STRICT;"
    "INSERT INTO decided SELECT leaf, id, originator, member, number, accepted, rank, kind, created, expires, bytes, charter_version,"
    "  policy_set, recalls, recalled, recipients FROM bulletin ORDER BY leaf;"
    "DROP TABLE bulletin;"
    "ALTER TABLE decided RENAME TO bulletin;"
    "CREATE UNIQUE INDEX bulletin_number ON bulletin(originator, number);"
    "CREATE TABLE id_place(head BLOB NOT NULL, leaf INTEGER NOT NULL, PRIMARY KEY(head, leaf)) STRICT, WITHOUT ROWID;"
    "INSERT INTO id_place SELECT substr(id, 1, 8), leaf FROM bulletin ORDER BY 1, 2;"
    "CREATE TABLE id_slice(no INTEGER PRIMARY KEY, below INTEGER NOT NULL) STRICT;"
    "WITH RECURSIVE byte(no) AS (SELECT 0 UNION ALL SELECT no + 1 FROM byte WHERE no < 255)"
    "  INSERT INTO id_slice SELECT no, (SELECT coalesce(max(leaf) + 1, 0) FROM bulletin) FROM byte;";

/* Receipt notes, a row for what one entry states of one originator's bulletins; places: 2 bytes each, big-endian. Those in table note go out from there. */
static const char NOTES[] = "CREATE TABLE notes("
                            "  node INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL, leaf INTEGER NOT NULL, places BLOB NOT NULL,"
                            "  PRIMARY KEY(node, first)) STRICT, WITHOUT ROWID;";

/* Instead of an index of times for each bulletin (store_term.c): kind 0, expires, in stretches of 8 s; kind 1, forgotten, of an hour; blocks of 256
   leaves. */
static const char TERM[] =
    "CREATE TABLE term(kind INTEGER NOT NULL, stretch INTEGER NOT NULL, block INTEGER NOT NULL,"
    "  PRIMARY KEY(kind, stretch, block)) STRICT, WITHOUT ROWID;"
    "INSERT INTO term SELECT DISTINCT 0, max(expires, 0) / 8000, leaf / 256 FROM awaited ORDER BY 2, 3;"
    "INSERT INTO term SELECT DISTINCT 1, max(until, 0) / 3600000, leaf / 256 FROM memory ORDER BY 2, 3;"
    "DROP INDEX awaited_expires;"
    "DROP INDEX memory_until;";

const char *const STORE_MIGRATIONS[] = {FIRST, SAID, SUM, IDS, NOTES, TERM};
const size_t STORE_MIGRATION_COUNT = sizeof STORE_MIGRATIONS / sizeof *STORE_MIGRATIONS;
