#include "client/node/schema.h"

/* Columns named `record`, `secret` and those of depot_lock() are encrypted; the rest is what look-ups need: ids, numbers, times,
   keys of nodes. No topic, title, marking or name of a reader stands here in the clear. */
const char *const schema_migrations[SCHEMA_MIGRATIONS] = {
    "CREATE TABLE fact(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"

    /* Signed documents in the order in which they were accepted: replayed at every start. in_force: of policies, when a widening
       takes effect, 0 when that is not delayed, -1 for one that permits nothing. */
    "CREATE TABLE document(place INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, hash BLOB NOT NULL UNIQUE,"
    " content BLOB NOT NULL, proof BLOB NOT NULL, accepted INTEGER NOT NULL, in_force INTEGER NOT NULL) STRICT;"
    /* Documents of our own that the hub has not answered yet. */
    "CREATE TABLE errand(place INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, hash BLOB NOT NULL UNIQUE,"
    " content BLOB NOT NULL, proof BLOB NOT NULL, since INTEGER NOT NULL) STRICT;"

    /* body.owned: 0 of a draft, 1 of a bulletin. A chunk's place is body * 2^24 + its number. */
    "CREATE TABLE body(id INTEGER PRIMARY KEY AUTOINCREMENT, chunks INTEGER NOT NULL, owned INTEGER NOT NULL) STRICT;"
    "CREATE TABLE chunk(place INTEGER PRIMARY KEY, sealed BLOB NOT NULL) STRICT;"
    "CREATE TABLE dropped(body INTEGER PRIMARY KEY) STRICT;"
    "CREATE TABLE content(bulletin BLOB NOT NULL, portion INTEGER NOT NULL, body INTEGER NOT NULL, secret BLOB NOT NULL,"
    " PRIMARY KEY(bulletin, portion)) STRICT, WITHOUT ROWID;"

    /* Bulletins of our own. state as LProgress.state; open: recipients that have not said
       what became of it; expires: when its content is erased; due: when they must have, negative once that was told, 0: no more. */
    "CREATE TABLE sent(place INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, number INTEGER NOT NULL UNIQUE,"
    " precedence INTEGER NOT NULL, state INTEGER NOT NULL, open INTEGER NOT NULL, expires INTEGER NOT NULL,"
    " leaf INTEGER NOT NULL, record BLOB NOT NULL, proof BLOB NOT NULL, outcome BLOB, due INTEGER NOT NULL) STRICT;"
    "CREATE INDEX sent_spooled ON sent(precedence DESC, number) WHERE state = 0;"
    "CREATE INDEX sent_delivered ON sent(leaf) WHERE state = 2;"
    "CREATE INDEX sent_due ON sent(due) WHERE due <> 0;"
    "CREATE INDEX sent_living ON sent(expires) WHERE state < 4;"
    "CREATE TABLE track(bulletin BLOB NOT NULL, node BLOB NOT NULL, event INTEGER NOT NULL, time INTEGER NOT NULL,"
    " record BLOB NOT NULL, PRIMARY KEY(bulletin, node, event)) STRICT, WITHOUT ROWID;"
    /* Running number to each recipient node, and the bulletin that carried it. */
    "CREATE TABLE pair(node BLOB PRIMARY KEY, number INTEGER NOT NULL, last BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    /* Who ever was in the audience of a topic; the topic is a keyed hash. */
    "CREATE TABLE aired(topic BLOB NOT NULL, member TEXT NOT NULL, PRIMARY KEY(topic, member)) STRICT, WITHOUT ROWID;"

    /* Every bulletin that was ever answered with a receipt, so that none is taken twice. */
    "CREATE TABLE met(id BLOB PRIMARY KEY, event INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    /* Running numbers that came, per originator node. */
    "CREATE TABLE heard(node BLOB NOT NULL, number INTEGER NOT NULL, id BLOB NOT NULL, PRIMARY KEY(node, number))"
    " STRICT, WITHOUT ROWID;"
    /* Bulletins whose large bodies are still coming; bodies: their numbers, 8 bytes each, by portion. */
    "CREATE TABLE arriving(id BLOB PRIMARY KEY, queue INTEGER NOT NULL, record BLOB NOT NULL, bodies BLOB NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    /* state as LItem.state */
    "CREATE TABLE inbox(place INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, node BLOB NOT NULL,"
    " number INTEGER NOT NULL, precedence INTEGER NOT NULL, state INTEGER NOT NULL, received INTEGER NOT NULL,"
    " expires INTEGER NOT NULL, seen INTEGER NOT NULL, acknowledged INTEGER NOT NULL, leaf INTEGER NOT NULL, superseded_by BLOB,"
    " record BLOB NOT NULL) STRICT;"
    "CREATE INDEX inbox_living ON inbox(expires) WHERE state IN (0, 1, 3);"
    /* What was taken back or corrected, by the bulletin that did it: also before what it concerns has come. */
    "CREATE TABLE amended(target BLOB NOT NULL, by BLOB NOT NULL, kind INTEGER NOT NULL, member TEXT NOT NULL,"
    " PRIMARY KEY(target, by)) STRICT, WITHOUT ROWID;"

    /* Frames of receipts that the hub has not said to have. */
    "CREATE TABLE said(serial INTEGER PRIMARY KEY, frame BLOB NOT NULL) STRICT;"
    /* The newest checkpoint of each log that we have proven (witness_print()). */
    "CREATE TABLE watched(log TEXT PRIMARY KEY, state BLOB NOT NULL, settled INTEGER NOT NULL, forked INTEGER NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    /* The checkpoints before it: to compare with what other nodes saw, and to prove an entry. The note has its cosignatures where
       it was settled; growth is the consistency path from the row before. */
    "CREATE TABLE root(log TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, note BLOB NOT NULL, settled INTEGER NOT NULL,"
    " growth BLOB NOT NULL, PRIMARY KEY(log, size)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE hook(name TEXT PRIMARY KEY, cursor INTEGER NOT NULL, tries INTEGER NOT NULL, due INTEGER NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE hook_failed(hook TEXT NOT NULL, place INTEGER NOT NULL, time INTEGER NOT NULL, code INTEGER NOT NULL,"
    " PRIMARY KEY(hook, place)) STRICT, WITHOUT ROWID;"
    /* What local programs did. Each row's record is chained to the one before. */
    "CREATE TABLE journal(place INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, record BLOB NOT NULL,"
    " chain BLOB NOT NULL) STRICT;",

    /* Bulletins of our own that wait for approvals, by the hash of their Subject. state as enum waiting_state; until: when it ends, or
       what is kept of its end. Their content stands in `content` under the same id. */
    "CREATE TABLE waiting(place INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, state INTEGER NOT NULL,"
    " until INTEGER NOT NULL, record BLOB NOT NULL) STRICT;"
    "CREATE INDEX waiting_until ON waiting(until);",
};
