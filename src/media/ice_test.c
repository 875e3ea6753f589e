#include "media/rig_ice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "rtp/candidate.h"
#include "rtp/stun_vectors.h"

/* --- text --- */

static void the_vectors_are_authentic(void **state)
{
    (void)state;
    static const struct slice vectors[] = {SLICE_LIT(STUN_VECTOR_REQUEST),
                                           SLICE_LIT(STUN_VECTOR_RESPONSE4),
                                           SLICE_LIT(STUN_VECTOR_RESPONSE6)};
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct stun_msg m;
        assert_int_equal(stun_parse(vectors[i], &m), STUN_OK);
        assert_true(stun_is_authentic(&m, SLICE_LIT(STUN_VECTOR_PASSWORD), &hmac));
        assert_false(stun_is_authentic(&m, SLICE_LIT("VOkJxbRl1RmTxUk/WvJxBT"), &hmac));
    }
}

static void who_does_ice_is_read_from_its_lines(void **state)
{
    (void)state;
    static const char *const not_ice[] = {
        "",
        "a=ice-ufrag:peer\r\n",
        "a=ice-pwd:peer/password+of/24chars\r\n",
        "a=ice-ufrag:pee\r\na=ice-pwd:peer/password+of/24chars\r\n",
        "a=ice-ufrag:peer\r\na=ice-pwd:peer/password+of/2\r\n",
        "a=ice-ufrag:pe:r\r\na=ice-pwd:peer/password+of/24chars\r\n",
        PEER_LINES "a=ice-lite\r\n",
    };
    uint8_t x[16], y[16];
    for (size_t i = 0; i < ARRAY_LEN(not_ice); i++)
        assert_false(media_ice_read(slice_from_str(not_ice[i]), x));
    assert_true(media_ice_read(SLICE_LIT("a=ice-options:trickle\r\n" PEER_LINES), x));
    assert_true(media_ice_read(SLICE_LIT("a=ice-ufrag:peeR\r\n" PEER_LINES), y));
    assert_memory_not_equal(x, y, sizeof(x));
}

static void an_offer_with_ice_is_answered_with_ice_lite(void **state)
{
    (void)state;
    static struct call c;
    char candidate[128];
    struct rtp_candidate k;
    call_init(&c, PROTECTION_REQUIRED);
    /* c.g.text is that of b's leg now, which did not ask for it */
    assert_null(strstr(c.g.text, "ice"));
    struct phone p;
    phone_init(&p, &c.g, 8, 0, PROTECTION_OFF);
    p.lines = SLICE_LIT(PEER_LINES);
    RIG_EQ(phone_offers(&p, MEDIA_OP_OPEN, &p.policy, NULL), 0);
    c.g.text[c.g.reply.text_n] = '\0';
    assert_non_null(strstr(c.g.text, "a=ice-lite\r\n"));
    assert_non_null(strstr(c.g.text, "a=end-of-candidates\r\n"));
    line_value(&c.g, "a=candidate:", candidate, sizeof(candidate));
    assert_int_equal(rtp_candidate_parse(slice_from_str(candidate), &k), RTP_CANDIDATE_OK);
    assert_true(addr_eq(&k.addr, &p.server));
    assert_int_equal(k.component, 1);
    assert_non_null(strstr(strstr(c.g.text, "candidate:") + 1, "candidate:")); /* RTCP's */
    assert_int_equal(stats_of(&p)->ice, MEDIA_ICE_CHECKING);
    phone_fini(&p);

    phone_init(&p, &c.g, 9, 0, PROTECTION_OFF);
    p.lines = SLICE_LIT(PEER_LINES "a=ice-lite\r\n");
    RIG_EQ(phone_offers(&p, MEDIA_OP_OPEN, &p.policy, NULL), 0);
    c.g.text[c.g.reply.text_n] = '\0';
    assert_null(strstr(c.g.text, "ice"));
    phone_fini(&p);
    call_fini(&c);
}

/* --- checks --- */

