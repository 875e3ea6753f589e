#include "codec/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "codec/resample.h"
#include "codec/tone.h"

/* A tone goes through encoder and decoder in frames; `lose`: every n-th frame never arrives. */
struct trip {
    const char *name;
    uint32_t clock, rate, ms;
    uint8_t channels;
    unsigned lose;
    bool fec;
};

static void assert_tone(const struct tone_meter *m, double hz, double dbfs, double by_db)
{
    struct tone_heard h;
    tone_meter_result(m, &h);
    if (h.tone_hz < hz - 3 || h.tone_hz > hz + 3 || h.rms_dbfs < dbfs - by_db ||
        h.rms_dbfs > dbfs + by_db)
        fail_msg("heard %.1f Hz at %.1f dBFS, not %.0f Hz at %.1f", h.tone_hz, h.rms_dbfs, hz,
                 dbfs);
}

static void hear(struct tone_meter *m, struct resampler *down, const int16_t *pcm, size_t n)
{
    int16_t narrow[CODEC_SAMPLES_MAX];
    if (down) {
        n = resampler_run(down, pcm, n, narrow, ARRAY_LEN(narrow));
        pcm = narrow;
    }
    tone_meter_add(m, pcm, n);
}

static void run(const struct trip *t, double hz)
{
    static int16_t said[2 * CODEC_RATE_MAX], pcm[CODEC_SAMPLES_MAX];
    static struct tone_meter m;
    uint8_t line[CODEC_PAYLOAD_MAX];
    struct codec_setup s = {.rate = t->rate};
    struct codec_encoder *e = NULL;
    struct codec_decoder *d = NULL;
    struct resampler *down = NULL;
    unsigned lost = 0;

    assert_true(codec_format_of(t->name, t->clock, t->channels, &s.format));
    s.format.fec = t->fec;
    assert_int_equal(codec_encoder_new(&s, &e), 0);
    assert_int_equal(codec_decoder_new(&s, &d), 0);
    if (t->rate != TONE_RATE)
        assert_int_equal(resampler_new(t->rate, TONE_RATE, &down), 0);
    size_t n = (size_t)t->rate * t->ms / 1000, all = (size_t)t->rate * 2;
    tone_sine_at(t->rate, hz, -12, said, all);
    tone_meter_init(&m);
    for (size_t at = 0, i = 1; at + n <= all; at += n, i++) {
        int len = codec_encode(e, said + at, n, line, sizeof(line));
        assert_true(len > 0);
        if (t->lose && i % t->lose == 0) {
            lost++;
            continue;
        }
        if (lost) {
            codec_conceal(d, slice_from(line, (size_t)len), pcm, n);
            hear(&m, down, pcm, n);
            lost = 0;
        }
        assert_int_equal(codec_decode(d, slice_from(line, (size_t)len), pcm, ARRAY_LEN(pcm)), n);
        hear(&m, down, pcm, n);
    }
    assert_tone(&m, hz, -12, t->lose ? 2.5 : 1.5);
    codec_encoder_free(e);
    codec_decoder_free(d);
    resampler_free(down);
}

static void test_tones(void **state)
{
    (void)state;
    static const struct trip trips[] = {
        {"PCMU", 8000, 8000, 20, 1, 0, false},   {"PCMA", 8000, 8000, 60, 1, 0, false},
        {"G722", 8000, 16000, 20, 1, 0, false},  {"G722", 8000, 8000, 30, 1, 0, false},
        {"OPUS", 48000, 8000, 20, 2, 0, false},  {"OPUS", 48000, 16000, 10, 2, 0, false},
        {"OPUS", 48000, 48000, 20, 2, 0, true},  {"OPUS", 48000, 8000, 60, 1, 0, false},
        {"OPUS", 48000, 16000, 120, 2, 0, true}, {"L16", 8000, 8000, 20, 1, 0, false},
        {"L16", 16000, 16000, 20, 2, 0, false},  {"L16", 44100, 44100, 10, 1, 0, false},
        {"PCMU", 8000, 8000, 20, 1, 20, false},  {"G722", 8000, 16000, 20, 1, 20, false},
        {"OPUS", 48000, 16000, 20, 2, 20, true}, {"OPUS", 48000, 8000, 40, 2, 20, true},
        {"L16", 16000, 16000, 20, 1, 20, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(trips); i++) {
        print_message("%s at %u Hz, %u ms%s\n", trips[i].name, trips[i].rate, trips[i].ms,
                      trips[i].lose ? ", 5 % lost" : "");
        run(&trips[i], 440);
        run(&trips[i], 1000);
    }
}

static void test_what_is_no_codec(void **state)
{
    (void)state;
    struct codec_format f;
    assert_false(codec_format_of("G729", 8000, 1, &f));
    assert_false(codec_format_of("TELEPHONE-EVENT", 8000, 1, &f));
    assert_false(codec_format_of("PCMU", 16000, 1, &f));
    assert_false(codec_format_of("PCMA", 8000, 2, &f));
    assert_false(codec_format_of("L16", 12345, 1, &f));
    assert_false(codec_format_of("L16", 8000, 3, &f));
    assert_false(codec_format_of("OPUS", 8000, 2, &f));
    assert_true(codec_format_of("OPUS", 48000, 0, &f));
    assert_int_equal(f.channels, 1);
}

static void test_rates(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        uint32_t a_clock, b_clock, a_rate, b_rate;
    } rows[] = {
        {"PCMU", "OPUS", 8000, 48000, 8000, 8000},   {"OPUS", "G722", 48000, 8000, 16000, 16000},
        {"G722", "PCMA", 8000, 8000, 8000, 8000},    {"L16", "OPUS", 44100, 48000, 44100, 48000},
        {"L16", "PCMA", 16000, 8000, 16000, 8000},   {"L16", "G722", 44100, 8000, 44100, 16000},
        {"OPUS", "L16", 48000, 16000, 16000, 16000},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct codec_format a, b;
        uint32_t x, y;
        assert_true(codec_format_of(rows[i].a, rows[i].a_clock, 1, &a));
        assert_true(codec_format_of(rows[i].b, rows[i].b_clock, 1, &b));
        codec_rates(&a, &b, &x, &y);
        assert_int_equal(x, rows[i].a_rate);
        assert_int_equal(y, rows[i].b_rate);
    }
}

