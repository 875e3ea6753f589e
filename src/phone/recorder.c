#include "phone/recorder.h"

#include "codec/wav.h"

#define GAP_FILL_MAX (5 * WAV_RATE) /* a longer jump is a new stream, not a gap */

static int write_bytes(FILE *f, const void *p, size_t n)
{
    errno = 0;
    return fwrite(p, 1, n, f) == n ? 0 : errno ? -errno : -EIO;
}

static int write_head(FILE *f, uint32_t samples)
{
    uint8_t head[WAV_HEADER_LEN];

    wav_header(samples, head);
    return write_bytes(f, head, sizeof(head));
}

int recorder_open(struct recorder *r, const char *path)
{
    FILE *f = fopen(path, "wbe");

    if (!f)
        return -errno;
    int e = write_head(f, 0);
    if (e < 0) {
        (void)fclose(f); /* the first error counts */
        return e;
    }
    *r = (struct recorder){.f = f};
    return 0;
}

static int put_samples(struct recorder *r, const int16_t *in, size_t n)
{
    uint8_t bytes[2 * RECORDER_MAX];

    wav_samples_put(in, n, bytes);
    r->samples += (uint32_t)n;
    return write_bytes(r->f, bytes, 2 * n);
}

static int put_silence(struct recorder *r, size_t n)
{
    static const int16_t none[RECORDER_MAX];
    int e = 0;

    while (n > 0 && e == 0) {
        size_t k = n < RECORDER_MAX ? n : RECORDER_MAX;
        e = put_samples(r, none, k);
        n -= k;
    }
    return e;
}

int recorder_put(struct recorder *r, uint32_t timestamp, const int16_t *in, size_t n)
{
    int32_t ahead = (int32_t)(timestamp - r->next);
    int e = 0;

    if (r->has_next && ahead < 0 && ahead > -(int32_t)GAP_FILL_MAX)
        return 0;
    if (r->has_next && ahead > 0 && ahead <= (int32_t)GAP_FILL_MAX)
        e = put_silence(r, (size_t)ahead);
    r->has_next = true;
    r->next = timestamp + (uint32_t)n;
    return e < 0 ? e : put_samples(r, in, n);
}

int recorder_close(struct recorder *r)
{
    if (!r->f)
        return 0;
    int e = fseek(r->f, 0, SEEK_SET) < 0 ? -errno : write_head(r->f, r->samples);
    if (fclose(r->f) == EOF && e == 0)
        e = -errno;
    *r = (struct recorder){0};
    return e;
}