static void media_flows_once_a_check_has_nominated(void **state)
{
    (void)state;
    static struct call c;
    call_init(&c, PROTECTION_REQUIRED);
    assert_stays(&c.b, &c.a);
    CHECKS(&c, STUN_SUCCESS, good(&c, false));
    assert_stays(&c.b, &c.a); /* valid, not selected */
    assert_int_equal(stats_of(&c.a)->ice, MEDIA_ICE_CHECKING);
    CHECKS(&c, STUN_SUCCESS, good(&c, true));
    assert_passes(&c.b, &c.a);
    assert_passes(&c.a, &c.b);
    assert_int_equal(stats_of(&c.a)->ice, MEDIA_ICE_CONNECTED);
    assert_true(addr_eq(&stats_of(&c.a)->remote, &c.a.addr));
    call_fini(&c);
}

static void a_stranger_gets_no_answer_and_changes_nothing(void **state)
{
    (void)state;
    static struct call c;
    call_init(&c, PROTECTION_REQUIRED);
    struct check k = good(&c, true);
    k.pwd = "another/password+of/24ch";
    CHECKS(&c, 0, k);
    k = good(&c, true);
    k.ufrag = "abcd";
    CHECKS(&c, 0, k);
    k = good(&c, true);
    k.no_fingerprint = true;
    CHECKS(&c, 0, k);
    k = good(&c, true);
    k.no_integrity = true;
    CHECKS(&c, 0, k);
    assert_int_equal(stats_of(&c.a)->rx_stun_refused, 4);
    assert_stays(&c.b, &c.a);
    /* b's leg never spoke of ICE: nothing is counted, let alone answered */
    struct addr to = c.b.server;
    k = good(&c, true);
    send_check(&c, c.b.rtp, &to, &k);
    rig_turn(&c.g);
    assert_int_equal(hear_answer(&c, c.b.rtp, &c.b.addr), 0);
    assert_int_equal(stats_of(&c.b)->rx_stun_refused, 0);
    call_fini(&c);
}

static void what_must_be_understood_and_is_not_gets_420(void **state)
{
    (void)state;
    static struct call c;
    call_init(&c, PROTECTION_REQUIRED);
    struct check k = good(&c, true);
    k.unknown = 0x7777;
    CHECKS(&c, 420, k);
    assert_stays(&c.b, &c.a);
    k.unknown = 0xc777;
    CHECKS(&c, STUN_SUCCESS, k);
    assert_passes(&c.b, &c.a);
    call_fini(&c);
}

static void a_peer_that_wants_to_be_controlled_gets_487(void **state)
{
    (void)state;
    static struct call c;
    call_init(&c, PROTECTION_REQUIRED);
    struct check k = good(&c, true);
    k.controlled = true;
    CHECKS(&c, 487, k);
    assert_stays(&c.b, &c.a);
    k.controlled = false;
    CHECKS(&c, STUN_SUCCESS, k);
    assert_passes(&c.b, &c.a);
    call_fini(&c);
}

static void media_in_clear_comes_from_valid_addresses_only(void **state)
{
    (void)state;
    static struct call c;
    call_init(&c, PROTECTION_OFF);
    assert_stays(&c.a, &c.b);
    assert_int_equal(stats_of(&c.a)->rx_foreign, 1);
    CHECKS(&c, STUN_SUCCESS, good(&c, false));
    assert_passes(&c.a, &c.b);
    struct addr before = c.a.addr;
    phone_move(&c.a);
    assert_false(addr_eq(&before, &c.a.addr));
    assert_stays(&c.a, &c.b);
    call_fini(&c);
}

/* --- pairs --- */

static void authentic_media_from_elsewhere_passes_and_moves_nothing(void **state)
{
    (void)state;
    static struct call c;
    call_init(&c, PROTECTION_REQUIRED);
    CHECKS(&c, STUN_SUCCESS, good(&c, true));
    assert_passes(&c.b, &c.a);
    int old = fcntl(c.a.rtp, F_DUPFD_CLOEXEC, 0);
    struct addr before = c.a.addr;
    c.a.rtp = phone_socket(&c.a.addr);
    assert_passes(&c.a, &c.b);
    assert_stays(&c.b, &c.a); /* to where it was nominated */
    assert_true(addr_eq(&stats_of(&c.a)->remote, &before));
    close(old);
    call_fini(&c);
}

