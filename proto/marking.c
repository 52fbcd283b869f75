#include "proto/marking.h"

#include "proto/word.h"

static const char *const levels[] = {"UNCLASSIFIED", "RESTRICTED", "CONFIDENTIAL", "SECRET", "TOP-SECRET"};
static const char *const tlps[] = {"clear", "green", "amber", "amber+strict", "red"};
static const char *const caveats[] = {"orcon", "blind"}; /* as numbers of bits: 1, 2 */

#define COUNT(table) (sizeof table / sizeof *table)

const char *level_name(uint8_t level) { return word_name(levels, COUNT(levels), level); }
const char *tlp_name(uint8_t tlp) { return word_name(tlps, COUNT(tlps), tlp); }
/* Two caveats, 1 and 2: as long as there are two, the bit is its own number. */
const char *caveat_name(uint8_t caveat) { return word_name(caveats, COUNT(caveats), caveat); }

static enum tg_err find(const char *const *words, size_t count, struct slice s, uint8_t *ret)
{
  unsigned number = word_find(words, count, s);
  if (!number)
    return TG_BAD_INPUT;
  *ret = (uint8_t)number;
  return TG_OK;
}

enum tg_err level_parse(struct slice s, uint8_t *ret) { return find(levels, COUNT(levels), s, ret); }
enum tg_err tlp_parse(struct slice s, uint8_t *ret) { return find(tlps, COUNT(tlps), s, ret); }
enum tg_err caveat_parse(struct slice s, uint8_t *ret) { return find(caveats, COUNT(caveats), s, ret); }
