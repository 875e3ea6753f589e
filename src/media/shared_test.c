/* What only the shared way has to see to: that it takes what is ours and nothing else, and that what
 * leaves is as from a socket of our own. The rest is tested with the role, on both ways. */
#include "media/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "media/datagram.h"

/* What becomes of a datagram to there: 0, or ECONNREFUSED (an ICMP message came). */
static int knock(const char *host, uint16_t port)
{
    struct addr a;
    char c = 0;
    RIG_EQ(addr_parse(slice_from_str(host), port, &a), 0);
    int fd = socket(addr_family(&a), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    RIG_EQ(connect(fd, &a.sa, addr_len(&a)), 0);
    RIG_EQ(send(fd, &c, 1, 0), 1);
    int r = recv(fd, &c, 1, 0) < 0 && errno == ECONNREFUSED ? ECONNREFUSED : 0;
    close(fd);
    return r;
}

/* Ports that are not open answer as if nobody were there; those of a call do not, until it ends. */
static void test_closed_ports_are_closed(void **state)
{
    (void)state;
    struct rig g;
    struct phone p;
    rig_init(&g);
    phone_init(&p, &g, 1, 0, PROTECTION_OFF);
    struct media_request rq = phone_request(&p, MEDIA_OP_OPEN);
    const struct media_reply *r = rig_request(&g, &rq, SLICE_NONE);
    uint64_t id = r->endpoint;
    uint16_t port = addr_port(&r->local_rtp);
    uint16_t other = (uint16_t)(port == g.cfg.port_max - 1 ? port - 2 : port + 2);
    uint16_t own = g.cfg.port_min; /* where the shared socket itself is bound */
    assert_int_equal(knock("127.0.0.1", port), 0);
    assert_int_equal(knock("127.0.0.1", (uint16_t)(port + 1)), 0);
    if (other != own)
        assert_int_equal(knock("127.0.0.1", other), ECONNREFUSED);
    assert_int_equal(knock("127.0.0.2", port == own ? other : port), ECONNREFUSED);
    assert_int_equal(knock("127.0.0.1", (uint16_t)(g.cfg.port_max + 1)), ECONNREFUSED);
    rq = (struct media_request){.ops = MEDIA_OP_CLOSE, .endpoint = id};
    assert_int_equal(rig_request(&g, &rq, SLICE_NONE)->status, 0);
    if (port != own)
        assert_int_equal(knock("127.0.0.1", port), ECONNREFUSED);
    phone_fini(&p);
    rig_fini(&g);
}

/* Another program's socket: at another address it keeps its datagrams while we have the port; and a
 * port that it had before us is not taken. */
static void test_other_programs(void **state)
{
    (void)state;
    struct rig g;
    struct phone p;
    rig_memory(&g);
    RIG_EQ(loop_new_virtual(1000000, &g.loop), 0);
    g.cfg.port_max = (uint16_t)(g.cfg.port_min + 3); /* two pairs, one of which */
    int fd = rig_udp_at("127.0.0.1", (uint16_t)(g.cfg.port_min + 1));
    assert_true(fd >= 0); /* … is taken */
    rig_start_role(&g);
    rig_attach(&g);
    assert_int_equal(g.steer.taken, 1);
    phone_init(&p, &g, 1, 0, PROTECTION_OFF);
    struct media_request rq = phone_request(&p, MEDIA_OP_OPEN);
    const struct media_reply *r = rig_request(&g, &rq, SLICE_NONE);
    assert_int_equal(r->status, 0);
    uint16_t port = addr_port(&r->local_rtp);
    assert_int_equal(port, g.cfg.port_min + 2);
    rq.stream = 1;
    log_to_fd(open("/dev/null", O_WRONLY));
    assert_int_equal(rig_request(&g, &rq, SLICE_NONE)->status, MEDIA_STATUS_NO_PORTS);
    log_to_fd(2);
    char c;
    assert_int_equal(knock("127.0.0.1", (uint16_t)(g.cfg.port_min + 1)), 0);
    assert_int_equal(recv(fd, &c, 1, 0), 1);
    close(fd);
    fd = rig_udp_at("127.0.0.3", port);
    assert_true(fd >= 0);
    assert_int_equal(knock("127.0.0.3", port), 0);
    assert_int_equal(recv(fd, &c, 1, 0), 1);
    close(fd);
    phone_fini(&p);
    rig_fini(&g);
}

/* No address of this machine: as a socket could not be bound there. */
static void test_wrong_address(void **state)
{
    (void)state;
    struct rig g;
    struct phone p;
    rig_init(&g);
    phone_init(&p, &g, 1, 0, PROTECTION_OFF);
    struct media_request rq = phone_request(&p, MEDIA_OP_OPEN);
    RIG_EQ(addr_parse(SLICE_LIT("192.0.2.77"), 0, &rq.local), 0);
    log_to_fd(open("/dev/null", O_WRONLY));
    assert_int_equal(rig_request(&g, &rq, SLICE_NONE)->status, MEDIA_STATUS_FAILED);
    log_to_fd(2);
    phone_fini(&p);
    rig_fini(&g);
}

static void mtu_set(int bytes)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_mtu = bytes};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    RIG_EQ(ioctl(fd, SIOCSIFMTU, &lo), 0);
    close(fd);
}

