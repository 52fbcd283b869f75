/* The language of the person who runs a program. */
#ifndef TOGUNA_OS_SPEAK_H
#define TOGUNA_OS_SPEAK_H

/* Sets the locale and finds the catalogue: in $TOGUNA_LOCALEDIR, else beside the program, installed or in the
   build tree. Call once, first. */
void speak_init(void);

/* The sentence in that language; itself when there is no translation. */
const char *tr(const char *msgid) __attribute__((format_arg(1)));

/* "en", "fr", ...: what keys/country.h and others take. */
const char *speak_language(void);

/* From now on in this language ("fr"; without a catalogue of it, in English), whatever was set: for a program
   that answers several people. */
void speak_in(const char *language);

#endif
