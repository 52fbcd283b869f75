/* The texts of the audit room: checkpoints, receipts, evidence, states, tile names. What parses is written
   again byte for byte, and nothing verifies but what the log signed. */
#include "audit/evidence.h"
#include "audit/proof.h"
#include "audit/signing.h"
#include "audit/tile.h"
#include "audit/witness.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct note_key log_key; /* nobody has its secret */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  static const char vkey[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
  (void)argc;
  (void)argv;
  return sodium_init() < 0 || note_key_parse(slice_str(vkey), &log_key, NULL) ? -1 : 0;
}

static void expect_same(struct slice bytes, struct buf *again)
{
  assert(slice_eq(bytes, buf_slice(again)));
  buf_free(again);
}

static void checkpoint(struct slice bytes)
{
  struct checkpoint c;
  struct buf again = buf_new(CHECKPOINT_BYTES_MAX);
  if (checkpoint_parse(bytes, &c, NULL) == TG_OK && checkpoint_print(&c, &again) == TG_OK)
    expect_same(bytes, &again);
  buf_free(&again);
  assert(checkpoint_open(bytes, &log_key, &c, NULL, NULL) != TG_OK);
}

static void receipt(struct slice bytes)
{
  struct proof p;
  struct buf again = buf_new(PROOF_BYTES_MAX);
  if (proof_parse(bytes, NULL, &p, NULL))
    return;
  assert(proof_print_raw(p.index, merkle_path_slice(&p.path), slice_of(p.extra, p.extra_size), p.checkpoint,
                         &again) == TG_OK);
  expect_same(bytes, &again);
  assert(proof_verify_opening(&p, &log_key, NULL, NULL, NULL, NULL) != TG_OK);
}

static void states(struct slice bytes)
{
  struct signing_state s;
  struct witness_state w;
  struct buf a = buf_new(SIGNING_STATE_MAX), b = buf_new(WITNESS_STATE_MAX);
  if (signing_parse(bytes, NULL, &s, NULL) == TG_OK) {
    assert(signing_print(&s, &a) == TG_OK);
    expect_same(bytes, &a);
  }
  if (witness_parse(bytes, NULL, &w, NULL) == TG_OK) {
    assert(witness_print(&w, &b) == TG_OK);
    expect_same(bytes, &b);
  }
}

static void request(struct slice bytes)
{
  struct signing_request r;
  struct signing_state begun, next;
  struct buf again = buf_new(1 << 16);
  if (signing_request_parse(bytes, &r))
    return;
  signing_request_print(&r, &again);
  expect_same(bytes, &again);
  assert(signing_begin(slice_str("a"), &begun) == TG_OK);
  if (signing_advance(&begun, &r, 1, &next, NULL) == TG_OK)
    assert(next.size == r.new_size && hash_eq(&next.root, &r.new_root));
}

static void tile(struct slice bytes)
{
  struct tile_name name;
  char path[TILE_PATH_MAX];
  if (tile_name_parse(bytes, &name) == TG_OK)
    assert(slice_eq(bytes, slice_of(path, tile_name_print(&name, path))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct slice bytes = slice_of(data, size);
  struct evidence e;
  checkpoint(bytes);
  receipt(bytes);
  states(bytes);
  request(bytes);
  tile(bytes);
  if (evidence_parse(bytes, NULL, &e, NULL) == TG_OK && note_key_eq(&e.log, &log_key))
    assert(evidence_verify(&e, NULL, NULL, NULL) != TG_OK);
  return 0;
}
