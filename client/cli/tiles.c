#include "client/cli/tiles.h"

#include "client/cli/box.h"
#include "os/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { CACHED = 16, LEAF = 2 + 32 };

/* The files below one checkpoint. */
struct tiles {
  const char *folder;
  uint64_t size;
  struct buf bytes; /* the file read last */
  struct tg_why *why;
};

static enum tg_err read_file(struct tiles *t, const struct tile_name *name)
{
  char file[TILE_PATH_MAX], path[BOX_PATH];
  tile_name_print(name, file);
  buf_clear(&t->bytes);
  enum tg_err err = box_path(path, t->folder, file, t->why);
  return err ? err : file_read(path, TILE_WIDTH * LEAF, &t->bytes, t->why);
}

/* The file as wide as the log demands, or a wider one if the log has grown on since. */
static enum tg_err read_grown(struct tiles *t, struct tile_name name)
{
  enum tg_err err = read_file(t, &name);
  struct tile_name wider = name;
  for (wider.width = TILE_WIDTH; err == TG_NOT_FOUND && wider.width > name.width; wider.width--)
    err = read_file(t, &wider);
  return err == TG_NOT_FOUND ? read_file(t, &name) : err;
}

static enum tg_err wrong_file(struct tiles *t, const struct tile_name *name)
{
  char file[TILE_PATH_MAX];
  tile_name_print(name, file);
  return why_set(t->why, TG_BAD_PROOF, file, N_("it has not the length of such a file"), N_("Fetch it again"), NULL,
                 NULL, NULL);
}

static enum tg_err read_tile(void *context, unsigned level, uint64_t index, uint8_t out[TILE_BYTES], size_t *ret_bytes)
{
  struct tiles *t = context;
  const struct tile_name name = {.level = level, .index = index, .width = tile_width(t->size, level, index)};
  enum tg_err err = name.width ? read_grown(t, name) : TG_NOT_FOUND;
  if (err)
    return err;
  if (t->bytes.n > TILE_BYTES || t->bytes.n < (size_t)name.width * 32)
    return wrong_file(t, &name);
  memcpy(out, t->bytes.p, t->bytes.n);
  *ret_bytes = t->bytes.n;
  return TG_OK;
}

static enum tg_err read_leaf(struct tiles *t, uint64_t index, struct hash *ret)
{
  const uint64_t bundle = index / TILE_WIDTH;
  const struct tile_name name = {.entries = true, .index = bundle, .width = tile_width(t->size, 0, bundle)};
  const size_t at = (size_t)(index % TILE_WIDTH) * LEAF;
  enum tg_err err = read_grown(t, name);
  if (err)
    return err;
  if (t->bytes.n % LEAF || t->bytes.n < at + LEAF || t->bytes.p[at] != 0 || t->bytes.p[at + 1] != 32)
    return wrong_file(t, &name);
  memcpy(ret->b, t->bytes.p + at + 2, 32);
  return TG_OK;
}

static enum tg_err no_entry(const char *folder, uint64_t index, uint64_t size, struct tg_why *why)
{
  char at[24], n[24];
  snprintf(at, sizeof at, "%" PRIu64, index);
  snprintf(n, sizeof n, "%" PRIu64, size);
  return why_set(why, TG_NOT_FOUND, folder,
                 size == 1 ? N_("there is no entry %1$s: its checkpoint covers one entry, 0") : N_("there is no entry %1$s: its checkpoint covers %2$s entries, from 0"),
                 N_("Fetch a newer copy of the log"), at, n, NULL);
}

enum tg_err tiles_prove(const char *folder, const struct checkpoint *checkpoint, uint64_t index, struct hash *ret_leaf,
                        struct merkle_path *ret, struct tg_why *why)
{
  struct tiles t = {.folder = folder, .size = checkpoint->size, .bytes = buf_new(TILE_WIDTH * LEAF), .why = why};
  const struct tile_store store = {.context = &t, .read = read_tile};
  struct merkle_path path;
  struct hash data;
  if (index >= checkpoint->size)
    return no_entry(folder, index, checkpoint->size, why);
  struct tile_reader *reader = tile_reader_new(&store, CACHED);
  enum tg_err err = reader ? read_leaf(&t, index, &data) : TG_NO_MEMORY;
  if (!err)
    err = merkle_inclusion(index, checkpoint->size, tile_fetch, reader, &path);
  tile_reader_free(reader);
  buf_free(&t.bytes);
  if (err)
    return err;
  struct hash leaf = merkle_leaf(slice_of(data.b, sizeof data.b));
  if (merkle_path_verify(&leaf, index, checkpoint->size, merkle_path_slice(&path), &checkpoint->root))
    return why_set(why, TG_BAD_PROOF, folder, N_("these files do not lead to the root that was signed"),
                   N_("`toguna audit verify` names the places that are wrong"), NULL, NULL, NULL);
  *ret_leaf = data;
  *ret = path;
  return TG_OK;
}

enum tg_err tiles_leaves(const char *folder, uint64_t index, unsigned width, struct hash ret[TILE_WIDTH], struct tg_why *why)
{
  struct tiles t = {.folder = folder, .bytes = buf_new(TILE_WIDTH * LEAF), .why = why};
  const struct tile_name name = {.entries = true, .index = index, .width = width};
  enum tg_err err = read_grown(&t, name);
  if (err == TG_OK && (t.bytes.n % LEAF || t.bytes.n < (size_t)width * LEAF))
    err = wrong_file(&t, &name);
  for (size_t i = 0; err == TG_OK && i < width; i++)
    memcpy(ret[i].b, t.bytes.p + i * LEAF + 2, sizeof ret[i].b);
  buf_free(&t.bytes);
  return err;
}
