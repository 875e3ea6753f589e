/* What the phones are told of protection, and a user who wants both ends protected. */
#include "signal/testphone.h"

#define LOCK "\xf0\x9f\x94\x92"

static const char *clear_sdp(const struct phone *p, unsigned port)
{
    return phone_sdp_as(p, port, "RTP/AVP", "", "sendrecv");
}

static void two_up(struct kit *k, struct phone *a, const char *a_name, struct phone *b,
                   const char *b_name, enum transport_kind kind)
{
    phone_up(k, a, 1, a_name, kind);
    phone_up(k, b, 2, b_name, kind);
}

static void two_fini(struct phone *a, struct phone *b)
{
    phone_fini(a);
    phone_fini(b);
}

static void test_both_ends_protected(void **state)
{
    struct kit *k = *state;
    struct phone a, b;
    struct side sa, sb;
    two_up(k, &a, "1000", &b, "1001", TRANSPORT_TLS);
    dial(&sa, &a, "sip:1001@example.org");
    side_callee(&sb, &b);
    assert_got(&b, "From: \"" LOCK " 1000\" <sip:1000@example.org>;tag=");
    /* Nothing is agreed with the callee yet, so nothing is said of its own end. */
    assert_got(&b, "X-Sotto-Protection: other;other=\"sdes tls\"\r\n");
    assert_got(&b, "Call-Info: <urn:sotto:protection:other>;purpose=protection\r\n");
    side_answer(&sb, "200 OK", "", phone_sdp(&b, 6000, "sendrecv"));
    await(&b, "ACK ");
    side_await(&sa, "200");
    assert_got(&a, "X-Sotto-Protection: both;you=\"sdes tls\";other=\"sdes tls\"\r\n");
    assert_got(&a, "Call-Info: <urn:sotto:protection:both>;purpose=protection\r\n");
    side_ack(&sa, NULL);
    await_nothing(&a);
    hang_up(&sa, &sb);
    side_fini(&sa);
    side_fini(&sb);
    two_fini(&a, &b);
}

static void test_one_end_in_clear(void **state)
{
    struct kit *k = *state;
    struct phone a, b;
    struct side sa, sb;
    two_up(k, &a, "1000", &b, "maybe", TRANSPORT_TLS);
    dial(&sa, &a, "sip:maybe@example.org");
    side_callee(&sb, &b);
    side_answer(&sb, "200 OK", "", clear_sdp(&b, 6000));
    await(&b, "ACK ");
    side_await(&sa, "200");
    assert_got(&a, "X-Sotto-Protection: yours;you=\"sdes tls\";other=\"none tls\"\r\n");
    side_ack(&sa, NULL);
    hang_up(&sa, &sb);
    side_fini(&sa);
    side_fini(&sb);

    /* The other way: no lock, also where the caller writes one itself. */
    side_caller(&sa, &b, "sip:1000@example.org");
    snprintf(sa.local, sizeof(sa.local), "\"" LOCK " Bob\" <sip:maybe@example.org>");
    side_invite(&sa, "", clear_sdp(&b, 6000));
    side_callee(&sb, &a);
    assert_not_got(&a, LOCK);
    assert_got(&a, "X-Sotto-Protection: none;other=\"none tls\"\r\n");
    side_answer(&sb, "486 Busy", "", NULL);
    await(&a, "ACK ");
    side_await(&sa, "486");
    side_ack_failure(&sa);
    side_fini(&sa);
    side_fini(&sb);
    two_fini(&a, &b);
}

/* SDES keys over UDP protect from no one, whatever the media look like. */
static void test_keys_in_clear_are_no_protection(void **state)
{
    struct kit *k = *state;
    struct phone a, b;
    struct pair c;
    two_up(k, &a, "1000", &b, "1001", TRANSPORT_UDP);
    call_up(&c, &a, &b);
    assert_got(&a, "X-Sotto-Protection: none;you=\"sdes udp\";other=\"sdes udp\"\r\n");
    call_down(&c);
}

static void test_names_keep_their_spelling_behind_the_lock(void **state)
{
    struct kit *k = *state;
    struct phone a, b;
    struct side sa, sb;
    two_up(k, &a, "1000", &b, "1001", TRANSPORT_TLS);
    side_caller(&sa, &a, "sip:1001@example.org");
    snprintf(sa.local, sizeof(sa.local), "\"Ann \\\"A\\\" B\" <sip:1000@example.org>");
    side_invite(&sa, "", phone_sdp(&a, 4000, "sendrecv"));
    side_callee(&sb, &b);
    assert_got(&b, "From: \"" LOCK " Ann \\\"A\\\" B\" <sip:1000@example.org>;tag=");
    side_answer(&sb, "486 Busy", "", NULL);
    await(&b, "ACK ");
    side_await(&sa, "486");
    side_ack_failure(&sa);
    side_fini(&sa);
    side_fini(&sb);
    two_fini(&a, &b);
}

