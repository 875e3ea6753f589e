#include "codec/wav.h"

#include <endian.h>

#include "codec/g711.h"

enum { FORMAT_PCM = 1, FORMAT_ALAW = 6, FORMAT_ULAW = 7, FORMAT_EXTENSIBLE = 0xfffe };

static uint16_t get16(const char *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof(v));
    return le16toh(v);
}

static uint32_t get32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return le32toh(v);
}

static void put16(uint8_t *p, uint16_t v)
{
    v = htole16(v);
    memcpy(p, &v, sizeof(v));
}

static void put32(uint8_t *p, uint32_t v)
{
    v = htole32(v);
    memcpy(p, &v, sizeof(v));
}

static const char *const verdict_why[WAV_VERDICT_COUNT] = {
    [WAV_OK] = "fine",
    [WAV_NOT_WAV] = "the file is not a WAV file",
    [WAV_TOO_LARGE] = "the WAV file is too large",
    [WAV_UNSUPPORTED] = "the WAV file has to be mono or stereo PCM16 or G.711 of 8 or 16 kHz",
};

const char *wav_verdict_why(enum wav_verdict v)
{
    return verdict_why[v];
}

static int format_parse(struct slice c, struct wav *w)
{
    if (c.n < 16)
        return WAV_NOT_WAV;
    uint16_t tag = get16(c.p), channels = get16(c.p + 2), bits = get16(c.p + 14);
    uint32_t rate = get32(c.p + 4);
    if (tag == FORMAT_EXTENSIBLE && c.n >= 26)
        tag = get16(c.p + 24); /* the sub-format's first bytes */
    bool pcm = tag == FORMAT_PCM && bits == 16;
    bool g711 = (tag == FORMAT_ALAW || tag == FORMAT_ULAW) && bits == 8;
    if ((!pcm && !g711) || channels < 1 || channels > 2 || (rate != 8000 && rate != 16000))
        return WAV_UNSUPPORTED;
    w->coding = pcm ? WAV_PCM16 : (tag == FORMAT_ALAW ? WAV_ALAW : WAV_ULAW);
    w->channels = (uint8_t)channels;
    w->is_wide = rate == 16000;
    return WAV_OK;
}

/* Takes the next chunk; a length beyond the end is cut. */
static bool chunk_next(struct slice *rest, struct slice *ret_id, struct slice *ret_body)
{
    if (rest->n < 8)
        return false;
    *ret_id = slice_take(*rest, 4);
    uint32_t n = get32(rest->p + 4);
    *ret_body = slice_take(slice_skip(*rest, 8), n);
    *rest = slice_skip(*rest, 8 + (size_t)n + (n & 1)); /* padded to even */
    return true;
}

static size_t frame_len(const struct wav *w)
{
    return (w->coding == WAV_PCM16 ? 2u : 1u) * w->channels;
}

int wav_parse(struct slice file, struct wav *ret)
{
    struct slice id, body;
    struct wav w = {0};
    int v = WAV_NOT_WAV; /* until there is a format */
    if (file.n > WAV_FILE_MAX)
        return WAV_TOO_LARGE;
    if (file.n < 12 || memcmp(file.p, "RIFF", 4) != 0 || memcmp(file.p + 8, "WAVE", 4) != 0)
        return WAV_NOT_WAV;
    struct slice rest = slice_skip(file, 12);
    for (unsigned i = 0; chunk_next(&rest, &id, &body); i++) {
        if (i == WAV_CHUNKS_MAX)
            return WAV_TOO_LARGE;
        if (slice_eq(id, SLICE_LIT("fmt ")))
            v = format_parse(body, &w);
        if (!slice_eq(id, SLICE_LIT("data")))
            continue;
        if (v != WAV_OK)
            return v;
        w.data = body;
        w.samples = (uint32_t)(body.n / frame_len(&w)) >> w.is_wide;
        *ret = w;
        return WAV_OK;
    }
    return v == WAV_UNSUPPORTED ? v : WAV_NOT_WAV;
}

static int sample_at(const struct wav *w, size_t i)
{
    switch (w->coding) {
    case WAV_PCM16:
        return (int16_t)get16(w->data.p + 2 * i);
    case WAV_ALAW:
        return g711_to_linear(G711_ALAW, (uint8_t)w->data.p[i]);
    case WAV_ULAW:
        return g711_to_linear(G711_ULAW, (uint8_t)w->data.p[i]);
    }
    return 0;
}

/* Of the file's own rate, mixed; silence outside. */
static int frame_at(const struct wav *w, int64_t frame)
{
    int64_t frames = (int64_t)(w->data.n / frame_len(w));
    if (frame < 0 || frame >= frames)
        return 0;
    size_t i = (size_t)frame * w->channels;
    if (w->channels == 1)
        return sample_at(w, i);
    return (sample_at(w, i) + sample_at(w, i + 1)) / 2;
}

/* A half-band low pass of 23 taps (Hamming's window), in 1/32768: the odd ones, from the middle. */
static const int half_band[] = {10276, -2931, 1266, -521, 178, -76};

static int16_t halved_at(const struct wav *w, int64_t frame)
{
    int64_t sum = 16384 * (int64_t)frame_at(w, frame);
    for (int k = 0; k < (int)(sizeof(half_band) / sizeof(half_band[0])); k++)
        sum += half_band[k] *
               ((int64_t)frame_at(w, frame - 2 * k - 1) + frame_at(w, frame + 2 * k + 1));
    int64_t v = (sum + 16384) / 32768;
    if (v > INT16_MAX)
        return INT16_MAX;
    return v < INT16_MIN ? INT16_MIN : (int16_t)v;
}

size_t wav_read(const struct wav *w, uint32_t at, int16_t *out, size_t n)
{
    if (at >= w->samples)
        return 0;
    if (n > w->samples - at)
        n = w->samples - at;
    for (size_t i = 0; i < n; i++) {
        int64_t k = (int64_t)at + (int64_t)i;
        out[i] = w->is_wide ? halved_at(w, 2 * k) : (int16_t)frame_at(w, k);
    }
    return n;
}

void wav_header(uint32_t samples, uint8_t ret[WAV_HEADER_LEN])
{
    static const uint8_t riff[4] = {'R', 'I', 'F', 'F'}, data[4] = {'d', 'a', 't', 'a'};
    static const uint8_t wave[8] = {'W', 'A', 'V', 'E', 'f', 'm', 't', ' '};
    const uint32_t most = (UINT32_MAX - WAV_HEADER_LEN) / 2;
    uint32_t bytes = 2 * (samples < most ? samples : most);
    memcpy(ret, riff, sizeof(riff));
    memcpy(ret + 8, wave, sizeof(wave));
    put32(ret + 4, bytes + WAV_HEADER_LEN - 8);
    put32(ret + 16, 16);
    put16(ret + 20, FORMAT_PCM);
    put16(ret + 22, 1);
    put32(ret + 24, WAV_RATE);
    put32(ret + 28, 2 * WAV_RATE);
    put16(ret + 32, 2);
    put16(ret + 34, 16);
    memcpy(ret + 36, data, sizeof(data));
    put32(ret + 40, bytes);
}

void wav_samples_put(const int16_t *in, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++)
        put16(out + 2 * i, (uint16_t)in[i]);
}
