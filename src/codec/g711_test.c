#include "codec/g711.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/err.h"

/* Tables 1a and 2a of G.711: character signal (as on the line) and its decoder output value; the
 * table's values are of 13 (A) and 14 (µ) bits: here shifted to 16. */
static void test_itu_decoder_values(void **state)
{
    (void)state;
    static const struct {
        enum g711_law law;
        uint8_t code;
        int value;
    } rows[] = {
        {G711_ULAW, 0x80, 8031 * 4},
        {G711_ULAW, 0x8f, 4191 * 4},
        {G711_ULAW, 0x9f, 2079 * 4},
        {G711_ULAW, 0xaf, 1023 * 4},
        {G711_ULAW, 0xbf, 495 * 4},
        {G711_ULAW, 0xcf, 231 * 4},
        {G711_ULAW, 0xdf, 99 * 4},
        {G711_ULAW, 0xef, 33 * 4},
        {G711_ULAW, 0xfe, 2 * 4},
        {G711_ULAW, 0xff, 0},
        {G711_ULAW, 0x7f, 0},
        {G711_ULAW, 0x7e, -2 * 4},
        {G711_ULAW, 0x00, -8031 * 4},
        {G711_ULAW, 0x02, -7519 * 4},
        /* A-law: 4032 = top of segment 7, 2112 its first, …, 1 the least */
        {G711_ALAW, 0xaa, 4032 * 8},
        {G711_ALAW, 0xa5, 2112 * 8},
        {G711_ALAW, 0xb5, 1056 * 8},
        {G711_ALAW, 0x85, 528 * 8},
        {G711_ALAW, 0x95, 264 * 8},
        {G711_ALAW, 0xe5, 132 * 8},
        {G711_ALAW, 0xf5, 66 * 8},
        {G711_ALAW, 0xd5, 1 * 8},
        {G711_ALAW, 0x55, -1 * 8},
        {G711_ALAW, 0x2a, -4032 * 8},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(g711_to_linear(rows[i].law, rows[i].code), rows[i].value);
}

/* The periodic sequence of a 1 kHz sine at 0 dBm0 (G.711 tables 5 and 6). */
static void test_itu_sine(void **state)
{
    (void)state;
    static const uint8_t a[8] = {0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4};
    static const uint8_t u[8] = {0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e};
    int16_t pcm[8];
    g711_decode(G711_ALAW, a, 8, pcm);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pcm[i], -pcm[i + 4]);
    uint8_t back[8];
    g711_encode(G711_ALAW, pcm, 8, back);
    assert_memory_equal(back, a, 8);
    g711_encode(G711_ULAW, pcm, 8, back);
    assert_memory_equal(back, u, 8);
}

static void test_every_code_comes_back(void **state)
{
    (void)state;
    for (unsigned law = G711_ULAW; law <= G711_ALAW; law++) {
        for (unsigned code = 0; code < 256; code++) {
            /* µ-law has two zeros; the negative one is not made again. */
            unsigned want = law == G711_ULAW && code == 0x7f ? 0xff : code;
            int16_t v = g711_to_linear((enum g711_law)law, (uint8_t)code);
            assert_int_equal(g711_from_linear((enum g711_law)law, v), want);
        }
    }
}

static void test_every_sample_is_near(void **state)
{
    (void)state;
    for (unsigned law = G711_ULAW; law <= G711_ALAW; law++) {
        int last = INT16_MIN;
        for (int v = INT16_MIN; v <= INT16_MAX; v++) {
            int out = g711_to_linear((enum g711_law)law,
                                     g711_from_linear((enum g711_law)law, (int16_t)v));
            int err = out > v ? out - v : v - out;
            int mag = v < 0 ? -v : v;
            assert_true(out >= last); /* monotonic */
            assert_true(err <= mag / 32 + 16 || mag > 32000);
            last = out;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_itu_decoder_values),
        cmocka_unit_test(test_itu_sine),
        cmocka_unit_test(test_every_code_comes_back),
        cmocka_unit_test(test_every_sample_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
