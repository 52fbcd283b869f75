/* toguna policy draft, check, fmt, sign: an officer's work on a text. */
#include "policy/policy.h"

#include "client/cli/box.h"
#include "client/cli/command.h"
#include "client/cli/folio.h"
#include "client/cli/init.h"
#include "client/cli/problems.h"
#include "client/cli/show.h"
#include "keys/codec.h"
#include "os/clock.h"
#include "policy/change.h"

#include <stdio.h>
#include <string.h>

/* --- the file --- */

struct policy_file {
  struct buf bytes;
  struct slice text;
  bool is_note;
  struct policy *policy; /* NULL: it has errors */
  struct problems problems;
};

static void policy_file_free(struct policy_file *f)
{
  policy_free(f->policy);
  problems_free(&f->problems);
  buf_free(&f->bytes);
}

/* world may be NULL. Errors of the text itself leave policy NULL, the problems filled, and are returned. */
static enum tg_err policy_file_read(const char *path, const struct policy_world *world, struct policy_file *f,
                                    struct tg_why *why)
{
  *f = (struct policy_file){0};
  enum tg_err err = box_read(path, &f->bytes, why);
  if (err == TG_OK)
    err = box_split(buf_slice(&f->bytes), path, &f->text, &f->is_note, why);
  return err ? err : policy_parse(f->text, path, world, &f->policy, &f->problems, why);
}

/* Shows every error where it stands; what is returned is one sentence that counts them. */
static enum tg_err tell_problems(const struct call *call, const char *path, const struct policy_file *f,
                                 enum tg_err err, struct tg_why *why)
{
  return problems_tell(call, path, &f->problems, f->text, err, N_("errors: %1$s; a policy with an error is no policy"), why);
}

/* --- check --- */

struct check_options {
  struct common common;
  struct options_list documents;
};

static enum tg_err read_world(const struct options_list *documents, struct policy_world **ret,
                              struct tg_why *why)
{
  struct folio *folio;
  *ret = NULL;
  if (documents->n == 0)
    return TG_OK;
  enum tg_err err = folio_read(documents->v, documents->n, false, clock_wall(), &folio, why);
  if (err != TG_OK)
    return err;
  err = policy_world_build(folio->directory, clock_wall(), ret);
  folio_free(folio);
  return err ? why_set(why, err, documents->v[0], N_("no charter in force is among these documents"),
                       N_("Add the charter's file"), NULL, NULL, NULL)
             : TG_OK;
}

static bool is_over(const struct policy *p)
{
  return policy_expires(p) && policy_expires(p) <= clock_wall();
}

static void tell_sound(const char *path, const struct policy *p)
{
  char time[SHOW_TIME];
  struct country member = policy_member(p);
  printf(trn("%s: policy %llu of %s, in force from %s; %zu rule, no error\n", "%s: policy %llu of %s, in force from %s; %zu rules, no error\n", policy_rules(p)), path,
         (unsigned long long)policy_serial(p), member.code, show_time(policy_effective(p), time),
         policy_rules(p));
  if (is_over(p))
    printf(_("%s: it ended on %s and permits nothing any more\n"), path, show_time(policy_expires(p), time));
}

/* What the hub would refuse: against the pins that stand in the policy itself. ret_why->what stays NULL when they hold. */
static enum tg_err check_pins(const struct policy *p, const struct policy_world *world, struct tg_why *ret_why)
{
  struct policy_example broken = {0};
  const tg_time now = clock_wall();
  enum tg_err err = policy_pins_hold(p, world, policy_effective(p) > now ? policy_effective(p) : now, &broken);
  if (err != TG_REFUSED)
    return err == TG_NOT_FOUND ? TG_OK : err; /* of no member: said already */
  *ret_why = broken.why;
  ret_why->err = TG_BAD_INPUT;
  return TG_OK;
}

static json_t *sentence_json(const struct tg_why *why)
{
  char text[1024];
  if (!why->what)
    return json_null();
  why_render(why, tr, text, sizeof text);
  return json_string(text);
}

