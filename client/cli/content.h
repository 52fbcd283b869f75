/* What a content is, seen from the content itself: STIX 2.1, CAP 1.2, JSON, text, or something else. */
#ifndef TOGUNA_CLI_CONTENT_H
#define TOGUNA_CLI_CONTENT_H

#include "proto/base.h"

/* Beyond so many bytes JSON is not read whole to find out whether it is STIX. */
enum { CONTENT_LOOK = 16 << 20 };

/* The media type of a content; of its beginning only when `whole` is false. Static. */
const char *content_type_of(struct slice content, bool whole);
/* May content of this type be shown on a screen as text? type may be NULL. */
bool content_is_text(const char *type);

#endif
