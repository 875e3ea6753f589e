/* A short sound that tells a person how the call is protected, mixed into what the other side says:
 * packets that pass anyway are decoded, mixed and encoded again, so that sequence, timing and
 * keys are as without it. Where no audio passes, or in a codec that cannot be converted, nothing is
 * heard. */
#ifndef SOTTO_MEDIA_ANNOUNCE_H
#define SOTTO_MEDIA_ANNOUNCE_H

#include "media/worker.h"

/* Begins one, in the place of one that is still sounding. -ENOMEM. */
int media_announce_begin(struct media_endpoint *e, enum media_announcement what) MUST_CHECK;
/* A packet on its way out, before it is protected. */
void media_announce_mix(struct media_endpoint *e, struct media_packet *p);
void media_announce_free(struct media_endpoint *e);

#endif
