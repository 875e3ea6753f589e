#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rtp/index.h"

#define A 0xaaaaaaaau
#define B 0xbbbbbbbbu

/* As a stream uses it: estimate, check, (authenticate,) commit. */
static enum rtp_rx_verdict hear(struct rtp_rx t, uint32_t ssrc, uint64_t sent)
{
    uint64_t index = rtp_rx_estimate(t, ssrc, (uint16_t)sent);
    enum rtp_rx_verdict v = rtp_rx_check(t, ssrc, index);

    assert_int_equal(index, sent);
    if (v == RTP_RX_NEW)
        rtp_rx_commit(t, ssrc, index);
    return v;
}

/* From 65,000 through three wraps, with each fourth packet late and each seventh lost. */
static void wraps_with_reordering(void **state)
{
    struct rtp_rx_whole t = {0};

    (void)state;
    for (uint64_t i = 65000; i < 65000 + 3 * 65536; i += 4) {
        assert_int_equal(hear(rtp_rx_of(&t), A, i), RTP_RX_NEW);
        assert_int_equal(hear(rtp_rx_of(&t), A, i + 2), RTP_RX_NEW);
        if (i % 7)
            assert_int_equal(hear(rtp_rx_of(&t), A, i + 3), RTP_RX_NEW);
        assert_int_equal(hear(rtp_rx_of(&t), A, i + 1), RTP_RX_NEW);
        assert_int_equal(hear(rtp_rx_of(&t), A, i), RTP_RX_REPLAYED);
        assert_int_equal(hear(rtp_rx_of(&t), A, i + 1), RTP_RX_REPLAYED);
    }
    assert_int_equal(rtp_rx_estimate(rtp_rx_of(&t), A, 65000) >> 16, 3);
}

static void reordering_across_the_wrap(void **state)
{
    struct rtp_rx_whole t = {0};

    (void)state;
    assert_int_equal(hear(rtp_rx_of(&t), A, 65530), RTP_RX_NEW);
    assert_int_equal(hear(rtp_rx_of(&t), A, 65536 + 3), RTP_RX_NEW);
    assert_int_equal(hear(rtp_rx_of(&t), A, 65535), RTP_RX_NEW);
    assert_int_equal(hear(rtp_rx_of(&t), A, 65536), RTP_RX_NEW);
    assert_int_equal(hear(rtp_rx_of(&t), A, 65535), RTP_RX_REPLAYED);
    assert_int_equal(hear(rtp_rx_of(&t), A, 65530), RTP_RX_REPLAYED);
}

/* Every distance, in and one past the window. */
static void window_edges(void **state)
{
    (void)state;
    for (uint64_t by = 1; by <= 2 * RTP_RX_WINDOW; by++) {
        struct rtp_rx_whole t = {0};

        rtp_rx_commit(rtp_rx_of(&t), A, 1000);
        rtp_rx_commit(rtp_rx_of(&t), A, 998);
        rtp_rx_commit(rtp_rx_of(&t), A, 1000 + by);
        for (uint64_t i = 900; i <= 1000 + by; i++) {
            bool came = i == 998 || i == 1000 || i == 1000 + by;
            bool old = 1000 + by - i >= RTP_RX_WINDOW;

            assert_int_equal(rtp_rx_check(rtp_rx_of(&t), A, i), old    ? RTP_RX_OLD
                                                                : came ? RTP_RX_REPLAYED
                                                                       : RTP_RX_NEW);
        }
        assert_int_equal(rtp_rx_check(rtp_rx_of(&t), A, 1001 + by), RTP_RX_NEW);
    }
}

/* A check changes nothing: a forged packet with a far number does not move the window. */
static void checks_do_not_commit(void **state)
{
    struct rtp_rx_whole t = {0}, before;
    uint64_t guesses[RTP_RX_GUESSES];

    (void)state;
    assert_int_equal(hear(rtp_rx_of(&t), A, 100), RTP_RX_NEW);
    before = t;
    for (uint32_t seq = 0; seq <= 65535; seq++) {
        (void)rtp_rx_check(rtp_rx_of(&t), A, rtp_rx_estimate(rtp_rx_of(&t), A, (uint16_t)seq));
        (void)rtp_rx_guesses(rtp_rx_of(&t), B, (uint16_t)seq, guesses);
    }
    assert_memory_equal(&t, &before, sizeof(t));
}

