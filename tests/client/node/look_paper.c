#include "tests/client/node/look_paper.h"

#include "audit/proof.h"
#include "client/node/core.h"
#include "keys/codec.h"
#include "keys/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { ANYBODY = 0 };

struct note_key look_paper_log(const struct world *w)
{
  struct note_key log;
  assert_int_equal(secret_key_note_key(w->kit->hub_log, &log), TG_OK);
  return log;
}

struct hash look_paper_hash(struct slice bytes)
{
  static struct note note;
  assert_int_equal(note_parse(bytes, NULL, &note, NULL), TG_OK);
  return document_hash(note.text);
}

struct hash look_paper_policy(struct world *w, bool hidden)
{
  kit_policy(w->kit, ML, hidden ? "visibility hub\n" LOOK_PAPER_ALLOW "export deny ** to BF\n" : LOOK_PAPER_ALLOW "export deny ** to BF\n", pair_now(w->pair), 1);
  pair_document(w->pair, buf_slice(&w->kit->member[ML].policy));
  pair_settle(w->pair);
  return look_paper_hash(buf_slice(&w->kit->member[ML].policy));
}

bool look_paper_is_known(struct world *w, size_t member, const struct hash *document)
{
  struct directory_item item;
  return directory_document(pair_core(w->pair, member)->directory, document, &item) == TG_OK;
}

json_t *look_paper_asked(struct world *w, size_t member, const char *what, const char *argument, const char *more)
{
  Tg__LQuery m = TG__LQUERY__INIT;
  ProtobufCBinaryData args[2] = {text_data(argument ? argument : ""), text_data(more ? more : "")};
  struct buf all = buf_new(1 << 24);
  enum local_type type;
  m.what = text_data(what);
  m.args = args;
  m.n_args = more ? 2 : argument != NULL;
  const ProtobufCMessage *answer = pair_program(w->pair, member, ANYBODY, LOCAL_QUERY, &m.base, &all, &type);
  buf_free(&all);
  assert_non_null(answer);
  if (type != LOCAL_JSON)
    return NULL;
  const Tg__LJson *json = (const Tg__LJson *)answer;
  assert_true(json->end); /* one piece */
  return json_loadb((const char *)json->json.data, json->json.len, 0, NULL);
}

bool look_paper_is_proved(struct world *w, size_t member, const char *asked, const struct hash *document, const char *code, uint64_t serial)
{
  static struct proof proof;
  const struct note_key log = look_paper_log(w);
  struct opening o;
  struct checkpoint c;
  struct entry e;
  json_t *j = look_paper_asked(w, member, "prove", asked, NULL);
  const char *text = json_string_value(json_object_get(j, "proof"));
  if (!text) {
    json_decref(j);
    return false;
  }
  assert_int_equal(proof_parse(slice_str(text), "proof", &proof, NULL), TG_OK);
  assert_int_equal(proof_opening(&proof, &o), TG_OK);
  assert_int_equal(proof_verify_opening(&proof, &log, NULL, &c, NULL, NULL), TG_OK);
  assert_int_equal(entry_parse(o.entry, &e, NULL), TG_OK);
  assert_int_equal(e.type, ENTRY_DOCUMENT);
  assert_true(hash_eq(&e.subject, document));
  assert_memory_equal(e.member, code, 2);
  assert_int_equal(e.number, serial);
  json_decref(j);
  return true;
}

bool look_paper_policy_is_proved(struct world *w, size_t member, const struct hash *policy)
{
  char hex[65];
  hash_print(policy, hex);
  return look_paper_is_proved(w, member, hex, policy, "ML", w->kit->member[ML].policy_serial);
}

struct look_paper_kept look_paper_kept(struct world *w, size_t member)
{
  struct db_stmt *s = db_stmt(depot_db(pair_core(w->pair, member)->depot),
                              "SELECT (SELECT seq FROM sqlite_sequence WHERE name = 'logged'), count(*), (SELECT count(*) FROM document) FROM logged");
  bool row;
  assert_int_equal(db_step(s, &row), TG_OK);
  const struct look_paper_kept k = {db_u64(s, 0), db_u64(s, 1), db_u64(s, 2)};
  db_reset(s);
  return k;
}
