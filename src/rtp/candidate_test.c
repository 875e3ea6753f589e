#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rtp/candidate.h"

static int parse(const char *line, struct rtp_candidate *ret)
{
    return rtp_candidate_parse(slice_from_str(line), ret);
}

static void candidates_of_real_peers_are_read(void **state)
{
    (void)state;
    struct rtp_candidate c;
    struct addr want;
    assert_int_equal(parse("candidate:1 1 udp 2122260223 10.1.0.2 50609 typ host generation 0 "
                           "network-id 1",
                           &c),
                     RTP_CANDIDATE_OK);
    assert_int_equal(addr_parse(SLICE_LIT("10.1.0.2"), 50609, &want), 0);
    assert_true(addr_eq(&c.addr, &want));
    assert_int_equal(c.component, 1);
    assert_int_equal(c.priority, 2122260223u);
    assert_int_equal(c.kind, RTP_CANDIDATE_HOST);
    assert_int_equal(parse("Sc0a80107 2 UDP 1694498815 2001:db8::1 1 typ srflx raddr 10.0.0.1 "
                           "rport 2",
                           &c),
                     RTP_CANDIDATE_OK);
    assert_string_equal(c.foundation, "Sc0a80107");
    assert_int_equal(c.kind, RTP_CANDIDATE_SRFLX);
    assert_int_equal(addr_family(&c.addr), AF_INET6);
    assert_int_equal(parse("1 1 udp 1 10.0.0.1 9 typ newkind", &c), RTP_CANDIDATE_OK);
    assert_int_equal(c.kind, RTP_CANDIDATE_OTHER);
}

static void what_cannot_be_used_is_told_from_what_cannot_be_read(void **state)
{
    (void)state;
    static const char *const unusable[] = {
        "candidate:1 1 udp 2113937151 5d0e4a7c-0b3f-4e0c-9c5b-0a5f0ad9f1d7.local 50609 typ host",
        "candidate:1 1 tcp 1518280447 10.1.0.2 9 typ host tcptype active",
        "candidate:1 1 udp 1 10.1.0.2 0 typ host",
    };
    static const char *const bad[] = {
        "",
        "candidate:",
        "candidate:1",
        "candidate:1 0 udp 1 10.0.0.1 9 typ host",
        "candidate:1 256 udp 1 10.0.0.1 9 typ host",
        "candidate:1 1 udp -1 10.0.0.1 9 typ host",
        "candidate:1 1 udp 4294967296 10.0.0.1 9 typ host",
        "candidate:1 1 udp 1 10.0.0.1",
        "candidate:1 1 udp 1 10.0.0.1 65536 typ host",
        "candidate:123456789012345678901234567890123 1 udp 1 10.0.0.1 9 typ host",
    };
    struct rtp_candidate c;
    for (size_t i = 0; i < ARRAY_LEN(unusable); i++)
        assert_int_equal(parse(unusable[i], &c), RTP_CANDIDATE_UNUSABLE);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(parse(bad[i], &c), RTP_CANDIDATE_BAD);
    assert_int_equal(parse("12345678901234567890123456789012 1 udp 1 10.0.0.1 9 typ host", &c),
                     RTP_CANDIDATE_OK);
}

static void printed_ones_are_read_again(void **state)
{
    (void)state;
    static const char *const hosts[] = {"192.0.2.1", "2001:db8::1"};
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        char text[160];
        struct buf b = buf_over(text, sizeof(text));
        struct rtp_candidate c = {.foundation = "1", .component = 2}, again;
        c.priority = rtp_candidate_priority(RTP_CANDIDATE_HOST, 65535, 2);
        assert_int_equal(addr_parse(slice_from_str(hosts[i]), 20001, &c.addr), 0);
        rtp_candidate_put(&b, &c);
        assert_int_equal(rtp_candidate_parse(buf_slice(&b), &again), RTP_CANDIDATE_OK);
        assert_true(addr_eq(&c.addr, &again.addr));
        assert_int_equal(again.priority, 2130706430u);
        assert_int_equal(again.component, 2);
        assert_int_equal(again.kind, RTP_CANDIDATE_HOST);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(candidates_of_real_peers_are_read),
        cmocka_unit_test(what_cannot_be_used_is_told_from_what_cannot_be_read),
        cmocka_unit_test(printed_ones_are_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
