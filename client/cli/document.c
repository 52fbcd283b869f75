/* toguna document send, and charter, credential, policy publish: signed notes go to the node, which passes
   them to the hub; or into a folder of documents, where a node or hub finds them when it starts. */
#include "client/cli/box.h"
#include "client/cli/command.h"
#include "client/cli/init.h"
#include "client/cli/reach.h"
#include "client/cli/show.h"
#include "os/file.h"
#include "os/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct send_options {
  struct common common;
  char *socket, *documents;
};

enum { SEND_MAX = 4096 };

/* One note to be sent. */
struct parcel {
  char *path;
  struct buf bytes;
  enum document_kind kind;
  struct hash hash;
};

struct sending {
  struct call *call;
  enum document_kind only; /* 0: any */
  size_t n;
  struct parcel *parcel;
  struct tg_why *why;
};

/* --- what is sent --- */

static enum tg_err read_parcel(struct sending *s, const char *path, struct parcel *p)
{
  struct note *note = malloc(sizeof *note);
  p->path = strdup(path);
  enum tg_err err = note && p->path
                        ? box_note_read(path, &p->bytes, note, s->why)
                        : why_set(s->why, TG_NO_MEMORY, path, N_("out of memory"), NULL, NULL, NULL, NULL);
  if (err == TG_OK)
    err = document_kind_of(note->text, path, &p->kind, s->why);
  if (err == TG_OK)
    p->hash = document_hash(note->text);
  free(note);
  if (err == TG_OK && s->only && p->kind != s->only)
    return why_set(s->why, TG_BAD_INPUT, path, N_("this is a %1$s, not a %2$s"),
                   N_("Use toguna document send for any kind"), document_kind_name(p->kind),
                   document_kind_name(s->only), NULL);
  return err;
}

static enum tg_err collect(void *arg, const char *path)
{
  struct sending *s = arg;
  if (s->n == SEND_MAX)
    return why_set(s->why, TG_TOO_BIG, path, N_("these are too many documents"), NULL, NULL, NULL, NULL);
  return read_parcel(s, path, &s->parcel[s->n++]);
}

static enum tg_err collect_all(struct sending *s)
{
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < s->call->n; i++) {
    struct stat st;
    const char *path = s->call->arg[i];
    bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    err = folder ? folder_each(path, ".note", SEND_MAX, collect, s, s->why) : collect(s, path);
  }
  return err;
}

/* What others refer to goes first: charters, credentials, then the rest. */
static int by_kind(const void *a, const void *b)
{
  return (int)((const struct parcel *)a)->kind - (int)((const struct parcel *)b)->kind;
}

/* --- where it goes --- */

static void tell(const struct call *call, const struct parcel *p, const char *result, const char *sentence)
{
  if (call->json)
    show_json(json_pack("{s:s,s:s,s:o,s:s}", "file", p->path, "kind", document_kind_name(p->kind), "hash",
                        json_hex(slice_of(p->hash.b, 32)), "result", result));
  else
    printf(sentence, p->path);
}

/* Does what was revoked end the very node that took it? Then its people are told what that means, in its own words. */
static enum tg_err tell_meaning(struct sending *s)
{
  const struct send_options *o = s->call->options;
  bool revokes = false;
  char text[1024];
  json_t *j, *finding;
  size_t i;
  for (i = 0; i < s->n; i++)
    revokes |= s->parcel[i].kind == DOCUMENT_REVOCATION;
  if (!revokes || s->call->json)
    return TG_OK;
  enum tg_err err = reach_ask(s->call, o->socket, "doctor", NULL, &j, s->why);
  if (err != TG_OK)
    return err;
  json_array_foreach(json_object_get(j, "findings"), i, finding)
  {
    const char *name = json_string_value(json_object_get(finding, "name")), *error = json_string_value(json_object_get(finding, "error"));
    if (!name || !error || strcmp(name, "credential") || strcmp(error, tg_err_name(TG_REVOKED)))
      continue;
    puts(_("That is the node that took it. Its hub ended the session, and lets it in no more:"));
    show_wrapped(show_sentence(finding, "what", text, sizeof text), 2);
    show_wrapped(show_sentence(finding, "todo", text, sizeof text), 2);
  }
  json_decref(j);
  return TG_OK;
}

