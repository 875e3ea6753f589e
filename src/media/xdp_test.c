/* What only the AF_XDP way has to see to: which frames it takes, that what leaves is as from the kernel,
 * and that nothing is lost or comes twice when the role is killed anywhere. Phones are in a namespace
 * of their own, at the other end of a veth pair. */
#include "media/rig.h"

#include <linux/if_packet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "media/bpf.h"
#include "media/datagram.h"
#include "media/worker.h"
#include "media/xdp_ring.h"

#define PATIENCE_MS 5000

/* --- the program, frame by frame --- */

#define FIRST 20000
static const uint8_t ours[FRAME_MAC] = {2, 0, 0, 0, 0, 1}, theirs[FRAME_MAC] = {2, 0, 0, 0, 0, 2};

struct program {
    int prog, ports, sockets, socket;
    struct media_steer_port *port;
};

/* With a socket for queue 0, so that taking a frame can be told from passing it. */
static void program_open(struct program *p, struct media_xdp *x)
{
    struct media_xdp_filter f = {.first_port = FIRST, .port_count = 4};
    p->ports = f.ports =
        media_bpf_map_new(BPF_MAP_TYPE_ARRAY, sizeof(struct media_steer_port), 4, BPF_F_MMAPABLE);
    p->sockets = f.sockets = media_bpf_map_new(BPF_MAP_TYPE_XSKMAP, sizeof(int), 1, 0);
    memcpy(f.mac, ours, FRAME_MAC);
    RIG(p->ports >= 0 && p->sockets >= 0);
    RIG_EQ(media_bpf_map_set(p->sockets, 0, &x->fds.socket[0]), 0);
    p->port = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, p->ports, 0);
    RIG(p->port != MAP_FAILED);
    p->prog = media_xdp_prog_load(&f);
    RIG(p->prog >= 0);
}

static void program_close(struct program *p)
{
    munmap(p->port, 4096);
    close(p->prog);
    close(p->ports);
    close(p->sockets);
}

static bool takes(const struct program *p, const uint8_t *frame, size_t n)
{
    uint8_t out[4096];
    union bpf_attr a;
    memset(&a, 0, sizeof(a));
    a.test.prog_fd = (uint32_t)p->prog;
    a.test.data_in = (uintptr_t)frame;
    a.test.data_size_in = (uint32_t)n;
    a.test.data_out = (uintptr_t)out;
    a.test.data_size_out = sizeof(out);
    a.test.repeat = 1;
    RIG_EQ(media_bpf_call(BPF_PROG_TEST_RUN, &a, sizeof(a)), 0);
    RIG(a.test.retval == XDP_REDIRECT || a.test.retval == XDP_PASS);
    RIG_EQ(a.test.data_size_out, n);
    RIG(memcmp(out, frame, n) == 0);
    return a.test.retval == XDP_REDIRECT;
}

struct made {
    uint8_t p[2048];
    size_t n;
};

static struct made make(const char *from, const char *to, uint16_t port, uint32_t payload)
{
    struct made m = {0};
    struct addr a, b;
    RIG_EQ(addr_parse(slice_from_str(from), 4000, &a), 0);
    RIG_EQ(addr_parse(slice_from_str(to), port, &b), 0);
    uint32_t head = frame_head(&b);
    m.n = head + DATAGRAM_HEAD + payload;
    datagram_put_head(m.p + head + DATAGRAM_HEAD, payload, &a, &b);
    frame_put_head(m.p, ours, theirs, &a, &b, DATAGRAM_HEAD + payload, 7);
    return m;
}

static bool takes_to(const struct program *p, const char *to, uint16_t port)
{
    bool is6 = strchr(to, ':');
    struct made m = make(is6 ? "2001:db8::9" : "192.0.2.9", to, port, 172);
    return takes(p, m.p, m.n);
}

static void entry_open(struct program *p, uint16_t port, const char *at)
{
    struct addr a;
    RIG_EQ(addr_parse(slice_from_str(at), 0, &a), 0);
    struct media_steer_port *e = &p->port[port - FIRST];
    bool is6 = addr_family(&a) == AF_INET6;
    e->any[is6] = addr_is_any(&a);
    e->open[is6] = 1;
    if (is6)
        memcpy(e->addr6, &a.in6.sin6_addr, 16);
    else
        memcpy(&e->addr4, &a.in.sin_addr, 4);
}

