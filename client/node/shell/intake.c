#include "client/node/shell/intake.h"

#include "keys/document.h"
#include "os/file.h"
#include "os/folder.h"
#include "os/log.h"
#include "proto/limits.h"

enum { DOCUMENTS_MAX = 4096 };

/* Some refer to others that come later in the order of names: those are tried again as long as that helps. */
struct intake {
  struct node_core *core;
  size_t taken, refused;
  bool charters; /* nothing else yet */
  bool tell;
};

/* Who has withdrawn counts for the quorum of a charter. */
static bool is_of_charters(struct slice bytes)
{
  enum document_kind kind;
  return document_kind_of(bytes, NULL, &kind, NULL) == TG_OK && (kind == DOCUMENT_CHARTER || kind == DOCUMENT_WITHDRAWAL);
}

static enum tg_err take_document(void *arg, const char *path)
{
  struct intake *in = arg;
  struct tg_why why = {0};
  struct buf bytes = buf_new(LIMIT_DOCUMENT);
  enum tg_err err = file_read(path, LIMIT_DOCUMENT, &bytes, &why);
  if (in->charters && (err != TG_OK || !is_of_charters(buf_slice(&bytes)))) {
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

/* Charters first, whatever their files are called: whose root signed the others the newest has to say. */
enum tg_err intake_documents(struct node_core *core, const char *folder, struct tg_why *why)
{
  struct intake in = {.core = core, .charters = true};
  enum tg_err err = take_while_it_helps(&in, folder, why);
  in.charters = false;
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
