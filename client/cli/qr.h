/* A short bundle as a QR code: written as a PNG and shown on a terminal, read back from a photograph. Without the libraries for it at build
   time everything here is TG_UNKNOWN. */
#ifndef TOGUNA_CLI_QR_H
#define TOGUNA_CLI_QR_H

#include "proto/buf.h"

enum {
  QR_BYTES_MAX = 2953,       /* what the largest code holds */
  QR_PHOTO_MAX = 32 << 20,   /* bytes of a photograph */
};

/* Writes the code as a PNG, over another file only with `replace`. TG_DUPLICATE: there is one; TG_TOO_BIG: more than a code holds; TG_DISK; TG_UNKNOWN. */
enum tg_err qr_write(const char *path, struct slice bytes, bool replace, struct tg_why *why);
/* The same on standard output, two modules a character. */
enum tg_err qr_show(struct slice bytes, struct tg_why *why);

/* Does it begin like a PNG or JPEG? */
bool qr_is_photo(struct slice beginning);
/* The bytes of the one code in the photograph, appended. Images are read in a process of its own that can open no file, reach no network and
   use no more than its share of memory and time: what a picture does to it stays there. TG_BAD_INPUT: no code is found, or several, or it
   is no such picture. */
enum tg_err qr_read(struct slice photo, struct buf *ret, struct tg_why *why);

#endif
