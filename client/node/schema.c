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

    /* Every bulletin that was ever answered with a receipt, so that none is taken twice; later only those that are not in the inbox. */
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

    /* Bulletins of the inbox that a bundle brought, until a hub delivers them. */
    "CREATE TABLE carried(id BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;"
    /* Bulletins of our own that we took back: no bundle carries them any more. */
    "CREATE TABLE recalled(id BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;",

    /* The same in words that need no table of their own in memory whenever a row changes, as IN does. */
    "DROP INDEX inbox_living;"
    "CREATE INDEX inbox_living ON inbox(expires) WHERE state <> 2 AND state < 4;",

    /* Alarms that hooks are run for. */
    "CREATE TABLE alarm(place INTEGER PRIMARY KEY, record BLOB NOT NULL) STRICT;",

    /* needed: an entry that was opened to us is proven under it, or it settles such ones. */
    "ALTER TABLE root ADD COLUMN needed INTEGER NOT NULL DEFAULT 0;",

    /* What comes together stands together. Of a bulletin of our own what changes (sent) is apart from what does not (letter) and from the hub's answer, so that
       no large row is written anew; ids are indexed by their first bytes (SCHEMA_ID); what the recipients say stands under its number. */
    "CREATE TABLE sent2(place INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL, number INTEGER NOT NULL UNIQUE,"
    " precedence INTEGER NOT NULL, state INTEGER NOT NULL, open INTEGER NOT NULL, expires INTEGER NOT NULL,"
    " leaf INTEGER NOT NULL, due INTEGER NOT NULL) STRICT;"
    "CREATE TABLE letter(place INTEGER PRIMARY KEY, record BLOB NOT NULL, proof BLOB NOT NULL) STRICT;"
    "CREATE TABLE answer(place INTEGER PRIMARY KEY, outcome BLOB NOT NULL) STRICT;"
    "CREATE TABLE track2(number INTEGER NOT NULL, node BLOB NOT NULL, event INTEGER NOT NULL, time INTEGER NOT NULL,"
    " record BLOB NOT NULL, PRIMARY KEY(number, node, event)) STRICT, WITHOUT ROWID;"
    "INSERT INTO sent2 SELECT place, id, number, precedence, state, open, expires, leaf, due FROM sent;"
    "INSERT INTO letter SELECT place, record, proof FROM sent;"
    "INSERT INTO answer SELECT place, outcome FROM sent WHERE outcome IS NOT NULL;"
    "INSERT INTO track2 SELECT sent.number, node, event, time, track.record FROM track JOIN sent ON sent.id = track.bulletin;"
    "DROP TABLE sent;"
    "DROP TABLE track;"
    "ALTER TABLE sent2 RENAME TO sent;"
    "ALTER TABLE track2 RENAME TO track;"
    "CREATE INDEX sent_id ON sent(" SCHEMA_HEAD("id") ");"
    "CREATE INDEX sent_spooled ON sent(precedence DESC, number) WHERE state = 0;"
    "CREATE INDEX sent_delivered ON sent(leaf) WHERE state = 2;"
    "CREATE INDEX sent_due ON sent(due) WHERE due <> 0;"
    "CREATE INDEX sent_living ON sent(expires) WHERE state < 4;"

    "CREATE TABLE inbox2(place INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL, node BLOB NOT NULL,"
    " number INTEGER NOT NULL, precedence INTEGER NOT NULL, state INTEGER NOT NULL, received INTEGER NOT NULL,"
    " expires INTEGER NOT NULL, seen INTEGER NOT NULL, acknowledged INTEGER NOT NULL, leaf INTEGER NOT NULL, superseded_by BLOB,"
    " record BLOB NOT NULL) STRICT;"
    "INSERT INTO inbox2 SELECT * FROM inbox;"
    /* What stands in the inbox has been met; the table keeps the others that were answered. */
    "DELETE FROM met WHERE id IN (SELECT id FROM inbox);"
    "DROP TABLE inbox;"
    "ALTER TABLE inbox2 RENAME TO inbox;"
    "CREATE INDEX inbox_id ON inbox(" SCHEMA_HEAD("id") ");"
    "CREATE INDEX inbox_living ON inbox(expires) WHERE state <> 2 AND state < 4;"

    "CREATE TABLE content2(place INTEGER PRIMARY KEY, bulletin BLOB NOT NULL, portion INTEGER NOT NULL, body INTEGER NOT NULL,"
    " secret BLOB NOT NULL) STRICT;"
    "INSERT INTO content2(bulletin, portion, body, secret) SELECT bulletin, portion, body, secret FROM content ORDER BY body;"
    "DROP TABLE content;"
    "ALTER TABLE content2 RENAME TO content;"
    "CREATE INDEX content_bulletin ON content(" SCHEMA_HEAD("bulletin") ");",

    /* Ids of late in no index (os/late.h). kind: 0 sent, 1 inbox, 2 content; slice.below: rows from there on are not in `place` yet. */
    "CREATE TABLE place(kind INTEGER NOT NULL, head BLOB NOT NULL, place INTEGER NOT NULL, PRIMARY KEY(kind, head, place)) STRICT, WITHOUT ROWID;"
    "INSERT INTO place SELECT 0, " SCHEMA_HEAD("id") ", place FROM sent ORDER BY 2, 3;"
    "INSERT INTO place SELECT 1, " SCHEMA_HEAD("id") ", place FROM inbox ORDER BY 2, 3;"
    "INSERT INTO place SELECT 2, " SCHEMA_HEAD("bulletin") ", place FROM content ORDER BY 2, 3;"
    "CREATE TABLE slice(kind INTEGER NOT NULL, no INTEGER NOT NULL, below INTEGER NOT NULL, PRIMARY KEY(kind, no)) STRICT, WITHOUT ROWID;"
    "WITH RECURSIVE byte(no) AS (SELECT 0 UNION ALL SELECT no + 1 FROM byte WHERE no < 255)"
    " INSERT INTO slice SELECT 0, no, (SELECT coalesce(max(place) + 1, 1) FROM sent) FROM byte"
    " UNION ALL SELECT 1, no, (SELECT coalesce(max(place) + 1, 1) FROM inbox) FROM byte"
    " UNION ALL SELECT 2, no, (SELECT coalesce(max(place) + 1, 1) FROM content) FROM byte;"
    "DROP INDEX sent_id;"
    "DROP INDEX inbox_id;"
    "DROP INDEX content_bulletin;",

    /* The entries that say that a document was accepted, one for each log; size: of the checkpoint that path leads to. Those of documents that came before are asked
       for by asking for all documents again. */
    "CREATE TABLE logged(place INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL, log TEXT NOT NULL, leaf INTEGER NOT NULL, size INTEGER NOT NULL,"
    " entry BLOB NOT NULL, salt BLOB NOT NULL, path BLOB NOT NULL, UNIQUE(hash, log)) STRICT;"
    "DELETE FROM fact WHERE name LIKE 'cursor/%';",

    /* FLASH for those who follow. */
    "CREATE INDEX inbox_flash ON inbox(place) WHERE precedence = 4;",

    /* previous: the bulletin that must have had the number before, as long as that has not come. */
    "ALTER TABLE heard ADD COLUMN previous BLOB;",

    /* And since numbers may be left out: the bulletin that was sent before, whatever its number. Empty: it came under an earlier version, which did not keep it. */
    "CREATE INDEX heard_waiting ON heard(previous) WHERE previous NOTNULL;"
    "UPDATE heard SET previous = x'' WHERE previous IS NULL AND number > 1 AND"
    " NOT EXISTS(SELECT 1 FROM heard AS h WHERE h.node = heard.node AND h.number = heard.number - 1);",

    /* Our own receipts as the log has them, in the order in which we were shown them; size: of the checkpoint that the path leads to. */
    "CREATE TABLE stated(place INTEGER PRIMARY KEY AUTOINCREMENT, log TEXT NOT NULL, leaf INTEGER NOT NULL, size INTEGER NOT NULL,"
    " record BLOB NOT NULL, UNIQUE(log, leaf)) STRICT;",

    /* log: whose hub they are for. Empty: several were watched, and an earlier version did not keep which. */
    "ALTER TABLE said ADD COLUMN log TEXT NOT NULL DEFAULT '';"
    "UPDATE said SET log = (SELECT log FROM watched) WHERE (SELECT count(*) FROM watched) = 1;",

    /* log: in which leaf is a place; empty: in the one of the fact first-log, or, where there is no such fact, in one of several that an earlier version watched. */
    "ALTER TABLE sent ADD COLUMN log TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE inbox ADD COLUMN log TEXT NOT NULL DEFAULT '';"
    "INSERT INTO fact SELECT 'first-log', CAST(log AS BLOB) FROM watched WHERE (SELECT count(*) FROM watched) = 1;",
};