/* What the receiver does when authentication fails: the sender is at `sent`. */
static bool find_again(struct rtp_rx t, uint64_t sent)
{
    uint64_t guesses[RTP_RX_GUESSES];
    size_t n = rtp_rx_guesses(t, A, (uint16_t)sent, guesses);

    for (size_t i = 0; i < n; i++) {
        if (guesses[i] == sent) {
            rtp_rx_commit(t, A, sent);
            return true;
        }
    }
    return false;
}

static void roc_is_found_again(void **state)
{
    struct rtp_rx_whole t = {0};

    (void)state;
    /* The first packet heard is after the sender's first wrap. */
    assert_true(find_again(rtp_rx_of(&t), 65536 + 17));
    assert_int_equal(hear(rtp_rx_of(&t), A, 65536 + 18), RTP_RX_NEW);
    /* 40,000 packets lost: the guess alone is wrong, ROC + 1 is right. */
    assert_int_not_equal(rtp_rx_estimate(rtp_rx_of(&t), A, (uint16_t)(65554 + 40000)),
                         65554 + 40000);
    assert_true(find_again(rtp_rx_of(&t), 65554 + 40000));
    assert_true(find_again(rtp_rx_of(&t), 65554 + 40000 + 60000));
    /* Two wraps lost are too many. */
    assert_false(find_again(rtp_rx_of(&t), 65554 + 100000 + 2 * 65536 + 20000));
    /* Never below zero, never what came before. */
    struct rtp_rx_whole fresh = {0};
    uint64_t guesses[RTP_RX_GUESSES];

    assert_int_equal(rtp_rx_guesses(rtp_rx_of(&fresh), A, 9, guesses), 2);
    assert_int_equal(guesses[0], 9);
    assert_int_equal(guesses[1], 65536 + 9);
    rtp_rx_commit(rtp_rx_of(&fresh), A, 9);
    assert_int_equal(rtp_rx_guesses(rtp_rx_of(&fresh), A, 9, guesses), 1);
    assert_int_equal(guesses[0], 65536 + 9);
}

static void largest_index(void **state)
{
    struct rtp_rx_whole t = {0};
    struct rtp_tx_whole tx = {0};

    (void)state;
    rtp_rx_commit(rtp_rx_of(&t), A, RTP_INDEX_MAX - 1);
    assert_int_equal(hear(rtp_rx_of(&t), A, RTP_INDEX_MAX), RTP_RX_NEW);
    assert_int_equal(rtp_rx_check(rtp_rx_of(&t), A, rtp_rx_estimate(rtp_rx_of(&t), A, 0)),
                     RTP_RX_EXHAUSTED);
    assert_int_equal(rtp_rx_check_rtcp(rtp_rx_of(&t), A, RTP_RTCP_INDEX_MAX), RTP_RX_NEW);
    assert_int_equal(rtp_rx_check_rtcp(rtp_rx_of(&t), A, RTP_RTCP_INDEX_MAX + 1), RTP_RX_EXHAUSTED);

    assert_int_equal(rtp_tx_claim(rtp_tx_of(&tx), A, RTP_INDEX_MAX), RTP_TX_CLAIMED);
    assert_int_equal(rtp_tx_claim(rtp_tx_of(&tx), A, rtp_tx_estimate(rtp_tx_of(&tx), A, 0)),
                     RTP_TX_EXHAUSTED);
    tx.table.rtcp_index = RTP_RTCP_INDEX_MAX - 1;
    uint32_t index = 0;

    assert_int_equal(rtp_tx_claim_rtcp(rtp_tx_of(&tx), &index), RTP_TX_CLAIMED);
    assert_int_equal(index, RTP_RTCP_INDEX_MAX);
    assert_int_equal(rtp_tx_claim_rtcp(rtp_tx_of(&tx), &index), RTP_TX_EXHAUSTED);
}

/* Hold music has its own SSRC; the phone comes back with its old one and its old ROC. */
static void ssrc_changes_and_returns(void **state)
{
    struct rtp_rx_whole t = {0};

    (void)state;
    for (uint64_t i = 65000; i < 65536 + 500; i++)
        assert_int_equal(hear(rtp_rx_of(&t), A, i), RTP_RX_NEW);
    for (uint64_t i = 0; i < 2000; i++)
        assert_int_equal(hear(rtp_rx_of(&t), B, i), RTP_RX_NEW);
    for (uint64_t i = 65536 + 500; i < 65536 + 600; i++)
        assert_int_equal(hear(rtp_rx_of(&t), A, i), RTP_RX_NEW);
    assert_int_equal(hear(rtp_rx_of(&t), B, 1999), RTP_RX_REPLAYED);
}

