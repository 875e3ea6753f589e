/* Digits that one phone sends by SIP INFO and the other takes as RTP events. */
#ifndef SOTTO_CALL_INFO_H
#define SOTTO_CALL_INFO_H

#include "call/leg.h"

/* The digit goes to `to` as an RTP event. False: it is none, that phone has no number for them, or
 * nothing is to be converted; then the INFO goes on as it is. */
bool info_to_event(struct leg *to, const struct sip_msg *info);

#endif
