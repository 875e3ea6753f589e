#include "codec/g711.h"

#define ULAW_BIAS 33  /* of 14-bit magnitudes (G.711 table 2a: decision values are 31, 95, …) */
#define ULAW_MAX 8158 /* the largest magnitude that is not clipped */
#define ALAW_TOGGLE 0x55 /* even bits are inverted on the line */

/* The segment: how far the leading one stands above bit `low`. */
static unsigned segment_of(unsigned magnitude, unsigned low)
{
    unsigned segment = 0;
    while (magnitude >> (low + segment))
        segment++;
    return segment;
}

static uint8_t ulaw_from_linear(int16_t sample)
{
    unsigned negative = sample < 0;
    /* One's complement of negative samples, so that both signs have the same number of values. */
    unsigned magnitude = (unsigned)(negative ? -1 - (int)sample : sample) >> 2;
    if (magnitude > ULAW_MAX)
        magnitude = ULAW_MAX;
    magnitude += ULAW_BIAS;
    unsigned segment = segment_of(magnitude, 6);
    unsigned code = segment << 4 | ((magnitude >> (segment + 1)) & 0x0f);
    return (uint8_t) ~(code | negative << 7);
}

static int16_t ulaw_to_linear(uint8_t code)
{
    unsigned c = (uint8_t)~code;
    unsigned segment = (c >> 4) & 7;
    int magnitude = (int)((((c & 0x0f) << 1) + ULAW_BIAS) << segment) - ULAW_BIAS;
    return (int16_t)((c & 0x80 ? -magnitude : magnitude) * 4);
}

static uint8_t alaw_from_linear(int16_t sample)
{
    unsigned positive = sample >= 0;
    unsigned magnitude = (unsigned)(positive ? sample : -1 - (int)sample) >> 4;
    unsigned segment = segment_of(magnitude, 4);
    unsigned code = segment < 2 ? magnitude : segment << 4 | ((magnitude >> (segment - 1)) & 0x0f);
    return (uint8_t)((code | positive << 7) ^ ALAW_TOGGLE);
}

static int16_t alaw_to_linear(uint8_t code)
{
    unsigned c = code ^ ALAW_TOGGLE;
    unsigned segment = (c >> 4) & 7;
    int magnitude = (int)((c & 0x0f) << 4) + 8; /* the middle of the interval */
    if (segment)
        magnitude = (magnitude + 0x100) << (segment - 1);
    return (int16_t)(c & 0x80 ? magnitude : -magnitude);
}

uint8_t g711_from_linear(enum g711_law law, int16_t sample)
{
    return law == G711_ULAW ? ulaw_from_linear(sample) : alaw_from_linear(sample);
}

int16_t g711_to_linear(enum g711_law law, uint8_t code)
{
    return law == G711_ULAW ? ulaw_to_linear(code) : alaw_to_linear(code);
}

void g711_encode(enum g711_law law, const int16_t *in, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = g711_from_linear(law, in[i]);
}

void g711_decode(enum g711_law law, const uint8_t *in, size_t n, int16_t *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = g711_to_linear(law, in[i]);
}
