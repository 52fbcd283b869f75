/* HTML in a buffer: text is only ever text. */
#ifndef TOGUNA_REPORT_MARKUP_H
#define TOGUNA_REPORT_MARKUP_H

#include "proto/buf.h"

/* As text of HTML and SVG, also within quotes. */
void markup_text(struct buf *out, const char *text);
/* <tag>text</tag> and a newline; tag may carry attributes. */
void markup_element(struct buf *out, const char *tag, const char *text);

#endif
