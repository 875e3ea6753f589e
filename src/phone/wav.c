#include "phone/wav.h"

#include <math.h>
#include <sys/stat.h>

#define FMT_PCM 1u
#define FMT_EXTENSIBLE 0xfffeu
#define HEAD_LEN 44u
#define FILE_MAX (HEAD_LEN + WAV_SECONDS_MAX * 48000u * 2u * WAV_CHANNELS_MAX + 65536u)
#define TAPS_PER_STEP 24 /* the filter reaches this many output samples to either side, halved */

const char *wav_why(enum wav_verdict v)
{
    switch (v) {
    case WAV_OK:
        return "the file is good";
    case WAV_NOT_WAVE:
        return "this is no WAV file";
    case WAV_NOT_PCM16:
        return "only 16-bit PCM is played; convert it, e.g. with: sox IN -b 16 OUT.wav";
    case WAV_BAD_RATE:
        return "the rate must be 8000, 16000, 24000, 32000 or 48000; convert it, e.g. with: "
               "sox IN -r 8000 OUT.wav";
    case WAV_BAD_CHANNELS:
        return "only mono and stereo are played";
    case WAV_TOO_LONG:
        return "the file is longer than 10 minutes";
    case WAV_EMPTY:
        return "the file holds no samples";
    }
    return "the file cannot be played";
}

/* --- reading ---------------------------------------------------------------------------------- */

static uint32_t get16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | get16(p + 2) << 16;
}

struct form {
    uint32_t format, channels, rate, bits;
    const uint8_t *data;
    size_t data_n;
};

static void take_format(struct form *f, const uint8_t *p, size_t n)
{
    if (n < 16)
        return;
    f->format = get16(p);
    f->channels = get16(p + 2);
    f->rate = get32(p + 4);
    f->bits = get16(p + 14);
    if (f->format == FMT_EXTENSIBLE && n >= 26) /* the real format begins the GUID */
        f->format = get16(p + 24);
}

/* Chunks in any order; a last one that is cut short counts as far as it goes. */
static int find_chunks(struct slice file, struct form *f)
{
    const uint8_t *p = (const uint8_t *)file.p;
    size_t at = 12;

    if (file.n < 12 || memcmp(p, "RIFF", 4) != 0 || memcmp(p + 8, "WAVE", 4) != 0)
        return WAV_NOT_WAVE;
    while (file.n - at >= 8 && !f->data) {
        size_t n = get32(p + at + 4), rest = file.n - at - 8;
        const uint8_t *body = p + at + 8;
        if (n > rest)
            n = rest;
        if (memcmp(p + at, "fmt ", 4) == 0)
            take_format(f, body, n);
        if (memcmp(p + at, "data", 4) == 0) {
            f->data = body;
            f->data_n = n;
        }
        at += 8 + n + (n & 1);
        if (at > file.n)
            break;
    }
    return f->data && f->format ? WAV_OK : WAV_NOT_WAVE;
}

static int check_form(const struct form *f)
{
    if (f->format != FMT_PCM || f->bits != 16)
        return WAV_NOT_PCM16;
    if (f->channels < 1 || f->channels > WAV_CHANNELS_MAX)
        return WAV_BAD_CHANNELS;
    if (f->rate < WAV_RATE || f->rate > 48000 || f->rate % WAV_RATE != 0 || f->rate == 40000)
        return WAV_BAD_RATE;
    size_t frames = f->data_n / 2 / f->channels;
    if (frames / f->rate >= WAV_SECONDS_MAX)
        return WAV_TOO_LONG;
    return frames >= f->rate / WAV_RATE ? WAV_OK : WAV_EMPTY;
}

/* Stereo becomes the mean of both. */
static double frame_at(const struct form *f, size_t i)
{
    double sum = 0;

    for (uint32_t c = 0; c < f->channels; c++)
        sum += (int16_t)get16(f->data + 2 * (i * f->channels + c));
    return sum / f->channels;
}

/* A windowed sinc that keeps what is below 4 kHz: `step` input samples make one output sample. */
static void make_filter(double *h, int half, int step)
{
    double sum = 0;

    for (int i = -half; i <= half; i++) {
        double x = M_PI * 0.92 * i / step;
        double window = 0.5 + 0.5 * cos(M_PI * i / (half + 1));
        h[i + half] = window * (i == 0 ? 1.0 : sin(x) / x);
        sum += h[i + half];
    }
    for (int i = 0; i <= 2 * half; i++)
        h[i] /= sum;
}