static enum tg_err check_one(const struct call *call, const char *path, const struct policy_world *world,
                             struct tg_why *why)
{
  struct policy_file f;
  struct tg_why pin = {0};
  enum tg_err err = policy_file_read(path, world, &f, why);
  if (err == TG_OK && world)
    err = check_pins(f.policy, world, &pin);
  if (call->json && (err == TG_OK || f.problems.n))
    show_json(json_pack("{s:s,s:b,s:b,s:o,s:o}", "file", path, "valid", err == TG_OK && !pin.what, "over",
                        err == TG_OK && is_over(f.policy), "pin", sentence_json(&pin), "problems", problems_json(&f.problems)));
  err = tell_problems(call, path, &f, err, why);
  if (err == TG_OK && pin.what) {
    *why = pin;
    err = pin.err;
  }
  if (err == TG_OK && !call->json)
    tell_sound(path, f.policy);
  policy_file_free(&f);
  return err;
}

/* Says what is wrong with a file while others are still to be checked. */
static void tell_failure(const struct call *call, enum tg_err err, struct tg_why *why)
{
  char text[1024];
  why->err = err;
  why_render(why, tr, text, sizeof text);
  fflush(stdout);
  if (!call->json) {
    fprintf(stderr, "toguna: %s\n", text);
    return;
  }
  json_t *j = json_why(why, text);
  json_dumpf(j, stderr, JSON_COMPACT);
  fputc('\n', stderr);
  json_decref(j);
}

/* All of them, whatever is wrong with one; the last failure is the command's own. */
static enum tg_err run_check(struct call *call, struct tg_why *why)
{
  const struct check_options *o = call->options;
  struct policy_world *world;
  enum tg_err failed = read_world(&o->documents, &world, why);
  const bool ready = failed == TG_OK;
  for (size_t i = 0; ready && failed != TG_NO_MEMORY && i < call->n; i++) {
    struct tg_why one = {0};
    const enum tg_err err = check_one(call, call->arg[i], world, &one);
    if (err == TG_OK)
      continue;
    if (failed != TG_OK)
      tell_failure(call, failed, why);
    failed = err;
    *why = one;
  }
  policy_world_free(world);
  return failed;
}

static const struct option_key check_options[] = {
    {"documents",
     'd',
     OPTION_MANY,
     VALUE_PATH,
     offsetof(struct check_options, documents),
     {0},
     N_("NOTE|FOLDER"),
     N_("The charter, and credentials: members, blocs and agencies that the policy names must then exist. "
        "May be repeated.")},
};

const struct command command_policy_check = {
    .noun = "policy",
    .verb = "check",
    .section = SECTION_PAPERS,
    .summary = N_("Find every error in policies, and show its place"),
    .operands = N_("FILE..."),
    .min = 1,
    .max = OPERANDS_ANY,
    .examples = "toguna policy check ML.policy\n"
                "toguna policy check ML.policy --documents charter.note --documents ml/documents\n",
    .options = check_options,
    .n_options = sizeof check_options / sizeof *check_options,
    .size = sizeof(struct check_options),
    .run = run_check,
};

/* --- fmt --- */

struct fmt_options {
  struct common common;
  bool write;
};

static enum tg_err run_fmt(struct call *call, struct tg_why *why)
{
  const struct fmt_options *o = call->options;
  const char *path = call->arg[0];
  struct policy_file f;
  struct buf out = buf_new(NOTE_BYTES_MAX);
  enum tg_err err = policy_file_read(path, NULL, &f, why);
  err = tell_problems(call, path, &f, err, why);
  if (err == TG_OK)
    policy_print(f.policy, &out);
  if (err == TG_OK && o->write && f.is_note)
    err = why_set(why, TG_USAGE, path, N_("this policy is signed: another text would need other signatures"),
                  N_("Format the text before it is signed"), NULL, NULL, NULL);
  else if (err == TG_OK && o->write)
    err = slice_eq(buf_slice(&out), f.text) ? TG_OK : box_write(path, buf_slice(&out), true, why);
  else if (err == TG_OK && call->json)
    show_json(json_pack("{s:s,s:s%}", "file", path, "text", (const char *)out.p, out.n));
  else if (err == TG_OK)
    fwrite(out.p, 1, out.n, stdout);
  buf_free(&out);
  policy_file_free(&f);
  return err;
}

static const struct option_key fmt_options[] = {
    {"write",
     'w',
     OPTION_FLAG,
     VALUE_BOOL,
     offsetof(struct fmt_options, write),
     {0},
     NULL,
     N_("Write it into the file instead of printing it.")},
};

