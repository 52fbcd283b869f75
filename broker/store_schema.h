/* The layout of the store, version by version. Never changed once released: a new layout is a new migration. */
#ifndef TOGUNA_BROKER_STORE_SCHEMA_H
#define TOGUNA_BROKER_STORE_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#define STORE_APPLICATION_ID UINT32_C(0x54475542) /* "TGUB" */

extern const char *const STORE_MIGRATIONS[];
extern const size_t STORE_MIGRATION_COUNT;

#endif
