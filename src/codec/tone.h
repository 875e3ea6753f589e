/* Tones at 8,000 samples a second: making them, and saying what was heard. Levels are of a sine:
 * 0 dBFS is one whose peaks are 32,767; G.711's 0 dBm0 lies 3.15 dB below that (G.711 s.4). */
#ifndef SOTTO_CODEC_TONE_H
#define SOTTO_CODEC_TONE_H

#include <stddef.h>
#include <stdint.h>

#define TONE_RATE 8000u
#define TONE_DBM0_DBFS (-3.15) /* 0 dBm0 in dBFS */
#define TONE_SILENCE_DBFS (-120.0)

/* n samples of a sine from phase 0. The level is in dBFS. */
void tone_sine(double hz, double dbfs, int16_t *out, size_t n);
void tone_sine_at(uint32_t rate, double hz, double dbfs, int16_t *out, size_t n);
double tone_sine_of(double turns); /* -1 .. 1 */

/* Listens to any length of audio in frames of TONE_FRAME samples: the level of all of it, and the
 * strongest frequency. What does not fill a frame counts only for the level. */
#define TONE_FRAME 800u
#define TONE_STEP_HZ 10u /* one bin; between bins it is interpolated, to about 1 Hz */
#define TONE_BINS 390u   /* up to 3,900 Hz */
#define TONE_BIN_MIN 3u  /* from 30 Hz: an offset is no tone */

struct tone_meter {
    uint64_t samples;
    double squares;
    double power[TONE_BINS + 1]; /* summed over frames */
    uint32_t fill;
    int16_t frame[TONE_FRAME];
};

struct tone_heard {
    double rms_dbfs; /* of all samples; TONE_SILENCE_DBFS at least */
    double tone_hz;  /* 0: no tone stands out (noise, speech, silence) */
};

void tone_meter_init(struct tone_meter *m);
void tone_meter_add(struct tone_meter *m, const int16_t *in, size_t n);
void tone_meter_result(const struct tone_meter *m, struct tone_heard *ret);

#endif
