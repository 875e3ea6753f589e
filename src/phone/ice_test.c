/* Two agents over a wire that may lose, on a virtual clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "crypto/hash.h"
#include "phone/ice.h"

struct side {
    struct phone_ice ice;
    struct side *peer;
    char text[2048];
    unsigned sent, changed;
    bool mute, mute4, mute6; /* what it sends is lost: all, over IPv4, over IPv6 */
};

struct pair {
    struct loop *loop;
    struct side a, b;
};

static void on_send(void *arg, bool rtcp, const struct addr *to, struct slice packet)
{
    struct side *s = arg;
    s->sent++;
    assert_true(s->sent < 10000); /* never a storm */
    struct side *peer = s->peer;
    if (s->mute || !peer || (s->mute4 && addr_family(to) == AF_INET) ||
        (s->mute6 && addr_family(to) == AF_INET6))
        return;
    if (addr_eq(to, &peer->ice.local[rtcp]))
        phone_ice_packet(&peer->ice, rtcp, packet, &s->ice.local[rtcp]);
    else if (addr_eq(to, &peer->ice.other[rtcp]))
        phone_ice_packet(&peer->ice, rtcp, packet, &s->ice.other[rtcp]);
}

static void on_changed(void *arg)
{
    struct side *s = arg;
    s->changed++;
}

static struct addr at(const char *host, uint16_t port)
{
    struct addr a;
    assert_int_equal(addr_parse(slice_from_str(host), port, &a), 0);
    return a;
}

static void side_init(struct pair *p, struct side *s, struct side *peer, const char *host)
{
    s->peer = peer;
    phone_ice_init(&s->ice, p->loop, on_send, on_changed, s);
    s->ice.local[0] = at(host, 4000);
    s->ice.local[1] = at(host, 4001);
}

static void init(struct pair *p)
{
    memset(p, 0, sizeof(*p));
    assert_int_equal(loop_new_virtual(1000, &p->loop), 0);
    side_init(p, &p->a, &p->b, "192.0.2.1");
    side_init(p, &p->b, &p->a, "192.0.2.2");
}

static void fini(struct pair *p)
{
    phone_ice_fini(&p->a.ice);
    phone_ice_fini(&p->b.ice);
    loop_free(p->loop);
}

/* `s` reads what its peer says, with `more` lines. */
static void take(struct side *s, const char *more, bool offerer, bool mux)
{
    static struct sdp d;
    struct buf b = buf_over(s->text, sizeof(s->text));
    buf_printf(&b, "v=0\r\n%sm=audio 4000 RTP/AVP 8\r\n", more);
    phone_ice_put(&b, &s->peer->ice, mux);
    assert_false(b.overflow);
    assert_int_equal(sdp_parse(buf_slice(&b), &d), SDP_OK);
    phone_ice_take(&s->ice, &d, &d.media[0], offerer, mux);
}

static void begin(struct pair *p, bool mux)
{
    take(&p->b, "", false, mux);
    take(&p->a, "", true, mux);
}

static void two_of_them_find_each_other(void **state)
{
    (void)state;
    for (int mux = 0; mux < 2; mux++) {
        struct pair p;
        init(&p);
        begin(&p, mux);
        loop_advance(p.loop, 1000);
        for (size_t c = 0; c < (mux ? 1u : 2u); c++) {
            assert_true(addr_eq(&p.a.ice.selected[c], &p.b.ice.local[c]));
            assert_true(addr_eq(&p.b.ice.selected[c], &p.a.ice.local[c]));
        }
        assert_int_equal(addr_family(&p.a.ice.selected[1]), mux ? 0 : AF_INET);
        assert_int_equal(p.a.changed, mux ? 1 : 2);
        fini(&p);
    }
}

static void side_add(struct side *s, const char *host)
{
    s->ice.other[0] = at(host, 5000);
    s->ice.other[1] = at(host, 5001);
}

/* Where both can do both, IPv6; one that has but one version, over that; and over the other where
 * the first fails in the middle of the call. */
