/* The words on a portion: classification level, Traffic Light Protocol 2.0, caveats. Both scales are ordered by
   their numbers, so that "up to" is <=. */
#ifndef TOGUNA_PROTO_MARKING_H
#define TOGUNA_PROTO_MARKING_H

#include "proto/base.h"

enum level { LEVEL_UNCLASSIFIED = 1, LEVEL_RESTRICTED, LEVEL_CONFIDENTIAL, LEVEL_SECRET, LEVEL_TOP_SECRET };
enum tlp { TLP_CLEAR = 1, TLP_GREEN, TLP_AMBER, TLP_AMBER_STRICT, TLP_RED };

enum caveat {
  CAVEAT_ORCON = 1, /* originator control: passing it on takes the originator's grant */
  CAVEAT_BLIND = 2, /* blind audience: recipients do not see the release list */
};
enum { CAVEAT_ALL = CAVEAT_ORCON | CAVEAT_BLIND };

/* "TOP-SECRET", "amber+strict", "orcon": stable names for documents, --json and screens. A value outside its
   scale is "?". caveat_name takes one bit. */
const char *level_name(uint8_t level);
const char *tlp_name(uint8_t tlp);
const char *caveat_name(uint8_t caveat);
/* These names, in upper or lower case (ASCII). TG_BAD_INPUT for any other. */
enum tg_err level_parse(struct slice s, uint8_t *ret);
enum tg_err tlp_parse(struct slice s, uint8_t *ret);
enum tg_err caveat_parse(struct slice s, uint8_t *ret);

#endif
