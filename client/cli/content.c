#include "client/cli/content.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

#define CAP_NAMESPACE "urn:oasis:names:tc:emergency:cap:1.2"

/* ---- JSON ---- */

static bool has(const json_t *object, const char *key, const char *value)
{
  const char *text = json_string_value(json_object_get(object, key));
  return text && !strcmp(text, value);
}

/* A bundle of STIX 2.1, or one object of it. A bundle itself names no version: its objects do. */
static bool is_stix(const json_t *j)
{
  const json_t *objects = json_object_get(j, "objects"), *object;
  const char *id = json_string_value(json_object_get(j, "id"));
  size_t i;
  if (!has(j, "type", "bundle"))
    return has(j, "spec_version", "2.1") && json_object_get(j, "type");
  if (!id || strncmp(id, "bundle--", 8))
    return false;
  json_array_foreach(objects, i, object) if (has(object, "spec_version", "2.1")) return true;
  return json_array_size(objects) == 0;
}

static const char *type_of_json(struct slice content)
{
  json_t *j = json_loadb((const char *)content.p, content.n, JSON_REJECT_DUPLICATES, NULL);
  const char *type = !j ? NULL : is_stix(j) ? "application/stix+json;version=2.1" : "application/json";
  json_decref(j);
  return type;
}

/* ---- XML: only as far as the root element ---- */

static bool starts(struct slice s, const char *with)
{
  return s.n >= strlen(with) && !memcmp(s.p, with, strlen(with));
}

static void skip(struct slice *s, size_t n)
{
  s->p += n;
  s->n -= n;
}

static void skip_space(struct slice *s)
{
  while (s->n && strchr(" \t\r\n", s->p[0]) && s->p[0])
    skip(s, 1);
}

/* Past the end mark; false when there is none. */
static bool skip_past(struct slice *s, const char *mark)
{
  const uint8_t *at = memmem(s->p, s->n, mark, strlen(mark));
  if (at)
    skip(s, (size_t)(at - s->p) + strlen(mark));
  return at;
}

/* The text between '<' and '>' of the root element. A document type is nothing that CAP has. */
static bool root_tag(struct slice s, struct slice *ret)
{
  bool more = true;
  if (starts(s, "\xef\xbb\xbf"))
    skip(&s, 3);
  while (more) {
    skip_space(&s);
    if (starts(s, "<?"))
      more = skip_past(&s, "?>");
    else if (starts(s, "<!--"))
      more = skip_past(&s, "-->");
    else
      break;
  }
  if (!more || s.n < 2 || s.p[0] != '<' || s.p[1] == '!')
    return false;
  const uint8_t *end = memchr(s.p, '>', s.n);
  if (end)
    *ret = slice_of(s.p + 1, (size_t)(end - s.p) - 1);
  return end;
}

static bool is_cap(struct slice content)
{
  struct slice tag, name;
  if (!root_tag(content, &tag))
    return false;
  name = tag;
  for (name.n = 0; name.n < tag.n && !strchr(" \t\r\n/", tag.p[name.n]); name.n++)
    ;
  const uint8_t *colon = name.n ? memchr(name.p, ':', name.n) : NULL;
  if (colon)
    skip(&name, (size_t)(colon - name.p) + 1);
  return slice_is(name, "alert") &&
         (memmem(tag.p, tag.n, "\"" CAP_NAMESPACE "\"", sizeof CAP_NAMESPACE + 1) ||
          memmem(tag.p, tag.n, "'" CAP_NAMESPACE "'", sizeof CAP_NAMESPACE + 1));
}

/* ---- */

/* Well-formed text, but for a last character that the cut may have hit. */
static bool is_text(struct slice s, bool whole)
{
  for (size_t cut = 0; cut < (whole ? 1 : 4) && cut <= s.n; cut++)
    if (text_valid(slice_of(s.p, s.n - cut), "\t\n\r\f"))
      return true;
  return false;
}

const char *content_type_of(struct slice content, bool whole)
{
  struct slice s = content;
  skip_space(&s);
  const char *type = whole && (starts(s, "{") || starts(s, "[")) ? type_of_json(s) : NULL;
  if (type)
    return type;
  if (is_cap(s))
    return "application/cap+xml";
  return is_text(content, whole) ? "text/plain; charset=utf-8" : "application/octet-stream";
}

static bool ends_with(struct slice s, const char *with)
{
  size_t n = strlen(with);
  return s.n >= n && !strncasecmp((const char *)s.p + s.n - n, with, n);
}

bool content_is_text(const char *type)
{
  if (!type)
    return false;
  struct slice s = {(const uint8_t *)type, strcspn(type, "; ")};
  return !strncasecmp(type, "text/", 5) || ends_with(s, "/json") || ends_with(s, "+json") ||
         ends_with(s, "/xml") || ends_with(s, "+xml");
}
