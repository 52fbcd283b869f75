/* A power cut for a real process. What the process does to its files happens at once, and what was there before is
   remembered until the file, or for names the folder, is synced. At the cut everything that was not synced is undone: the
   disk holds what a disk may hold. */
#ifndef TOGUNA_TESTS_FAULTS_UNDO_H
#define TOGUNA_TESTS_FAULTS_UNDO_H

#include <stdint.h>
#include <sys/types.h>

/* Before n bytes are written at an offset, or the file is cut to that length (n = 0). path is that of the file. */
void undo_write(int fd, const char *path, off_t at, size_t n);
void undo_truncate(int fd, const char *path, off_t size);
/* After a file was made, before a name is given away or taken. */
void undo_created(const char *path);
void undo_rename(const char *from, const char *to);
void undo_unlink(const char *path);
/* The file, or the folder's names, are on the disk. */
void undo_synced(const char *path);
void undo_folder_synced(const char *path);
void undo_all_synced(void);
/* A sync of this file failed: what was not on the disk may never get there, whatever a later sync says. */
void undo_doomed(const char *path);

/* The cut: the newest first. With a seed some blocks of 4 KiB reach the disk all the same. */
void undo_all(uint64_t torn);
/* Only what a failed sync doomed: at the end of the process. */
void undo_what_is_doomed(void);

#endif
