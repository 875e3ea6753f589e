#include "phone/audio.h"

#include <stdio.h>

#define GAP_FILL_MAX (5 * PHONE_RATE) /* a longer jump is a new stream, not a gap */

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

static int load(struct phone_audio *a, const char *path, char *why, size_t cap)
{
    int r = wav_load(path, &a->samples, &a->n);

    if (r != 0)
        snprintf(why, cap, "%s: %s", path, r < 0 ? strerror(-r) : wav_why((enum wav_verdict)r));
    return r == 0 ? 0 : -1;
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
    if (r == 0 && record) {
        int e = wav_create(record, &a->recorder);
        if (e < 0)
            snprintf(why, why_cap, "%s: %s", record, strerror(-e));
        r = e < 0 ? -1 : 0;
    }
    return r;
}

int phone_audio_fini(struct phone_audio *a)
{
    int r = wav_close(&a->recorder);

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

/* In the order of timestamps: lost packets become silence, so that the file's time is the call's;
 * what comes late is left out. */
static int record(struct phone_audio *a, uint32_t timestamp, const int16_t *in, size_t n)
{
    int32_t ahead = (int32_t)(timestamp - a->next);
    int r = 0;

    if (a->has_next && ahead < 0 && ahead > -(int32_t)GAP_FILL_MAX)
        return 0;
    if (a->has_next && ahead > 0 && ahead <= (int32_t)GAP_FILL_MAX)
        r = wav_silence(&a->recorder, (size_t)ahead);
    a->has_next = true;
    a->next = timestamp + (uint32_t)n;
    return r < 0 ? r : wav_write(&a->recorder, in, n);
}

void phone_audio_heard(struct phone_audio *a, uint32_t timestamp, const int16_t *in, size_t n)
{
    tone_meter_add(&a->meter, in, n);
    if (a->echo)
        put_echo(a, in, n);
    if (a->recorder.f && !a->record_failed)
        a->record_failed = record(a, timestamp, in, n) < 0;
}
