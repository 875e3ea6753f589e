#include "phone/audio.h"

#include <stdio.h>
#include <sys/stat.h>

#include "codec/wav.h"

static int make_tone(struct phone_audio *a, struct slice hz_text, char *why, size_t cap)
{
    uint32_t hz;

    if (slice_to_u32(hz_text, &hz) < 0 || hz < 30 || hz > PHONE_TONE_HZ_MAX) {
        snprintf(why, cap, "a tone is tone:HZ, from 30 to %u", PHONE_TONE_HZ_MAX);
        return -1;
    }
    a->samples = malloc(PHONE_RATE * sizeof(*a->samples));
    if (!a->samples) {
        snprintf(why, cap, "no memory");
        return -1;
    }
    a->n = PHONE_RATE; /* whole Hz: a second ends where the next begins */
    a->loop = true;
    tone_sine(hz, PHONE_TONE_DBFS, a->samples, a->n);
    return 0;
}

static int say(char *why, size_t cap, const char *path, const char *what)
{
    snprintf(why, cap, "%s: %s", path, what);
    return -1;
}

/* The file's bytes; freed by the caller. 0 or -errno; -EFBIG: longer than a file that is played. */
static int read_file(const char *path, char **ret, size_t *ret_n)
{
    struct stat st;
    FILE *f = fopen(path, "rbe");

    if (!f)
        return -errno;
    int r = fstat(fileno(f), &st) < 0 ? -errno : 0;
    if (r == 0 && (!S_ISREG(st.st_mode) || st.st_size > (off_t)WAV_FILE_MAX))
        r = S_ISREG(st.st_mode) ? -EFBIG : -EINVAL;
    char *bytes = r == 0 ? malloc((size_t)st.st_size + 1) : NULL;
    if (r == 0 && !bytes)
        r = -ENOMEM;
    if (r == 0) {
        *ret_n = fread(bytes, 1, (size_t)st.st_size, f);
        *ret = bytes;
    }
    (void)fclose(f); /* only read from */
    return r;
}

static int load(struct phone_audio *a, const char *path, char *why, size_t cap)
{
    struct wav w;
    char *bytes = NULL;
    size_t n = 0;
    int r = read_file(path, &bytes, &n);

    if (r < 0)
        return say(why, cap, path, strerror(-r));
    r = wav_parse(slice_from(bytes, n), &w);
    if (r == WAV_OK)
        a->samples = malloc((w.samples + 1) * sizeof(*a->samples));
    if (r == WAV_OK && a->samples)
        a->n = wav_read(&w, 0, a->samples, w.samples);
    free(bytes);
    if (r != WAV_OK)
        return say(why, cap, path, wav_verdict_why((enum wav_verdict)r));
    return a->samples ? 0 : say(why, cap, path, "no memory");
}

int phone_audio_init(struct phone_audio *a, const char *play, bool loop, bool echo,
                     const char *record, char *why, size_t why_cap)
{
    struct slice p = slice_from_str(play), tone = SLICE_LIT("tone:");
    int r = 0;

    *a = (struct phone_audio){.echo = echo, .loop = loop};
    tone_meter_init(&a->meter);
    if (play && slice_starts_with(p, tone))
        r = make_tone(a, slice_skip(p, tone.n), why, why_cap);
    else if (play)
        r = load(a, play, why, why_cap);
    int e = r == 0 && record ? recorder_open(&a->recorder, record) : 0;
    if (e < 0)
        r = say(why, why_cap, record, strerror(-e));
    return r;
}

int phone_audio_fini(struct phone_audio *a)
{
    int r = recorder_close(&a->recorder);

    free(a->samples);
    a->samples = NULL;
    return a->record_failed && r == 0 ? -EIO : r;
}

/* --- out -------------------------------------------------------------------------------------- */

static void next_echo(struct phone_audio *a, int16_t *out)
{
    if (a->echo_n < PHONE_FRAME)
        return;
    for (size_t i = 0; i < PHONE_FRAME; i++)
        out[i] = a->echoes[(a->echo_at + i) % ARRAY_LEN(a->echoes)];
    a->echo_at = (a->echo_at + PHONE_FRAME) % ARRAY_LEN(a->echoes);
    a->echo_n -= PHONE_FRAME;
}

void phone_audio_next(struct phone_audio *a, int16_t out[PHONE_FRAME])
{
    memset(out, 0, PHONE_FRAME * sizeof(*out));
    if (a->echo) {
        next_echo(a, out);
        return;
    }
    for (size_t i = 0; i < PHONE_FRAME && a->at < a->n; i++) {
        out[i] = a->samples[a->at++];
        if (a->at == a->n && a->loop)
            a->at = 0;
    }
}

/* --- in --------------------------------------------------------------------------------------- */

static void put_echo(struct phone_audio *a, const int16_t *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (a->echo_n == ARRAY_LEN(a->echoes)) { /* too far behind: the oldest frame goes */
            a->echo_at = (a->echo_at + PHONE_FRAME) % ARRAY_LEN(a->echoes);
            a->echo_n -= PHONE_FRAME;
        }
        a->echoes[(a->echo_at + a->echo_n++) % ARRAY_LEN(a->echoes)] = in[i];
    }
}

void phone_audio_heard(struct phone_audio *a, uint32_t timestamp, const int16_t *in, size_t n)
{
    tone_meter_add(&a->meter, in, n);
    if (a->echo)
        put_echo(a, in, n);
    if (a->recorder.f && !a->record_failed)
        a->record_failed = recorder_put(&a->recorder, timestamp, in, n) < 0;
}
