/* Digits as tones in the speech band (ITU-T Q.23, Q.24): making them, and hearing them by spandsp. */
#ifndef SOTTO_CODEC_DIGIT_H
#define SOTTO_CODEC_DIGIT_H

#include "base/slice.h"

#define CODEC_DIGIT_RATE 8000u /* that the receiver listens at */

struct codec_digit_tx {
    double turn[2], step[2]; /* phases, in turns */
};

/* "0123456789*#ABCD"; false: no such digit. */
bool codec_digit_begin(struct codec_digit_tx *tx, char digit, uint32_t rate) MUST_CHECK;
void codec_digit_make(struct codec_digit_tx *tx, int16_t *out, size_t n);

struct codec_digit_rx;
int codec_digit_rx_new(struct codec_digit_rx **ret) MUST_CHECK;
struct codec_digit_rx *codec_digit_rx_free(struct codec_digit_rx *rx);
/* Samples at CODEC_DIGIT_RATE; the digit that sounds at their end, '\0': none. */
char codec_digit_hear(struct codec_digit_rx *rx, const int16_t *in, size_t n);

#endif
