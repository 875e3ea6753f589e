/* One direction of a conversation between two codecs: packets of one stream go in, packets of
 * another come out. Driven by arrival: what comes in is put into order (codec/jitter.h), decoded,
 * resampled where it must be, cut into the other side's packet time and encoded at once. No clock,
 * no timer; output comes in step with input.
 *
 *   audio   decoded and encoded; a loss is concealed (Opus by its FEC), a pause in the timestamps
 *           stays a pause, with a marker behind it
 *   event   RFC 4733: goes on as an event where the other side has a number for them, its duration
 *           in the other clock; else it becomes the tones
 *   noise   RFC 3389: goes on where the other side knows it; else a piece of noise
 *   tones   of a side that has no number for events: become events where the other side has one
 *
 * Timestamps that come out start where the config says and go on by what was said and what was
 * silent; sequence numbers and SSRC are the caller's. */
#ifndef SOTTO_CODEC_BRIDGE_H
#define SOTTO_CODEC_BRIDGE_H

#include "codec/jitter.h"

#define CODEC_CONCEAL_MS 200u /* a longer loss is silence */
#define CODEC_PAUSE_MS 60000u /* a longer jump of timestamps is another row of them */

struct codec_made { /* header fields and payload of one packet */
    enum codec_kind kind;
    bool marker;
    uint32_t timestamp;
    size_t n;
    uint8_t payload[CODEC_WRITE_MAX];
};
typedef void codec_made_fn(void *arg, const struct codec_made *m);

struct codec_bridge_config {
    struct codec_format in, out;
    uint32_t out_ms;          /* packet time, as codec_frame_ms has it */
    uint32_t in_event_clock;  /* of the events that may come; 0: there is no number for them */
    uint32_t out_event_clock; /* … that may be sent */
    bool out_noise;           /* the other side knows comfort noise of its audio's clock */
    uint32_t timestamp;       /* of the first packet */
    codec_made_fn *fn;        /* called only from within push and run */
    void *arg;
};

struct codec_bridge_counts {
    uint64_t lost, late, bad, made; /* given up; too late or double; undecodable; put out */
};

struct codec_bridge;

int codec_bridge_new(const struct codec_bridge_config *cfg, struct codec_bridge **ret) MUST_CHECK;
struct codec_bridge *codec_bridge_free(struct codec_bridge *b);
void codec_bridge_push(struct codec_bridge *b, const struct codec_packet *p);
/* Gives up on what has been waited for long enough; for a coarse clock. */
void codec_bridge_run(struct codec_bridge *b, uint64_t now_ms);
uint32_t codec_bridge_timestamp(const struct codec_bridge *b); /* of the next packet */
void codec_bridge_counts(const struct codec_bridge *b, struct codec_bridge_counts *ret);

#endif
