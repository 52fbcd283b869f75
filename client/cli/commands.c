/* The table of all commands. A new command is a file that defines command_NAME, that file in CMakeLists.txt,
   and a row here; help, completion and the list of commands follow from it. */
#include "client/cli/command.h"

#include <stdio.h>
#include <string.h>

#define COMMANDS(ROW)                                                                                        \
  ROW(init_member)                                                                                           \
  ROW(init_hub)                                                                                              \
  ROW(init_node)                                                                                             \
  ROW(init_exchange)                                                                                         \
  ROW(publish)                                                                                               \
  ROW(approve)                                                                                               \
  ROW(inbox)                                                                                                 \
  ROW(sent)                                                                                                  \
  ROW(read)                                                                                                  \
  ROW(reply)                                                                                                 \
  ROW(ack)                                                                                                   \
  ROW(track)                                                                                                 \
  ROW(export)                                                                                                \
  ROW(import)                                                                                                \
  ROW(correct)                                                                                               \
  ROW(recall)                                                                                                \
  ROW(release_request)                                                                                       \
  ROW(release_grant)                                                                                         \
  ROW(release_deny)                                                                                          \
  ROW(release_list)                                                                                          \
  ROW(status)                                                                                                \
  ROW(backup)                                                                                                \
  ROW(doctor)                                                                                                \
  ROW(directory)                                                                                             \
  ROW(key_new)                                                                                               \
  ROW(key_show)                                                                                              \
  ROW(key_check)                                                                                             \
  ROW(key_passphrase)                                                                                        \
  ROW(charter_draft)                                                                                         \
  ROW(charter_sign)                                                                                          \
  ROW(charter_merge)                                                                                         \
  ROW(charter_show)                                                                                          \
  ROW(charter_check)                                                                                         \
  ROW(charter_publish)                                                                                       \
  ROW(credential_request)                                                                                    \
  ROW(credential_issue)                                                                                      \
  ROW(credential_revoke)                                                                                     \
  ROW(credential_list)                                                                                       \
  ROW(credential_show)                                                                                       \
  ROW(credential_publish)                                                                                    \
  ROW(policy_draft)                                                                                          \
  ROW(policy_check)                                                                                          \
  ROW(policy_fmt)                                                                                            \
  ROW(policy_explain)                                                                                        \
  ROW(policy_test)                                                                                           \
  ROW(policy_preview)                                                                                        \
  ROW(policy_replay)                                                                                         \
  ROW(policy_diff)                                                                                          \
  ROW(policy_matrix)                                                                                        \
  ROW(policy_sign)                                                                                           \
  ROW(policy_publish)                                                                                        \
  ROW(document_send)                                                                                         \
  ROW(console)                                                                                               \
  ROW(audit_report)                                                                                          \
  ROW(audit_verify)                                                                                          \
  ROW(audit_prove)                                                                                           \
  ROW(audit_check)                                                                                           \
  ROW(audit_log)                                                                                             \
  ROW(audit_show)                                                                                            \
  ROW(audit_why)                                                                                             \
  ROW(audit_who_got)                                                                                         \
  ROW(audit_replay)                                                                                          \
  ROW(audit_overdue)                                                                                         \
  ROW(audit_anomalies)                                                                                       \
  ROW(audit_diff)                                                                                            \
  ROW(audit_export)                                                                                          \
  ROW(completion)                                                                                            \
  ROW(manual)                                                                                                \
  ROW(version)

#define DECLARE(name) extern const struct command command_##name;
#define ADDRESS(name) &command_##name,

COMMANDS(DECLARE)

static const struct command *const table[] = {COMMANDS(ADDRESS)};

size_t commands_count(void)
{
  return sizeof table / sizeof *table;
}

const struct command *command_at(size_t i)
{
  return i < commands_count() ? table[i] : NULL;
}

const struct command *command_find(const char *noun, const char *verb)
{
  for (size_t i = 0; i < commands_count(); i++) {
    const struct command *c = table[i];
    if (!strcmp(c->verb, verb) && (noun ? c->noun && !strcmp(c->noun, noun) : !c->noun))
      return c;
  }
  return NULL;
}

bool command_is_noun(const char *word)
{
  for (size_t i = 0; i < commands_count(); i++)
    if (table[i]->noun && !strcmp(table[i]->noun, word))
      return true;
  return false;
}

const char *command_name(const struct command *c, char out[64])
{
  snprintf(out, 64, "%s%s%s", c->noun ? c->noun : "", c->noun ? " " : "", c->verb);
  return out;
}
