/* Topic patterns of rules: labels joined by dots, `*` for exactly one label, `**` for any number of them, none too. */
#ifndef TOGUNA_POLICY_PATTERN_H
#define TOGUNA_POLICY_PATTERN_H

#include "proto/base.h"

enum { PATTERN_MAX = 96 }; /* bytes of one pattern */

/* Is s a pattern that some topic can match: labels as in topics, no `**` beside another, not longer than a topic can be? */
bool pattern_valid(struct slice s);
/* Both valid. The definition of a match, for those who look at one rule at a time. */
bool pattern_matches(struct slice pattern, struct slice topic);
/* Takes the next part off a pattern or topic: up to the next dot, which is consumed. False at the end. */
bool pattern_part(struct slice *rest, struct slice *ret);

/* The order in which this room keeps labels and patterns: byte by byte, what ends first before what goes on. As memcmp(). */
int text_order(struct slice a, struct slice b);

#endif
