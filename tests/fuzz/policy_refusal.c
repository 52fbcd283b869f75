/* Any text that a hub may have said: found again in our own sentences only when these say exactly it. */
#include "policy/refusal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  char *text = malloc(size + 1), *again = malloc(size + 1);
  struct tg_why why = {0};
  if (!text || !again)
    abort();
  memcpy(text, data, size);
  text[size] = 0;
  if (refusal_read(text, &why)) {
    if (why.err != TG_REFUSED || why_render(&why, NULL, again, size + 1) != strlen(text) || strcmp(text, again) != 0)
      abort();
  } else if (why.what) {
    abort();
  }
  free(text);
  free(again);
  return 0;
}