static void both_versions(void **state)
{
    (void)state;
    for (int mux = 0; mux < 2; mux++) {
        struct pair p;
        init(&p);
        side_add(&p.a, "2001:db8::1");
        side_add(&p.b, "2001:db8::2");
        begin(&p, mux);
        assert_non_null(
            strstr(p.a.text, "a=candidate:1 1 udp 2130706431 2001:db8::2 5000 typ host"));
        assert_non_null(strstr(p.a.text, "a=candidate:2 1 udp 2130706175 192.0.2.2 4000 typ host"));
        loop_advance(p.loop, 1000);
        for (size_t c = 0; c < (mux ? 1u : 2u); c++) {
            assert_true(addr_eq(&p.a.ice.selected[c], &p.b.ice.other[c]));
            assert_true(addr_eq(&p.b.ice.selected[c], &p.a.ice.other[c]));
        }
        p.a.mute6 = p.b.mute6 = true;
        loop_advance(p.loop, PHONE_ICE_CONSENT_MS + 4000);
        for (size_t c = 0; c < (mux ? 1u : 2u); c++) {
            assert_true(addr_eq(&p.a.ice.selected[c], &p.b.ice.local[c]));
            assert_true(addr_eq(&p.b.ice.selected[c], &p.a.ice.local[c]));
        }
        fini(&p);
    }
    static const struct {
        bool mute4, other;
    } one[] = {{true, true}, {false, false}};
    for (size_t i = 0; i < ARRAY_LEN(one); i++) {
        struct pair p;
        init(&p);
        side_add(&p.a, "2001:db8::1");
        if (one[i].other)
            side_add(&p.b, "2001:db8::2");
        p.a.mute4 = one[i].mute4;
        begin(&p, true);
        loop_advance(p.loop, 1000);
        assert_true(
            addr_eq(&p.a.ice.selected[0], one[i].other ? &p.b.ice.other[0] : &p.b.ice.local[0]));
        fini(&p);
    }
}

static void what_is_lost_is_sent_again(void **state)
{
    (void)state;
    struct pair p;
    init(&p);
    begin(&p, true);
    p.a.mute = p.b.mute = true;
    loop_advance(p.loop, 2000);
    assert_int_equal(addr_family(&p.a.ice.selected[0]), 0);
    p.a.mute = p.b.mute = false;
    loop_advance(p.loop, 4000);
    assert_true(addr_eq(&p.a.ice.selected[0], &p.b.ice.local[0]));
    fini(&p);
}

static void one_of_two_that_control_gives_in(void **state)
{
    (void)state;
    for (int larger = 0; larger < 2; larger++) {
        struct pair p;
        init(&p);
        p.a.ice.tie = larger ? 2 : 1;
        p.b.ice.tie = larger ? 1 : 2;
        take(&p.b, "", true, true); /* both offered, or so they think */
        take(&p.a, "", true, true);
        loop_advance(p.loop, 3000);
        assert_true(p.a.ice.controlling != p.b.ice.controlling);
        assert_int_equal(p.a.ice.controlling, larger);
        assert_true(addr_eq(&p.a.ice.selected[0], &p.b.ice.local[0]));
        assert_true(addr_eq(&p.b.ice.selected[0], &p.a.ice.local[0]));
        fini(&p);
    }
}

static void a_lite_peer_makes_us_control(void **state)
{
    (void)state;
    struct pair p;
    init(&p);
    take(&p.a, "a=ice-lite\r\n", false, true);
    assert_true(p.a.ice.on && p.a.ice.controlling);
    take(&p.b, "", false, true);
    assert_false(p.b.ice.controlling);
    fini(&p);
}