static void test_ports_and_addresses(struct program *p)
{
    assert_false(takes_to(p, "192.0.2.1", FIRST));
    entry_open(p, FIRST, "192.0.2.1");
    entry_open(p, FIRST + 3, "2001:db8::1");
    assert_true(takes_to(p, "192.0.2.1", FIRST));
    assert_false(takes_to(p, "192.0.2.2", FIRST));
    assert_false(takes_to(p, "192.0.2.1", FIRST + 1));
    assert_false(takes_to(p, "192.0.2.1", FIRST - 1));
    assert_false(takes_to(p, "192.0.2.1", FIRST + 4));
    assert_false(takes_to(p, "192.0.2.1", FIRST + 3));
    assert_true(takes_to(p, "2001:db8::1", FIRST + 3));
    assert_false(takes_to(p, "2001:db8::2", FIRST + 3));
    assert_false(takes_to(p, "2001:db8:0:1::1", FIRST + 3));
    assert_false(takes_to(p, "2001:db8::1", FIRST));
    entry_open(p, FIRST + 1, "0.0.0.0"); /* only the kernel knows which addresses are ours */
    assert_false(takes_to(p, "192.0.2.1", FIRST + 1));
    p->port[0].open[0] = 0;
    assert_false(takes_to(p, "192.0.2.1", FIRST));
    entry_open(p, FIRST, "192.0.2.1");
    entry_open(p, FIRST, "2001:db8::7"); /* of an endpoint with ICE */
    assert_true(takes_to(p, "192.0.2.1", FIRST));
    assert_true(takes_to(p, "2001:db8::7", FIRST));
    assert_false(takes_to(p, "2001:db8::1", FIRST));
    p->port[0].open[1] = 0;
    assert_false(takes_to(p, "2001:db8::7", FIRST));
    assert_true(takes_to(p, "192.0.2.1", FIRST));
}

static void test_odd_frames(struct program *p)
{
    static const struct {
        size_t at;
        uint8_t byte;
    } odd4[] = {{0, 4},     {5, 2},   {0, 0xff}, {12, 0x81}, {13, 6},    {13, 0xdd}, {14, 0x46},
                {14, 0x65}, {20, 32}, {20, 128}, {21, 1},    {20, 0x1f}, {23, 6},    {23, 1}},
      odd6[] = {{14, 0x40}, {20, 6}, {20, 0}, {20, 44}, {20, 43}, {20, 60}, {13, 0}};
    for (size_t i = 0; i < ARRAY_LEN(odd4); i++) {
        struct made m = make("192.0.2.9", "192.0.2.1", FIRST, 20);
        assert_true(takes(p, m.p, m.n));
        m.p[odd4[i].at] = odd4[i].byte;
        if (takes(p, m.p, m.n))
            fail_msg("byte %zu = %#x is taken", odd4[i].at, odd4[i].byte);
    }
    for (size_t i = 0; i < ARRAY_LEN(odd6); i++) {
        struct made m = make("2001:db8::9", "2001:db8::1", FIRST + 3, 20);
        assert_true(takes(p, m.p, m.n));
        m.p[odd6[i].at] = odd6[i].byte;
        if (takes(p, m.p, m.n))
            fail_msg("IPv6: byte %zu = %#x is taken", odd6[i].at, odd6[i].byte);
    }
    static const uint8_t do_not_cut = 0x40;
    struct made m = make("192.0.2.9", "192.0.2.1", FIRST, 20);
    m.p[20] = do_not_cut;
    assert_true(takes(p, m.p, m.n));
}

static void test_sizes(struct program *p)
{
    struct made m = make("192.0.2.9", "192.0.2.1", FIRST, 20);
    for (size_t n = FRAME_ETH; n < 42; n++)
        assert_false(takes(p, m.p, n));
    assert_true(takes(p, m.p, 42));
    m = make("2001:db8::9", "2001:db8::1", FIRST + 3, 20);
    for (size_t n = FRAME_ETH; n < 62; n++)
        assert_false(takes(p, m.p, n));
    assert_true(takes(p, m.p, 62));
    m = make("192.0.2.9", "192.0.2.1", FIRST, MEDIA_XDP_FRAME_MAX - 42);
    assert_true(takes(p, m.p, MEDIA_XDP_FRAME_MAX));
    assert_false(takes(p, m.p, MEDIA_XDP_FRAME_MAX + 1));
}

