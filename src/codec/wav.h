/* WAV files (RIFF, Microsoft's WAVEFORMAT): read from memory, whatever they are, as 8,000 samples a
 * second, mono, 16 bits; written as just that. Reading is total and bounded: sizes in the file are
 * cut to what is there. */
#ifndef SOTTO_CODEC_WAV_H
#define SOTTO_CODEC_WAV_H

#include "base/slice.h"

#define WAV_RATE 8000u
#define WAV_HEADER_LEN 44u
#define WAV_FILE_MAX (64u << 20) /* bytes; an hour of 8 kHz */
#define WAV_CHUNKS_MAX 64u       /* before the data; hostile files have more */

enum wav_verdict {
    WAV_OK = 0,
    WAV_NOT_WAV,     /* no RIFF WAVE with a format and data */
    WAV_TOO_LARGE,   /* WAV_FILE_MAX, WAV_CHUNKS_MAX */
    WAV_UNSUPPORTED, /* neither PCM of 16 bits nor G.711, not 8 or 16 kHz, not 1 or 2 channels */
    WAV_VERDICT_COUNT
};

enum wav_coding { WAV_PCM16, WAV_ALAW, WAV_ULAW };

struct wav {
    enum wav_coding coding;
    uint8_t channels;
    bool is_wide;      /* 16 kHz */
    uint32_t samples;  /* as read: at 8 kHz, mono */
    struct slice data; /* borrowed from the file */
};

/* 0 or enum wav_verdict. */
int wav_parse(struct slice file, struct wav *ret) MUST_CHECK;
const char *wav_verdict_why(enum wav_verdict v); /* a plain sentence */
/* Samples from `at` on; returns how many, fewer than n only at the end. Channels are mixed; 16 kHz
 * goes through a half-band filter. */
size_t wav_read(const struct wav *w, uint32_t at, int16_t *out, size_t n);

/* The header of a file of so many samples. A writer puts one of 0 samples first and the right one
 * over it at the end; more than fit into a WAV file are cut. */
void wav_header(uint32_t samples, uint8_t ret[WAV_HEADER_LEN]);
/* In the file's byte order. */
void wav_samples_put(const int16_t *in, size_t n, uint8_t *out);

#endif
