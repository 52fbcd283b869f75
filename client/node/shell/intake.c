#include "client/node/shell/intake.h"

#include "keys/charter.h"
#include "os/file.h"
#include "os/folder.h"
#include "os/log.h"
#include "proto/limits.h"

enum { DOCUMENTS_MAX = 4096 };

/* Some refer to others that come later in the order of names: those are tried again as long as that helps. */
struct intake {
  struct node_core *core;
  size_t taken, refused;
  enum document_kind only; /* nothing else; 0: all */
  uint64_t version, next;  /* of charters this one; and the next one seen, 0: none */
  bool tell;
};

static uint64_t version_of(struct slice text)
{
  struct charter *c = NULL;
  const uint64_t version = charter_parse(text, NULL, &c, NULL) == TG_OK ? c->version : 0;
  charter_free(c);
  return version;
}

static bool is_wanted(struct intake *in, struct slice bytes)
{
  struct note note;
  enum document_kind kind;
  if (!in->only)
    return true;
  if (note_parse(bytes, NULL, &note, NULL) != TG_OK || document_kind_of(note.text, NULL, &kind, NULL) != TG_OK || kind != in->only)
    return false;
  if (kind != DOCUMENT_CHARTER)
    return true;
  const uint64_t version = version_of(note.text);
  if (version > in->version && (!in->next || version < in->next))
    in->next = version;
  return version && version == in->version;
}

static enum tg_err take_document(void *arg, const char *path)
{
  struct intake *in = arg;
  struct tg_why why = {0};
  struct buf bytes = buf_new(LIMIT_DOCUMENT);
  enum tg_err err = file_read(path, LIMIT_DOCUMENT, &bytes, &why);
  if ((err != TG_OK && in->only) || (err == TG_OK && !is_wanted(in, buf_slice(&bytes)))) {
    buf_free(&bytes);
    return TG_OK;
  }
  if (err == TG_OK)
    err = node_document(in->core, buf_slice(&bytes), &why);
  else
    err = TG_REFUSED; /* a file that cannot be read does not stop the node */
  buf_free(&bytes);
  in->taken += err == TG_OK;
  in->refused += err == TG_REFUSED;
  if (err == TG_REFUSED && in->tell)
    log_event(LOG_ERROR, "document-not-taken", log_text("file", path), log_why(&why));
  return err == TG_REFUSED ? TG_OK : err;
}

static enum tg_err take_while_it_helps(struct intake *in, const char *folder, struct tg_why *why)
{
  size_t before;
  enum tg_err err;
  in->taken = 0;
  do {
    before = in->taken;
    in->taken = in->refused = 0;
    err = folder_each(folder, ".note", DOCUMENTS_MAX, take_document, in, why);
  } while (err == TG_OK && in->refused && in->taken > before);
  return err;
}

static enum tg_err take_only(struct intake *in, enum document_kind kind, const char *folder, struct tg_why *why)
{
  in->only = kind;
  in->taken = in->refused = in->next = 0;
  const enum tg_err err = folder_each(folder, ".note", DOCUMENTS_MAX, take_document, in, why);
  in->only = 0;
  return err;
}

/* Charters first, whatever their files are called: whose root signed the others the newest has to say. What was taken back under each of them stays so all the
   same: the key may be vouched for by a root of before and by one of now. Who has left counts for a quorum, but comes only where a charter cannot be taken without:
   said of one that the member's own signature has replaced it means nothing. */
static enum tg_err take_charters(struct intake *in, const char *folder, struct tg_why *why)
{
  enum tg_err err;
  in->version = 0;
  do {
    err = in->version > 1 ? take_only(in, DOCUMENT_REVOCATION, folder, why) : TG_OK; /* nobody can take back before there is a charter */
    if (err == TG_OK)
      err = take_only(in, DOCUMENT_CHARTER, folder, why);
    if (err == TG_OK && in->refused && !in->taken) {
      err = take_only(in, DOCUMENT_WITHDRAWAL, folder, why);
      if (err == TG_OK)
        err = take_only(in, DOCUMENT_CHARTER, folder, why);
    }
    in->version = in->next;
  } while (err == TG_OK && in->next);
  return err;
}

enum tg_err intake_documents(struct node_core *core, const char *folder, struct tg_why *why)
{
  struct intake in = {.core = core};
  enum tg_err err = take_charters(&in, folder, why);
  if (err == TG_OK)
    err = take_while_it_helps(&in, folder, why);
  in.tell = true;
  if (err == TG_OK && in.refused)
    err = folder_each(folder, ".note", DOCUMENTS_MAX, take_document, &in, why);
  if (err != TG_NOT_FOUND && err != TG_TOO_BIG)
    return err;
  log_event(LOG_ERROR, "documents-not-read", log_why(why)); /* the hub may have them */
  return TG_OK;
}
