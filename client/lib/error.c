#include "client/lib/error.h"

#include <libintl.h>
#include <string.h>

/* The public numbers are the inner ones. */
#define SAME(name) _Static_assert((int)TOGUNA_##name == (int)TG_##name, #name)
SAME(OK);
SAME(REFUSED);
SAME(REVOKED);
SAME(QUOTA);
SAME(USAGE);
SAME(BAD_INPUT);
SAME(BAD_SIGNATURE);
SAME(BAD_PROOF);
SAME(BAD_SEAL);
SAME(BAD_PASSPHRASE);
SAME(TOO_BIG);
SAME(NOT_FOUND);
SAME(STALE);
SAME(DUPLICATE);
SAME(CONFLICT);
SAME(EXPIRED);
SAME(UNKNOWN);
SAME(UNREACHABLE);
SAME(BUSY);
SAME(INTERNAL);
SAME(NO_MEMORY);
SAME(DISK);

/* Each class with its general error, its last number, and what is said when nobody said more. */
static const struct {
  enum tg_err general, last;
  const char *what;
} classes[] = {
    {TG_REFUSED, TG_QUOTA, N_("this is refused")},
    {TG_USAGE, TG_USAGE, N_("this call makes no sense")},
    {TG_BAD_INPUT, TG_UNKNOWN, N_("what was given is not valid")},
    {TG_UNREACHABLE, TG_BUSY, N_("the node cannot be reached now")},
    {TG_INTERNAL, TG_DISK, N_("something went wrong that should not")},
};
enum { CLASSES = sizeof classes / sizeof *classes };

enum tg_err error_known(uint32_t err)
{
  uint32_t number = err >> 8;
  if (number < 1 || number > CLASSES)
    return TG_INTERNAL;
  return err <= (uint32_t)classes[number - 1].last ? (enum tg_err)err : classes[number - 1].general;
}

const char *error_translate(const char *msgid)
{
  return *msgid ? dgettext("toguna", msgid) : "";
}

static const char *general_sentence(enum tg_err err)
{
  if (err == TG_NO_MEMORY)
    return N_("out of memory");
  return classes[tg_exit_code(error_known((uint32_t)err)) - 1].what;
}

enum toguna_err error_put(struct toguna_error *error, enum tg_err err, const struct tg_why *why)
{
  if (err == TG_OK || !error)
    return (enum toguna_err)err;
  struct tg_why said = {0};
  if (why && why->what && *why->what)
    said = *why;
  else
    said.what = general_sentence(err);
  if (said.todo && !*said.todo)
    said.todo = NULL;
  const char *const args[3] = {said.arg[0], said.arg[1], said.arg[2]};
  memset(error, 0, sizeof *error);
  error->err = (enum toguna_err)err;
  memcpy(error->where, said.where, sizeof error->where);
  (void)why_fill(error_translate(said.what), args, error->what, sizeof error->what);
  if (said.todo)
    (void)why_fill(error_translate(said.todo), args, error->todo, sizeof error->todo);
  (void)why_render(&said, error_translate, error->text, sizeof error->text);
  return (enum toguna_err)err;
}

int toguna_exit_code(enum toguna_err err)
{
  return tg_exit_code((enum tg_err)err);
}
const char *toguna_err_name(enum toguna_err err)
{
  return tg_err_name((enum tg_err)err);
}
const char *toguna_version(void)
{
  return TOGUNA_VERSION;
}
