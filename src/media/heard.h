/* Digits that a phone says as RTP events, or as tones in audio that is converted, to one who takes
 * them by SIP INFO alone: told to signalling, one event a digit. Where nothing may be converted, and
 * where the keys are the phones', everything passes as it is. */
#ifndef SOTTO_MEDIA_HEARD_H
#define SOTTO_MEDIA_HEARD_H

#include "media/worker.h"

/* Does the peer of e take what e says as INFO? */
bool media_heard_wants(const struct media_endpoint *e);
/* After terms or peer changed. */
void media_heard_update(struct media_endpoint *e);
void media_heard_free(struct media_endpoint *e);
/* A packet of e. True: it is an event, and goes no further. */
bool media_heard_take(struct media_endpoint *e, const struct media_packet *p);
/* An event's payload; `clock` of its duration. */
void media_heard_event(struct media_endpoint *e, uint32_t timestamp, uint32_t clock,
                       struct slice payload);
void media_heard_tick(struct media_endpoint *e, uint64_t now); /* an end that never came */

#endif
