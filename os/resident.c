#include "os/resident.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef TOGUNA_SANITIZED
#define SANITIZED true /* what was freed is kept by their run-time, and is no burden of ours */
#else
#define SANITIZED false
#endif

bool resident_is_expected(void) { return !SANITIZED; }

int resident_open(void)
{
  return SANITIZED ? -1 : open(RESIDENT_FILE, O_RDONLY | O_CLOEXEC);
}

/* "size resident shared ...", in pages. */
uint64_t resident_now(int fd)
{
  char text[128];
  ssize_t n = fd >= 0 ? pread(fd, text, sizeof text - 1, 0) : -1;
  if (n <= 0)
    return 0;
  text[n] = 0;
  char *end;
  (void)strtoull(text, &end, 10);
  return strtoull(end, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}
