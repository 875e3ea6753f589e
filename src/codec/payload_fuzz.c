/* Any bytes as the payloads of each codec, decoded and concealed in turn. */
#include <assert.h>

#include "codec/codec.h"
#include "codec/event.h"
#include "codec/noise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int16_t pcm[CODEC_SAMPLES_MAX];

/* A payload is a length byte (times 4) and what follows; an empty one is a loss. */
static void decode(struct codec_decoder *d, struct slice rest, uint32_t rate)
{
    while (rest.n > 0) {
        size_t n = (uint8_t)rest.p[0] * 4u;
        struct slice payload = slice_take(slice_skip(rest, 1), n);
        rest = slice_skip(rest, 1 + payload.n);
        if (n == 0) {
            codec_conceal(d, slice_take(rest, 64), pcm, rate / 50);
            continue;
        }
        int got = codec_decode(d, payload, pcm, ARRAY_LEN(pcm));
        assert(got <= (int)ARRAY_LEN(pcm));
    }
}

static void companions(struct slice payload)
{
    struct codec_event e;
    struct codec_event_rx rx = {0};
    struct codec_noise noise = {0};
    uint8_t level, again[CODEC_EVENT_LEN];
    uint32_t more;
    if (codec_event_parse(payload, &e)) {
        struct codec_event back;
        codec_event_put(&e, again);
        assert(codec_event_parse(slice_from(again, sizeof(again)), &back));
        assert(back.event == e.event && back.end == e.end && back.duration == e.duration);
        assert(codec_event_take(&rx, 0, &e, &more) == CODEC_EVENT_NEW && more == e.duration);
    }
    if (codec_noise_parse(payload, &level))
        codec_noise_make(&noise, level, pcm, 160);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        const char *name;
        uint32_t clock, rate;
        uint8_t channels;
    } rows[] = {
        {"OPUS", 48000, 48000, 2}, {"OPUS", 48000, 8000, 1}, {"L16", 44100, 44100, 2},
        {"L16", 8000, 8000, 1},    {"G722", 8000, 16000, 1}, {"G722", 8000, 8000, 1},
        {"PCMU", 8000, 8000, 1},   {"PCMA", 8000, 8000, 1},
    };
    if (size < 2)
        return 0;
    const size_t row = data[0] % ARRAY_LEN(rows);
    struct codec_setup s = {.rate = rows[row].rate};
    struct codec_decoder *d = NULL;
    companions(slice_from(data + 1, size - 1));
    bool known = codec_format_of(rows[row].name, rows[row].clock, rows[row].channels, &s.format);
    assert(known);
    if (codec_decoder_new(&s, &d) == 0)
        decode(d, slice_from(data + 1, size - 1), s.rate);
    codec_decoder_free(d);
    return 0;
}
