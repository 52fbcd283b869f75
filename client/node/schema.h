/* The tables of a node's store. */
#ifndef TOGUNA_CLIENT_NODE_SCHEMA_H
#define TOGUNA_CLIENT_NODE_SCHEMA_H

enum { SCHEMA_APPLICATION = 0x746f676e }; /* "togn" */

/* Migration i brings version i to i + 1. Never changed once released. */
enum { SCHEMA_MIGRATIONS = 2 };
extern const char *const schema_migrations[SCHEMA_MIGRATIONS];

#endif
