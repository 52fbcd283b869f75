#include "os/speak.h"

#include "proto/base.h"

#include <libintl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char CATALOGUE[] = "toguna";

/* The folder of this program, or "". */
static void own_folder(char *out, size_t size)
{
  ssize_t n = readlink("/proc/self/exe", out, size - 1);
  out[n > 0 ? n : 0] = 0;
  char *slash = strrchr(out, '/');
  if (slash)
    *slash = 0;
}

/* Beside the program: PREFIX/bin and PREFIX/share/locale; client/cli or broker, and po/locale, of a build. */
static void bind_catalogue(void)
{
  static const char *const places[] = {"share/locale", "../po/locale", "po/locale"};
  char here[2048], path[2100];
  const char *given = getenv("TOGUNA_LOCALEDIR");
  if (given && *given) {
    bindtextdomain(CATALOGUE, given);
    return;
  }
  own_folder(here, sizeof here);
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    snprintf(path, sizeof path, "%s/../%s", here, places[i]);
    if (access(path, F_OK) == 0) {
      bindtextdomain(CATALOGUE, path);
      return;
    }
  }
}

/* Debian installs without any locale but C.UTF-8; whoever says LANG=fr_FR.UTF-8 there still means French. */
static void borrow_locale(void)
{
  const char *wanted = NULL;
  for (size_t i = 0; i < 3 && !(wanted && *wanted); i++)
    wanted = getenv((const char *const[]){"LC_ALL", "LC_MESSAGES", "LANG"}[i]);
  if (!setlocale(LC_ALL, "C.UTF-8"))
    return;
  const char *language = getenv("LANGUAGE");
  if (wanted && !(language && *language))
    setenv("LANGUAGE", wanted, 1);
}

void speak_init(void)
{
  if (!setlocale(LC_ALL, ""))
    borrow_locale();
  bind_catalogue();
  bind_textdomain_codeset(CATALOGUE, "UTF-8");
  textdomain(CATALOGUE);
}

extern int _nl_msg_cat_cntr; /* gettext keeps what it found until this changes (its manual, "Being a gettext grok") */

void speak_in(const char *language)
{
  const char *now = getenv("LANGUAGE");
  if (now && !strcmp(now, language))
    return;
  const char *locale = setlocale(LC_MESSAGES, NULL);
  if (!locale || !strcmp(locale, "C") || !strcmp(locale, "POSIX")) /* there nothing is translated at all */
    setlocale(LC_MESSAGES, "C.UTF-8");
  setenv("LANGUAGE", language, 1);
  _nl_msg_cat_cntr++;
}

const char *tr(const char *msgid)
{
  return msgid && *msgid ? dgettext(CATALOGUE, msgid) : msgid;
}

const char *trn(const char *one, const char *many, uint64_t n)
{
  return dngettext(CATALOGUE, one, many, n);
}

size_t speak_word(const char *text)
{
  size_t n = strcspn(text, " \n");
  if (text[n] == ' ' && text[n + 1] && strchr(":;?!", text[n + 1]) && (!text[n + 2] || strchr(" \n", text[n + 2])))
    n += 2;
  return n;
}

const char *speak_language(void)
{
  /* TRANSLATORS: the ISO 639 code of the language you translate to. */
  return tr(N_("en"));
}
