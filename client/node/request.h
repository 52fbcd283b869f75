/* A request of a local program under way: what desk.c keeps of it, and the files that meet it fill in. */
#ifndef TOGUNA_CLIENT_NODE_REQUEST_H
#define TOGUNA_CLIENT_NODE_REQUEST_H

#include "client/local.h"
#include "client/node/desk.h"
#include "client/node/draft.h"
#include "client/node/item.h"
#include "client/node/reading.h"

struct desk_client;
struct request;
struct bundle_out;
struct bundle_in;
struct backup;
struct browse; /* what a list or follow looks for, and where it is */

/* How a type of request is met. Both functions return TG_OK or fail-stop; what a program did wrong goes to it
   with request_refuse(). */
struct request_kind {
  enum local_type type;
  unsigned roles; /* one of these is needed; 0: anybody who may connect */
  enum tg_err (*begin)(struct node_core *core, struct request *r, const ProtobufCMessage *message);
  /* The next piece of the answer, one frame or a few; sets `idle` when there is none now. NULL: answers come
   * by themselves. */
  enum tg_err (*produce)(struct node_core *core, struct request *r);
};

/* Invariants: kind is NULL in a free slot; `over` is set with the last answer, and desk.c then frees the
 * slot; number is also in the client's list of them. */
struct request {
  struct desk_client *client;
  uint64_t client_id;
  const struct request_kind *kind;
  uint64_t number; /* chosen by the program */
  bool over, idle;

  struct draft *draft; /* LPublish while content comes */
  uint64_t expected, received;
  uint32_t wait;
  bool brief;   /* nobody asked for the audience */
  bool waiting; /* for a state of `bulletin` beyond spooled, or for its approvals */
  struct hash bulletin; /* LPublish once it is spooled, or waits for approvals; LRead; LTrack */

  struct backup *backup;         /* LBackup */
  struct bundle_out *bundle_out; /* LExport */
  struct bundle_in *bundle_in;   /* LImport; its receipts stand in json */
  uint64_t taken;

  struct reading *reading;
  bool mark;
  struct browse *browse;
  struct track_row track;
  uint64_t count; /* answers so far */
  struct buf json;
  size_t json_at;
};

/* Sends an answer; `message` carries the request's number. */
enum tg_err request_answer(struct node_core *core, struct request *r, enum local_type type,
                           const ProtobufCMessage *message);
/* The last answer: an LError, or an LDone. */
enum tg_err request_refuse(struct node_core *core, struct request *r, const struct tg_why *why);
enum tg_err request_done(struct node_core *core, struct request *r, uint64_t count);

/* It is told of the states that its bulletin reaches. */
void request_wait(struct node_core *core, struct request *r);
/* There is a new bulletin: whoever follows a folder looks again. */
void request_stir(struct node_core *core);

/* What the program may do here. */
unsigned request_roles(const struct request *r);
/* Whose it is. */
struct draft_author request_author(const struct request *r);
/* Writes into the node's journal what the program did. */
enum tg_err request_journal(struct node_core *core, const struct request *r, const char *action,
                            const struct hash *subject, const char *detail);

/* ---- begin and produce of each kind of request, by the file that meets it (struct request_kind) */

/* ---- publishing.c */
enum tg_err publishing_preview(struct node_core *core, struct request *r, const ProtobufCMessage *message);
enum tg_err publishing_begin(struct node_core *core, struct request *r, const ProtobufCMessage *message);
enum tg_err publishing_data(struct node_core *core, struct request *r, const Tg__LData *data);
/* The bulletin of this request has reached a state. */
enum tg_err publishing_progress(struct node_core *core, struct request *r, enum sent_state state,
                                uint64_t number, uint64_t leaf, struct slice detail);

/* ---- browse.c */
enum tg_err browse_list(struct node_core *core, struct request *r, const ProtobufCMessage *message);
enum tg_err browse_follow(struct node_core *core, struct request *r, const ProtobufCMessage *message);
enum tg_err browse_produce(struct node_core *core, struct request *r);
enum tg_err browse_resolve(struct node_core *core, struct request *r, const ProtobufCMessage *message);
/* The inbox has something new. */
void browse_stir(struct browse *b);
void browse_free(struct browse *b);

/* ---- handling.c */
enum tg_err handling_read(struct node_core *core, struct request *r, const ProtobufCMessage *message);
enum tg_err handling_read_on(struct node_core *core, struct request *r);
enum tg_err handling_acknowledge(struct node_core *core, struct request *r, const ProtobufCMessage *message);
enum tg_err handling_track(struct node_core *core, struct request *r, const ProtobufCMessage *message);
enum tg_err handling_track_on(struct node_core *core, struct request *r);
enum tg_err handling_document(struct node_core *core, struct request *r, const ProtobufCMessage *message);

/* ---- bundling.c */
enum tg_err bundling_export(struct node_core *core, struct request *r, const ProtobufCMessage *message);
enum tg_err bundling_export_on(struct node_core *core, struct request *r);
enum tg_err bundling_import(struct node_core *core, struct request *r, const ProtobufCMessage *message);
enum tg_err bundling_import_on(struct node_core *core, struct request *r);
enum tg_err bundling_data(struct node_core *core, struct request *r, const Tg__LData *data);

/* ---- approving.c */
enum tg_err approving_approve(struct node_core *core, struct request *r, const ProtobufCMessage *message);
enum tg_err approving_deny(struct node_core *core, struct request *r, const ProtobufCMessage *message);
/* May the program see this draft: an approver, or the user who published it? */
struct waiting_row;
bool approving_may_see(const struct request *r, const struct waiting_row *row);

/* ---- queries.c */
enum tg_err queries_begin(struct node_core *core, struct request *r, const ProtobufCMessage *message);
enum tg_err queries_produce(struct node_core *core, struct request *r);

#endif
