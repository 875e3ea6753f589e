/* Conversion between two endpoints that share no codec: where a packet's codec is one that the other
 * side does not have, it is decoded and encoded anew (codec/bridge.h), with an SSRC, sequence
 * numbers and timestamps of our own in the slot, as those of the built-in sources. Decided by packet:
 * what the other side knows is relayed untouched. An endpoint without such a codec has nothing of
 * this and pays nothing.
 *
 * Reports of the one side are about streams that the other does not have: in a converted call they
 * end here, and we report to both (RFC 3550 s.7.3). */
#ifndef SOTTO_MEDIA_TRANSCODE_H
#define SOTTO_MEDIA_TRANSCODE_H

#include "media/worker.h"

#define MEDIA_REPORT_MS 5000u /* RFC 3550 s.6.2 */

/* False: not one that can be converted. */
struct codec_format;
bool media_codec_format(const struct media_codec *c, struct codec_format *ret) MUST_CHECK;

/* After terms or peer changed; looks at this direction alone: from e to its peer. */
void media_transcode_update(struct media_endpoint *e);
void media_transcode_free(struct media_endpoint *e);
/* A packet of e whose peer hears it. True: taken; false: relay it. */
bool media_transcode_take(struct media_endpoint *e, struct media_packet *p);
void media_transcode_tick(struct media_endpoint *e, uint64_t now);
static inline bool media_transcode_is_on(const struct media_endpoint *e)
{
    return e->transcode || (e->peer && e->peer->transcode);
}

/* Where the next packet of our own stream to e stands; begins it where there is none. `idle` ms of
 * silence are skipped. */
void media_stream_begin(struct media_slot *s);
/* Packets made while a burst runs: a place to fill, sent with media_made_send. */
struct media_packet *media_made_next(struct media_role *r);
void media_made_send(struct media_role *r);

#endif
