#include "codec/tone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/err.h"
#include "codec/g711.h"

static void assert_near(double got, double want, double by)
{
    if (got < want - by || got > want + by)
        fail_msg("%f is not %f +- %f", got, want, by);
}

static struct tone_heard hear(const int16_t *pcm, size_t n)
{
    static struct tone_meter m;
    struct tone_heard h;
    tone_meter_init(&m);
    /* In odd pieces, as a network brings it. */
    for (size_t i = 0; i < n; i += 157)
        tone_meter_add(&m, pcm + i, n - i < 157 ? n - i : 157);
    tone_meter_result(&m, &h);
    return h;
}

static void test_frequencies_and_levels(void **state)
{
    (void)state;
    static const double hz[] = {60, 350, 697, 1000, 1004, 1005, 1477, 2600, 3401.5, 3800};
    static const double level[] = {0, -3.15, -13.15, -30, -60};
    static int16_t pcm[8000];
    for (size_t i = 0; i < ARRAY_LEN(hz); i++) {
        for (size_t k = 0; k < ARRAY_LEN(level); k++) {
            tone_sine(hz[i], level[k], pcm, ARRAY_LEN(pcm));
            struct tone_heard h = hear(pcm, ARRAY_LEN(pcm));
            assert_near(h.tone_hz, hz[i], 1.5);
            assert_near(h.rms_dbfs, level[k], 0.1);
        }
    }
}

static void test_through_g711(void **state)
{
    (void)state;
    static int16_t pcm[8000];
    static uint8_t line[8000];
    for (unsigned law = G711_ULAW; law <= G711_ALAW; law++) {
        tone_sine(1004, TONE_DBM0_DBFS - 10, pcm, ARRAY_LEN(pcm));
        g711_encode((enum g711_law)law, pcm, ARRAY_LEN(pcm), line);
        g711_decode((enum g711_law)law, line, ARRAY_LEN(pcm), pcm);
        struct tone_heard h = hear(pcm, ARRAY_LEN(pcm));
        assert_near(h.tone_hz, 1004, 1);
        assert_near(h.rms_dbfs, -13.15, 0.1);
    }
}

static void test_no_tone(void **state)
{
    (void)state;
    static int16_t pcm[8000];
    struct tone_heard h = hear(pcm, 0);
    assert_true(h.tone_hz == 0 && h.rms_dbfs == TONE_SILENCE_DBFS);
    h = hear(pcm, ARRAY_LEN(pcm)); /* digital silence */
    assert_true(h.tone_hz == 0 && h.rms_dbfs == TONE_SILENCE_DBFS);
    uint32_t x = 1;
    for (size_t i = 0; i < ARRAY_LEN(pcm); i++) {
        x = x * 1664525 + 1013904223;
        pcm[i] = (int16_t)(x >> 18);
    }
    assert_true(hear(pcm, ARRAY_LEN(pcm)).tone_hz == 0);
    tone_sine(440, -10, pcm, TONE_FRAME - 1); /* too short to tell */
    assert_true(hear(pcm, TONE_FRAME - 1).tone_hz == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frequencies_and_levels),
        cmocka_unit_test(test_through_g711),
        cmocka_unit_test(test_no_tone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