static void decimate(const struct form *f, size_t frames, int16_t *out, size_t n)
{
    double h[2 * TAPS_PER_STEP / 2 * 6 + 1];
    int step = (int)(f->rate / WAV_RATE), half = TAPS_PER_STEP / 2 * step;

    make_filter(h, half, step);
    for (size_t o = 0; o < n; o++) {
        double sum = 0;
        int64_t mid = (int64_t)o * step;
        for (int64_t i = -half; i <= half; i++) {
            int64_t at = mid + i;
            if (at >= 0 && at < (int64_t)frames)
                sum += h[i + half] * frame_at(f, (size_t)at);
        }
        sum = sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum;
        out[o] = (int16_t)lrint(sum);
    }
}

int wav_decode(struct slice file, int16_t **ret, size_t *ret_n)
{
    struct form f = {0};
    int r = find_chunks(file, &f);

    if (r == WAV_OK)
        r = check_form(&f);
    if (r != WAV_OK)
        return r;
    size_t frames = f.data_n / 2 / f.channels, n = frames / (f.rate / WAV_RATE);
    int16_t *out = malloc(n * sizeof(*out));
    if (!out)
        return -ENOMEM;
    if (f.rate == WAV_RATE) {
        for (size_t i = 0; i < n; i++)
            out[i] = (int16_t)frame_at(&f, i);
    } else {
        decimate(&f, frames, out, n);
    }
    *ret = out;
    *ret_n = n;
    return WAV_OK;
}

int wav_load(const char *path, int16_t **ret, size_t *ret_n)
{
    struct stat st;
    FILE *f = fopen(path, "rbe");

    if (!f)
        return -errno;
    int r = fstat(fileno(f), &st) < 0 ? -errno : 0;
    if (r == 0 && !S_ISREG(st.st_mode))
        r = -EINVAL;
    if (r == 0 && st.st_size > (off_t)FILE_MAX)
        r = WAV_TOO_LONG;
    size_t n = r == 0 ? (size_t)st.st_size : 0;
    char *bytes = r == 0 ? malloc(n + 1) : NULL;
    if (r == 0 && !bytes)
        r = -ENOMEM;
    if (r == 0)
        r = wav_decode(slice_from(bytes, fread(bytes, 1, n, f)), ret, ret_n);
    free(bytes);
    (void)fclose(f); /* only read from */
    return r;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v & 0xffff);
    put16(p + 2, v >> 16);
}

static int write_bytes(FILE *f, const void *p, size_t n)
{
    errno = 0;
    return fwrite(p, 1, n, f) == n ? 0 : errno ? -errno : -EIO;
}

static int write_head(FILE *f, uint32_t samples)
{
    uint8_t h[HEAD_LEN] = "RIFF....WAVEfmt ................data....";

    put32(h + 4, HEAD_LEN - 8 + samples * 2);
    put32(h + 16, 16);
    put16(h + 20, FMT_PCM);
    put16(h + 22, 1);
    put32(h + 24, WAV_RATE);
    put32(h + 28, WAV_RATE * 2);
    put16(h + 32, 2);
    put16(h + 34, 16);
    memcpy(h + 36, "data", 4);
    put32(h + 40, samples * 2);
    return write_bytes(f, h, sizeof(h));
}

int wav_create(const char *path, struct wav_writer *ret)
{
    FILE *f = fopen(path, "wbe");

    if (!f)
        return -errno;
    int r = write_head(f, 0);
    if (r < 0) {
        (void)fclose(f); /* the first error counts */
        return r;
    }
    *ret = (struct wav_writer){.f = f};
    return 0;
}

int wav_write(struct wav_writer *w, const int16_t *in, size_t n)
{
    uint8_t b[512];

    while (n > 0) {
        size_t k = n < sizeof(b) / 2 ? n : sizeof(b) / 2;
        for (size_t i = 0; i < k; i++)
            put16(b + 2 * i, (uint16_t)in[i]);
        int r = write_bytes(w->f, b, 2 * k);
        if (r < 0)
            return r;
        w->samples += (uint32_t)k;
        in += k;
        n -= k;
    }
    return 0;
}

int wav_silence(struct wav_writer *w, size_t n)
{
    static const int16_t none[160];
    int r = 0;

    for (; n > 0 && r == 0; n -= n < ARRAY_LEN(none) ? n : ARRAY_LEN(none))
        r = wav_write(w, none, n < ARRAY_LEN(none) ? n : ARRAY_LEN(none));
    return r;
}

int wav_close(struct wav_writer *w)
{
    if (!w->f)
        return 0;
    int r = fseek(w->f, 0, SEEK_SET) < 0 ? -errno : write_head(w->f, w->samples);
    if (fclose(w->f) == EOF && r == 0)
        r = -errno;
    *w = (struct wav_writer){0};
    return r;
}
