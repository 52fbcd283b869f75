/* toguna console: the review console, for as long as this command runs. */
#include "client/cli/console.h"

#include "client/cli/box.h"
#include "client/cli/sight.h"
#include "client/console/site.h"
#include "os/clock.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

struct console_options {
  struct common common;
  SIGHT_MEMBERS;
  uint64_t port;
};

/* ---- where things are */

static bool is_there(const char *folder, const char *name, char out[BOX_PATH])
{
  return box_path(out, folder, name, NULL) == TG_OK && access(out, R_OK) == 0;
}

/* The files of the log: the folder itself, of a copy; or where a hub keeps them. */
static enum tg_err find_files(const char *folder, char out[BOX_PATH], struct tg_why *why)
{
  static const char *const places[] = {".", "log", "data/log"};
  char file[BOX_PATH];
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    if (is_there(folder, places[i], out) && is_there(out, "checkpoint", file))
      return TG_OK;
  return why_set(why, TG_NOT_FOUND, folder, N_("this is neither a hub's folder nor a copy of a log: it holds no checkpoint"),
                 N_("Name the folder that hub.conf names, or one that `toguna audit export` made"), NULL, NULL, NULL);
}

/* Documents beside the log, when none were named: enough to show whose signatures there are; the page says that
   nobody vouched for them. */
static const char *find_charter(const struct console_options *o, const char *folder, char out[BOX_PATH])
{
  static const char *const places[] = {"documents", "../documents"};
  if (o->charter || o->key)
    return o->charter;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    if (is_there(folder, places[i], out))
      return out;
  return NULL;
}

static bool sees_node(const struct sight *sight, const char *folder)
{
  char file[BOX_PATH];
  return sight->node || (sight->socket && !sight->log) || is_there(folder, "view/state.json", file);
}

/* ---- at work */

static void on_signal(void *arg, int sign)
{
  (void)sign;
  loop_stop(arg, 0);
}

static void tell_address(const struct call *call, const struct site *site)
{
  if (call->json)
    show_json(json_pack("{s:s}", "address", site_address(site)));
  else
    printf("%s\n%s\n", _("Open this in a browser on this machine; it is for you alone, and ends with Ctrl-C:"), site_address(site));
}

static enum tg_err serve(const struct call *call, struct console *c, int *fd, struct tg_why *why)
{
  struct site *site = NULL;
  struct loop *loop = loop_new();
  enum tg_err err = loop ? loop_signal(loop, SIGINT, on_signal, loop) : TG_NO_MEMORY;
  if (err == TG_OK)
    err = loop_signal(loop, SIGTERM, on_signal, loop);
  if (err == TG_OK) {
    err = site_new(loop, &(struct site_options){.fd = *fd, .answer = console_answer, .arg = c}, &site, why);
    *fd = -1;
  }
  if (err == TG_OK) {
    tell_address(call, site);
    err = show_flush(why);
  }
  if (err == TG_OK)
    (void)loop_run(loop);
  site_free(&site);
  loop_free(loop);
  return err;
}

static enum tg_err run_console(struct call *call, struct tg_why *why)
{
  const struct console_options *o = call->options;
  char files[BOX_PATH], documents[BOX_PATH], address[HTTP_ADDRESS_MAX];
  struct sight sight = *SIGHT_OF(o);
  if (call->n)
    sight.log = call->arg[0];
  const char *folder = sight_place(&sight);
  struct console c = {.place = folder, .files = sees_node(&sight, folder) ? NULL : files, .key = o->key};
  int fd = -1;
  c.charter = find_charter(o, folder, documents);
  snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)o->port);
  enum tg_err err = c.files ? find_files(folder, files, why) : TG_OK;
  if (err == TG_OK)
    err = http_listen(address, &fd, why);
  if (err == TG_OK)
    err = sight_open(call, &sight, &c.review, why);
  c.fresh = clock_mono();
  if (err == TG_OK)
    err = serve(call, &c, &fd, why);
  if (fd >= 0)
    close(fd);
  review_free(c.review);
  return err;
}

static const struct option_key console_options[] = {
    SIGHT_OPTIONS(struct console_options),
    {"port", 0, OPTION_ONE, VALUE_NUMBER, offsetof(struct console_options, port), {.min = 1, .max = UINT16_MAX}, N_("N"),
     N_("The port on 127.0.0.1; any that is free unless stated.")},
};

const struct command command_console = {
    .verb = "console",
    .section = SECTION_LOOK,
    .summary = N_("Review what happened in a browser: who shared what with whom, what was refused, and proofs of it"),
    .operands = N_("[FOLDER]"),
    .min = 0,
    .max = 1,
    .about = N_("FOLDER is that of a hub, running or not, or a copy of a log; the current folder unless stated; --node asks a node instead. The page is "
                "read-only and comes from this command, on the loopback interface of this machine: whoever has the whole "
                "address, which is new each time, may look. It fetches nothing from anywhere else. Proofs, signatures and "
                "the whole log are checked by the browser itself."),
    .examples = "toguna console /var/lib/toguna --charter documents/\n"
                "toguna console copy/ --charter charter.note --port 7781\n",
    .options = console_options,
    .n_options = sizeof console_options / sizeof *console_options,
    .size = sizeof(struct console_options),
    .run = run_console,
};
