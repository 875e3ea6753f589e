#include "codec/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void one_digit(void **state)
{
    struct codec_event_tx tx = {0};
    struct codec_event_packet p = {0};
    unsigned ends = 0, packets = 0, firsts = 0, frames = 0;
    struct codec_event e = {0};

    (void)state;
    assert_int_equal(codec_event_add(&tx, 11, 0), 0);
    while (codec_event_is_busy(&tx)) {
        frames++;
        if (!codec_event_next(&tx, 160, &p))
            continue;
        packets++;
        firsts += p.first;
        assert_true(codec_event_parse(slice_from(p.payload, sizeof(p.payload)), &e));
        ends += e.end;
        assert_int_equal(codec_event_digit(e.event), '#'); /* RFC 4733 table 3 */
        assert_int_equal(e.volume, CODEC_EVENT_VOLUME);
    }
    assert_int_equal(firsts, 1);
    assert_int_equal(ends, CODEC_EVENT_END_REPEATS);
    assert_int_equal(packets, CODEC_EVENT_FRAMES + CODEC_EVENT_END_REPEATS - 1);
    assert_int_equal(frames, packets + CODEC_EVENT_PAUSE);
    assert_int_equal(e.duration, CODEC_EVENT_FRAMES * 160);
    assert_false(codec_event_next(&tx, 160, &p));
}

static void limits(void **state)
{
    struct codec_event_tx tx = {0};
    struct codec_event_packet p;
    struct codec_event e = {0};

    (void)state;
    for (size_t i = 0; i < CODEC_EVENT_QUEUE_MAX; i++)
        assert_int_equal(codec_event_add(&tx, 1, 1000), 0);
    assert_int_equal(codec_event_add(&tx, 1, 0), -ENOBUFS);
    for (unsigned i = 0; i < CODEC_EVENT_FRAMES_MAX; i++) {
        assert_true(codec_event_next(&tx, 960, &p));
        assert_true(codec_event_parse(slice_from(p.payload, sizeof(p.payload)), &e));
        assert_int_equal(e.end, i + 1 == CODEC_EVENT_FRAMES_MAX);
    }
    assert_int_equal(e.duration, 0xffff); /* never wraps */
    tx.at = tx.count;
    assert_int_equal(codec_event_add(&tx, 1, 0), 0);
}

static void names(void **state)
{
    (void)state;
    assert_int_equal(codec_event_digit(15), 'D');
    assert_int_equal(codec_event_digit(16), '\0'); /* flash */
    assert_int_equal(codec_event_of('d'), 15);
    assert_int_equal(codec_event_of('*'), 10);
    assert_int_equal(codec_event_of('e'), -1);
    assert_int_equal(codec_event_of('\0'), -1);
}

struct heard {
    uint32_t ts;
    uint8_t event;
    uint16_t duration;
    bool end;
    enum codec_event_news news;
    uint32_t more;
};

static void hear(const struct heard *rows, size_t n)
{
    struct codec_event_rx rx = {0};
    for (size_t i = 0; i < n; i++) {
        struct codec_event e = {
            .event = rows[i].event, .duration = rows[i].duration, .end = rows[i].end};
        uint32_t more = 99;
        int news = (int)codec_event_take(&rx, rows[i].ts, &e, &more);
        if (news != (int)rows[i].news || more != rows[i].more)
            fail_msg("row %zu: news %d, %u more", i, news, more);
    }
}

static void what_a_network_does(void **state)
{
    (void)state;
    static const struct heard whole[] = {
        {100, 5, 160, false, CODEC_EVENT_NEW, 160},  {100, 5, 320, false, CODEC_EVENT_GREW, 160},
        {100, 5, 480, true, CODEC_EVENT_ENDED, 160}, {100, 5, 480, true, CODEC_EVENT_OLD, 0},
        {100, 5, 480, true, CODEC_EVENT_OLD, 0},     {900, 5, 160, false, CODEC_EVENT_NEW, 160},
        {900, 5, 160, false, CODEC_EVENT_OLD, 0},    {900, 5, 480, false, CODEC_EVENT_GREW, 320},
        {100, 5, 480, true, CODEC_EVENT_OLD, 0},  /* far too late */
        {900, 5, 320, false, CODEC_EVENT_OLD, 0}, /* out of order */
        {900, 6, 640, false, CODEC_EVENT_OLD, 0}, /* no event changes into another */
    };
    static const struct heard ends_only[] = {
        {100, 5, 480, true, CODEC_EVENT_NEW, 480},
        {100, 5, 480, true, CODEC_EVENT_OLD, 0},
        {0x80000064u, 5, 480, true, CODEC_EVENT_OLD, 0}, /* half the numbers away: behind */
    };
    static const struct heard no_end[] = {
        {0xffffff00u, 1, 160, false, CODEC_EVENT_NEW, 160},
        {0x00000100u, 1, 160, false, CODEC_EVENT_NEW, 160},
    };
    static const struct heard segments[] = {
        /* s.2.5.1.3 */
        {100, 1, 0xffff, false, CODEC_EVENT_NEW, 0xffff},
        {100 + 0xffff, 1, 160, false, CODEC_EVENT_GREW, 160},
        {100 + 0xffff, 1, 320, true, CODEC_EVENT_ENDED, 160},
    };
    hear(whole, ARRAY_LEN(whole));
    hear(ends_only, ARRAY_LEN(ends_only));
    hear(no_end, ARRAY_LEN(no_end));
    hear(segments, ARRAY_LEN(segments));
}

static void payloads(void **state)
{
    (void)state;
    struct codec_event e;
    uint8_t out[CODEC_EVENT_LEN];
    assert_false(codec_event_parse(slice_from("\x05\x0a\x00", 3), &e));
    assert_false(codec_event_parse(SLICE_NONE, &e));
    assert_true(codec_event_parse(slice_from("\x0f\xca\x01\xa0", 4), &e));
    assert_int_equal(e.event, 15);
    assert_int_equal(e.volume, 10); /* the reserved bit is left out */
    assert_true(e.end);
    assert_int_equal(e.duration, 0x1a0);
    codec_event_put(&e, out);
    assert_memory_equal(out, "\x0f\x8a\x01\xa0", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_digit),           cmocka_unit_test(limits),   cmocka_unit_test(names),
        cmocka_unit_test(what_a_network_does), cmocka_unit_test(payloads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
