/* Why a hub refuses a document, in sentences that it and its nodes share. The hub says them in English, for it does not know whose
   language; a node finds them again in what it was told, and so they are spoken in the language of its user. */
#ifndef TOGUNA_POLICY_REFUSAL_H
#define TOGUNA_POLICY_REFUSAL_H

#include "proto/base.h"

/* %1$s: topics. */
#define REFUSAL_WIDENS_ALONE N_("it permits more than before and has one signature only: %1$s")
#define REFUSAL_WIDENS_SOON N_("it permits more than before and takes effect too soon: %1$s")
#define REFUSAL_DROPS_PIN_ALONE N_("it drops or weakens a pin of the policy before it, and has one signature only: %1$s")
#define REFUSAL_DROPS_PIN_SOON N_("it drops or weakens a pin of the policy before it, and takes effect too soon: %1$s")
#define REFUSAL_SIGN N_("have a second policy officer sign it")
#define REFUSAL_WAIT N_("make it effective %2$s or later") /* with topics first */
#define REFUSAL_PIN N_("a pin of %1$s would no longer hold for %2$s: %3$s")
#define REFUSAL_PIN_PASSES N_("%1$s lets others pass on to %2$s what this pin forbids: %3$s")
#define REFUSAL_PIN_TELLS N_("%1$s tells %2$s what this pin forbids: %3$s")
#define REFUSAL_OVER N_("this policy is over before it begins: %1$s")
#define REFUSAL_OVER_TODO N_("give it a later end, or none")
#define REFUSAL_NO_MEMBER N_("%1$s is no member of this exchange")
#define REFUSAL_NEAR_MEMBER N_("did you mean %2$s? Else remove it, or change the charter first")
#define REFUSAL_REMOVE_MEMBER N_("remove it, or change the charter first")

/* Is text, which why_render() made in English at a hub, one of these? Then *ret (its err TG_REFUSED) renders in English to exactly
   text. Else, as of one that was cut or altered, *ret is not set. text is from outside, and may be of any length. */
bool refusal_read(const char *text, struct tg_why *ret);

#endif
