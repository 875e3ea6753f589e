/* Digits that signalling was told (SIP INFO) and that an endpoint's phone takes as RTP events: sent
 * in our own stream to it, a packet every 20 ms. */
#ifndef SOTTO_MEDIA_DIGITS_H
#define SOTTO_MEDIA_DIGITS_H

#include "media/worker.h"

/* 0, or enum media_status. */
int media_digits_add(struct media_endpoint *e, uint8_t event, uint16_t ms) MUST_CHECK;
bool media_digits_are_busy(const struct media_endpoint *e);
void media_digits_free(struct media_endpoint *e);
void media_digits_init(struct media_role *r);

#endif
