/* The text of a charter, as charter.h promises: what it prints parses back to the same. */
#include "keys/charter.h"
#include "keys/codec.h"
#include "keys/limit.h"

static void print_head(const struct charter *c, struct buf *out)
{
  char time[25], hash[HASH_TEXT];
  time_print(c->effective, time);
  buf_printf(out, "toguna/charter v1\nexchange %s\nversion %llu\n", c->exchange,
             (unsigned long long)c->version);
  if (c->version > 1) {
    hash_print(&c->previous, hash);
    buf_printf(out, "previous %s\n", hash);
  }
  buf_printf(out, "effective %s\nsuites", time);
  for (size_t i = 0; i < c->n_suites; i++)
    buf_printf(out, " 0x%04x", c->suite[i]);
  buf_put_str(out, "\n");
}

static void print_members(const struct charter *c, struct buf *out)
{
  char vkey[NOTE_VKEY_MAX];
  buf_put_str(out, "\n# members and their root keys\n");
  for (size_t i = 0; i < c->n_members; i++) {
    note_key_print(&c->member[i].root, vkey);
    buf_printf(out, "member %s %s\n", c->member[i].code.code, vkey);
  }
  for (size_t i = 0; i < c->n_members; i++)
    if (c->member[i].ceiling != LEVEL_TOP_SECRET)
      buf_printf(out, "ceiling %s %s\n", c->member[i].code.code, level_name(c->member[i].ceiling));
  for (size_t i = 0; i < c->n_members; i++)
    if (c->member[i].standing != STANDING_GOOD)
      buf_printf(out, "suspended %s %s\n", c->member[i].code.code, standing_name(c->member[i].standing));
}

static void print_blocs(const struct charter *c, struct buf *out)
{
  if (c->n_blocs)
    buf_put_str(out, "\n# blocs\n");
  for (size_t i = 0; i < c->n_blocs; i++) {
    buf_printf(out, "bloc %s", c->bloc[i].name);
    for (size_t k = 0; k < c->bloc[i].n; k++)
      buf_printf(out, " %s", c->member[c->bloc[i].member[k]].code.code);
    buf_put_str(out, "\n");
  }
}

static void print_hubs(const struct charter *c, struct buf *out)
{
  buf_put_str(out, "\n# hubs\n");
  for (size_t i = 0; i < c->n_hubs; i++) {
    const struct charter_hub *hub = &c->hub[i];
    char key[KEY_TEXT], vkey[NOTE_VKEY_MAX];
    key_print(hub->transport.b, key);
    note_key_print(&hub->log, vkey);
    buf_printf(out, "hub %s host %s transport %s log %s endpoint", hub->name, hub->host.code, key, vkey);
    for (size_t k = 0; k < hub->n_endpoints; k++)
      buf_printf(out, " %s", hub->endpoint[k]);
    buf_put_str(out, "\n");
  }
}

void charter_print(const struct charter *c, struct buf *out)
{
  char quorum[QUORUM_TEXT];
  print_head(c, out);
  print_members(c, out);
  print_blocs(c, out);
  print_hubs(c, out);
  quorum_print(&c->quorum, quorum);
  buf_printf(out, "\n# who can change this\nquorum %s\n", quorum);
  if (c->witness_quorum.n) {
    quorum_print(&c->witness_quorum, quorum);
    buf_printf(out, "witness-quorum %s\n", quorum);
  }
  limit_print(&c->limits, out);
}