static void a_better_pair_wins_a_worse_one_only_after_silence(void **state)
{
    (void)state;
    static struct call c;
    struct addr other_addr;
    call_init(&c, PROTECTION_REQUIRED);
    int other = phone_socket(&other_addr);
    struct check low = good(&c, true), high = good(&c, true);
    low.priority = LOW;
    CHECKS(&c, STUN_SUCCESS, low);
    assert_true(addr_eq(&stats_of(&c.a)->remote, &c.a.addr));
    RIG_EQ(check_from(&c, other, &other_addr, &high), STUN_SUCCESS);
    assert_true(addr_eq(&stats_of(&c.a)->remote, &other_addr));
    loop_advance(c.g.loop, 1000);
    CHECKS(&c, STUN_SUCCESS, low); /* as aggressive nomination does */
    assert_true(addr_eq(&stats_of(&c.a)->remote, &other_addr));
    loop_advance(c.g.loop, MEDIA_ICE_SILENT_MS);
    CHECKS(&c, STUN_SUCCESS, low); /* the other network is gone */
    assert_true(addr_eq(&stats_of(&c.a)->remote, &c.a.addr));
    assert_passes(&c.b, &c.a);
    close(other);
    call_fini(&c);
}

static void media_from_a_nominated_pair_moves_at_once(void **state)
{
    (void)state;
    static struct call c;
    struct addr other_addr;
    call_init(&c, PROTECTION_REQUIRED);
    CHECKS(&c, STUN_SUCCESS, good(&c, true));
    assert_passes(&c.a, &c.b);
    int other = phone_socket(&other_addr);
    struct check low = good(&c, true);
    low.priority = LOW;
    RIG_EQ(check_from(&c, other, &other_addr, &low), STUN_SUCCESS);
    assert_passes(&c.b, &c.a);
    close(c.a.rtp);
    c.a.rtp = other;
    c.a.addr = other_addr;
    assert_passes(&c.a, &c.b);
    assert_passes(&c.b, &c.a);
    call_fini(&c);
}

static void pairs_are_bounded_and_the_selected_one_stays(void **state)
{
    (void)state;
    static struct call c;
    call_init(&c, PROTECTION_REQUIRED);
    CHECKS(&c, STUN_SUCCESS, good(&c, true));
    struct check low = good(&c, true);
    low.priority = LOW;
    for (size_t i = 0; i < 3 * MEDIA_ICE_PEERS; i++) {
        struct addr addr;
        int fd = phone_socket(&addr);
        loop_advance(c.g.loop, 1);
        RIG_EQ(check_from(&c, fd, &addr, &low), STUN_SUCCESS);
        struct media_endpoint *e = media_endpoint_find(c.g.role, c.a.endpoint);
        assert_true(media_ice_is_valid(e, false, &addr));
        assert_true(media_ice_is_valid(e, false, &c.a.addr));
        close(fd);
    }
    assert_passes(&c.b, &c.a);
    call_fini(&c);
}

static void rtcp_without_mux_has_a_pair_of_its_own(void **state)
{
    (void)state;
    static struct call c;
    memset(&c, 0, sizeof(c));
    rig_init(&c.g);
    phone_init(&c.a, &c.g, 7, 0, PROTECTION_OFF);
    c.a.lines = SLICE_LIT(PEER_LINES);
    RIG_EQ(phone_offers(&c.a, MEDIA_OP_OPEN, &c.a.policy, NULL), 0);
    c.g.text[c.g.reply.text_n] = '\0';
    take_cred(&c);
    CHECKS(&c, STUN_SUCCESS, good(&c, true));
    struct media_endpoint *e = media_endpoint_find(c.g.role, c.a.endpoint);
    assert_int_equal(addr_family(media_remote(e, true)), 0);
    struct check k = good(&c, true);
    send_check(&c, c.a.rtcp, &c.a.server_rtcp, &k);
    rig_turn(&c.g);
    assert_int_equal(hear_answer(&c, c.a.rtcp, &c.a.addr_rtcp), STUN_SUCCESS);
    assert_true(addr_eq(media_remote(e, true), &c.a.addr_rtcp));
    assert_true(addr_eq(media_remote(e, false), &c.a.addr));
    phone_fini(&c.a);
    rig_fini(&c.g);
}

/* --- descriptions in mid-call --- */

