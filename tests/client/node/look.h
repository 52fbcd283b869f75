/* Looking into a node of a pair: what its inbox and what it sent say. */
#ifndef TOGUNA_TESTS_CLIENT_NODE_LOOK_H
#define TOGUNA_TESTS_CLIENT_NODE_LOOK_H

#include "client/node/inbox.h"
#include "client/node/outbox.h"
#include "proto/receipt.h"
#include "tests/kit/pair.h"

enum { ML, BF, NE, SN };

/* How many bulletins stand in the inbox. */
size_t look_inbox(struct pair *p, size_t member);
/* Its row; must be there. Valid until the next look. */
const struct inbox_row *look_row(struct pair *p, size_t member, const struct hash *id);
enum sent_state look_sent(struct pair *p, size_t member, const struct hash *id);
/* Its content as text of at most 255 bytes; "" and false when it cannot be read. */
bool look_text(struct pair *p, size_t member, const struct hash *id, char out[256]);
/* How many bytes of content can be read; -1: none, it is not here or erased. */
long look_size(struct pair *p, size_t member, const struct hash *id);
/* Has `member` of `recipient` said this about the bulletin? */
bool look_track(struct pair *p, size_t member, const struct hash *id, enum receipt_event event);
/* Do these bytes stand anywhere in the node's files? */
/* Frames of receipts that are kept for the hub of this log. */
size_t look_said(struct pair *p, size_t member, const char *log);
bool look_file(struct pair *p, size_t member, const void *bytes, size_t n);

#endif
