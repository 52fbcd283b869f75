/* Carries a resumed session (resume.h) between a socket of this process, where ZeroMQ is at the other end, and a line: one TCP connection after the other.
   Nothing here blocks. */
#ifndef TOGUNA_OS_CARRY_H
#define TOGUNA_OS_CARRY_H

#include "os/loop.h"
#include "os/resume.h"

struct carry;

/* lost, over and moved are called last in whatever led there: they may free the carry, or give it a new line. */
struct carry_events {
  /* The line broke, or nothing at all came over it for too long while something was waited for. The session waits for carry_line(). */
  void (*lost)(void *arg);
  /* The session is over, and its local socket closed. TG_OK: one of the two ends has ended. TG_NOT_FOUND: the server does not know it, or takes no more. */
  void (*over)(void *arg, enum tg_err why);
  /* resume_is_busy() changed. May not free it. */
  void (*turned)(void *arg, bool busy);
  /* None of the first two, but what resume_holds() says may have changed. May be NULL. */
  void (*moved)(void *arg);
};

/* local: a stream socket, not blocking, taken also on failure; it may still be connecting. rate: as resume_new(). TG_NO_MEMORY. events is kept, not copied. */
enum tg_err carry_new(struct loop *l, int local, uint32_t rate, const struct carry_events *events, void *arg, struct carry **ret);
void carry_free(struct carry **c); /* closes both; NULL is fine */
struct resume *carry_resume(struct carry *c);
/* A connected socket, not blocking, taken also on failure; in place of one it had. Right after resume_connect() or resume_accept(). TG_NO_MEMORY: without a
   line. */
enum tg_err carry_line(struct carry *c, int fd);
/* Is fd one of its two? */
bool carry_owns(const struct carry *c, int fd);
int carry_local(const struct carry *c); /* -1: closed */

#endif