/* A browser is told as soon as it changes; other phones are not sent what they may not know. */
static void test_a_browser_is_told_of_changes(void **state)
{
    struct kit *k = *state;
    struct phone a, b;
    struct pair c;
    two_up(k, &a, "1000", &b, "1001", TRANSPORT_WSS);
    dial(&c.a, &a, "sip:1001@example.org");
    side_callee(&c.b, &b);
    side_answer(&c.b, "200 OK", "", phone_sdp(&b, 6000, "sendrecv"));
    await(&b, "ACK ");
    side_await_request(&c.b, "INFO");
    assert_got(&b, "X-Sotto-Protection: both;you=\"sdes wss\";other=\"sdes wss\"\r\n");
    side_reply(&c.b, "200 OK", "", NULL);
    side_await(&c.a, "200");
    side_ack(&c.a, NULL);
    await_nothing(&a);
    await_nothing(&b);
    kit_media_event(k, 0, MEDIA_EVENT_SECURE, ""); /* keys are in use now, with their suite */
    side_await_request(&c.a, "INFO");
    side_reply(&c.a, "415 No", "", NULL);
    side_await_request(&c.b, "INFO");
    side_reply(&c.b, "200 OK", "", NULL);
    kit_media_event(k, 0, MEDIA_EVENT_SECURE, ""); /* the same again is no news */
    call_down(&c);
}

/* By ear: once is once, always follows what changes; who said neither hears nothing. */
static void test_sounds(void **state)
{
    struct kit *k = *state;
    struct phone a, b;
    struct pair c;
    two_up(k, &a, "always", &b, "maybe", TRANSPORT_TLS);
    dial(&c.a, &a, "sip:maybe@example.org");
    side_callee(&c.b, &b);
    side_answer(&c.b, "200 OK", "", clear_sdp(&b, 6000));
    await(&b, "ACK ");
    side_await(&c.a, "200");
    side_ack(&c.a, NULL);
    kit_run(k);
    struct kit_endpoint *ea = kit_endpoint_of(&k->media, 0, 0);
    struct kit_endpoint *eb = kit_endpoint_of(&k->media, 1, 0);
    assert_int_equal(ea->sounds, 1);
    assert_int_equal(ea->sound, MEDIA_ANNOUNCE_YOURS);
    assert_int_equal(eb->sounds, 0);
    /* The other side encrypts from now on. */
    side_send(&c.b, "INVITE", "",
              phone_sdp_as(&b, 6001, "RTP/AVP", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:X\r\n",
                           "sendrecv"));
    side_await_request(&c.a, "INVITE");
    side_reply(&c.a, "200 OK", "", phone_sdp(&a, 4001, "sendrecv"));
    await(&a, "ACK ");
    side_await(&c.b, "200");
    side_ack(&c.b, NULL);
    kit_run(k);
    assert_int_equal(ea->sounds, 2);
    assert_int_equal(ea->sound, MEDIA_ANNOUNCE_BOTH);
    call_down(&c);

    phone_up(k, &a, 3, "once", TRANSPORT_TLS);
    phone_up(k, &b, 4, "1001", TRANSPORT_TLS);
    call_up(&c, &a, &b);
    ea = kit_endpoint_of(&k->media, 0, 0);
    assert_int_equal(ea->sounds, 1);
    assert_int_equal(ea->sound, MEDIA_ANNOUNCE_BOTH);
    kit_media_event(k, 0, MEDIA_EVENT_SECURE, "");
    assert_int_equal(ea->sounds, 1);
    call_down(&c);
}

/* --- both ends, or no call -------------------------------------------------------------------- */

static void test_caller_requires_the_peer(void **state)
{
    struct kit *k = *state;
    struct phone a, b, off;
    struct side sa, sb;
    two_up(k, &a, "both", &b, "maybe", TRANSPORT_TLS);
    dial(&sa, &a, "sip:maybe@example.org");
    side_callee(&sb, &b);
    side_answer(&sb, "200 OK", "", clear_sdp(&b, 6000));
    await(&b, "ACK ");
    side_await_request(&sb, "BYE");
    side_reply(&sb, "200 OK", "", NULL);
    side_await(&sa, "488");
    assert_got(&a, "Warning: 399 ");
    assert_got(&a, "the callee's phone offers no encryption, which user");
    side_ack_failure(&sa);
    side_fini(&sa);
    side_fini(&sb);

    /* Where the other's encryption is off, it does not ring at all. */
    phone_up(k, &off, 3, "clear", TRANSPORT_TLS);
    dial(&sa, &a, "sip:clear@example.org");
    side_await(&sa, "488");
    assert_got(&a, "user both takes only calls that are protected at both ends");
    await_nothing(&off);
    side_ack_failure(&sa);
    side_fini(&sa);
    assert_true(kit_show_has(k, false, "protected at both ends"));
    phone_fini(&off);
    two_fini(&a, &b);
}

