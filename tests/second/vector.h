/* A vector: one JSON object with a kind, a name, whether it must be accepted, and bytes as hexadecimal. */
#ifndef TOGUNA_TESTS_SECOND_VECTOR_H
#define TOGUNA_TESTS_SECOND_VECTOR_H

#include "proto/buf.h"

#include <jansson.h>

/* Reading: a missing or malformed value ends the process, for the file is part of the test. Bytes live until
 * vector_done(). */
const char *vector_text(const json_t *v, const char *name);
struct slice vector_bytes(const json_t *v, const char *name);
void vector_fixed(const json_t *v, const char *name, void *ret, size_t n); /* exactly n bytes */
uint64_t vector_number(const json_t *v, const char *name);
struct slice vector_hex(const char *hex);
void vector_done(void);

/* Writing: adds to an object; returns it. Takes nothing. */
json_t *vector_put_bytes(json_t *v, const char *name, struct slice bytes);
json_t *vector_put_number(json_t *v, const char *name, uint64_t number);
json_t *vector_put_text(json_t *v, const char *name, const char *text);

/* Checks one vector (check.c): NULL when it is as it says, else what is wrong, until the next call. */
const char *vector_check(const json_t *v);
/* Makes all vectors (make.c), a new array. */
json_t *vector_make(void);

#endif