static void test_packet_times(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t clock, wanted, ms;
        uint8_t channels;
    } rows[] = {
        {"PCMU", 8000, 0, 20, 1},   {"PCMU", 8000, 10, 10, 1},    {"PCMU", 8000, 35, 30, 1},
        {"PCMU", 8000, 120, 60, 1}, {"PCMU", 8000, 3, 10, 1},     {"OPUS", 48000, 30, 20, 2},
        {"OPUS", 48000, 60, 60, 2}, {"OPUS", 48000, 500, 120, 2}, {"L16", 44100, 20, 10, 1},
        {"L16", 8000, 60, 60, 1},   {"L16", 16000, 60, 40, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct codec_format f;
        assert_true(codec_format_of(rows[i].name, rows[i].clock, rows[i].channels, &f));
        assert_int_equal(codec_frame_ms(&f, rows[i].wanted), rows[i].ms);
    }
}

static void test_bad_payloads(void **state)
{
    (void)state;
    static const struct {
        const char *name, *payload;
        uint32_t clock;
        size_t n;
    } rows[] = {
        {"PCMU", "", 8000, 0},      {"L16", "abc", 8000, 3},
        {"OPUS", "\xff", 48000, 1}, {"OPUS", "\xff\xff\xff", 48000, 3},
        {"G722", "", 8000, 0},      {"OPUS", "", 48000, 0},
    };
    static int16_t pcm[CODEC_SAMPLES_MAX];
    static char long_one[CODEC_PAYLOAD_MAX + 1];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct codec_setup s = {.rate = 8000};
        struct codec_decoder *d = NULL;
        assert_true(codec_format_of(rows[i].name, rows[i].clock, 1, &s.format));
        assert_int_equal(codec_decoder_new(&s, &d), 0);
        assert_true(codec_decode(d, slice_from(rows[i].payload, rows[i].n), pcm, ARRAY_LEN(pcm)) <
                    0);
        assert_true(codec_decode(d, slice_from(long_one, sizeof(long_one)), pcm, ARRAY_LEN(pcm)) <
                    0);
        assert_true(codec_decode(d, slice_from(long_one, 400), pcm, 8) < 0);
        codec_conceal(d, SLICE_NONE, pcm, ARRAY_LEN(pcm)); /* before anything was heard */
        codec_conceal(d, slice_from(long_one, 200), pcm, 1);
        codec_decoder_free(d);
    }
}

/* RFC 7587 s.3.1.3: a frame of one or two bytes is what DTX sends. */
static void test_dtx(void **state)
{
    (void)state;
    struct codec_setup s = {.rate = 16000};
    struct codec_decoder *d = NULL;
    int16_t pcm[CODEC_SAMPLES_MAX];
    assert_true(codec_format_of("OPUS", 48000, 2, &s.format));
    assert_int_equal(codec_decoder_new(&s, &d), 0);
    assert_int_equal(codec_decode(d, slice_from("\x48", 1), pcm, ARRAY_LEN(pcm)), 320);
    codec_decoder_free(d);
}

static void test_no_room(void **state)
{
    (void)state;
    struct codec_setup s = {.rate = 8000};
    struct codec_encoder *e = NULL;
    int16_t pcm[160] = {0};
    uint8_t out[159];
    assert_true(codec_format_of("PCMA", 8000, 1, &s.format));
    assert_int_equal(codec_encoder_new(&s, &e), 0);
    assert_int_equal(codec_encode(e, pcm, 160, out, sizeof(out)), -ENOSPC);
    assert_int_equal(codec_encode(e, pcm, 159, out, sizeof(out)), 159);
    codec_encoder_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tones),        cmocka_unit_test(test_what_is_no_codec),
        cmocka_unit_test(test_rates),        cmocka_unit_test(test_packet_times),
        cmocka_unit_test(test_bad_payloads), cmocka_unit_test(test_dtx),
        cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
