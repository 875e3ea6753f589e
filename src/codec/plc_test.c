#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

#include "codec/plc.h"
#include "codec/tone.h"

static struct codec_plc p;

static double power(const int16_t *pcm, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)pcm[i] * pcm[i];
    return sum / (double)n;
}

static void a_tone_goes_on_and_fades(void **state)
{
    (void)state;
    static const uint32_t rates[] = {8000, 16000, 44100, 48000};
    static int16_t pcm[48 * 200], more[48 * 20];
    for (size_t r = 0; r < ARRAY_LEN(rates); r++) {
        uint32_t rate = rates[r], frame = rate / 50;
        codec_plc_init(&p, rate);
        tone_sine_at(rate, 200, -6, pcm, rate / 5);
        for (uint32_t i = 0; i + frame <= rate / 5; i += frame)
            codec_plc_take(&p, pcm + i, frame);
        double loud = power(pcm, frame);
        codec_plc_fill(&p, more, frame);
        double first = power(more, frame);
        /* No click: no step is larger than the tone's own steepest. */
        int step = 0;
        for (uint32_t i = 1; i < frame; i++)
            step = abs(more[i] - more[i - 1]) > step ? abs(more[i] - more[i - 1]) : step;
        assert_true(step < 4 * (int)(16400.0 * 6.2832 * 200 / rate));
        assert_true(first > loud / 3 && first < loud);
        codec_plc_fill(&p, more, frame);
        assert_true(power(more, frame) < first);
        codec_plc_fill(&p, more, frame);
        codec_plc_fill(&p, more, frame);
        assert_true(power(more, frame) == 0); /* 60 ms and more */
    }
}

static void before_anything_came_there_is_silence(void **state)
{
    (void)state;
    int16_t out[160] = {1};
    codec_plc_init(&p, 8000);
    codec_plc_fill(&p, out, ARRAY_LEN(out));
    assert_true(power(out, ARRAY_LEN(out)) == 0);
}

static void what_comes_again_is_blended(void **state)
{
    (void)state;
    static int16_t pcm[1600], loud[160];
    codec_plc_init(&p, 8000);
    tone_sine_at(8000, 300, -6, pcm, ARRAY_LEN(pcm));
    for (size_t i = 0; i < ARRAY_LEN(pcm); i += 160)
        codec_plc_take(&p, pcm + i, 160);
    codec_plc_fill(&p, loud, 160);
    int16_t last = loud[159];
    for (size_t i = 0; i < 160; i++)
        loud[i] = 20000;
    codec_plc_take(&p, loud, 160);
    assert_true(abs(loud[0] - last) < 6000);
    assert_int_equal(loud[159], 20000);
}

static void any_length_and_any_sound(void **state)
{
    (void)state;
    static int16_t pcm[5760];
    codec_plc_init(&p, 48000);
    for (size_t n = 1; n < ARRAY_LEN(pcm); n += 517) {
        for (size_t i = 0; i < n; i++)
            pcm[i] = (int16_t)((i * 7919 + n) % 65536 - 32768);
        codec_plc_take(&p, pcm, n);
        codec_plc_fill(&p, pcm, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tone_goes_on_and_fades),
        cmocka_unit_test(before_anything_came_there_is_silence),
        cmocka_unit_test(what_comes_again_is_blended),
        cmocka_unit_test(any_length_and_any_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