static void test_callee_requires_the_peer(void **state)
{
    struct kit *k = *state;
    struct phone a, b;
    struct side sa;
    two_up(k, &a, "maybe", &b, "both", TRANSPORT_TLS);
    side_caller(&sa, &a, "sip:both@example.org");
    side_invite(&sa, "", clear_sdp(&a, 4000));
    side_await(&sa, "488");
    assert_got(&a, "Warning: 399 ");
    await_nothing(&b);
    side_ack_failure(&sa);
    side_fini(&sa);
    two_fini(&a, &b);

    /* SDES over UDP cannot meet it; over TLS it can. */
    phone_up(k, &a, 3, "maybe", TRANSPORT_UDP);
    phone_up(k, &b, 4, "both", TRANSPORT_UDP);
    dial(&sa, &a, "sip:both@example.org");
    side_await(&sa, "488");
    await_nothing(&b);
    side_ack_failure(&sa);
    side_fini(&sa);
    two_fini(&a, &b);
    struct pair c;
    phone_up(k, &a, 5, "maybe", TRANSPORT_TLS);
    phone_up(k, &b, 6, "both", TRANSPORT_TLS);
    call_up(&c, &a, &b);
    call_down(&c);
}

/* --- in sentences ----------------------------------------------------------------------------- */

static void test_explain_a_call(void **state)
{
    struct kit *k = *state;
    struct phone a, b;
    struct pair c;
    phone_up(k, &a, 1, "1000", TRANSPORT_TLS);
    phone_init(k, &b, 2, "maybe", "example.org", TRANSPORT_UDP);
    char headers[200];
    snprintf(headers, sizeof(headers),
             "Contact: <%s>\r\nExpires: 3600\r\nUser-Agent: Yealink SIP-T46S 66.85\r\n", b.contact);
    phone_register_as(&b, headers, "200");
    dial(&c.a, &a, "sip:maybe@example.org");
    side_callee(&c.b, &b);
    side_answer(&c.b, "200 OK", "", clear_sdp(&b, 6000));
    await(&b, "ACK ");
    side_await(&c.a, "200");
    side_ack(&c.a, NULL);
    char *s = kit_explain(k, "last");
    kit_assert_says(s, "The caller 1000@example.org is encrypted by SDES");
    kit_assert_says(s, "The callee maybe@example.org talks in clear");
    kit_assert_says(s, "`sotto user set maybe@example.org --protection required`");
    kit_assert_says(s, "In that phone (Yealink SIP-T46S 66.85): Account > Advanced");
    kit_assert_says(s, "The callee maybe@example.org signals over udp, in clear");
    kit_assert_says(s, "Not both legs are protected");
    free(s);
    hang_up(&c.a, &c.b);
    kit_run(k);
    s = kit_explain(k, "last");
    kit_assert_says(s, "It has ended: the caller hung up.");
    /* By its id, which the first sentence names: "Call ID, from". */
    struct slice rest = slice_from_str(s), call = slice_cut(&rest, ' '), id = slice_cut(&rest, ',');
    char name[32];
    assert_true(slice_eq_str(call, "Call") && slice_to_str(id, name, sizeof(name)));
    char *again = kit_explain(k, name);
    assert_string_equal(again, s);
    free(again);
    free(s);
    assert_null(call_core_explain(k->role->calls, SLICE_LIT("0000")));
    side_fini(&c.a);
    side_fini(&c.b);
    two_fini(&a, &b);
}

static void test_explain_a_refusal(void **state)
{
    struct kit *k = *state;
    struct phone a, b;
    struct side sa;
    two_up(k, &a, "1000", &b, "1001", TRANSPORT_TLS);
    side_caller(&sa, &a, "sip:1001@example.org");
    side_invite(&sa, "User-Agent: Grandstream GXP2170\r\n", clear_sdp(&a, 4000));
    side_await(&sa, "488");
    side_ack_failure(&sa);
    kit_run(k);
    char *s = kit_explain(k, "last");
    kit_assert_says(s, "It was refused with 488: the caller's phone offers no encryption");
    kit_assert_says(s, "In that phone (Grandstream GXP2170): Accounts > Audio Settings");
    free(s);
    side_fini(&sa);
    two_fini(&a, &b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_both_ends_protected),
        KIT_TEST(test_one_end_in_clear),
        KIT_TEST(test_keys_in_clear_are_no_protection),
        KIT_TEST(test_names_keep_their_spelling_behind_the_lock),
        KIT_TEST(test_a_browser_is_told_of_changes),
        KIT_TEST(test_sounds),
        KIT_TEST(test_caller_requires_the_peer),
        KIT_TEST(test_callee_requires_the_peer),
        KIT_TEST(test_explain_a_call),
        KIT_TEST(test_explain_a_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