const struct command command_policy_fmt = {
    .noun = "policy",
    .verb = "fmt",
    .section = SECTION_PAPERS,
    .summary = N_("Print a policy in its canonical form"),
    .operands = N_("FILE"),
    .min = 1,
    .max = 1,
    .examples = "toguna policy fmt ML.policy\ntoguna policy fmt --write ML.policy\n",
    .options = fmt_options,
    .n_options = sizeof fmt_options / sizeof *fmt_options,
    .size = sizeof(struct fmt_options),
    .run = run_fmt,
};

/* --- sign --- */

struct sign_options {
  struct common common;
  char *key, *passphrase_file, *output;
};

/* An officer signs for its own state only: its key is named "exchange/CC/...". */
static enum tg_err check_officer(const char *key_file, const struct policy *p, struct tg_why *why)
{
  struct keyfile_head head;
  struct country member = policy_member(p);
  enum tg_err err = box_key_peek(key_file, KEY_OFFICER, &head, why);
  if (err != TG_OK)
    return err;
  const char *slash = strchr(head.name, '/');
  if (slash && !strncmp(slash + 1, member.code, 2) && slash[3] == '/')
    return TG_OK;
  return why_set(why, TG_BAD_INPUT, key_file, N_("%1$s cannot sign a policy of %2$s"),
                 N_("Use the key of an officer of that state"), head.name, member.code, NULL);
}

/* The hub would refuse it. */
static enum tg_err check_life(const char *path, const struct policy *p, struct tg_why *why)
{
  char time[SHOW_TIME];
  tg_time now = clock_wall(), begin = policy_effective(p) > now ? policy_effective(p) : now;
  if (!policy_expires(p) || policy_expires(p) > begin)
    return TG_OK;
  return why_set(why, TG_EXPIRED, path, N_("this policy is over before it begins: %1$s"), N_("give it a later end, or none"),
                 show_time(policy_expires(p), time), NULL, NULL);
}

static const char *sign_output(const struct sign_options *o, const char *path, bool is_note,
                               char out[BOX_PATH])
{
  if (o->output)
    return o->output;
  if (is_note)
    return path;
  snprintf(out, BOX_PATH, "%s.note", path);
  return out;
}

static enum tg_err sign_file(const struct call *call, const char *path, const struct policy_file *f,
                             struct tg_why *why)
{
  const struct sign_options *o = call->options;
  char place[BOX_PATH], hash[HASH_TEXT];
  struct secret_key *key = NULL;
  struct buf out = buf_new(NOTE_BYTES_MAX);
  const char *output = sign_output(o, path, f->is_note, place);
  enum tg_err err = check_officer(o->key, f->policy, why);
  if (err == TG_OK)
    err = check_life(path, f->policy, why);
  if (err == TG_OK)
    err = box_key_open(o->key, KEY_OFFICER, o->passphrase_file, &key, why);
  if (err == TG_OK)
    err = box_sign(buf_slice(&f->bytes), path, key, &out, why);
  if (err == TG_OK)
    err = box_write(output, buf_slice(&out), !strcmp(output, path), why);
  if (err == TG_OK) {
    struct hash h = policy_hash(f->policy);
    hash_print(&h, hash);
    if (call->json)
      show_json(json_pack("{s:s,s:s,s:s,s:I,s:s}", "file", output, "signer", secret_key_name(key), "member",
                          policy_member(f->policy).code, "serial", (json_int_t)policy_serial(f->policy),
                          "hash", hash));
    else
      printf(_("%s: policy %llu of %s, signed by %s; hand it to the node: toguna policy publish %s\n"),
             output, (unsigned long long)policy_serial(f->policy), policy_member(f->policy).code,
             secret_key_name(key), output);
  }
  secret_key_free(key);
  buf_free(&out);
  return err;
}

static enum tg_err run_sign(struct call *call, struct tg_why *why)
{
  const struct sign_options *o = call->options;
  struct policy_file f;
  if (!o->key)
    return why_set(why, TG_USAGE, "--key", N_("the officer's key that signs is missing"),
                   N_("Name its file: --key officers/policy-1.key"), NULL, NULL, NULL);
  enum tg_err err = policy_file_read(call->arg[0], NULL, &f, why);
  err = tell_problems(call, call->arg[0], &f, err, why);
  if (err == TG_OK)
    err = sign_file(call, call->arg[0], &f, why);
  policy_file_free(&f);
  return err;
}

