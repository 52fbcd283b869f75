/* toguna export, toguna import: bulletins on a stick, where no hub is to be had, and the receipts that come back. */
#include "client/cli/box.h"
#include "client/cli/bulletin.h"
#include "client/cli/qr.h"
#include "client/cli/reach.h"
#include "client/cli/saving.h"
#include "proto/bundle.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- export ---- */

struct export_options {
  struct common common;
  char *socket, *to, *output;
  bool qr, replace;
};

static enum tg_err find_ids(struct call *call, struct toguna *node, struct toguna_id *ids)
{
  struct arena *arena = reach_arena();
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < call->n; i++) {
    const struct toguna_item *item;
    err = reach_find(call, node, call->arg[i], arena, &item);
    if (err == TG_OK)
      ids[i] = item->id;
  }
  arena_free(arena);
  return err;
}

static int hold_piece(void *context, const void *data, size_t n)
{
  struct buf *all = context;
  buf_put(all, data, n);
  return buf_status(all) != TG_OK;
}

/* Nothing but the bulletin goes into a code: who reads it knows the documents of the exchange. */
static enum tg_err export_qr(struct call *call, struct toguna *node, const struct toguna_id *ids, struct tg_why *why)
{
  const struct export_options *o = call->options;
  struct toguna_error error;
  struct buf all = buf_new(1 << 20);
  enum tg_err err = TG_OK;
  if (toguna_export(node, o->to, ids, call->n, true, hold_piece, &all, &error) != TOGUNA_OK)
    err = all.failed ? qr_show(slice_of(all.p, QR_BYTES_MAX + 1), why) : call_said(call, &error);
  if (err == TG_OK)
    err = qr_write(o->output, buf_slice(&all), o->replace, why);
  if (err == TG_OK && call->json)
    show_json(json_pack("{s:s, s:s, s:I}", "qr", o->output, "to", o->to, "bytes", (json_int_t)all.n));
  else if (err == TG_OK) {
    if (isatty(STDOUT_FILENO))
      err = qr_show(buf_slice(&all), why);
    printf(_("%s is written, for %s. Print it or show it; a photograph of it is read by \"toguna import\".\n"), o->output, o->to);
  }
  buf_free(&all);
  return err;
}

static enum tg_err export_to(struct call *call, struct toguna *node, const struct toguna_id *ids, struct tg_why *why)
{
  const struct export_options *o = call->options;
  struct toguna_error error;
  struct saving s;
  enum tg_err err = saving_begin(&s, o->output, why);
  if (err != TG_OK)
    return err;
  err = saving_end(&s, call, toguna_export(node, o->to, ids, call->n, false, saving_piece, &s, &error), &error, o->replace);
  if (err != TG_OK || saving_is_output(o->output))
    return err;
  char size[SHOW_SIZE];
  if (call->json)
    show_json(json_pack("{s:s, s:s, s:I}", "bundle", o->output, "to", o->to, "bytes", (json_int_t)s.bytes));
  else
    printf(_("%s is written (%s), for %s. Carry it there; \"toguna import\" reads it.\n"), o->output, show_size(s.bytes, size), o->to);
  return TG_OK;
}

static enum tg_err run_export(struct call *call, struct tg_why *why)
{
  const struct export_options *o = call->options;
  struct toguna *node = NULL;
  if (!o->to || !*o->to)
    return why_set(why, TG_USAGE, "--to", N_("it is not said whom the bundle is for"),
                   N_("Name a state, an agency or a node, as BF, BF/anr or BF/anr/n1"), NULL, NULL, NULL);
  if (!o->output || !*o->output)
    return why_set(why, TG_USAGE, "--output", N_("it is not said where the bundle is written"), N_("Name a file, on the stick"), NULL,
                   NULL, NULL);
  if (o->qr && call->n != 1)
    return why_set(why, TG_USAGE, "--qr", N_("a QR code holds one bulletin"), N_("Name it by its id"), NULL, NULL, NULL);
  if (o->qr && saving_is_output(o->output))
    return why_set(why, TG_USAGE, "--output", N_("a QR code is written into a file"), N_("Name one"), NULL, NULL, NULL);
  enum tg_err err = saving_look(o->output, &o->replace, why);
  if (err != TG_OK)
    return err;
  struct toguna_id *ids = calloc(call->n ? call->n : 1, sizeof *ids);
  err = ids ? reach_open(call, o->socket, &node) : TG_NO_MEMORY;
  if (err == TG_OK)
    err = find_ids(call, node, ids);
  if (err == TG_OK)
    err = o->qr ? export_qr(call, node, ids, why) : export_to(call, node, ids, why);
  toguna_close(node);
  free(ids);
  return err;
}

