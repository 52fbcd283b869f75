/* The tables of a node's store. */
#ifndef TOGUNA_CLIENT_NODE_SCHEMA_H
#define TOGUNA_CLIENT_NODE_SCHEMA_H

enum { SCHEMA_APPLICATION = 0x746f676e }; /* "togn" */

/* Migration i brings version i to i + 1. Never changed once released. */
enum { SCHEMA_MIGRATIONS = 15 };
extern const char *const schema_migrations[SCHEMA_MIGRATIONS];

/* An index of hashes has no place where things of late stand together: each bulletin dirties a page of it. So those of late stand in memory, and the others by
   their first bytes in the table `place` (depot_place_new()). These say `id = ?1` of a row of sent and inbox, and of content also which portion. */
#define SCHEMA_HEAD(what) "substr(" what ", 1, 6)"
#define SCHEMA_SENT(id) "sent.place = sent_place(" id ", 0)"
#define SCHEMA_INBOX(id) "inbox.place = inbox_place(" id ", 0)"
#define SCHEMA_CONTENT(id, portion) "content.place = content_place(" id ", " portion ")"
/* The running number of a bulletin of our own, which its rows of `track` are kept under. */
#define SCHEMA_NUMBER(parameter) "(SELECT number FROM sent WHERE " SCHEMA_SENT(parameter) ")"

#endif
