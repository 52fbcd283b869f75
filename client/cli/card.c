#include "client/cli/card.h"

#include "client/cli/box.h"
#include "keys/codec.h"

#include <stdio.h>
#include <stdlib.h>

enum { EXCHANGE, MEMBER, HUB, HOLDER, ROLE, IDENTITY, TRANSPORT, WITNESS, RECEIVES };

static const struct line_rule rules[] = {
    [EXCHANGE] = {"exchange", 1, 1, LINE_ONCE},
    [MEMBER] = {"member", 2, 2, LINE_OPTIONAL},
    [HUB] = {"hub", 9, 32, LINE_OPTIONAL},
    [HOLDER] = {"holder", 1, 1, LINE_OPTIONAL},
    [ROLE] = {"role", 1, 1, LINE_OPTIONAL},
    [IDENTITY] = {"identity", 1, 1, LINE_OPTIONAL},
    [TRANSPORT] = {"transport", 1, 1, LINE_OPTIONAL},
    [WITNESS] = {"witness", 1, 1, LINE_OPTIONAL},
    [RECEIVES] = {"receives", 1, 1, LINE_OPTIONAL},
};

static const struct document_grammar grammar = {"toguna/card v1", rules, sizeof rules / sizeof *rules, false};

/* A charter's line again, words separated by single spaces. */
static enum tg_err read_line(const struct line *l, enum card_kind kind, struct card *c)
{
  struct buf line = buf_new(NOTE_BYTES_MAX);
  buf_put_str(&line, rules[l->rule].keyword);
  for (size_t i = 0; i < l->n; i++) {
    buf_put_u8(&line, ' ');
    buf_put_slice(&line, l->word[i].text);
  }
  buf_put_u8(&line, '\n');
  c->line = buf_status(&line) ? NULL : slice_dup(buf_slice(&line));
  buf_free(&line);
  c->kind = kind;
  snprintf(c->name, sizeof c->name, "%.*s", (int)l->word[0].text.n, (const char *)l->word[0].text.p);
  return c->line ? TG_OK : TG_NO_MEMORY;
}

/* What credential.c will ask for is asked for there: a card's holder is read by completing it to a
 * credential. */
static enum tg_err read_holder(struct slice text, const char *file, struct card *c, struct tg_why *why)
{
  static const char first[] = "toguna/card v1\n";
  struct buf whole = buf_new(NOTE_BYTES_MAX);
  buf_put_str(&whole, "toguna/credential v1\n");
  buf_put(&whole, text.p + sizeof first - 1, text.n - (sizeof first - 1));
  buf_put_str(&whole, "serial 1\nnot-before 2000-01-01T00:00:00Z\nnot-after 2001-01-01T00:00:00Z\n");
  enum tg_err err = buf_status(&whole)
                        ? why_set(why, TG_TOO_BIG, file, N_("the file is too long"), NULL, NULL, NULL, NULL)
                        : credential_parse(buf_slice(&whole), file, &c->holder, why);
  buf_free(&whole);
  c->kind = CARD_HOLDER;
  if (err == TG_OK)
    holder_print(&c->holder.holder, c->name);
  return err;
}

static enum tg_err not_one(const char *file, struct tg_why *why)
{
  return why_set(why, TG_BAD_INPUT, file,
                 N_("a card has one line 'member', one line 'hub', or the lines of one holder"),
                 N_("Ask its owner to send it again"), NULL, NULL, NULL);
}

static enum tg_err read_all(const struct document *d, struct slice text, const char *file, struct card *c,
                            struct tg_why *why)
{
  const struct line *member = document_find(d, MEMBER), *hub = document_find(d, HUB),
                    *holder = document_find(d, HOLDER);
  enum tg_err err = document_exchange(d, document_find(d, EXCHANGE), 0, c->exchange, why);
  if (err != TG_OK)
    return err;
  if ((member != NULL) + (hub != NULL) + (holder != NULL) != 1)
    return not_one(file, why);
  if (holder)
    return read_holder(text, file, c, why);
  for (size_t rule = ROLE; rule <= RECEIVES; rule++)
    if (document_find(d, rule))
      return not_one(file, why);
  return read_line(member ? member : hub, member ? CARD_MEMBER : CARD_HUB, c);
}

enum tg_err card_parse(struct slice text, const char *file, struct card *ret, struct tg_why *why)
{
  struct document *d;
  struct card c = {0};
  enum tg_err err = document_parse(&grammar, text, file, &d, why);
  if (err != TG_OK)
    return err;
  err = read_all(d, text, file, &c, why);
  document_free(d);
  if (err == TG_OK)
    *ret = c;
  else
    card_free(&c);
  return err;
}

enum tg_err card_read(const char *path, struct card *ret, struct tg_why *why)
{
  struct buf bytes;
  enum tg_err err = box_read(path, &bytes, why);
  if (err == TG_OK)
    err = card_parse(buf_slice(&bytes), path, ret, why);
  buf_free(&bytes);
  return err;
}

void card_free(struct card *c)
{
  free(c->line);
  *c = (struct card){0};
}

static void print_holder(const struct credential *c, struct buf *out)
{
  char holder[HOLDER_MAX + 1], key[KEY_TEXT];
  holder_print(&c->holder, holder);
  key_print(c->identity.b, key);
  buf_printf(out, "holder %s\nrole %s\nidentity %s\n", holder, role_name(c->role), key);
  if (c->role != ROLE_NODE)
    return;
  key_print(c->transport.b, key);
  buf_printf(out, "transport %s\nreceives %s\n", key, c->receives ? "yes" : "no");
  if (!c->has_witness)
    return;
  key_print(c->witness.b, key);
  buf_printf(out, "witness %s\n", key);
}

void card_print(const struct card *c, struct buf *out)
{
  buf_printf(out, "toguna/card v1\nexchange %s\n", c->exchange);
  if (c->kind == CARD_HOLDER)
    print_holder(&c->holder, out);
  else
    buf_put_str(out, c->line);
}

void card_fingerprint(const struct card *c, char out[CARD_FINGERPRINT])
{
  struct buf text = buf_new(NOTE_BYTES_MAX);
  card_print(c, &text);
  struct hash h = document_hash(buf_slice(&text));
  buf_free(&text);
  snprintf(out, CARD_FINGERPRINT, "%02x%02x %02x%02x %02x%02x %02x%02x", h.b[0], h.b[1], h.b[2], h.b[3],
           h.b[4], h.b[5], h.b[6], h.b[7]);
}

enum tg_err card_file(char out[128], const char *name, const char *ending)
{
  if (snprintf(out, 128, "%s%s", name, ending) >= 128)
    return TG_BAD_INPUT;
  for (char *c = out; *c; c++)
    if (*c == '/')
      *c = '-';
  return TG_OK;
}
