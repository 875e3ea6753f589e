/* A user may want both ends of its calls protected (`--require-peer`): the other leg's policy is
 * then raised to `required`, and SDES over signalling in clear does not count. The leg is refused by
 * the same rules, and with the same words, as if its own user had asked for it. */
#ifndef SOTTO_CALL_DEMAND_H
#define SOTTO_CALL_DEMAND_H

#include "call/leg.h"

/* Raises l's policy on behalf of the user `who`. False: it cannot be met, whatever the phone offers; `why`
 * gets the sentence. */
bool demand_protection(struct leg *l, const char *who, char why[CALL_WHY_MAX]) MUST_CHECK;

#endif