static void a_restart_keeps_media_where_it_was_until_a_new_pair(void **state)
{
    (void)state;
    static struct call c;
    char old_ufrag[16], old_pwd[32];
    call_init(&c, PROTECTION_REQUIRED);
    CHECKS(&c, STUN_SUCCESS, good(&c, true));
    assert_passes(&c.b, &c.a);
    memcpy(old_ufrag, c.ufrag, sizeof(old_ufrag));
    memcpy(old_pwd, c.pwd, sizeof(old_pwd));

    RIG_EQ(phone_offers(&c.a, 0, &c.a.policy, NULL), 0); /* the same again: no restart */
    c.g.text[c.g.reply.text_n] = '\0';
    take_cred(&c);
    assert_string_equal(c.ufrag, old_ufrag);
    assert_string_equal(c.pwd, old_pwd);

    c.a.lines = SLICE_LIT("a=ice-ufrag:anew\r\na=ice-pwd:anew/password+of/24chars\r\n");
    RIG_EQ(phone_offers(&c.a, 0, &c.a.policy, NULL), 0);
    c.g.text[c.g.reply.text_n] = '\0';
    take_cred(&c);
    assert_string_not_equal(c.ufrag, old_ufrag);
    assert_passes(&c.b, &c.a);

    /* checks on their way with the old ones are answered, and prove nothing */
    struct check old = {.ufrag = old_ufrag, .pwd = old_pwd, .priority = HIGH, .use = true};
    struct addr other_addr;
    int other = phone_socket(&other_addr);
    send_check(&c, other, &c.a.server, &old);
    rig_turn(&c.g);
    char new_pwd[32];
    memcpy(new_pwd, c.pwd, sizeof(new_pwd));
    memcpy(c.pwd, old_pwd, sizeof(old_pwd));
    assert_int_equal(hear_answer(&c, other, &other_addr), STUN_SUCCESS);
    memcpy(c.pwd, new_pwd, sizeof(new_pwd));
    assert_true(addr_eq(&stats_of(&c.a)->remote, &c.a.addr));

    struct check low = good(&c, true); /* the first of the new ones wins whatever its priority */
    low.priority = LOW;
    RIG_EQ(check_from(&c, other, &other_addr, &low), STUN_SUCCESS);
    assert_true(addr_eq(&stats_of(&c.a)->remote, &other_addr));

    loop_advance(c.g.loop, MEDIA_ICE_OLD_MS);
    RIG_EQ(check_from(&c, other, &other_addr, &old), 0);
    close(other);
    call_fini(&c);
}

static void our_offer_is_checked_before_its_answer(void **state)
{
    (void)state;
    static struct call c;
    memset(&c, 0, sizeof(c));
    rig_init(&c.g);
    phone_init(&c.a, &c.g, 7, 0, PROTECTION_OFF);
    phone_init(&c.b, &c.g, 7, 1, PROTECTION_OFF);
    RIG_EQ(phone_offers(&c.b, MEDIA_OP_OPEN, &c.b.policy, NULL), 0);
    c.a.wants_ice = c.a.rtcp_mux = true;
    struct media_request rq = phone_request(&c.a, MEDIA_OP_OPEN | MEDIA_OP_LOCAL);
    RIG_EQ(rig_request(&c.g, &rq, SLICE_NONE)->status, 0);
    phone_take_reply(&c.a);
    c.g.text[c.g.reply.text_n] = '\0';
    take_cred(&c);
    CHECKS(&c, STUN_SUCCESS, good(&c, true));

    c.a.lines = SLICE_LIT(PEER_LINES);
    RIG_EQ(phone_answers(&c.a, 0, &c.a.policy, MEDIA_OP_CONNECT, MEDIA_MODE_RELAY, c.b.endpoint),
           0);
    c.g.text[c.g.reply.text_n] = '\0';
    assert_passes(&c.b, &c.a);
    assert_int_equal(stats_of(&c.a)->ice, MEDIA_ICE_CONNECTED);

    /* an answer without ICE: as if it had never been */
    c.a.lines = SLICE_NONE;
    RIG_EQ(phone_answers(&c.a, 0, &c.a.policy, 0, 0, 0), 0);
    assert_int_equal(stats_of(&c.a)->ice, MEDIA_ICE_NONE);
    assert_passes(&c.b, &c.a);
    assert_passes(&c.a, &c.b);
    call_fini(&c);
}