static void test_program(void **state)
{
    (void)state;
    struct rig g;
    struct program p;
    rig_memory(&g);
    rig_steer(&g);
    program_open(&p, &g.xdp);
    test_ports_and_addresses(&p);
    test_odd_frames(&p);
    test_sizes(&p);
    union bpf_attr a; /* a queue without socket */
    uint32_t key = 0;
    memset(&a, 0, sizeof(a));
    a.map_fd = (uint32_t)p.sockets;
    a.key = (uintptr_t)&key;
    RIG_EQ(media_bpf_call(BPF_MAP_DELETE_ELEM, &a, sizeof(a)), 0);
    assert_false(takes_to(&p, "192.0.2.1", FIRST));
    program_close(&p);
    rig_fini(&g);
}

/* --- calls --- */

static void xdp_counts(const struct rig *g, uint64_t ret[2])
{
    media_xdp_counts(&g->xdp, &ret[0], &ret[1]);
}

/* The cable is no loopback: what was sent may be on its way. */
static int hear(struct phone *p)
{
    for (int ms = 0; ms < PATIENCE_MS; ms++) {
        rig_turn(p->rig);
        int v = phone_hear(p);
        struct pollfd f = {.fd = p->rtp, .events = POLLIN};
        if (v != 0)
            return v;
        (void)poll(&f, 1, 1);
    }
    return 0;
}

#define assert_comes(from, to)    \
    do {                          \
        rig_line = __LINE__;      \
        comes((from), (to), 160); \
    } while (0)
static void comes(struct phone *from, struct phone *to, uint32_t n)
{
    static uint8_t fill;
    uint8_t pkt[2048];
    struct rtp_hdr h = {.timestamp = (uint32_t)from->index * 160, .pt = from->pt};
    memset(pkt + RTP_HDR_MIN, ++fill, n);
    n = phone_seal_rtp(from, pkt, &h, n);
    phone_put(from, pkt, n);
    RIG_EQ(hear(to), 1);
    RIG_EQ(to->data[RTP_HDR_MIN], fill);
    RIG_EQ(to->hdr.ssrc, from->ssrc);
    RIG_EQ(to->hdr.seq, (uint16_t)(from->index - 1));
}

static uint64_t counted[2];

static void count_from_here(const struct rig *g)
{
    xdp_counts(g, counted);
}

/* So many came and left past the kernel since the last look. */
static bool went(const struct rig *g, uint64_t in, uint64_t out)
{
    uint64_t now[2];
    xdp_counts(g, now);
    uint64_t n[2] = {now[0] - counted[0], now[1] - counted[1]};
    memcpy(counted, now, sizeof(counted));
    if (n[0] == in && n[1] == out)
        return true;
    print_message("in %d, out %d\n", (int)n[0], (int)n[1]);
    return false;
}

static void test_call(void **state)
{
    enum protection_policy protection = *state ? PROTECTION_OFF : PROTECTION_REQUIRED;
    static struct two t;
    two_init(&t, protection, protection);
    count_from_here(&t.g);
    assert_comes(&t.a, &t.b); /* b has not been heard: the kernel finds the way */
    assert_true(went(&t.g, 1, 0));
    assert_comes(&t.b, &t.a);
    assert_true(went(&t.g, 1, 1));
    for (int i = 0; i < 3000; i++) { /* frames are used again */
        assert_comes(&t.a, &t.b);
        if (i % 40 == 0)
            assert_comes(&t.b, &t.a);
    }
    assert_true(went(&t.g, 3075, 3075));
    assert_int_equal(rig_stats(&t.g, t.a.endpoint)->rx_packets, 3001);
    assert_int_equal(rig_stats(&t.g, t.b.endpoint)->tx_packets, 3001);
    assert_int_equal(media_xdp_lost(&t.g.xdp), 0);
    two_fini(&t);
}

static void peer_mtu(int bytes)
{
    RIG_EQ(setns(rig_net.phones, CLONE_NEWNET), 0);
    RIG(rig_shell("ip link set rig1 mtu %d", bytes));
    RIG_EQ(setns(rig_net.server, CLONE_NEWNET), 0);
}

/* Where the driver refuses: veth's, if the other end may send what is larger than a page. */
static void test_generic_mode(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    assert_true(t.g.xdp.at[0].native);
    two_fini(&t);
    peer_mtu(9000);
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    assert_false(t.g.xdp.at[0].native);
    count_from_here(&t.g);
    assert_comes(&t.b, &t.a);
    for (int i = 0; i < 100; i++) {
        assert_comes(&t.a, &t.b);
        assert_comes(&t.b, &t.a);
    }
    assert_true(went(&t.g, 201, 200));
    two_fini(&t);
    peer_mtu(1500);
}

