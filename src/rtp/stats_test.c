#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rtp/stats.h"

/* A packet each 20 ms at 8 kHz, arriving as sent. */
static void hear(struct rtp_stats *s, uint32_t i)
{
    rtp_stats_add(s, 1, (uint16_t)i, i * 160, i * 160 + 5000);
}

static void loss_through_wraps(void **state)
{
    struct rtp_stats s = {0};
    uint32_t lost = 0;

    (void)state;
    assert_int_equal(rtp_stats_lost(&s), 0);
    for (uint32_t i = 65000; i < 65000 + 3 * 65536; i++) {
        if (i % 10 == 3)
            lost++;
        else
            hear(&s, i);
    }
    assert_int_equal(rtp_stats_lost(&s), lost);
    assert_int_equal(rtp_stats_max(&s), 65000 + 3 * 65536 - 1);
    assert_int_equal(rtp_stats_fraction(&s), 25);
    assert_int_equal(rtp_stats_fraction(&s), 0);
    assert_int_equal(rtp_stats_jitter(&s), 0);
    hear(&s, 65000 + 3 * 65536 + 1); /* one of two */
    assert_int_equal(rtp_stats_fraction(&s), 128);
    hear(&s, 65000 + 3 * 65536 + 1); /* a duplicate: more than expected */
    assert_int_equal(rtp_stats_fraction(&s), 0);
}

static void reordering_is_no_loss(void **state)
{
    struct rtp_stats s = {0};

    (void)state;
    for (uint32_t i = 65530; i < 65630; i += 2) {
        hear(&s, i + 1);
        hear(&s, i);
    }
    assert_int_equal(rtp_stats_lost(&s), -1); /* the very first came after the second */
    assert_int_equal(rtp_stats_max(&s), 65629);
}

static void a_jump_needs_a_second_packet(void **state)
{
    struct rtp_stats s = {0};

    (void)state;
    for (uint32_t i = 0; i < 100; i++)
        hear(&s, i);
    hear(&s, 20000);
    assert_int_equal(rtp_stats_max(&s), 99);
    hear(&s, 100);
    hear(&s, 30000);
    hear(&s, 30001);
    hear(&s, 30003);
    assert_int_equal(rtp_stats_max(&s), 30003);
    assert_int_equal(rtp_stats_lost(&s), 1);
}

static void loss_outlives_the_ssrc(void **state)
{
    struct rtp_stats s = {0};

    (void)state;
    hear(&s, 1);
    hear(&s, 5);
    rtp_stats_add(&s, 2, 40000, 0, 0);
    rtp_stats_add(&s, 2, 40002, 320, 320);
    assert_int_equal(rtp_stats_lost(&s), 4);
    assert_int_equal(s.ssrc, 2);
}

/* RFC 3550 A.8: a constant deviation of 16 units is reached within a unit. */
static void jitter_converges(void **state)
{
    struct rtp_stats s = {0};

    (void)state;
    for (uint32_t i = 0; i < 200; i++)
        rtp_stats_add(&s, 1, (uint16_t)i, i * 160, i * 160 + i % 2 * 16);
    assert_in_range(rtp_stats_jitter(&s), 15, 16);
    rtp_stats_add(&s, 1, 200, 0x80000000, 5); /* a new clock is not jitter */
    assert_in_range(rtp_stats_jitter(&s), 15, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_through_wraps),
        cmocka_unit_test(reordering_is_no_loss),
        cmocka_unit_test(a_jump_needs_a_second_packet),
        cmocka_unit_test(loss_outlives_the_ssrc),
        cmocka_unit_test(jitter_converges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
