#include "client/report/markup.h"

#include <string.h>

void markup_text(struct buf *out, const char *text)
{
  for (; *text; text++)
    switch (*text) {
    case '&': buf_put_str(out, "&amp;"); break;
    case '<': buf_put_str(out, "&lt;"); break;
    case '>': buf_put_str(out, "&gt;"); break;
    case '"': buf_put_str(out, "&quot;"); break;
    default: buf_put(out, text, 1);
    }
}

void markup_element(struct buf *out, const char *tag, const char *text)
{
  buf_printf(out, "<%s>", tag);
  markup_text(out, text);
  buf_printf(out, "</%.*s>\n", (int)strcspn(tag, " "), tag);
}