static void a_peer_that_ceases_to_check_is_given_up(void **state)
{
    (void)state;
    static struct call c;
    call_init(&c, PROTECTION_REQUIRED);
    for (uint32_t ms = 0; ms <= MEDIA_CONSENT_SHOWN_MS + 1000; ms += 1000) {
        CHECKS(&c, STUN_SUCCESS, good(&c, true));
        loop_advance(c.g.loop, 1000);
    }
    assert_passes(&c.b, &c.a);
    c.g.events_n = 0;
    loop_advance(c.g.loop, MEDIA_CONSENT_MS - 2000);
    rig_turn(&c.g);
    assert_int_equal(c.g.events_n, 0);
    assert_passes(&c.b, &c.a);
    loop_advance(c.g.loop, 2000);
    rig_turn(&c.g);
    assert_int_equal(c.g.events_n, 1);
    assert_int_equal(c.g.events[0].kind, MEDIA_EVENT_TIMEOUT);
    assert_true(c.g.events[0].endpoint == c.a.endpoint);
    assert_int_equal(stats_of(&c.a)->ice, MEDIA_ICE_LOST);
    assert_stays(&c.b, &c.a);
    CHECKS(&c, STUN_SUCCESS, good(&c, true)); /* it was only away */
    assert_int_equal(stats_of(&c.a)->ice, MEDIA_ICE_CONNECTED);
    assert_passes(&c.b, &c.a);
    call_fini(&c);
}

static void a_killed_role_knows_the_pair(void **state)
{
    (void)state;
    static struct call c;
    call_init(&c, PROTECTION_REQUIRED);
    CHECKS(&c, STUN_SUCCESS, good(&c, true));
    assert_passes(&c.b, &c.a);
    c.g.role = media_role_free(c.g.role); /* writes nothing: as good as killed */
    rig_start_role(&c.g);
    rig_attach(&c.g);
    assert_passes(&c.b, &c.a);
    CHECKS(&c, STUN_SUCCESS, good(&c, true));
    assert_int_equal(stats_of(&c.a)->ice, MEDIA_ICE_CONNECTED);
    call_fini(&c);
}

/* Everyone's STUN, a thousand times: not a byte back, and the call goes on. */
static void a_flood_is_not_answered(void **state)
{
    (void)state;
    static struct call c;
    struct addr addr;
    call_init(&c, PROTECTION_REQUIRED);
    CHECKS(&c, STUN_SUCCESS, good(&c, true));
    int fd = phone_socket(&addr);
    struct check bad = good(&c, true);
    bad.pwd = "another/password+of/24ch";
    for (int i = 0; i < 1000; i++) {
        send_check(&c, fd, &c.a.server, &bad);
        RIG_EQ(loop_once(c.g.loop, 0), 0);
    }
    uint8_t byte;
    assert_int_equal(recv(fd, &byte, 1, 0), -1);
    assert_int_equal(stats_of(&c.a)->rx_stun_refused, 1000);
    assert_passes(&c.b, &c.a);
    HEARS(&c.a, 0);
    close(fd);
    call_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_are_authentic),
        cmocka_unit_test(who_does_ice_is_read_from_its_lines),
        cmocka_unit_test(an_offer_with_ice_is_answered_with_ice_lite),
        cmocka_unit_test(media_flows_once_a_check_has_nominated),
        cmocka_unit_test(a_stranger_gets_no_answer_and_changes_nothing),
        cmocka_unit_test(what_must_be_understood_and_is_not_gets_420),
        cmocka_unit_test(a_peer_that_wants_to_be_controlled_gets_487),
        cmocka_unit_test(media_in_clear_comes_from_valid_addresses_only),
        cmocka_unit_test(authentic_media_from_elsewhere_passes_and_moves_nothing),
        cmocka_unit_test(a_better_pair_wins_a_worse_one_only_after_silence),
        cmocka_unit_test(media_from_a_nominated_pair_moves_at_once),
        cmocka_unit_test(pairs_are_bounded_and_the_selected_one_stays),
        cmocka_unit_test(rtcp_without_mux_has_a_pair_of_its_own),
        cmocka_unit_test(a_restart_keeps_media_where_it_was_until_a_new_pair),
        cmocka_unit_test(our_offer_is_checked_before_its_answer),
        cmocka_unit_test(a_peer_that_ceases_to_check_is_given_up),
        cmocka_unit_test(a_killed_role_knows_the_pair),
        cmocka_unit_test(a_flood_is_not_answered),
    };
    return RIG_RUN_BOTH_WAYS(tests);
}