static void call6(struct two *t)
{
    rig_memory(&t->g);
    RIG_EQ(loop_new_virtual(1000000, &t->g.loop), 0);
    rig_start_role(&t->g);
    rig_attach(&t->g);
    phone_init(&t->a, &t->g, 7, 0, PROTECTION_REQUIRED);
    phone_init(&t->b, &t->g, 7, 1, PROTECTION_REQUIRED);
    phone_go(&t->a, RIG_NET6 "2");
    phone_go(&t->b, RIG_NET6 "2");
    rig_call(&t->a, &t->b, &t->a.policy, &t->b.policy);
}

static void test_ipv6(void **state)
{
    (void)state;
    static struct two t;
    call6(&t);
    count_from_here(&t.g);
    assert_comes(&t.a, &t.b);
    assert_comes(&t.b, &t.a);
    assert_comes(&t.a, &t.b);
    assert_true(went(&t.g, 3, 2));
    two_fini(&t);
}

/* What paths may not take as it is goes by the kernel, which knows them; what came in pieces, too. */
static void test_sizes_of_packets(void **state)
{
    (void)state;
    static const uint32_t head4 = FRAME_IP4 + DATAGRAM_HEAD + RTP_HDR_MIN;
    static struct two t;
    two_init(&t, PROTECTION_OFF, PROTECTION_OFF);
    assert_comes(&t.b, &t.a);
    count_from_here(&t.g);
    comes(&t.a, &t.b, MEDIA_XDP_PACKET_MAX - head4);
    assert_true(went(&t.g, 1, 1));
    comes(&t.a, &t.b, MEDIA_XDP_PACKET_MAX - head4 + 1);
    assert_true(went(&t.g, 1, 0));
    comes(&t.a, &t.b, 1900);
    assert_true(went(&t.g, 0, 0));
    assert_comes(&t.b, &t.a); /* a was heard by the socket last: so it is told */
    assert_true(went(&t.g, 1, 0));
    assert_comes(&t.b, &t.a);
    assert_true(went(&t.g, 1, 0));
    assert_comes(&t.a, &t.b);
    assert_comes(&t.b, &t.a);
    assert_true(went(&t.g, 2, 2));
    two_fini(&t);
}

/* The way to a peer that has fallen silent may have changed: the kernel is asked. */
static void test_silence(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    assert_comes(&t.b, &t.a);
    count_from_here(&t.g);
    assert_comes(&t.a, &t.b);
    assert_true(went(&t.g, 1, 1));
    loop_advance(t.g.loop, 1200);
    assert_comes(&t.a, &t.b);
    assert_true(went(&t.g, 1, 0));
    assert_comes(&t.b, &t.a);
    assert_comes(&t.a, &t.b);
    assert_true(went(&t.g, 2, 2));
    two_fini(&t);
}

/* A frame from another station, with the peer's addresses. */
static void frame_send(const struct phone *p, const uint8_t mac[FRAME_MAC], const uint8_t *pkt,
                       uint32_t n)
{
    const struct media_xdp_lane *l = &p->rig->xdp.head->lane[0];
    uint8_t f[512];
    uint32_t head = frame_head(&p->addr);
    memcpy(f + head + DATAGRAM_HEAD, pkt, n);
    datagram_put_head(f + head + DATAGRAM_HEAD, n, &p->addr, &p->server);
    frame_put_head(f, l->mac, mac, &p->addr, &p->server, DATAGRAM_HEAD + n, 1);
    RIG_EQ(setns(rig_net.phones, CLONE_NEWNET), 0);
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    const struct sockaddr_ll at = {.sll_family = AF_PACKET,
                                   .sll_ifindex = (int)if_nametoindex("rig1")};
    RIG_EQ(sendto(fd, f, head + DATAGRAM_HEAD + n, 0, (const struct sockaddr *)&at, sizeof(at)),
           head + DATAGRAM_HEAD + n);
    close(fd);
    RIG_EQ(setns(rig_net.server, CLONE_NEWNET), 0);
}