static enum tg_err to_node(struct sending *s, struct toguna *node)
{
  struct toguna_error error;
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < s->n; i++) {
    const struct parcel *p = &s->parcel[i];
    switch (toguna_document(node, p->bytes.p, p->bytes.n, &error)) {
    case TOGUNA_OK:
      tell(s->call, p, "accepted", _("%s: accepted, and in the hub's log\n"));
      break;
    case TOGUNA_DUPLICATE:
      tell(s->call, p, "known", _("%s: was known already\n"));
      break;
    default:
      err = call_said(s->call, &error);
    }
  }
  return err;
}

static enum tg_err to_folder(struct sending *s, const char *folder)
{
  char path[BOX_PATH], name[INIT_DOCUMENT_NAME];
  enum tg_err err = file_mkdir(folder, 0755, s->why);
  for (size_t i = 0; err == TG_OK && i < s->n; i++) {
    const struct parcel *p = &s->parcel[i];
    init_document_name(p->kind, &p->hash, name);
    err = box_path(path, folder, name, s->why);
    if (err == TG_OK)
      err = box_write(path, buf_slice(&p->bytes), true, s->why);
    if (err == TG_OK)
      tell(s->call, p, "stored", _("%s: put into the folder; taken in at the next start, or on SIGHUP\n"));
  }
  return err;
}

static enum tg_err deliver(struct sending *s)
{
  const struct send_options *o = s->call->options;
  struct toguna *node;
  if (o->documents)
    return to_folder(s, o->documents);
  enum tg_err err = reach_open(s->call, o->socket, &node);
  if (err != TG_OK)
    return err;
  err = to_node(s, node);
  toguna_close(node);
  return err == TG_OK ? tell_meaning(s) : err;
}

static enum tg_err run_kind(struct call *call, enum document_kind only, struct tg_why *why)
{
  struct sending s = {.call = call, .only = only, .why = why, .parcel = calloc(SEND_MAX, sizeof *s.parcel)};
  if (!s.parcel)
    return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  enum tg_err err = collect_all(&s);
  if (err == TG_OK) {
    qsort(s.parcel, s.n, sizeof *s.parcel, by_kind);
    err = deliver(&s);
  }
  for (size_t i = 0; i < s.n; i++) {
    free(s.parcel[i].path);
    buf_free(&s.parcel[i].bytes);
  }
  free(s.parcel);
  return err;
}

/* --- the commands --- */

static const struct option_key options[] = {
    REACH_OPTION(struct send_options),
    {"documents",
     0,
     OPTION_ONE,
     VALUE_PATH,
     offsetof(struct send_options, documents),
     {0},
     N_("FOLDER"),
     N_("Without a node: put the notes into this folder of documents, of a node or a hub.")},
};

static enum tg_err run_any(struct call *call, struct tg_why *why)
{
  return run_kind(call, 0, why);
}

static enum tg_err run_charter(struct call *call, struct tg_why *why)
{
  return run_kind(call, DOCUMENT_CHARTER, why);
}

static enum tg_err run_credential(struct call *call, struct tg_why *why)
{
  return run_kind(call, DOCUMENT_CREDENTIAL, why);
}

static enum tg_err run_policy(struct call *call, struct tg_why *why)
{
  return run_kind(call, DOCUMENT_POLICY, why);
}

#define PUBLISH(of, to_do, what, example, function)                                                          \
  {                                                                                                          \
    .noun = of, .verb = to_do, .section = SECTION_PAPERS, .summary = what, .operands = N_("NOTE|FOLDER..."), \
    .min = 1, .max = OPERANDS_ANY,                                                                           \
    .about = N_("The node checks each note, keeps it and passes it to the hub, which logs it; then all "     \
                "members have it. Of a "                                                                     \
                "folder all *.note are sent, charters and credentials first."),                              \
    .examples = example, .options = options, .n_options = sizeof options / sizeof *options,                  \
    .size = sizeof(struct send_options), .run = function                                                     \
  }

const struct command command_document_send = PUBLISH(
    "document", "send", N_("Hand signed notes of any kind to the node"),
    "toguna document send ml/documents\ntoguna document send ML-dgse-n1.note --documents hub/documents\n",
    run_any);
const struct command command_charter_publish =
    PUBLISH("charter", "publish", N_("Hand a charter to the node, for all members"),
            "toguna charter publish charter-2.note\n", run_charter);
const struct command command_credential_publish =
    PUBLISH("credential", "publish", N_("Hand credentials to the node, for all members"),
            "toguna credential publish ML-policy-1.note\n", run_credential);
const struct command command_policy_publish =
    PUBLISH("policy", "publish", N_("Hand a policy to the node, for all who enforce it"),
            "toguna policy publish ML.policy.note\n", run_policy);
