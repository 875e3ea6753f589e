/* The few functions of libm that are needed stand here, good to 1e-7, so that the layer needs no
 * library. */
#include "codec/tone.h"

#include <string.h>

#define PI 3.14159265358979323846
#define LN2 0.69314718055994530942
#define LN10 2.30258509299404568402
#define LEVEL_MIN_SHARE 0.5 /* of the energy, for a tone to be named */

/* Sine of whole turns: the fraction folded into a quarter turn, then Taylor. */
static double sine(double turns)
{
    double f = turns - (double)(int64_t)turns;
    if (f < 0)
        f += 1;
    double sign = 1;
    if (f >= 0.5) {
        f -= 0.5;
        sign = -1;
    }
    if (f > 0.25)
        f = 0.5 - f;
    double x = f * 2 * PI, xx = x * x;
    double y = 1 - xx / 156;
    for (int k = 11; k >= 3; k -= 2)
        y = 1 - xx / (k * (k - 1)) * y;
    return sign * x * y;
}

static double cosine(double turns)
{
    return sine(turns + 0.25);
}

/* e^x, |x| < 40. */
static double exponential(double x)
{
    double y = 1, small = x / 1024;
    for (int k = 8; k >= 1; k--)
        y = 1 + small / k * y;
    for (int k = 0; k < 10; k++)
        y *= y;
    return y;
}

/* Natural logarithm of v > 0: v = m * 2^e with m in [1, 2), then the series of atanh. */
static double logarithm(double v)
{
    int e = 0;
    while (v >= 2) {
        v /= 2;
        e++;
    }
    while (v < 1) {
        v *= 2;
        e--;
    }
    double z = (v - 1) / (v + 1), zz = z * z, sum = 0;
    for (int k = 17; k >= 1; k -= 2)
        sum = sum * zz + 1.0 / k;
    return 2 * z * sum + e * LN2;
}

double tone_sine_of(double turns)
{
    return sine(turns);
}

void tone_sine_at(uint32_t rate, double hz, double dbfs, int16_t *out, size_t n)
{
    double peak = 32767 * exponential(dbfs * LN10 / 20);
    for (size_t i = 0; i < n; i++) {
        double v = peak * sine(hz * (double)i / rate);
        out[i] = (int16_t)(v < 0 ? v - 0.5 : v + 0.5);
    }
}

void tone_sine(double hz, double dbfs, int16_t *out, size_t n)
{
    tone_sine_at(TONE_RATE, hz, dbfs, out, n);
}

void tone_meter_init(struct tone_meter *m)
{
    memset(m, 0, sizeof(*m));
}

/* Goertzel: the power at one frequency, in two multiplications a sample. */
static double goertzel(const double *x, size_t n, double hz)
{
    double c = 2 * cosine(hz / TONE_RATE), s1 = 0, s2 = 0;
    for (size_t i = 0; i < n; i++) {
        double s0 = x[i] + c * s1 - s2;
        s2 = s1;
        s1 = s0;
    }
    return s1 * s1 + s2 * s2 - c * s1 * s2;
}

static void frame_add(struct tone_meter *m)
{
    double x[TONE_FRAME];
    for (size_t i = 0; i < TONE_FRAME; i++) /* Hann's window: neighbours say where between them */
        x[i] = m->frame[i] * (0.5 - 0.5 * cosine((double)i / TONE_FRAME));
    for (size_t k = TONE_BIN_MIN - 1; k <= TONE_BINS; k++)
        m->power[k] += goertzel(x, TONE_FRAME, (double)(k * TONE_STEP_HZ));
}

void tone_meter_add(struct tone_meter *m, const int16_t *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        m->squares += (double)in[i] * in[i];
        m->frame[m->fill++] = in[i];
        if (m->fill == TONE_FRAME) {
            frame_add(m);
            m->fill = 0;
        }
    }
    m->samples += n;
}

/* The square root by Newton, from above. */
static double root(double v)
{
    double r = v > 1 ? v : 1;
    for (int i = 0; i < 200 && r * r > v * (1 + 1e-12); i++)
        r = (r + v / r) / 2;
    return r;
}

/* Between bins: with Hann's window the ratio r of the larger neighbour's amplitude to the peak's
 * puts the tone (2r - 1) / (r + 1) bins towards it. */
static double interpolate(const struct tone_meter *m, size_t k)
{
    double left = m->power[k - 1], right = k < TONE_BINS ? m->power[k + 1] : 0;
    double r = root((left > right ? left : right) / m->power[k]);
    double by = (2 * r - 1) / (r + 1);
    return (double)TONE_STEP_HZ * ((double)k + (left > right ? -by : by));
}

void tone_meter_result(const struct tone_meter *m, struct tone_heard *ret)
{
    *ret = (struct tone_heard){.rms_dbfs = TONE_SILENCE_DBFS};
    if (m->samples == 0 || m->squares <= 0)
        return;
    /* A full sine has a mean square of half its peak's. */
    double full = 32767.0 * 32767.0 / 2;
    double db = 10 / LN10 * logarithm(m->squares / (double)m->samples / full);
    ret->rms_dbfs = db > TONE_SILENCE_DBFS ? db : TONE_SILENCE_DBFS;
    size_t best = TONE_BIN_MIN;
    double all = 0;
    for (size_t k = TONE_BIN_MIN; k <= TONE_BINS; k++) {
        all += m->power[k];
        if (m->power[k] > m->power[best])
            best = k;
    }
    double near = m->power[best - 1] + m->power[best];
    if (best < TONE_BINS)
        near += m->power[best + 1];
    if (all > 0 && near >= LEVEL_MIN_SHARE * all && ret->rms_dbfs > -70)
        ret->tone_hz = interpolate(m, best);
}