static void least_recently_heard_is_forgotten(void **state)
{
    struct rtp_rx_whole t = {0};

    (void)state;
    for (uint32_t s = 1; s <= RTP_RX_SSRCS; s++)
        rtp_rx_commit(rtp_rx_of(&t), s, 0x50000 + s);
    rtp_rx_commit(rtp_rx_of(&t), 1, 0x50100); /* now 2 is the oldest */
    rtp_rx_commit(rtp_rx_of(&t), 99, 7);
    assert_int_equal(rtp_rx_estimate(rtp_rx_of(&t), 1, 0x101), 0x50101);
    assert_int_equal(rtp_rx_estimate(rtp_rx_of(&t), 2, 0x101), 0x101);
    for (uint32_t s = 3; s <= RTP_RX_SSRCS; s++)
        assert_int_equal(rtp_rx_estimate(rtp_rx_of(&t), s, 0x101), 0x50101);
    assert_int_equal(rtp_rx_estimate(rtp_rx_of(&t), 99, 0x101), 0x101);
}

static void rtcp_has_its_own_window(void **state)
{
    struct rtp_rx_whole t = {0};
    struct rtp_tx_whole tx = {0};
    uint32_t index = 0;

    (void)state;
    assert_int_equal(hear(rtp_rx_of(&t), A, 5), RTP_RX_NEW);
    assert_int_equal(rtp_rx_check_rtcp(rtp_rx_of(&t), A, 5), RTP_RX_NEW);
    rtp_rx_commit_rtcp(rtp_rx_of(&t), A, 5);
    assert_int_equal(rtp_rx_check_rtcp(rtp_rx_of(&t), A, 5), RTP_RX_REPLAYED);
    assert_int_equal(rtp_rx_check_rtcp(rtp_rx_of(&t), A, 4), RTP_RX_NEW);
    assert_int_equal(hear(rtp_rx_of(&t), A, 6), RTP_RX_NEW);
    /* RTCP first: the SSRC is known, its RTP has not begun. */
    rtp_rx_commit_rtcp(rtp_rx_of(&t), B, 70000);
    assert_int_equal(hear(rtp_rx_of(&t), B, 65000), RTP_RX_NEW);
    for (uint32_t i = 1; i < 10; i++) {
        assert_int_equal(rtp_tx_claim_rtcp(rtp_tx_of(&tx), &index), RTP_TX_CLAIMED);
        assert_int_equal(index, i);
    }
}

static void nothing_is_sent_twice(void **state)
{
    struct rtp_tx_whole t = {0};

    (void)state;
    for (uint64_t i = 65000; i < 65000 + 2 * 65536; i += 2) {
        assert_int_equal(rtp_tx_estimate(rtp_tx_of(&t), A, (uint16_t)(i + 1)), i + 1);
        assert_int_equal(rtp_tx_claim(rtp_tx_of(&t), A, i + 1), RTP_TX_CLAIMED);
        assert_int_equal(rtp_tx_estimate(rtp_tx_of(&t), A, (uint16_t)i), i);
        assert_int_equal(rtp_tx_claim(rtp_tx_of(&t), A, i), RTP_TX_CLAIMED);
        assert_int_equal(rtp_tx_claim(rtp_tx_of(&t), A, i), RTP_TX_USED);
        assert_int_equal(rtp_tx_claim(rtp_tx_of(&t), A, i + 1), RTP_TX_USED);
    }
    uint64_t top = 65000 + 2 * 65536 - 1;

    assert_int_equal(rtp_tx_claim(rtp_tx_of(&t), A, top + 63), RTP_TX_CLAIMED);
    assert_int_equal(rtp_tx_claim(rtp_tx_of(&t), A, top), RTP_TX_USED);
    assert_int_equal(rtp_tx_claim(rtp_tx_of(&t), A, top - 1), RTP_TX_OLD);
    assert_int_equal(rtp_tx_claim(rtp_tx_of(&t), A, top + 63 + 64), RTP_TX_CLAIMED);
    assert_int_equal(rtp_tx_claim(rtp_tx_of(&t), A, top + 63), RTP_TX_OLD);
    assert_int_equal(rtp_tx_claim(rtp_tx_of(&t), A, top + 64), RTP_TX_CLAIMED);
}