/* An RTP packet of `n` bytes from a to b: does it arrive whole? */
static bool large_passes(struct two *t, uint32_t n)
{
    uint8_t pkt[4096] = {0};
    struct rtp_hdr h = {.ssrc = t->a.ssrc, .seq = (uint16_t)t->a.index++, .pt = 8};
    rtp_hdr_put(pkt, &h);
    memset(pkt + RTP_HDR_MIN, 0x5a, n - RTP_HDR_MIN);
    phone_put(&t->a, pkt, n);
    rig_turn(&t->g);
    if (phone_hear(&t->b) != 1)
        return false;
    RIG_EQ(t->b.len, n);
    RIG(memcmp(t->b.data + RTP_HDR_MIN, pkt + RTP_HDR_MIN, n - RTP_HDR_MIN) == 0);
    RIG_EQ(phone_hear(&t->b), 0);
    return true;
}

/* Packets that the network takes in pieces only, in both directions; and the largest that we take. */
static void test_large_packets(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_OFF, PROTECTION_OFF);
    assert_passes(&t.a, &t.b);
    mtu_set(1300);
    for (int i = 0; i < 3; i++) {
        assert_true(large_passes(&t, 1272));
        assert_true(large_passes(&t, 1273));
        assert_true(large_passes(&t, 1984));
        assert_passes(&t.b, &t.a);
        assert_passes(&t.a, &t.b);
    }
    assert_false(large_passes(&t, 1985));
    assert_int_equal(rig_stats(&t.g, t.b.endpoint)->tx_packets, 13);
    mtu_set(65536);
    assert_passes(&t.b, &t.a);
    two_fini(&t);
}

static void test_marked_and_from_our_port(void **state)
{
    (void)state;
    static struct two t;
    int on = 1;
    uint8_t data[256];
    union {
        struct cmsghdr align;
        char bytes[64];
    } control;
    struct addr from = {0};
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    assert_passes(&t.b, &t.a);
    RIG_EQ(setsockopt(t.b.rtp, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on)), 0);
    phone_say(&t.a, 1);
    struct iovec iov = {data, sizeof(data)};
    struct msghdr m = {.msg_name = &from,
                       .msg_namelen = sizeof(from),
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof(control)};
    assert_int_equal(recvmsg(t.b.rtp, &m, 0), RTP_HDR_MIN + 160 + 10);
    assert_true(addr_eq(&from, &t.b.server));
    assert_int_equal(control.align.cmsg_type, IP_TOS);
    assert_int_equal(*(uint8_t *)CMSG_DATA(&control.align), DATAGRAM_TOS_EF);
    two_fini(&t);
}

/* --- IPv6, and endpoints at all addresses --- */