static void came(const struct rig *g, uint64_t in)
{
    uint64_t now[2];
    for (int ms = 0; ms < PATIENCE_MS; ms++) {
        xdp_counts(g, now);
        if (now[0] >= in)
            return;
        (void)poll(NULL, 0, 1);
        RIG_EQ(loop_once(g->loop, 0), 0);
    }
    RIG(false);
}

/* Only what is authentic and new moves the next hop. */
static void test_next_hop_is_not_stolen(void **state)
{
    (void)state;
    static struct two t;
    static const uint8_t thief[FRAME_MAC] = {2, 9, 9, 9, 9, 9};
    uint8_t first[256], forged[256];
    uint64_t n[2];
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    assert_comes(&t.a, &t.b);
    uint32_t first_n = phone_make_rtp(&t.b, first, 1); /* held back */
    assert_comes(&t.b, &t.a);
    memcpy(forged, first, first_n);
    forged[20] ^= 1;
    xdp_counts(&t.g, n);
    frame_send(&t.b, thief, forged, first_n);
    came(&t.g, n[0] + 1);
    assert_comes(&t.a, &t.b);
    frame_send(&t.b, thief, first, first_n); /* authentic, but old: it passes, no more */
    assert_int_equal(hear(&t.a), 1);
    count_from_here(&t.g);
    assert_comes(&t.a, &t.b);
    assert_true(went(&t.g, 1, 1));
    two_fini(&t);
}

/* --- several interfaces and queues --- */

#define NET2 "10.99.2."
#define PAIRS 8

static void second_cable(void)
{
    RIG(rig_shell("ip link add rig2 numtxqueues 2 numrxqueues 2 type veth peer name rig3 "
                  "numtxqueues 2 numrxqueues 2 netns /proc/%d/fd/%d",
                  (int)getpid(), rig_net.phones));
    RIG(rig_shell("ip address add " NET2 "1/24 dev rig2 && ip link set rig2 up"));
    RIG_EQ(setns(rig_net.phones, CLONE_NEWNET), 0);
    RIG(rig_shell("ip address add " NET2 "2/24 dev rig3 && ip link set rig3 up"));
    RIG_EQ(setns(rig_net.server, CLONE_NEWNET), 0);
}

static void assert_lanes(const struct media_xdp_head *h)
{
    static const uint32_t of[][3] = {{0, 0, MEDIA_XDP_OUT}, {1, 0, MEDIA_XDP_OUT}, {1, 1, 0}};
    assert_int_equal(h->interfaces, 2);
    assert_int_equal(h->lanes, ARRAY_LEN(of));
    for (size_t i = 0; i < ARRAY_LEN(of); i++) {
        assert_int_equal(h->lane[i].number, of[i][0]);
        assert_int_equal(h->lane[i].queue, of[i][1]);
        assert_int_equal(h->lane[i].out_frames, of[i][2]);
        assert_int_equal(h->lane[i].in_frames, MEDIA_XDP_IN / 4);
    }
}

static void test_interfaces_and_queues(void **state)
{
    (void)state;
    static struct rig g;
    static struct phone a[PAIRS], b[PAIRS];
    second_cable();
    rig_interfaces = RIG_INTERFACE ", rig2";
    rig_memory(&g);
    RIG_EQ(addr_parse(SLICE_LIT(NET2 "1"), 0, &g.cfg.bind4), 0);
    RIG_EQ(loop_new_virtual(1000000, &g.loop), 0);
    rig_start_role(&g);
    rig_attach(&g);
    assert_lanes(g.xdp.head);
    for (uint64_t i = 0; i < PAIRS; i++) {
        phone_init(&a[i], &g, i, 0, PROTECTION_REQUIRED);
        phone_init(&b[i], &g, i, 1, PROTECTION_REQUIRED);
        phone_go(&a[i], NET2 "2");
        phone_go(&b[i], NET2 "2");
        rig_call(&a[i], &b[i], &a[i].policy, &b[i].policy);
        assert_comes(&b[i], &a[i]);
    }
    count_from_here(&g);
    for (size_t i = 0; i < PAIRS; i++) {
        assert_comes(&a[i], &b[i]);
        assert_comes(&b[i], &a[i]);
    }
    assert_true(went(&g, 2 * PAIRS, 2 * PAIRS));
    assert_int_equal(g.xdp.head->lane[0].in, 0);
    assert_true(g.xdp.head->lane[1].in > 0 && g.xdp.head->lane[2].in > 0);
    for (size_t i = 0; i < PAIRS; i++) {
        phone_fini(&a[i]);
        phone_fini(&b[i]);
    }
    rig_fini(&g);
    rig_interfaces = RIG_INTERFACE;
    RIG(rig_shell("ip link del rig2"));
}

