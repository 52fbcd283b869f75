/* The sum that a page of a store carries in its last 8 bytes, which SQLite leaves alone (its "reserved bytes"): SipHash-2-4 over
   the rest, keyed by the page's number, so that a page in another's place is as wrong as a damaged one. It finds what disks,
   memory and copies do to bytes; it is no secret, and stops nobody who means to deceive. */
#ifndef TOGUNA_OS_PAGESUM_H
#define TOGUNA_OS_PAGESUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAGESUM_PAGE = 4096, PAGESUM_BYTES = 8 }; /* every store of ours has pages of this size */

/* Writes the sum into the page's end. Pages count from 1. */
void pagesum_put(uint8_t page[PAGESUM_PAGE], uint64_t number);
/* Is the page as it was when its sum was put, and in its place? */
bool pagesum_holds(const uint8_t page[PAGESUM_PAGE], uint64_t number);
/* Does a store's first page leave room for sums? */
bool pagesum_has_room(const uint8_t page[PAGESUM_PAGE]);
/* Does this beginning of a file say of itself that its pages have no sums? A flipped bit in the byte that says so is seen
   through: then the sum of the page still tells. */
bool pagesum_is_without(const uint8_t page[PAGESUM_PAGE]);

#endif
