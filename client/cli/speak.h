/* Sentences of the command line, in the language of the person who runs it. */
#ifndef TOGUNA_CLI_SPEAK_H
#define TOGUNA_CLI_SPEAK_H

#include "os/speak.h"
#include "proto/base.h"

#define _(s) tr(s)

#endif
