/* Documents of every type: whatever the text, parsing gives an answer; what parses prints, parses back and prints the same. */
#include "keys/charter.h"
#include "keys/credential.h"
#include "keys/grant.h"
#include "keys/revocation.h"
#include "keys/withdrawal.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Parses text as kind and, when it is one, prints it. */
static bool print(enum document_kind kind, struct slice text, struct buf *out)
{
  struct charter *charter;
  struct credential credential;
  struct revocation revocation;
  struct withdrawal withdrawal;
  struct grant grant;
  struct tg_why why;
  switch (kind) {
  case DOCUMENT_CHARTER:
    if (charter_parse(text, "text", &charter, &why))
      return false;
    charter_print(charter, out);
    charter_free(charter);
    return true;
  case DOCUMENT_CREDENTIAL:
    return !credential_parse(text, "text", &credential, &why) && (credential_print(&credential, out), true);
  case DOCUMENT_REVOCATION:
    return !revocation_parse(text, "text", &revocation, &why) && (revocation_print(&revocation, out), true);
  case DOCUMENT_WITHDRAWAL:
    return !withdrawal_parse(text, "text", &withdrawal, &why) && (withdrawal_print(&withdrawal, out), true);
  case DOCUMENT_GRANT:
    return !grant_parse(text, "text", &grant, &why) && (grant_print(&grant, out), true);
  case DOCUMENT_POLICY:
  case DOCUMENT_SEALING_KEYS:
    return false; /* read elsewhere */
  }
  return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct slice text = slice_of(data, size);
  struct buf once = buf_new(1 << 20), twice = buf_new(1 << 20);
  enum document_kind kind;
  if (!document_kind_of(text, "text", &kind, NULL) && print(kind, text, &once) && once.n <= NOTE_BYTES_MAX) {
    assert(print(kind, buf_slice(&once), &twice));
    assert(slice_eq(buf_slice(&once), buf_slice(&twice)));
  }
  buf_free(&once);
  buf_free(&twice);
  return 0;
}