static const struct option_key export_options[] = {
    {"to", 0, OPTION_ONE, VALUE_TEXT, offsetof(struct export_options, to), {0}, N_("NAME"),
     N_("The state, agency or node that the bundle is for: BF, BF/anr, BF/anr/n1.")},
    {"output", 'o', OPTION_ONE, VALUE_PATH, offsetof(struct export_options, output), {0}, N_("FILE"), N_("The file to write.")},
    {"replace", 0, OPTION_FLAG, VALUE_BOOL, offsetof(struct export_options, replace), {0}, NULL, N_("With --output: replace a FILE that is there.")},
    {"qr", 0, OPTION_FLAG, VALUE_TEXT, offsetof(struct export_options, qr), {0}, NULL,
     N_("Write one short bulletin, such as a FLASH, as a QR code (PNG), and show it on a terminal.")},
    REACH_OPTION(struct export_options)};

const struct command command_export = {
    .verb = "export",
    .section = SECTION_BULLETINS,
    .summary = N_("Write bulletins into a bundle, to be carried where no hub reaches"),
    .operands = N_("[ID...]"),
    .min = 0,
    .max = 256,
    .about = N_("Without ID: all bulletins that somebody there has not answered yet. The bundle holds them sealed as they are, for the nodes "
                "named alone, with the documents and proofs to check them without any network. Whoever else finds it learns what a hub would: "
                "who writes to whom, when, and how marked. The bulletins still go to the hub when there is one."),
    .examples = "toguna export --to BF -o /media/stick/bf.bundle\ntoguna export --to BF/anr -o /media/stick/bf.bundle 3f2a\n",
    .options = export_options,
    .n_options = sizeof export_options / sizeof *export_options,
    .size = sizeof(struct export_options),
    .run = run_export,
};

/* ---- import ---- */

struct import_options {
  struct common common;
  char *socket, *receipts;
  bool replace;
};

/* receipts: what came back for the bundle's writer. */
struct reading {
  int fd;
  bool json;
  unsigned outcome[TOGUNA_RECEIPT + 1];
  json_t *list;
  struct buf receipts;
};

static int read_piece(void *context, void *data, size_t n)
{
  const struct reading *r = context;
  uint8_t *at = data;
  while (n) {
    ssize_t got = read(r->fd, at, n);
    if (got <= 0)
      return 1;
    at += got;
    n -= (size_t)got;
  }
  return 0;
}

static int take_receipts(void *context, const void *data, size_t n)
{
  struct reading *r = context;
  buf_put(&r->receipts, data, n);
  return buf_status(&r->receipts) != TG_OK;
}

static void show_imported(void *context, const struct toguna_imported *i)
{
  static const char *const names[] = {"", "taken", "known", "declined", "receipt"};
  struct reading *r = context;
  char id[BULLETIN_SHORT];
  r->outcome[i->outcome]++;
  if (r->json) {
    json_array_append_new(r->list, json_pack("{s:o, s:s, s:s?, s:s?, s:s?}", "id", bulletin_id_json(&i->id), "outcome", names[i->outcome],
                                             "node", *i->node ? i->node : NULL, "event",
                                             i->outcome == TOGUNA_RECEIPT ? bulletin_event(i->event) : NULL, "why",
                                             *i->why ? i->why : NULL));
    return;
  }
  const char *short_id = bulletin_short(&i->id, id);
  switch (i->outcome) {
  case TOGUNA_TAKEN:
    printf(_("%s: taken in\n"), short_id);
    break;
  case TOGUNA_WAS_HERE:
    printf(_("%s: is here already\n"), short_id);
    break;
  case TOGUNA_DECLINED:
    printf(_("%s: DECLINED: %s\n"), short_id, i->why);
    break;
  case TOGUNA_RECEIPT:
    printf(_("%s: %s says: %s\n"), short_id, i->node, _(bulletin_event(i->event)));
    break;
  }
}