static void candidates_are_bounded_and_useless_ones_left_out(void **state)
{
    (void)state;
    static struct sdp d;
    char text[4096];
    struct buf b = buf_over(text, sizeof(text));
    struct pair p;
    init(&p);
    buf_printf(&b, "v=0\r\nm=audio 9 RTP/AVP 8\r\na=ice-ufrag:peer\r\n"
                   "a=ice-pwd:0123456789012345678901\r\n"
                   "a=candidate:1 1 udp 99 name.local 4000 typ host\r\n"
                   "a=candidate:1 1 tcp 99 192.0.2.9 9 typ host tcptype active\r\n"
                   "a=candidate:1 1 udp 99 2001:db8::9 4000 typ host\r\n"
                   "a=candidate:1 2 udp 99 192.0.2.9 4001 typ host\r\n"
                   "a=candidate:nonsense\r\n");
    for (int i = 0; i < PHONE_ICE_PAIRS + 5; i++)
        buf_printf(&b, "a=candidate:1 1 udp %d 192.0.2.9 %d typ host\r\n", i + 1, 5000 + i);
    assert_int_equal(sdp_parse(buf_slice(&b), &d), SDP_OK);
    phone_ice_take(&p.a.ice, &d, &d.media[0], true, true);
    for (int i = 0; i < PHONE_ICE_PAIRS; i++)
        assert_int_equal(addr_port(&p.a.ice.pairs[i].addr), 5000 + i);
    loop_advance(p.loop, 200000); /* nobody answers: each is tried so often, and no more */
    assert_int_equal(p.a.sent, PHONE_ICE_PAIRS * PHONE_ICE_TRIES);
    fini(&p);
}

static void a_way_that_is_lost_is_given_up(void **state)
{
    (void)state;
    struct pair p;
    init(&p);
    begin(&p, true);
    loop_advance(p.loop, 60000);
    assert_int_equal(p.a.changed, 1);
    p.b.mute = true;
    loop_advance(p.loop, PHONE_ICE_LOST_MS + PHONE_ICE_CONSENT_MS + 1000);
    assert_int_equal(p.a.changed, 2);
    assert_int_equal(addr_family(&p.a.ice.selected[0]), 0);
    fini(&p);
}

static void strangers_are_not_answered(void **state)
{
    (void)state;
    static const char *const pwds[] = {"wrong", NULL};
    struct pair p;
    init(&p);
    begin(&p, true);
    for (size_t i = 0; i < 2; i++) {
        uint8_t mem[256];
        struct buf b = buf_over(mem, sizeof(mem));
        struct addr from = at("192.0.2.66", 1);
        stun_put_begin(&b, i ? STUN_SUCCESS : STUN_REQUEST, (const uint8_t *)"abcdefghijkl");
        stun_put_username(&b, slice_from_str(p.a.ice.ufrag), SLICE_LIT("x"));
        stun_put_end(&b, slice_from_str(pwds[i]), pwds[i] ? crypto_hmac_sha1 : NULL);
        unsigned before = p.a.sent;
        phone_ice_packet(&p.a.ice, false, buf_slice(&b), &from);
        assert_int_equal(p.a.sent, before);
    }
    fini(&p);
}

static void a_peer_without_ice_switches_it_off(void **state)
{
    (void)state;
    static struct sdp d;
    struct pair p;
    init(&p);
    begin(&p, true);
    assert_true(p.a.ice.on);
    assert_int_equal(sdp_parse(SLICE_LIT("v=0\r\nm=audio 9 RTP/AVP 8\r\n"), &d), SDP_OK);
    phone_ice_take(&p.a.ice, &d, &d.media[0], true, true);
    assert_false(p.a.ice.on);
    p.b.mute = true;
    unsigned before = p.a.sent;
    loop_advance(p.loop, 1000);
    assert_int_equal(p.a.sent, before);
    fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_of_them_find_each_other),
        cmocka_unit_test(both_versions),
        cmocka_unit_test(what_is_lost_is_sent_again),
        cmocka_unit_test(one_of_two_that_control_gives_in),
        cmocka_unit_test(a_lite_peer_makes_us_control),
        cmocka_unit_test(candidates_are_bounded_and_useless_ones_left_out),
        cmocka_unit_test(a_way_that_is_lost_is_given_up),
        cmocka_unit_test(strangers_are_not_answered),
        cmocka_unit_test(a_peer_without_ice_switches_it_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
