/* SQLite's format of the write-ahead log: https://www.sqlite.org/fileformat2.html#the_write_ahead_log */
#ifndef TOGUNA_OS_WAL_H
#define TOGUNA_OS_WAL_H

#include "os/pagesum.h"

/* A head, then frames: each with a head of its own, which begins with the page's number (4, big-endian), and the page. */
enum { WAL_HEAD = 32, WAL_FRAME_HEAD = 24, WAL_FRAME = WAL_FRAME_HEAD + PAGESUM_PAGE };

#endif
