/* Signed notes: whatever the bytes, parsing gives an answer; what parses verifies by nobody's key but its own, merges with
   itself and parses again to the same text. */
#include "keys/note.h"

#include <assert.h>
#include <sodium.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc;
  (void)argv;
  return sodium_init() < 0 ? -1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct note note, again;
  struct note_key key;
  struct note_verdict verdict;
  struct slice bytes = slice_of(data, size);
  if (note_key_parse(bytes, &key, NULL) == TG_OK) {
    char vkey[NOTE_VKEY_MAX];
    assert(note_key_print(&key, vkey) == size && slice_is(bytes, vkey));
  }
  if (note_parse(bytes, "note", &note, NULL))
    return 0;
  assert(note_text_valid(note.text) && note.n >= 1);
  assert(note_key_parse(slice_str("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"), &key, NULL) ==
         TG_OK);
  note_verify(&note, &key, 1, &verdict, NULL);
  struct buf merged = buf_new(NOTE_BYTES_MAX);
  if (note_merge(&merged, &note, &note, NULL) == TG_OK) {
    assert(note_parse(buf_slice(&merged), NULL, &again, NULL) == TG_OK);
    assert(slice_eq(again.text, note.text) && again.n <= note.n);
  }
  buf_free(&merged);
  return 0;
}
