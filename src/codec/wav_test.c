#include "codec/wav.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

#include "codec/g711.h"
#include "codec/tone.h"

static uint8_t file[200000];

static void le(uint8_t *p, uint32_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

/* A file of some other format; returns where its data begin. */
static size_t make(uint16_t tag, uint16_t channels, uint32_t rate, uint16_t bits, uint32_t data_n)
{
    wav_header(0, file);
    le(file + 20, tag, 2);
    le(file + 22, channels, 2);
    le(file + 24, rate, 4);
    le(file + 34, bits, 2);
    le(file + 40, data_n, 4);
    return WAV_HEADER_LEN;
}

static void test_round_trip(void **state)
{
    (void)state;
    int16_t pcm[1000], back[1001];
    struct wav w;
    tone_sine(440, -6, pcm, 1000);
    wav_header(1000, file);
    wav_samples_put(pcm, 1000, file + WAV_HEADER_LEN);
    assert_int_equal(wav_parse(slice_from(file, WAV_HEADER_LEN + 2000), &w), WAV_OK);
    assert_int_equal(w.samples, 1000);
    assert_int_equal(wav_read(&w, 0, back, 1001), 1000);
    assert_memory_equal(back, pcm, sizeof(pcm));
    assert_int_equal(wav_read(&w, 990, back, 100), 10);
    assert_int_equal(back[9], pcm[999]);
    assert_int_equal(wav_read(&w, 1000, back, 1), 0);
    assert_int_equal(wav_read(&w, UINT32_MAX, back, 1), 0);
    /* Cut short: what is there counts. */
    assert_int_equal(wav_parse(slice_from(file, WAV_HEADER_LEN + 7), &w), WAV_OK);
    assert_int_equal(w.samples, 3);
}

static double level_of_wide(double hz)
{
    static int16_t wide[32000], out[16000];
    static struct tone_meter m;
    struct tone_heard h;
    struct wav w;
    /* A sine of hz at 16 kHz is one of hz/2 as the generator counts. */
    tone_sine(hz / 2, -10, wide, 32000);
    size_t at = make(1, 1, 16000, 16, 64000);
    wav_samples_put(wide, 32000, file + at);
    assert_int_equal(wav_parse(slice_from(file, at + 64000), &w), WAV_OK);
    assert_int_equal(w.samples, 16000);
    assert_int_equal(wav_read(&w, 0, out, 16000), 16000);
    tone_meter_init(&m);
    tone_meter_add(&m, out + 100, 15800);
    tone_meter_result(&m, &h);
    if (hz < 3500)
        assert_true(h.tone_hz > hz - 2 && h.tone_hz < hz + 2);
    return h.rms_dbfs;
}

static void test_16_khz_is_filtered(void **state)
{
    (void)state;
    assert_true(level_of_wide(1004) > -10.2 && level_of_wide(1004) < -9.8);
    assert_true(level_of_wide(3000) > -10.6);
    assert_true(level_of_wide(5200) < -45); /* would be heard at 2,800 Hz */
    assert_true(level_of_wide(7000) < -45);
}

static void test_g711_and_stereo(void **state)
{
    (void)state;
    struct wav w;
    int16_t out[4];
    for (uint16_t tag = 6; tag <= 7; tag++) {
        enum g711_law law = tag == 6 ? G711_ALAW : G711_ULAW;
        size_t at = make(tag, 2, 8000, 8, 4);
        file[at] = g711_from_linear(law, 8000);
        file[at + 1] = g711_from_linear(law, 8000);
        file[at + 2] = g711_from_linear(law, 8000);
        file[at + 3] = g711_from_linear(law, -8000);
        assert_int_equal(wav_parse(slice_from(file, at + 4), &w), WAV_OK);
        assert_int_equal(wav_read(&w, 0, out, 4), 2);
        assert_int_equal(out[0], g711_to_linear(law, file[at]));
        assert_true(out[1] > -200 && out[1] < 200);
    }
}

static void test_what_is_refused(void **state)
{
    (void)state;
    struct wav w;
    static const struct {
        uint16_t tag, channels;
        uint32_t rate;
        uint16_t bits;
        int verdict;
    } rows[] = {
        {1, 1, 8000, 16, WAV_OK},           {1, 2, 16000, 16, WAV_OK},
        {1, 3, 8000, 16, WAV_UNSUPPORTED},  {1, 0, 8000, 16, WAV_UNSUPPORTED},
        {1, 1, 44100, 16, WAV_UNSUPPORTED}, {1, 1, 8000, 8, WAV_UNSUPPORTED},
        {3, 1, 8000, 32, WAV_UNSUPPORTED},  {6, 1, 8000, 16, WAV_UNSUPPORTED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t at = make(rows[i].tag, rows[i].channels, rows[i].rate, rows[i].bits, 8);
        assert_int_equal(wav_parse(slice_from(file, at + 8), &w), rows[i].verdict);
    }
    make(1, 1, 8000, 16, 8);
    for (size_t n = 0; n < WAV_HEADER_LEN; n++)
        assert_int_equal(wav_parse(slice_from(file, n), &w), WAV_NOT_WAV);
    assert_int_equal(wav_parse(slice_from(file, WAV_FILE_MAX + 1u), &w), WAV_TOO_LARGE);
}

static void test_chunks(void **state)
{
    (void)state;
    struct wav w;
    for (unsigned more = WAV_CHUNKS_MAX - 2; more <= WAV_CHUNKS_MAX - 1; more++) {
        wav_header(2, file);
        uint8_t data[12];
        memcpy(data, file + 36, 8);
        memset(data + 8, 1, 4);
        size_t at = 36;
        for (unsigned i = 0; i < more; i++, at += 10) {
            memcpy(file + at, "LIST\1\0\0\0x", 10); /* odd: one byte of padding */
        }
        memcpy(file + at, data, 12);
        int want = more == WAV_CHUNKS_MAX - 2 ? WAV_OK : WAV_TOO_LARGE;
        assert_int_equal(wav_parse(slice_from(file, at + 12), &w), want);
        assert_true(want != WAV_OK || w.samples == 2);
    }
    le(file + 40, UINT32_MAX, 4); /* a chunk that says it is larger than all */
    assert_int_equal(wav_parse(slice_from(file, 100), &w), WAV_NOT_WAV);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),      cmocka_unit_test(test_16_khz_is_filtered),
        cmocka_unit_test(test_g711_and_stereo), cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