static void call_at(struct two *t, const char *bind, const char *host,
                    enum protection_policy protection)
{
    struct addr *at;
    rig_memory(&t->g);
    at = strchr(host, ':') ? &t->g.cfg.bind6 : &t->g.cfg.bind4;
    if (bind)
        RIG_EQ(addr_parse(slice_from_str(bind), 0, at), 0);
    RIG_EQ(loop_new_virtual(1000000, &t->g.loop), 0);
    rig_start_role(&t->g);
    rig_attach(&t->g);
    phone_init(&t->a, &t->g, 7, 0, protection);
    phone_init(&t->b, &t->g, 7, 1, protection);
    phone_go(&t->a, host);
    phone_go(&t->b, host);
    rig_call(&t->a, &t->b, &t->a.policy, &t->b.policy);
}

static void test_ipv6(void **state)
{
    (void)state;
    static struct two t;
    call_at(&t, NULL, "::1", PROTECTION_REQUIRED);
    assert_int_equal(addr_family(&t.a.server), AF_INET6);
    assert_passes(&t.a, &t.b);
    assert_passes(&t.b, &t.a);
    assert_int_equal(knock("::1", (uint16_t)(addr_port(&t.a.server))), 0);
    two_fini(&t);
    call_at(&t, NULL, "::1", PROTECTION_OFF);
    mtu_set(1300);
    assert_true(large_passes(&t, 1252));
    assert_true(large_passes(&t, 1253));
    assert_true(large_passes(&t, 1984));
    assert_passes(&t.b, &t.a);
    mtu_set(65536);
    two_fini(&t);
}

static void test_all_addresses(void **state)
{
    (void)state;
    static struct two t;
    static const char *const ways[][2] = {{"0.0.0.0", "127.0.0.1"}, {"::", "::1"}};
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        call_at(&t, ways[i][0], ways[i][1], PROTECTION_REQUIRED);
        assert_passes(&t.a, &t.b); /* to b before anything came from it: the kernel is asked */
        assert_passes(&t.b, &t.a);
        two_fini(&t);
    }
}

/* --- who else is there --- */

static void test_claims(void **state)
{
    (void)state;
    struct media_config a = media_config_default, b = a;
    char why[MEDIA_STEER_WHY_MAX] = "";
    int fd, other;
    a.port_min = 21000;
    a.port_max = 21999;
    b.port_min = 21999;
    b.port_max = 22999;
    assert_int_equal(media_steer_claim(&a, true, &fd, why), 0);
    assert_int_equal(media_steer_claim(&b, true, &other, why), MEDIA_STEER_UNABLE);
    assert_non_null(strstr(why, "21000-21999"));
    assert_int_equal(media_steer_claim(&b, false, &other, why), MEDIA_STEER_UNABLE);
    b.port_min = 22000;
    assert_int_equal(media_steer_claim(&b, true, &other, why), 0);
    close(other);
    /* the same ports at other addresses */
    b = a;
    RIG_EQ(addr_parse(SLICE_LIT("192.0.2.1"), 0, &b.bind4), 0);
    RIG_EQ(addr_parse(SLICE_LIT("2001:db8::1"), 0, &b.bind6), 0);
    assert_int_equal(media_steer_claim(&b, true, &other, why), MEDIA_STEER_UNABLE);
    close(fd);
    a = b;
    RIG_EQ(addr_parse(SLICE_LIT("192.0.2.2"), 0, &a.bind4), 0);
    RIG_EQ(addr_parse(SLICE_LIT("2001:db8::2"), 0, &a.bind6), 0);
    assert_int_equal(media_steer_claim(&a, true, &fd, why), 0);
    assert_int_equal(media_steer_claim(&b, true, &other, why), 0);
    close(other);
    close(fd);
    /* two that only bind look for free ports each */
    assert_int_equal(media_steer_claim(&a, false, &fd, why), 0);
    assert_int_equal(media_steer_claim(&a, false, &other, why), 0);
    close(other);
    close(fd);
}

static void sysctl_set(const char *path, const char *value)
{
    FILE *f = fopen(path, "w");
    RIG(f && fputs(value, f) >= 0 && fclose(f) == 0);
}

