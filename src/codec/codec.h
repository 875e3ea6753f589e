/* Audio codecs behind one small vtable: what an RTP payload is in samples, and the other way round.
 * Samples are always mono, 16 bits; a stereo payload is mixed when it is read and doubled when it is
 * written. No I/O, no clock.
 *
 * A codec may work at another sampling rate than its own where the other side of a conversion has no
 * use for more: Opus at 8 or 16 kHz, G.722's lower band at 8 kHz. That saves the resampler and most
 * of the work; codec_rates chooses for a pair.
 *
 * The clock of RTP timestamps is something else than the sampling rate: G.722 counts 8,000 a second
 * of 16,000 samples (RFC 3551 s.4.5.2), Opus always 48,000 (RFC 7587 s.4.1). */
#ifndef SOTTO_CODEC_CODEC_H
#define SOTTO_CODEC_CODEC_H

#include "base/slice.h"

#define CODEC_RATE_MAX 48000u
#define CODEC_MS_MAX 120u    /* of one payload (RFC 7587 s.4.2) */
#define CODEC_MS_DEFAULT 20u /* RFC 3551 s.4.2 */
#define CODEC_SAMPLES_MAX (CODEC_RATE_MAX / 1000u * CODEC_MS_MAX)
#define CODEC_PAYLOAD_MAX 1984u /* that is read */
#define CODEC_WRITE_MAX 1280u   /* that is written: fits a path with IPv6's minimum, nearly */

struct codec;

/* One line of a description. */
struct codec_format {
    const struct codec *codec;
    uint32_t clock; /* of timestamps, as rtpmap has it */
    uint8_t channels;
    /* Opus: what its reader asks for (RFC 7587 s.6.1). */
    bool fec, cbr;
    uint32_t bitrate; /* 0: not said */
};

struct codec_setup { /* of an encoder or decoder */
    struct codec_format format;
    uint32_t rate; /* samples a second */
};

struct codec {
    const char *name;   /* as struct sdp_codec has it: upper case */
    const char *rtpmap; /* as we print it, "PCMA/8000"; NULL: depends */
    uint8_t static_pt;  /* RFC 3551 s.6; 0xff: none */
    uint32_t clock;     /* 0: any */
    uint32_t rate;      /* its own; 0: its clock */
    bool (*takes_rate)(const struct codec_format *f, uint32_t rate);
    bool (*takes_ms)(const struct codec_format *f, uint32_t ms); /* may a payload be so long? */
    /* 0; -ENOMEM. *ret may be NULL where no state is needed. */
    int (*encoder_new)(const struct codec_setup *s, void **ret);
    void (*encoder_free)(void *state);
    int (*decoder_new)(const struct codec_setup *s, void **ret);
    void (*decoder_free)(void *state);
    /* Bytes, samples; negative: it does not fit, or the payload is none of this codec. */
    int (*encode)(void *state, const struct codec_setup *s, const int16_t *in, size_t n,
                  uint8_t *out, size_t cap);
    int (*decode)(void *state, const struct codec_setup *s, struct slice payload, int16_t *out,
                  size_t cap);
    /* n samples for what was lost; `next` is the payload behind the gap where it is there, which
     * may hold a copy of it (Opus' in-band FEC). NULL: by what was heard last. */
    int (*conceal)(void *state, const struct codec_setup *s, struct slice next, int16_t *out,
                   size_t n);
};

/* PCMU, PCMA, G722, OPUS, L16. False: not one that can be converted. `channels` 0 is 1. */
bool codec_format_of(const char *name, uint32_t clock, uint8_t channels,
                     struct codec_format *ret) MUST_CHECK;
/* At which rates a conversion between the two works best. */
void codec_rates(const struct codec_format *a, const struct codec_format *b, uint32_t *ret_a,
                 uint32_t *ret_b);
/* The longest payload of at most `wanted` ms (0: CODEC_MS_DEFAULT) that this codec may write. */
uint32_t codec_frame_ms(const struct codec_format *f, uint32_t wanted);
static inline uint32_t codec_own_rate(const struct codec_format *f)
{
    return f->codec->rate ? f->codec->rate : f->clock;
}

struct codec_encoder;
struct codec_decoder;

int codec_encoder_new(const struct codec_setup *s, struct codec_encoder **ret) MUST_CHECK;
struct codec_encoder *codec_encoder_free(struct codec_encoder *e);
/* Bytes written, or negative: -ENOSPC, -EINVAL (no length for this codec). */
int codec_encode(struct codec_encoder *e, const int16_t *in, size_t n, uint8_t *out,
                 size_t cap) MUST_CHECK;

int codec_decoder_new(const struct codec_setup *s, struct codec_decoder **ret) MUST_CHECK;
struct codec_decoder *codec_decoder_free(struct codec_decoder *d);
/* Samples, at most CODEC_SAMPLES_MAX and cap; -EBADMSG. */
int codec_decode(struct codec_decoder *d, struct slice payload, int16_t *out,
                 size_t cap) MUST_CHECK;
/* n <= CODEC_SAMPLES_MAX samples in place of what did not come. */
void codec_conceal(struct codec_decoder *d, struct slice next, int16_t *out, size_t n);

#endif