/* --- killed --- */

struct rings {
    struct media_xdp_ring rx, fill, tx, done;
    struct media_xdp_lane *l;
};

static void rings_map(const struct rig *g, struct rings *r)
{
    int fd = g->xdp.fds.socket[0];
    r->l = &g->xdp.head->lane[0];
    RIG_EQ(media_xdp_ring_map(fd, MEDIA_XDP_RX, r->l->in_frames, &r->rx), 0);
    RIG_EQ(media_xdp_ring_map(fd, MEDIA_XDP_FILL, r->l->in_frames, &r->fill), 0);
    RIG_EQ(media_xdp_ring_map(fd, MEDIA_XDP_TX, r->l->out_frames, &r->tx), 0);
    RIG_EQ(media_xdp_ring_map(fd, MEDIA_XDP_DONE, r->l->out_frames, &r->done), 0);
}

static void rings_unmap(struct rings *r)
{
    media_xdp_ring_unmap(&r->rx);
    media_xdp_ring_unmap(&r->fill);
    media_xdp_ring_unmap(&r->tx);
    media_xdp_ring_unmap(&r->done);
}

static void assert_sums(const struct rings *r)
{
    assert_int_equal(*r->fill.producer - *r->rx.consumer, r->l->in_frames);
    assert_int_equal(*r->tx.producer - *r->done.consumer, r->l->out_used);
}

static void live_again(struct two *t)
{
    rig_start_role(&t->g);
    rig_attach(&t->g);
}

/* What comes meanwhile waits. */
static void test_next_life(void **state)
{
    (void)state;
    static struct two t;
    struct rings r;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    for (int i = 0; i < 100; i++) {
        assert_comes(&t.a, &t.b);
        assert_comes(&t.b, &t.a);
    }
    rings_map(&t.g, &r);
    for (int life = 0; life < 3; life++) {
        uint8_t pkt[256];
        t.g.role = media_role_free(t.g.role);
        assert_sums(&r);
        for (int i = 0; i < 200; i++) {
            uint32_t n = phone_make_rtp(&t.a, pkt, 3);
            phone_put(&t.a, pkt, n);
        }
        live_again(&t);
        for (int i = 0; i < 200; i++)
            assert_int_equal(hear(&t.b), 1);
        assert_comes(&t.b, &t.a);
        assert_comes(&t.a, &t.b);
        assert_sums(&r);
    }
    assert_int_equal(media_xdp_lost(&t.g.xdp), 0);
    rings_unmap(&r);
    two_fini(&t);
}

/* Between the two stores that take frames from the kernel and give them back; and between those that take
 * a frame that is done and send it. */
static void test_killed_between_stores(void **state)
{
    (void)state;
    static struct two t;
    struct rings r;
    two_init(&t, PROTECTION_OFF, PROTECTION_OFF);
    for (int i = 0; i < 100; i++) {
        assert_comes(&t.a, &t.b);
        assert_comes(&t.b, &t.a);
    }
    rings_map(&t.g, &r);
    t.g.role = media_role_free(t.g.role);
    /* The kernel has not seen the last 30 yet. */
    media_xdp_store(r.fill.producer, *r.fill.producer - 30);
    /* A packet to a, in the first frame that was sent and is done. */
    RIG((*r.tx.producer - *r.done.consumer) == r.l->out_used && r.l->out_used > 0);
    RIG(media_xdp_load(r.done.producer) != *r.done.consumer);
    struct xdp_desc *d = media_xdp_desc(&r.tx, *r.tx.producer);
    *d = (struct xdp_desc){.addr = *media_xdp_addr(&r.done, *r.done.consumer), .len = 34 + 8 + 172};
    media_xdp_store(r.done.consumer, *r.done.consumer + 1);
    live_again(&t);
    assert_sums(&r);
    assert_comes(&t.a, &t.b); /* the next frame to leave takes it along */
    assert_int_equal(hear(&t.a), 1);
    for (int i = 0; i < 3000; i++) {
        assert_comes(&t.a, &t.b);
        assert_comes(&t.b, &t.a);
    }
    assert_sums(&r);
    assert_int_equal(media_xdp_lost(&t.g.xdp), 0);
    rings_unmap(&r);
    two_fini(&t);
}

