/* What a converted call costs: CPU time of both directions for a second of call, 20 ms packets, without
 * the relay around it. What is said is loud all the time: pauses cost less. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "codec/bridge.h"
#include "codec/noise.h"
#include "codec/tone.h"

#define SECONDS 10u
#define PACKETS (SECONDS * 50u)

struct said {
    uint8_t payload[CODEC_WRITE_MAX];
    size_t n;
};

static struct said said[PACKETS];
static uint64_t made;

static void on_made(void *arg, const struct codec_made *m)
{
    (void)arg;
    made += m->n > 0;
}

static void must(bool ok)
{
    if (!ok)
        abort();
}

static uint64_t cpu_ns(void)
{
    struct timespec ts;
    must(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) == 0);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Tones that come and go over noise: nearer to speech than either. */
static void speak(const struct codec_format *f)
{
    static int16_t pcm[CODEC_SAMPLES_MAX], noise[CODEC_SAMPLES_MAX];
    struct codec_setup s = {*f, codec_own_rate(f)};
    struct codec_encoder *e = NULL;
    struct codec_noise hiss = {1};
    must(codec_encoder_new(&s, &e) == 0);
    size_t n = s.rate / 50;
    for (size_t i = 0; i < PACKETS; i++) {
        tone_sine_at(s.rate, 150 + (double)(i * 37 % 900), -14, pcm, n);
        codec_noise_make(&hiss, 30, noise, n);
        for (size_t k = 0; k < n; k++)
            pcm[k] = (int16_t)(pcm[k] + noise[k]);
        int len = codec_encode(e, pcm, n, said[i].payload, sizeof(said[i].payload));
        must(len > 0);
        said[i].n = (size_t)len;
    }
    codec_encoder_free(e);
}

/* us of CPU for a second of one direction. */
static double direction(const struct codec_format *in, const struct codec_format *out)
{
    struct codec_bridge_config cfg = {
        .in = *in, .out = *out, .in_event_clock = 8000, .out_event_clock = 8000, .fn = on_made};
    struct codec_bridge *b = NULL;
    speak(in);
    must(codec_bridge_new(&cfg, &b) == 0);
    made = 0;
    uint64_t start = cpu_ns();
    for (uint32_t i = 0; i < PACKETS; i++) {
        struct codec_packet p = {.ssrc = 1,
                                 .seq = (uint16_t)i,
                                 .timestamp = i * (in->clock / 50),
                                 .at_ms = i * 20,
                                 .payload = slice_from(said[i].payload, said[i].n)};
        codec_bridge_push(b, &p);
    }
    double us = (double)(cpu_ns() - start) / 1000 / SECONDS;
    must(made >= PACKETS - 1);
    codec_bridge_free(b);
    return us;
}

int main(void)
{
    static const char *const pairs[][2] = {
        {"OPUS", "PCMA"}, {"OPUS", "G722"}, {"G722", "PCMA"}, {"PCMU", "PCMA"}};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct codec_format a = {0}, b = {0};
        for (size_t k = 0; k < 2; k++) {
            const char *name = pairs[i][k];
            must(codec_format_of(name, strcmp(name, "OPUS") == 0 ? 48000 : 8000, 1, k ? &b : &a));
        }
        a.fec = strcmp(pairs[i][0], "OPUS") == 0;
        double there = direction(&a, &b), back = direction(&b, &a);
        printf("%s-%s call: %.0f us CPU a second (%.0f to %s, %.0f to %s)\n", pairs[i][0],
               pairs[i][1], there + back, there, pairs[i][1], back, pairs[i][0]);
    }
    return 0;
}
