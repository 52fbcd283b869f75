#include "proto/word.h"

#include <string.h>
#include <strings.h>

const char *word_name(const char *const *words, size_t count, unsigned number)
{
  return number >= 1 && number <= count ? words[number - 1] : "?";
}

unsigned word_find(const char *const *words, size_t count, struct slice s)
{
  for (unsigned i = 0; i < count; i++)
    if (strlen(words[i]) == s.n && !strncasecmp(words[i], (const char *)s.p, s.n))
      return i + 1;
  return 0;
}