static const struct option_key sign_options[] = {
    {"key",
     'k',
     OPTION_ONE,
     VALUE_PATH,
     offsetof(struct sign_options, key),
     {0},
     N_("FILE"),
     N_("The officer's key that signs.")},
    {"output",
     'o',
     OPTION_ONE,
     VALUE_PATH,
     offsetof(struct sign_options, output),
     {0},
     N_("FILE"),
     N_("Where to write the signed policy; FILE.note unless stated.")},
    BOX_OPTION_PASSPHRASE(struct sign_options),
};

const struct command command_policy_sign = {
    .noun = "policy",
    .verb = "sign",
    .section = SECTION_PAPERS,
    .summary = N_("Sign a policy with an officer's key"),
    .operands = N_("FILE"),
    .min = 1,
    .max = 1,
    .about = N_("A policy with an error is not signed. A second officer signs the note that the first one "
                "made: what opens more "
                "than before needs two."),
    .examples = "toguna policy sign ML.policy --key ml/officers/policy-1.key\n"
                "toguna policy sign ML.policy.note --key ml/officers/policy-2.key\n",
    .options = sign_options,
    .n_options = sizeof sign_options / sizeof *sign_options,
    .size = sizeof(struct sign_options),
    .run = run_sign,
};

/* --- draft --- */

struct draft_options {
  struct common common;
  char *output;
  uint64_t serial;
};

static void print_draft(struct buf *out, struct country member, uint64_t serial)
{
  char time[25];
  tg_time now = clock_wall();
  time_print(now - now % TG_SECOND, time);
  buf_printf(out, "toguna/policy v1\nmember %s\nserial %llu\neffective %s\n", member.code,
             (unsigned long long)serial, time);
  buf_printf(out, "\n# %s\nexport allow alert.** to * up-to RESTRICTED\n",
             _("What we tell others. What no line allows stays with us."));
  buf_printf(out, "\n# %s\nimport allow alert.** from * up-to RESTRICTED\n",
             _("What we accept. What no line allows does not reach us."));
  buf_printf(out, "\n# %s\nonward ask for **\n",
             _("What becomes of it when others want to pass it on: they ask us."));
}

static enum tg_err run_draft(struct call *call, struct tg_why *why)
{
  const struct draft_options *o = call->options;
  struct country member;
  char file[16];
  struct buf out = buf_new(NOTE_BYTES_MAX);
  enum tg_err err = init_country(call->arg[0], &member, why);
  if (err != TG_OK)
    return err;
  snprintf(file, sizeof file, "%s.policy", member.code);
  const char *output = o->output ? o->output : file;
  print_draft(&out, member, o->serial ? o->serial : 1);
  err = box_write(output, buf_slice(&out), false, why);
  if (err == TG_OK && call->json)
    show_json(json_pack("{s:s,s:s}", "file", output, "member", member.code));
  else if (err == TG_OK)
    printf(_("%s: says that alerts up to RESTRICTED may pass, and nothing else; change it, then: toguna "
             "policy check %s\n"),
           output, output);
  buf_free(&out);
  return err;
}

static const struct option_key draft_options[] = {
    {"serial",
     0,
     OPTION_ONE,
     VALUE_NUMBER,
     offsetof(struct draft_options, serial),
     {.min = 1, .max = INT64_MAX},
     N_("N"),
     N_("Its serial; the highest one of a state counts. 1 unless stated.")},
    {"output",
     'o',
     OPTION_ONE,
     VALUE_PATH,
     offsetof(struct draft_options, output),
     {0},
     N_("FILE"),
     N_("Where to write it: COUNTRY.policy unless stated.")},
};

const struct command command_policy_draft = {
    .noun = "policy",
    .verb = "draft",
    .section = SECTION_PAPERS,
    .summary = N_("Write a first policy, to be changed in an editor"),
    .operands = N_("COUNTRY"),
    .min = 1,
    .max = 1,
    .examples = "toguna policy draft ML\n",
    .options = draft_options,
    .n_options = sizeof draft_options / sizeof *draft_options,
    .size = sizeof(struct draft_options),
    .run = run_draft,
};
