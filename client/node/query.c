#include "client/node/query.h"

#include "keys/codec.h"

json_t *query_text(struct slice text)
{
  json_t *j = text.n ? json_stringn((const char *)text.p, text.n) : NULL;
  return j ? j : json_string("");
}

json_t *query_hex(const struct hash *h)
{
  char hex[HASH_TEXT];
  if (hash_is_zero(h))
    return json_null();
  hash_print(h, hex);
  return json_string(hex);
}

json_t *query_time(tg_time t)
{
  char text[25];
  if (t == 0)
    return json_null();
  time_print(t, text);
  return json_string(text);
}

json_t *query_why(const struct tg_why *why)
{
  json_t *args = json_array();
  for (size_t i = 0; i < 3 && why->arg[i][0]; i++)
    json_array_append_new(args, query_text(slice_str(why->arg[i])));
  return json_pack("{s:s, s:o, s:s, s:s?, s:o}", "error", tg_err_name(why->err), "where",
                   query_text(slice_str(why->where)), "what", why->what ? why->what : "", "todo", why->todo,
                   "args", args);
}
