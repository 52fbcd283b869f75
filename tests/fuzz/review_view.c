/* What a node says of the log, or the pages of a copy of that: a JSON object with the answers to the questions that are asked. Nothing of
   it is believed before it was checked, so nothing of it may do harm. */
#include "client/review/review.h"

#include <stdlib.h>
#include <string.h>

static json_t *document(const json_t *list, const char *hash)
{
  size_t i;
  json_t *one;
  json_array_foreach(list, i, one) {
    const char *text = json_string_value(json_object_get(one, "hash"));
    if (text && hash && strcmp(text, hash) == 0)
      return one;
  }
  return NULL;
}

static const char *named(const char *what, const char *const *arguments)
{
  if (strcmp(what, "review") != 0)
    return what;
  return !arguments[0] ? "state" : strcmp(arguments[0], "documents") ? arguments[0] : "logged";
}

/* {"state":…, "documents":[{"hash","kind","accepted","note"}], "checkpoints":…, "logged": the entries of documents, "sent":…, "received":…} */
static enum tg_err ask(void *arg, const char *what, const char *const *arguments, json_t **ret, struct tg_why *why)
{
  const char *name = named(what, arguments);
  json_t *answer = strcmp(what, "document") ? json_object_get(arg, name) : document(json_object_get(arg, "documents"), arguments[0]);
  if (!answer)
    return why_set(why, TG_NOT_FOUND, name, "not here", NULL, NULL, NULL, NULL);
  *ret = json_deep_copy(answer);
  if (arguments[0] && arguments[1] && strcmp(arguments[1], "0") != 0)
    json_object_set_new(*ret, "next", json_null()); /* there is one page of each */
  return *ret ? TG_OK : TG_NO_MEMORY;
}

/* What is counted of all entries at once. */
static void count(struct review *r)
{
  enum { HALF_A_YEAR = 180 };
  const struct review_filter all = {0};
  tg_time first = 0, last = 0;
  json_t *j[6] = {NULL};
  (void)review_span(r, &first, &last);
  (void)review_matrix(r, 0, 0, &j[0], NULL);
  (void)review_anomalies(r, 0, 0, &j[1], NULL);
  (void)review_diff(r, first, last, &j[2], NULL);
  (void)review_overdue(r, last < INT64_MAX - HALF_A_YEAR * TG_DAY ? last + HALF_A_YEAR * TG_DAY : last, &j[3], NULL);
  (void)review_denials(r, 0, 0, &j[4]);
  (void)review_refusals(r, &all, 0, 20, &j[5], NULL);
  for (size_t i = 0; i < sizeof j / sizeof *j; i++)
    json_decref(j[i]);
}

/* What is told of the bulletin, or the document, that an entry is about. */
static void tell(struct review *r, const char *subject)
{
  json_t *j[4] = {NULL};
  (void)review_who_got(r, subject, &j[0], NULL);
  (void)review_replay(r, subject, &j[1], NULL);
  (void)review_story(r, subject, &j[2], NULL);
  (void)review_why(r, subject, "SN", &j[3], NULL);
  for (size_t i = 0; i < sizeof j / sizeof *j; i++)
    json_decref(j[i]);
}

static void look(struct review *r)
{
  json_t *j = NULL, *one;
  size_t i;
  const struct review_filter all = {0};
  if (review_entries(r, &all, 0, 20, &j, NULL) == TG_OK)
    json_array_foreach(json_object_get(j, "entries"), i, one) {
      const char *subject = json_string_value(json_object_get(one, "subject"));
      json_t *told = NULL;
      struct buf proof = buf_new(64 * 1024);
      uint64_t size;
      bool settled;
      const uint64_t index = (uint64_t)json_integer_value(json_object_get(one, "index"));
      (void)review_proof(r, index, &proof, &size, &settled, NULL);
      buf_free(&proof);
      if (review_entry(r, index, &told, NULL) == TG_OK)
        json_decref(told);
      if (subject)
        tell(r, subject);
    }
  json_decref(j);
  j = NULL;
  (void)review_about(r, &j, NULL);
  json_decref(j);
  j = NULL;
  (void)review_checkpoints(r, &j, NULL);
  json_decref(j);
  count(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
  struct review *r = NULL;
  struct tg_why why = {.err = TG_OK};
  json_t *said = json_loadb((const char *)data, n, JSON_REJECT_DUPLICATES, NULL);
  const struct review_place place = {.folder = "node", .ask = ask, .ask_arg = said, .index = ":memory:"};
  if (json_is_object(said) && review_open(&place, NULL, NULL, &r, &why) == TG_OK)
    look(r);
  review_free(r);
  json_decref(said);
  return 0;
}