static enum tg_err open_bundle(const char *path, struct reading *r, uint64_t *ret_size, struct tg_why *why)
{
  struct stat st;
  r->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (r->fd < 0 || fstat(r->fd, &st) != 0)
    return why_set(why, TG_NOT_FOUND, path, N_("the bundle cannot be opened"), N_("Look at its name and who may read it"), NULL, NULL,
                   NULL);
  if (!S_ISREG(st.st_mode))
    return why_set(why, TG_BAD_INPUT, path, N_("this is not a file"), S_ISDIR(st.st_mode) ? N_("Name the bundle that is in it") : NULL, NULL, NULL, NULL);
  *ret_size = (uint64_t)st.st_size;
  return TG_OK;
}

/* A photograph: the code in it is the bundle. */
static enum tg_err open_photo(struct reading *r, uint64_t *size, struct tg_why *why)
{
  struct buf photo = buf_new(QR_PHOTO_MAX), bundle = buf_new(QR_BYTES_MAX);
  uint8_t beginning[4];
  enum tg_err err = TG_OK;
  if (pread(r->fd, beginning, sizeof beginning, 0) != (ssize_t)sizeof beginning || !qr_is_photo(slice_of(beginning, sizeof beginning)))
    return TG_OK;
  uint8_t *room = *size <= QR_PHOTO_MAX ? buf_grow(&photo, (size_t)*size) : NULL;
  if (!room)
    err = why_set(why, TG_TOO_BIG, "photo", N_("the photograph is larger than 32 MiB"), N_("Take it with fewer pixels"), NULL, NULL, NULL);
  else if (read_piece(r, room, (size_t)*size) != 0)
    err = TG_DISK;
  if (err == TG_OK)
    err = qr_read(buf_slice(&photo), &bundle, why);
  close(r->fd);
  r->fd = -1;
  if (err == TG_OK)
    err = file_temp(NULL, &r->fd, why);
  if (err == TG_OK)
    err = file_put_fd(r->fd, buf_slice(&bundle), why);
  if (err == TG_OK && lseek(r->fd, 0, SEEK_SET) < 0)
    err = TG_DISK;
  *size = bundle.n;
  buf_free(&photo);
  buf_free(&bundle);
  return err;
}

static const char *receipts_path(const struct call *call, char out[PATH_MAX])
{
  const struct import_options *o = call->options;
  const int n = snprintf(out, PATH_MAX, "%s%s", o->receipts ? o->receipts : call->arg[0], o->receipts ? "" : ".receipts");
  return n < PATH_MAX ? out : NULL;
}

static bool is_bundle(const char *path)
{
  struct buf begins = buf_new(BUNDLE_MAGIC), magic = buf_new(BUNDLE_MAGIC);
  struct bundle_hash hash;
  bundle_begin(&hash, &magic);
  const bool is = file_read_at(path, 0, BUNDLE_MAGIC, &begins, NULL) == TG_OK && slice_eq(buf_slice(&begins), buf_slice(&magic));
  buf_free(&begins);
  buf_free(&magic);
  return is;
}

/* Before anything is taken in: afterwards it is too late to say that nothing was. Receipts of an earlier import, beside the bundle, are replaced. */
static enum tg_err look_at_place(const struct call *call, const struct reading *r, struct tg_why *why)
{
  const struct import_options *o = call->options;
  struct stat bundle, there;
  char room[PATH_MAX];
  const char *path = receipts_path(call, room);
  if (o->replace && !o->receipts)
    return why_set(why, TG_USAGE, "--replace", N_("it goes with --receipts only"), NULL, NULL, NULL, NULL);
  if (!path)
    return why_set(why, TG_USAGE, "--receipts", N_("the name of this place is too long"), N_("Name another file"), NULL, NULL, NULL);
  if (saving_is_output(path))
    return why_set(why, TG_USAGE, "--receipts", N_("receipts are written into a file"), N_("Name one"), NULL, NULL, NULL);
  if (stat(path, &there) == 0 && fstat(r->fd, &bundle) == 0 && there.st_dev == bundle.st_dev && there.st_ino == bundle.st_ino)
    return why_set(why, TG_USAGE, "--receipts", N_("this is the bundle itself"), N_("Name another file"), NULL, NULL, NULL);
  return !o->receipts && is_bundle(path) ? TG_OK : saving_look(path, o->receipts ? &o->replace : NULL, why);
}