static void test_ephemeral_ports(void **state)
{
    (void)state;
    struct media_config cfg = media_config_default;
    struct media_steer s;
    char why[MEDIA_STEER_WHY_MAX] = "";
    static const char range[] = "/proc/sys/net/ipv4/ip_local_port_range";
    static const char reserved[] = "/proc/sys/net/ipv4/ip_local_reserved_ports";
    sysctl_set(range, "29990 60999");
    assert_int_equal(media_steer_ephemeral(20000, 29999), 10);
    assert_int_equal(media_steer_ephemeral(20000, 29989), 0);
    assert_int_equal(media_steer_open(&cfg, false, &s, why), MEDIA_STEER_UNABLE);
    assert_non_null(strstr(why, "10 ports"));
    sysctl_set(reserved, "8080,29990-29994,29996-31000");
    assert_int_equal(media_steer_ephemeral(20000, 29999), 1);
    sysctl_set(reserved, "20000-29999");
    assert_int_equal(media_steer_ephemeral(20000, 29999), 0);
    assert_int_equal(media_steer_open(&cfg, false, &s, why), 0);
    media_steer_close(&s);
    sysctl_set(range, "32768 60999");
    sysctl_set(reserved, "\n");
}

/* What came when the queue was full is counted. */
static void test_overflow_is_counted(void **state)
{
    (void)state;
    static struct two t;
    uint8_t pkt[256];
    int small = 1;
    two_init(&t, PROTECTION_OFF, PROTECTION_OFF);
    assert_int_equal(media_steer_lost(&t.g.steer.shared[0]), 0);
    RIG_EQ(setsockopt(t.g.steer.shared[0].fd[MEDIA_SHARED_IN4], SOL_SOCKET, SO_RCVBUF, &small,
                      sizeof(small)),
           0);
    for (int i = 0; i < 20; i++) {
        uint32_t n = phone_make_rtp(&t.a, pkt, 1);
        phone_put(&t.a, pkt, n);
    }
    rig_turn(&t.g);
    uint64_t lost = media_steer_lost(&t.g.steer.shared[0]);
    assert_true(lost > 0 && lost < 20);
    assert_int_equal(rig_stats(&t.g, t.a.endpoint)->rx_packets, 20 - lost);
    two_fini(&t);
}

/* One program, two workers: each hears what comes to its own ports, and no more. */
static void test_two_workers(void **state)
{
    (void)state;
    static struct two t[2];
    uint8_t pkt[256];
    rig_memory(&t[0].g);
    t[0].g.cfg.workers = 2;
    rig_steer(&t[0].g);
    const struct media_config all = t[0].g.cfg;
    for (uint32_t w = 0; w < 2; w++) {
        struct rig *g = &t[w].g;
        if (w > 0)
            rig_memory(g);
        rig_be_worker(g, &t[0].g, &all, w);
        RIG_EQ(loop_new_virtual(1000000, &g->loop), 0);
        rig_start_role(g);
        rig_attach(g);
        phone_init(&t[w].a, g, 7, 0, PROTECTION_OFF);
        phone_init(&t[w].b, g, 7, 1, PROTECTION_OFF);
        rig_call(&t[w].a, &t[w].b, &t[w].a.policy, &t[w].b.policy);
        assert_in_range(addr_port(&t[w].a.server), g->cfg.port_min, g->cfg.port_max);
    }
    for (uint32_t n = 1; n <= 3; n++) {
        for (uint32_t w = 0; w < 2; w++) {
            phone_put(&t[w].a, pkt, phone_make_rtp(&t[w].a, pkt, 1));
            rig_turn(&t[!w].g); /* it is not the other's, whoever is first */
            assert_int_equal(phone_hear(&t[w].b), 0);
            rig_turn(&t[w].g);
            assert_int_equal(phone_hear(&t[w].b), 1);
            assert_int_equal(rig_stats(&t[w].g, t[w].a.endpoint)->rx_packets, n);
        }
    }
    two_fini(&t[1]);
    two_fini(&t[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed_ports_are_closed),
        cmocka_unit_test(test_other_programs),
        cmocka_unit_test(test_wrong_address),
        cmocka_unit_test(test_large_packets),
        cmocka_unit_test(test_marked_and_from_our_port),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_all_addresses),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_ephemeral_ports),
        cmocka_unit_test(test_overflow_is_counted),
        cmocka_unit_test(test_two_workers),
    };
    if (!rig_go_shared())
        return 77; /* skipped */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
