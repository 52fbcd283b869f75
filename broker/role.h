/* The processes of togunad, and what the parent tells each at its start. A brief is read by the same program
   that wrote it, so it travels as it lies in memory. */
#ifndef TOGUNA_BROKER_ROLE_H
#define TOGUNA_BROKER_ROLE_H

#include "broker/hub.h"
#include "broker/settings.h"
#include "keys/note.h"
#include "os/http.h"
#include "os/supervisor.h"

enum { BRIEF_PATH_MAX = 1024 };

struct front_brief {
  bool debug;
  uint8_t transport_key[32];
  uint64_t memory; /* of the whole hub: memory.h */
  size_t n;
  char endpoint[SETTINGS_ENDPOINTS][256];
};
struct core_brief {
  bool debug;
  char folder[BRIEF_PATH_MAX];    /* of the store: its own, but for documents and log */
  char log[BRIEF_PATH_MAX];       /* where checkpoint and tiles are written */
  char documents[BRIEF_PATH_MAX]; /* read only */
  char figures[BRIEF_PATH_MAX];   /* what the window may tell of the hub; "": there is no window */
  struct hub_config config;
};
struct window_brief {
  bool debug;
  char log[BRIEF_PATH_MAX];     /* read only */
  char figures[BRIEF_PATH_MAX]; /* the same */
  char address[HTTP_ADDRESS_MAX];
};
struct signer_brief {
  bool debug;
  char folder[BRIEF_PATH_MAX];
  char key_name[NOTE_NAME_MAX + 1]; /* also the origin of the log */
  uint8_t key[32];
};

/* The file in the folder of figures. */
#define ROLE_FIGURES "metrics"

/* The network: holds the transport key, no files; may die. */
int front_main(struct role_start *start);
/* Decides and stores: no network, no key. Its death ends the program. */
int core_main(struct role_start *start);
/* Holds the log key and remembers what it signed last. */
int signer_main(struct role_start *start);
/* Shows the log and a few figures to whoever asks: reads their two folders, and nothing else; may die. */
int window_main(struct role_start *start);

/* The brief of this role, or NULL when it is not one of `size` bytes. Sets the level of the log by its first
 * member. */
const void *brief_take(const struct role_start *start, size_t size);

/* Logs why a role ends, and returns its exit code. */
int role_fails(const char *event, enum tg_err err, const struct tg_why *why);

#endif
