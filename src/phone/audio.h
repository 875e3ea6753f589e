/* What the phone says and what it hears, in samples of 8 kHz: a tone, a file, an echo or silence
 * goes out; what comes in is measured and, where wanted, recorded. */
#ifndef SOTTO_PHONE_AUDIO_H
#define SOTTO_PHONE_AUDIO_H

#include "codec/tone.h"
#include "phone/recorder.h"

#define PHONE_RATE 8000u
#define PHONE_FRAME 160u     /* 20 ms */
#define PHONE_ECHO_FRAMES 16 /* waiting to be sent back; the oldest goes */
#define PHONE_TONE_DBFS (-10.0)
#define PHONE_TONE_HZ_MAX 3900u

struct phone_audio {
    int16_t *samples; /* what is played, over and over where `loop`; NULL: silence */
    size_t n, at;
    bool loop;

    bool echo;
    int16_t echoes[PHONE_ECHO_FRAMES * PHONE_FRAME];
    size_t echo_at, echo_n; /* samples */

    struct recorder recorder;
    bool record_failed;
    struct tone_meter meter;
};

/* `play`: NULL, "tone:HZ" or a WAV file; `record`: NULL or a file to make. 0, or -1 with a sentence
 * in `why`. */
int phone_audio_init(struct phone_audio *a, const char *play, bool loop, bool echo,
                     const char *record, char *why, size_t why_cap) MUST_CHECK;
int phone_audio_fini(struct phone_audio *a) MUST_CHECK; /* -errno: the recording is not whole */
void phone_audio_next(struct phone_audio *a, int16_t out[PHONE_FRAME]);
/* n <= PHONE_HEARD_MAX decoded samples of a packet with this timestamp. */
#define PHONE_HEARD_MAX RECORDER_MAX
void phone_audio_heard(struct phone_audio *a, uint32_t timestamp, const int16_t *in, size_t n);

#endif
