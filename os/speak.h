/* The language of the person who runs a program. */
#ifndef TOGUNA_OS_SPEAK_H
#define TOGUNA_OS_SPEAK_H

#include <stddef.h>
#include <stdint.h>

/* Sets the locale and finds the catalogue: in $TOGUNA_LOCALEDIR, else beside the program, installed or in the
   build tree. Call once, first. */
void speak_init(void);

/* The sentence in that language; itself when there is no translation. */
const char *tr(const char *msgid) __attribute__((format_arg(1)));
/* The same of a sentence with a number in it, in the form that the language has for n: "%llu entry", "%llu entries". For where there is none, such as
   what one process tells another, take two sentences, or put the number behind a colon. */
const char *trn(const char *one, const char *many, uint64_t n) __attribute__((format_arg(1), format_arg(2)));

/* Bytes of a text until a line may be broken: French has a space before : ; ? ! which must not begin one. */
size_t speak_word(const char *text);

/* "en", "fr", ...: what keys/country.h and others take. */
const char *speak_language(void);

/* From now on in this language ("fr"; without a catalogue of it, in English), whatever was set: for a program
   that answers several people. */
void speak_in(const char *language);

#endif
