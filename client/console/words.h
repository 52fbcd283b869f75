/* What the page says, in every language we speak: the sentences of its scripts, which gettext cannot reach. */
#ifndef TOGUNA_CONSOLE_WORDS_H
#define TOGUNA_CONSOLE_WORDS_H

#include <jansson.h>

/* {"language":"fr","words":{"Timeline":"Chronologie",…}}; NULL without memory. */
json_t *words_all(void);

#endif