/* A sender's SSRC is never forgotten: one more than fit is refused. */
static void sending_ssrcs_are_limited(void **state)
{
    struct rtp_tx_whole t = {0};

    (void)state;
    for (uint32_t s = 0; s < RTP_TX_SSRCS; s++)
        assert_int_equal(rtp_tx_claim(rtp_tx_of(&t), s, 10), RTP_TX_CLAIMED);
    assert_int_equal(rtp_tx_claim(rtp_tx_of(&t), RTP_TX_SSRCS, 10), RTP_TX_FULL);
    for (uint32_t s = 0; s < RTP_TX_SSRCS; s++) {
        assert_int_equal(rtp_tx_claim(rtp_tx_of(&t), s, 10), RTP_TX_USED);
        assert_int_equal(rtp_tx_claim(rtp_tx_of(&t), s, 11), RTP_TX_CLAIMED);
    }
}

/* What two streams do not need is neither read nor written. */
static void further_places_are_left_alone(void **state)
{
    struct rtp_rx_table rx_table = {0};
    struct rtp_tx_table tx_table = {0};
    const struct rtp_rx rx = {&rx_table, NULL};
    const struct rtp_tx tx = {&tx_table, NULL};

    (void)state;
    for (uint32_t i = 1; i < 400; i++) {
        for (uint32_t ssrc = 1; ssrc <= RTP_RX_HERE; ssrc++)
            assert_int_equal(hear(rx, ssrc, i), RTP_RX_NEW);
        for (uint32_t ssrc = 1; ssrc <= RTP_TX_HERE; ssrc++)
            assert_int_equal(rtp_tx_claim(tx, ssrc, i), RTP_TX_CLAIMED);
        assert_int_equal(rtp_rx_check(rx, 99, i), RTP_RX_NEW);
        assert_int_equal(rtp_tx_estimate(tx, 99, 7), 7);
    }
}

/* … and may hold what an earlier key has left there. */
static void further_places_hold_old_things(void **state)
{
    struct rtp_rx_whole rx = {0};
    struct rtp_tx_whole tx = {0};

    (void)state;
    memset(&rx.more, 0xff, sizeof(rx.more));
    memset(&tx.more, 0xff, sizeof(tx.more));
    for (uint32_t ssrc = 1; ssrc <= RTP_RX_SSRCS; ssrc++) {
        assert_int_equal(hear(rtp_rx_of(&rx), ssrc, 10), RTP_RX_NEW);
        assert_int_equal(hear(rtp_rx_of(&rx), ssrc, 10), RTP_RX_REPLAYED);
        assert_int_equal(hear(rtp_rx_of(&rx), ssrc, 9), RTP_RX_NEW);
    }
    for (uint32_t ssrc = 1; ssrc <= RTP_TX_SSRCS; ssrc++) {
        assert_int_equal(rtp_tx_claim(rtp_tx_of(&tx), ssrc, 10), RTP_TX_CLAIMED);
        assert_int_equal(rtp_tx_claim(rtp_tx_of(&tx), ssrc, 10), RTP_TX_USED);
        assert_int_equal(rtp_tx_claim(rtp_tx_of(&tx), ssrc, 9), RTP_TX_CLAIMED);
    }
}

/* Shared memory may hold anything: no crash, no read outside. */
static void garbage_in_shared_memory(void **state)
{
    struct rtp_rx_whole rx;
    struct rtp_tx_whole tx;
    uint64_t guesses[RTP_RX_GUESSES];
    uint32_t index;

    (void)state;
    for (int fill = 0; fill < 256; fill++) {
        memset(&rx, fill, sizeof(rx));
        memset(&tx, fill, sizeof(tx));
        for (uint32_t i = 0; i < 70000; i += 997) {
            (void)rtp_rx_guesses(rtp_rx_of(&rx), rx.table.slots[0].ssrc + i % 2, (uint16_t)i,
                                 guesses);
            rtp_rx_commit(rtp_rx_of(&rx), rx.table.slots[0].ssrc + i % 2, i);
            (void)rtp_tx_claim(rtp_tx_of(&tx), tx.table.slots[0].ssrc + i % 2, i);
            (void)rtp_tx_claim_rtcp(rtp_tx_of(&tx), &index);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wraps_with_reordering),
        cmocka_unit_test(reordering_across_the_wrap),
        cmocka_unit_test(window_edges),
        cmocka_unit_test(checks_do_not_commit),
        cmocka_unit_test(roc_is_found_again),
        cmocka_unit_test(largest_index),
        cmocka_unit_test(ssrc_changes_and_returns),
        cmocka_unit_test(least_recently_heard_is_forgotten),
        cmocka_unit_test(rtcp_has_its_own_window),
        cmocka_unit_test(nothing_is_sent_twice),
        cmocka_unit_test(sending_ssrcs_are_limited),
        cmocka_unit_test(further_places_are_left_alone),
        cmocka_unit_test(further_places_hold_old_things),
        cmocka_unit_test(garbage_in_shared_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