/* More than has room: the rest is lost and counted, and what comes later passes. */
static void test_overflow(void **state)
{
    (void)state;
    static struct two t;
    struct rings r;
    uint8_t pkt[256];
    two_init(&t, PROTECTION_OFF, PROTECTION_OFF);
    assert_comes(&t.b, &t.a);
    rings_map(&t.g, &r);
    t.g.role = media_role_free(t.g.role);
    uint32_t n = phone_make_rtp(&t.a, pkt, 3);
    for (uint32_t i = 0; i < 4 * r.l->in_frames && media_xdp_lost(&t.g.xdp) < 100; i++)
        phone_put(&t.a, pkt, n);
    assert_true(media_xdp_lost(&t.g.xdp) >= 100);
    assert_int_equal(*r.rx.producer - *r.rx.consumer, r.l->in_frames);
    live_again(&t);
    for (int i = 0; i < 2000; i++) {
        rig_turn(&t.g);
        while (phone_hear(&t.b) == 1)
            continue;
    }
    assert_int_equal(rig_stats(&t.g, t.a.endpoint)->rx_packets, r.l->in_frames);
    assert_comes(&t.a, &t.b);
    assert_comes(&t.b, &t.a);
    assert_sums(&r);
    rings_unmap(&r);
    two_fini(&t);
}

/* --- the interface --- */

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *names, *why;
    } bad[] = {{"nowhere0", "no interface `nowhere0`"},
               {"lo", "no Ethernet"},
               {"a0,b0,c0,d0,e0", "no interface `a0`"},
               {RIG_INTERFACE, "another program"}};
    struct rig g;
    struct media_xdp x;
    char why[MEDIA_STEER_WHY_MAX] = "";
    rig_memory(&g);
    rig_steer(&g);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(media_xdp_open(bad[i].names, &g.cfg, &g.steer, &x, why),
                         MEDIA_STEER_UNABLE);
        if (!strstr(why, bad[i].why))
            fail_msg("%s: %s", bad[i].names, why);
    }
    rig_fini(&g);
}

static void test_vlans_are_refused(void **state)
{
    (void)state;
    struct rig g;
    struct media_xdp x;
    char why[MEDIA_STEER_WHY_MAX] = "";
    if (!rig_shell("ip link add link " RIG_INTERFACE " name v5 type vlan id 5 2>/dev/null"))
        skip(); /* a kernel without VLANs */
    rig_memory(&g);
    rig_is_xdp = false;
    rig_steer(&g);
    rig_is_xdp = true;
    assert_int_equal(media_xdp_open(RIG_INTERFACE, &g.cfg, &g.steer, &x, why), MEDIA_STEER_UNABLE);
    assert_non_null(strstr(why, "VLAN"));
    RIG(rig_shell("ip link del v5"));
    rig_fini(&g);
}

/* Media goes on as well as the network does, and the program goes with its owner. */
static void test_interface_goes(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    assert_comes(&t.b, &t.a);
    assert_true(rig_shell("ip -d link show " RIG_INTERFACE " | grep -q prog/xdp"));
    RIG(rig_shell("ip link set " RIG_INTERFACE " down && ip link set " RIG_INTERFACE " up"));
    assert_comes(&t.a, &t.b);
    assert_comes(&t.b, &t.a);
    two_fini(&t);
    assert_false(rig_shell("ip -d link show " RIG_INTERFACE " | grep -q prog/xdp"));
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    assert_comes(&t.b, &t.a);
    RIG(rig_shell("ip link del " RIG_INTERFACE));
    for (int i = 0; i < 10; i++)
        rig_turn(&t.g);
    t.g.role = media_role_free(t.g.role);
    live_again(&t);
    rig_turn(&t.g);
    two_fini(&t);
}

int main(void)
{
    static int clear;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_program),
        cmocka_unit_test(test_call),
        cmocka_unit_test_prestate(test_call, &clear),
        cmocka_unit_test(test_generic_mode),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_sizes_of_packets),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_next_hop_is_not_stolen),
        cmocka_unit_test(test_interfaces_and_queues),
        cmocka_unit_test(test_next_life),
        cmocka_unit_test(test_killed_between_stores),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_vlans_are_refused),
        cmocka_unit_test(test_interface_goes), /* the last */
    };
    if (!rig_go_xdp())
        return 77; /* skipped */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
