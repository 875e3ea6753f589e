/* Digits by SIP INFO, between a phone that speaks them and one that does not: INFO becomes RTP
 * events where the other phone takes those; RTP events, and tones in audio that is converted, become
 * INFO for a phone that has no number for events but shows that it takes INFO: by sending it, by
 * saying so in Accept, or as a quirk of its kind. The media role tells whose digits those are; to
 * every other phone it makes tones of them. Where the keys are the phones' nothing is converted. */
#ifndef SOTTO_CALL_INFO_H
#define SOTTO_CALL_INFO_H

#include "call/leg.h"

#define INFO_DIGITS_MAX 16 /* that wait for the phone's answer to the one before */

/* The digit goes to `to` as an RTP event. False: it is none, that phone has no number for them, or
 * nothing is to be converted; then the INFO goes on as it is. */
bool info_to_event(struct leg *to, const struct sip_msg *info);
/* A request or answer of l's phone: does it take digits by INFO? */
void info_learn(struct leg *l, const struct sip_msg *msg);
/* MEDIA_EVENT_DIGIT: one INFO at a time, so that they come in order. */
void info_from_event(struct leg *l, const struct media_event *e);
void info_release(struct leg *l);

#endif
