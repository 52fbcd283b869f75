/* The topics that the policies in force of some sets tell apart: infinitely many topics, finitely many classes, each with an
   example; and names for any choice of classes, in patterns that the policies use themselves. */
#ifndef TOGUNA_POLICY_AREAS_H
#define TOGUNA_POLICY_AREAS_H

#include "policy/set.h"
#include "policy/topics.h"

/* Invariants: class numbers 0..n_classes, patterns ascending as text, each once; covers[pattern * n_classes + class]. */
struct areas {
  size_t n_classes, n_patterns;
  topic_text *example;   /* by class */
  struct slice *pattern; /* point into the policies of the sets */
  uint8_t *covers;       /* does the pattern match topics of this class? */
};

/* Of all policies in force at a time; the sets must live as long as *ret. Classes that no pattern matches are left out: no
   policy permits anything there. TG_NO_MEMORY; TG_TOO_BIG: together they tell too many cases apart. */
enum tg_err areas_new(const struct policy_set *const *sets, size_t n, tg_time at, struct areas *ret);
void areas_free(struct areas *a);

/* Names exactly the classes with chosen[class] true: "alert.**", "alert.** except alert.attack.**"; a class that no such
   words fit by its example. tell() is called once for each name, with one class that it covers, and with all of them by class. */
enum { AREA_NAME = 512 };
typedef void areas_tell(void *context, const char *name, size_t class, const bool *covered);
enum tg_err areas_name(const struct areas *a, const bool *chosen, areas_tell *tell, void *context);

#endif