static enum tg_err keep_receipts(struct call *call, struct reading *r, struct tg_why *why)
{
  const struct import_options *o = call->options;
  char room[PATH_MAX];
  const char *path = receipts_path(call, room);
  if (r->receipts.n == 0)
    return TG_OK;
  enum tg_err err = box_put(path, buf_slice(&r->receipts), FILE_ANYWHERE, !o->receipts || o->replace, why);
  if (err != TG_OK)
    why->todo = N_("The bulletins are taken in. For their receipts, import the bundle again with --receipts FILE");
  if (err == TG_OK && !call->json)
    printf(_("Receipts are in %s: carry them back, to be imported where the bundle was written.\n"), path);
  if (err == TG_OK && call->json)
    json_array_append_new(r->list, json_pack("{s:s}", "receipts", path));
  return err;
}

/* The node that says what is wrong with it does not know what it is called here. */
static enum tg_err said_of_bundle(struct call *call, const struct toguna_error *error)
{
  static const char place[] = "bundle";
  const enum tg_err err = call_said(call, error);
  if (strcmp(error->where, place) != 0)
    return err;
  snprintf(call->said.where, sizeof call->said.where, "%s", call->arg[0]);
  if (strncmp(error->text, place, strlen(place)) == 0)
    snprintf(call->said.text, sizeof call->said.text, "%s%s", call->arg[0], error->text + strlen(place));
  return err;
}

static enum tg_err run_import(struct call *call, struct tg_why *why)
{
  const struct import_options *o = call->options;
  struct toguna *node = NULL;
  struct toguna_error error;
  struct reading r = {.fd = -1, .json = call->json, .list = json_array(), .receipts = buf_new(4 << 20)};
  struct toguna_import with = {.read = read_piece, .on_imported = show_imported, .on_receipts = take_receipts, .context = &r};
  enum tg_err err = open_bundle(call->arg[0], &r, &with.size, why);
  if (err == TG_OK)
    err = look_at_place(call, &r, why);
  if (err == TG_OK)
    err = open_photo(&r, &with.size, why);
  if (err == TG_OK)
    err = reach_open(call, o->socket, &node);
  if (err == TG_OK && toguna_import(node, &with, &error) != TOGUNA_OK)
    err = said_of_bundle(call, &error);
  const bool taken = err == TG_OK;
  if (err == TG_OK)
    err = keep_receipts(call, &r, why);
  if (taken && call->json)
    show_json(json_incref(r.list));
  if (err == TG_OK && r.outcome[TOGUNA_DECLINED])
    err = why_set(why, TG_REFUSED, call->arg[0], N_("not all bulletins of the bundle were taken in"),
                  N_("What stands behind each says why"), NULL, NULL, NULL);
  if (r.fd >= 0)
    close(r.fd);
  json_decref(r.list);
  buf_free(&r.receipts);
  toguna_close(node);
  return err;
}

static const struct option_key import_options[] = {
    {"receipts", 0, OPTION_ONE, VALUE_PATH, offsetof(struct import_options, receipts), {0}, N_("FILE"),
     N_("Where the bundle of receipts is written. Default: beside the bundle, with .receipts behind its name, in place of those of an earlier import.")},
    {"replace", 0, OPTION_FLAG, VALUE_BOOL, offsetof(struct import_options, replace), {0}, NULL, N_("With --receipts: replace a FILE that is there.")},
    REACH_OPTION(struct import_options)};

const struct command command_import = {
    .verb = "import",
    .section = SECTION_BULLETINS,
    .summary = N_("Take in the bulletins, or the receipts, of a bundle that was carried here"),
    .operands = N_("FILE"),
    .min = 1,
    .max = 1,
    .about = N_("Everything in the bundle is checked first, without any network; one fault in it, and nothing is taken in. What is here already is "
                "not shown again. Receipts for its writer are written into a second bundle. Imported again later, it says what has been read since."),
    .examples = "toguna import /media/stick/bf.bundle\ntoguna import /media/stick/bf.bundle.receipts\n",
    .options = import_options,
    .n_options = sizeof import_options / sizeof *import_options,
    .size = sizeof(struct import_options),
    .run = run_import,
};
