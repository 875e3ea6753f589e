/* The phone's codec: between the 8 kHz of its audio and the payloads of its RTP. */
#ifndef SOTTO_PHONE_VOICE_H
#define SOTTO_PHONE_VOICE_H

#include "codec/codec.h"
#include "codec/digit.h"
#include "codec/resample.h"
#include "phone/audio.h"

#define PHONE_PTIME_MAX 120u

struct phone_voice { /* zeroed: none */
    struct codec_format format;
    uint32_t rate; /* that the codec works at */
    uint32_t ptime;
    struct codec_encoder *encoder;
    struct codec_decoder *decoder;
    struct resampler *up, *down; /* NULL: 8 kHz already */
    size_t fill;                 /* samples at `rate` that wait for a packet to be full */
    int16_t pending[2 * CODEC_SAMPLES_MAX];
    bool heard;
    uint32_t heard_ts, heard_at; /* of the last payload: as it came, and at 8 kHz … */
    uint32_t heard_n;            /* … and its samples there */
};

/* Nothing changes where it is the same as before. -errno. */
int phone_voice_set(struct phone_voice *v, const struct codec_format *f, uint32_t ptime) MUST_CHECK;
void phone_voice_fini(struct phone_voice *v);
/* 20 ms are said; bytes of the packet that is full now, 0: not yet. */
size_t phone_voice_say(struct phone_voice *v, const int16_t in[PHONE_FRAME], uint8_t *out,
                       size_t cap);
void phone_voice_skip(struct phone_voice *v); /* what waits is not sent */
/* Samples at 8 kHz, at most PHONE_HEARD_MAX, and their timestamp; 0: not to be decoded. */
size_t phone_voice_hear(struct phone_voice *v, uint32_t timestamp, struct slice payload,
                        int16_t out[PHONE_HEARD_MAX], uint32_t *ret_timestamp);

/* `v` goes on where `from` has stopped: its timestamps are another row. */
void phone_voice_follow(struct phone_voice *v, const struct phone_voice *from);

#endif
