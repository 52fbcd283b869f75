/* vectors make | vectors check FILE...: the first implementation's side of tests/second/vectors.py. */
#include "tests/second/vector.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT = 4096 };
static struct {
  size_t n;
  uint8_t *bytes[KEPT];
} kept;

static _Noreturn void die(const json_t *v, const char *name)
{
  fprintf(stderr, "vector %s: no usable '%s'\n", v ? json_string_value(json_object_get(v, "name")) : "?",
          name);
  exit(2);
}

struct slice vector_hex(const char *hex)
{
  size_t max = strlen(hex) / 2 + 1, n;
  uint8_t *p = malloc(max);
  const char *end;
  if (!p || kept.n == KEPT || sodium_hex2bin(p, max, hex, strlen(hex), NULL, &n, &end) || *end)
    die(NULL, hex);
  kept.bytes[kept.n++] = p;
  return slice_of(p, n);
}

void vector_done(void)
{
  while (kept.n)
    free(kept.bytes[--kept.n]);
}

const char *vector_text(const json_t *v, const char *name)
{
  const char *text = json_string_value(json_object_get(v, name));
  if (!text)
    die(v, name);
  return text;
}

struct slice vector_bytes(const json_t *v, const char *name)
{
  return vector_hex(vector_text(v, name));
}

void vector_fixed(const json_t *v, const char *name, void *ret, size_t n)
{
  struct slice bytes = vector_bytes(v, name);
  if (bytes.n != n)
    die(v, name);
  memcpy(ret, bytes.p, n);
}

uint64_t vector_number(const json_t *v, const char *name)
{
  const json_t *number = json_object_get(v, name);
  if (!json_is_integer(number))
    die(v, name);
  return (uint64_t)json_integer_value(number);
}

json_t *vector_put_bytes(json_t *v, const char *name, struct slice bytes)
{
  char *hex = malloc(2 * bytes.n + 1);
  if (!hex)
    die(NULL, name);
  sodium_bin2hex(hex, 2 * bytes.n + 1, bytes.p, bytes.n);
  json_object_set_new(v, name, json_string(hex));
  free(hex);
  return v;
}

json_t *vector_put_number(json_t *v, const char *name, uint64_t number)
{
  json_object_set_new(v, name, json_integer((json_int_t)number));
  return v;
}

json_t *vector_put_text(json_t *v, const char *name, const char *text)
{
  json_object_set_new(v, name, json_string(text));
  return v;
}

static size_t check_file(const char *file)
{
  json_error_t error;
  json_t *all = json_load_file(file, 0, &error), *vectors = json_object_get(all, "vectors"), *v;
  size_t i, failed = 0;
  if (!json_is_array(vectors) || !json_array_size(vectors)) {
    fprintf(stderr, "%s: %s\n", file, error.text);
    exit(2);
  }
  json_array_foreach(vectors, i, v)
  {
    const char *what = vector_check(v);
    if (what) {
      printf("%s: %s: %s: %s\n", file, vector_text(v, "kind"), vector_text(v, "name"), what);
      failed++;
    }
    vector_done();
  }
  printf("%s: %zu vectors\n", file, i);
  json_decref(all);
  return failed;
}

/* One vector a line, so that a change of one is a change of one line. */
static void print_all(json_t *vectors)
{
  size_t i;
  json_t *v;
  printf("{\"made_by\": \"tests/second/vector.c make\", \"vectors\": [\n");
  json_array_foreach(vectors, i, v)
  {
    char *line = json_dumps(v, JSON_PRESERVE_ORDER);
    printf("%s%s", i ? ",\n" : "", line);
    free(line);
  }
  printf("\n]}\n");
  json_decref(vectors);
}

int main(int argc, char **argv)
{
  size_t failed = 0;
  if (sodium_init() < 0)
    return 2;
  if (argc == 2 && !strcmp(argv[1], "make")) {
    print_all(vector_make());
    vector_done();
    return 0;
  }
  if (argc < 3 || strcmp(argv[1], "check")) {
    fprintf(stderr, "usage: %s make | check FILE...\n", argv[0]);
    return 2;
  }
  for (int i = 2; i < argc; i++)
    failed += check_file(argv[i]);
  return failed ? 1 : 0;
}
