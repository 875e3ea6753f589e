/* Sound files: RIFF/WAVE with 16-bit PCM. The phone works at 8,000 samples a second, mono. */
#ifndef SOTTO_PHONE_WAV_H
#define SOTTO_PHONE_WAV_H

#include <stdio.h>

#include "base/slice.h"

#define WAV_RATE 8000u
#define WAV_SECONDS_MAX 600u /* of a file that is played */
#define WAV_CHANNELS_MAX 2u

enum wav_verdict {
    WAV_OK = 0,
    WAV_NOT_WAVE,
    WAV_NOT_PCM16,    /* another encoding or sample size */
    WAV_BAD_RATE,     /* not 8,000, 16,000, 24,000, 32,000 or 48,000 */
    WAV_BAD_CHANNELS, /* neither mono nor stereo */
    WAV_TOO_LONG,
    WAV_EMPTY
};
const char *wav_why(enum wav_verdict v); /* a plain sentence */

/* The file's bytes -> 8 kHz mono, low-pass filtered; the caller frees *ret. 0, enum wav_verdict, or
 * -ENOMEM. */
int wav_decode(struct slice file, int16_t **ret, size_t *ret_n) MUST_CHECK;
int wav_load(const char *path, int16_t **ret, size_t *ret_n) MUST_CHECK; /* also -errno of the file */

/* Writing, 8 kHz mono. The sizes in the head are set at the end. */
struct wav_writer {
    FILE *f;
    uint32_t samples;
};
int wav_create(const char *path, struct wav_writer *ret) MUST_CHECK;
int wav_write(struct wav_writer *w, const int16_t *in, size_t n) MUST_CHECK; /* -errno */
int wav_silence(struct wav_writer *w, size_t n) MUST_CHECK;
int wav_close(struct wav_writer *w) MUST_CHECK; /* no-op on a zeroed one */

#endif
