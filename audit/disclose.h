/* Who may see the opening of an entry. Everybody verifies the whole log; only the parties of an entry learn
   what it says. A denied recipient is no party: it does not learn that the bulletin exists. */
#ifndef TOGUNA_AUDIT_DISCLOSE_H
#define TOGUNA_AUDIT_DISCLOSE_H

#include "audit/entry.h"

/* A node and the member it belongs to. */
struct disclose_party {
  struct sign_pk key;
  char member[2];
};

/* What an entry is about, as far as the hub knows it. */
struct disclose_subject {
  const struct disclose_party
      *originators; /* of the bulletin, or of all bulletins that receipts are about; NULL: none */
  size_t originator_count;
  const struct disclose_party
      *recipients; /* nodes that the bulletin is wrapped to and permitted for; NULL: none */
  size_t recipient_count;
  bool restricted; /* a document whose visibility line names less than all members: recipients are those
                      who may see it. Without one all members may */
};

/* Who asks. */
struct disclose_viewer {
  struct sign_pk key; /* node or officer */
  char member[2];
  bool auditor; /* an officer with that role: sees what nodes of its member are parties of */
};

/* May the viewer have the entry's opening? */
bool disclose_entry(const struct entry *entry, const struct disclose_subject *about,
                    const struct disclose_viewer *viewer);
/* May the viewer have the ruling (Decision) that an accepted or refused entry names? Originator, and its
 * member's auditors. */
bool disclose_ruling(const struct entry *entry, const struct disclose_subject *about,
                     const struct disclose_viewer *viewer);
/* Is every member a party: may the opening be given to any node without asking further? */
bool disclose_is_public(const struct entry *entry, const struct disclose_subject *about);

/* The nodes that are parties, each once, into ret, at most max. TG_TOO_BIG when there are more. Does not list
   those that are parties only because the entry is public. */
enum tg_err disclose_parties(const struct entry *entry, const struct disclose_subject *about,
                             struct disclose_party *ret, size_t max, size_t *ret_n);

#endif
