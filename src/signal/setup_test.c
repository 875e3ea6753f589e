/* Calls from INVITE to BYE through the whole signal role. */
#include "signal/testphone.h"

struct trio {
    struct phone a, b, c, d;
};

static void phones_up(struct kit *k, struct trio *t)
{
    phone_up(k, &t->a, 1, "1000", TRANSPORT_TLS);
    phone_up(k, &t->b, 2, "1001", TRANSPORT_TLS);
}

static void phones_fini(struct trio *t)
{
    phone_fini(&t->a);
    phone_fini(&t->b);
    phone_fini(&t->c);
    phone_fini(&t->d);
}

/* Three phones of one user. */
static void phones_fork(struct kit *k, struct trio *t)
{
    phone_up(k, &t->a, 1, "1000", TRANSPORT_TLS);
    phone_up(k, &t->b, 2, "1001", TRANSPORT_TLS);
    phone_up(k, &t->c, 3, "1001", TRANSPORT_TLS);
    phone_up(k, &t->d, 4, "1001", TRANSPORT_TLS);
}

static void sides_fini(struct side *a, struct side *b)
{
    side_fini(a);
    side_fini(b);
}

/* --- the simple call ------------------------------------------------------------------------- */

static void test_call_and_bye_of_the_caller(void **state)
{
    struct kit *k = *state;
    struct trio t = {0};
    struct side a, b;
    phones_up(k, &t);
    dial(&a, &t.a, "sip:1001@example.org");
    side_callee(&b, &t.b);
    /* Nothing of a's leg is on b's: address, key, names. */
    assert_not_got(&t.b, "10.0.0.2");
    assert_not_got(&t.b, "PHONE1KEY");
    assert_not_got(&t.b, a.call_id);
    assert_not_got(&t.b, a.local_tag);
    assert_got(&t.b, "From: \"\xf0\x9f\x94\x92 1000\" <sip:1000@example.org>;tag=");
    assert_got(&t.b, "m=audio 2");
    assert_got(&t.b, " RTP/SAVP 8 0 101\r\n");
    assert_got(&t.b, "c=IN IP4 192.0.2.1");
    assert_got(&t.b, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:OURS");
    assert_got(&t.b, "Max-Forwards: 69\r\n");
    assert_got(&t.b, "Contact: <sip:1000@192.0.2.1:5061;transport=tls>");
    await_nothing(&t.a);
    side_answer(&b, "180 Ringing", "", NULL);
    side_await(&a, "180");
    assert_true(kit_show_has(k, false, "\"state\":\"ringing\""));
    char early_tag[64];
    memcpy(early_tag, a.remote_tag, sizeof(early_tag));
    side_answer(&b, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK sip:1001@10.0.0.3:5002;transport=tls SIP/2.0");
    side_await(&a, "200");
    assert_string_equal(a.remote_tag, early_tag);
    assert_not_got(&t.a, "10.0.0.3");
    assert_not_got(&t.a, "PHONE2KEY");
    assert_got(&t.a, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:OURS");
    side_ack(&a, NULL);
    assert_true(kit_show_has(k, false, "\"state\":\"answered\""));
    struct kit_endpoint *ea = kit_endpoint_of(&k->media, 0, 0);
    struct kit_endpoint *eb = kit_endpoint_of(&k->media, 1, 0);
    assert_true(ea && eb && ea->peer == eb->id && eb->peer == ea->id);
    assert_int_equal(ea->mode, MEDIA_MODE_RELAY);
    assert_int_equal(addr_port(&ea->remote), 4000);
    assert_int_equal(addr_port(&eb->remote), 6000);
    hang_up(&a, &b);
    assert_got(&t.b, "Reason: Q.850;cause=16");
    kit_run(k);
    assert_int_equal(signal_role_calls(k->role), 0);
    assert_true(kit_cdr_has(k, "\"status\":200"));
    assert_true(kit_cdr_has(k, "the caller hung up"));
    sides_fini(&a, &b);
    phones_fini(&t);
}

static void test_bye_of_the_callee(void **state)
{
    struct kit *k = *state;
    struct trio t = {0};
    struct pair c;
    phones_up(k, &t);
    call_up(&c, &t.a, &t.b);
    kit_advance(k, 5000);
    hang_up(&c.b, &c.a);
    assert_true(kit_cdr_has(k, "the callee hung up"));
    assert_true(kit_cdr_has(k, "\"seconds\":5,"));
    sides_fini(&c.a, &c.b);
    phones_fini(&t);
}

static void test_byes_cross(void **state)
{
    struct kit *k = *state;
    struct trio t = {0};
    struct pair c;
    phones_up(k, &t);
    call_up(&c, &t.a, &t.b);
    side_send(&c.a, "BYE", "", NULL);
    await(&t.a, "SIP/2.0 200");
    side_await_request(&c.b, "BYE");
    side_send(&c.b, "BYE", "", NULL);
    await(&t.b, "SIP/2.0 200");
    side_reply(&c.b, "481 Gone", "", NULL);
    side_send(&c.a, "BYE", "", NULL);
    await(&t.a, "SIP/2.0 481");
    sides_fini(&c.a, &c.b);
    phones_fini(&t);
}

static void test_bye_unanswered(void **state)
{
    struct kit *k = *state;
    struct trio t = {0};
    struct pair c;
    phones_up(k, &t);
    call_up(&c, &t.a, &t.b);
    side_send(&c.a, "BYE", "", NULL);
    await(&t.a, "SIP/2.0 200");
    side_await_request(&c.b, "BYE");
    kit_advance(k, 31000);
    assert_int_equal(signal_role_calls(k->role), 1);
    sides_fini(&c.a, &c.b);
    phones_fini(&t); /* kit_fini sees it go */
}

static void test_within_a_domain_name_and_its_cases(void **state)
{
    struct kit *k = *state;
    struct trio t = {0};
    struct side a, b;
    phones_up(k, &t);
    dial(&a, &t.a, "sip:1001@EXAMPLE.org:5061;transport=tls;user=phone");
    side_callee(&b, &t.b);
    side_answer(&b, "486 Busy Here", "", NULL);
    await(&t.b, "ACK ");
    side_await(&a, "486");
    side_ack_failure(&a);
    sides_fini(&a, &b);
    phones_fini(&t);
}

static void test_texts_of_peers_make_good_json(void **state)
{
    struct kit *k = *state;
    struct trio t = {0};
    struct side a, b;
    phones_up(k, &t);
    dial(&a, &t.a, "sip:%22%5c%09%ff%c3%28x%e2%82%ac@example.org");
    side_await(&a, "404");
    side_ack_failure(&a);
    assert_true(kit_show_has(k, true,
                             "\"to\":\"\\\"\\\\\\u0009?"
                             "?(x\xe2\x82\xac@example.org\""));
    dial(&a, &t.a, "sip:1001@example.org");
    side_callee(&b, &t.b);
    side_answer(&b, "486 \"Busy\"\\ \xff", "", NULL);
    await(&t.b, "ACK ");
    side_await(&a, "486");
    side_ack_failure(&a);
    assert_true(kit_show_has(k, true, "\"reason\":\"\\\"Busy\\\"\\\\ ?\""));
    sides_fini(&a, &b);
    phones_fini(&t);
}

/* --- refusals -------------------------------------------------------------------------------- */

static void refused(struct kit *k, struct trio *t, const char *uri, const char *headers,
                    const char *body, const char *status)
{
    struct side a;
    side_caller(&a, &t->a, uri);
    side_invite(&a, headers, body);
    side_await(&a, status);
    side_ack_failure(&a);
    await_nothing(&t->b);
    side_fini(&a);
    kit_run(k);
    assert_int_equal(signal_role_calls(k->role), 0);
}

static void test_refusals(void **state)
{
    struct kit *k = *state;
    struct trio t = {0};
    phones_up(k, &t);
    const char *offer = phone_sdp(&t.a, 4000, "sendrecv");
    refused(k, &t, "sip:nobody@example.org", "", offer, "404");
    refused(k, &t, "sip:1001@elsewhere.com", "", offer, "404 No such domain here");
    refused(k, &t, "sip:1002@example.org", "", offer, "480");
    assert_got(&t.a, "Warning: 399 sip.example.org \"the user is not registered\"");
    refused(k, &t, "sip:example.org", "", offer, "404");
    refused(k, &t, "http://example.org/", "", offer, "416");
    refused(k, &t, "sip:1001@example.org", "Require: magic\r\n", offer, "420");
    assert_got(&t.a, "Unsupported: magic\r\n");
    refused(k, &t, "sip:1001@example.org", "Proxy-Require: privacy\r\n", offer, "420");
    refused(k, &t, "sip:1001@example.org", "Content-Type: text/plain\r\n", "hello", "415");
    assert_got(&t.a, "Accept: application/sdp\r\n");
    refused(k, &t, "sip:1001@example.org", "", "v=0\r\nnonsense", "488");
    refused(k, &t, "sip:1001@example.org", "", "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\n",
            "488");
    refused(k, &t, "sip:1001@example.org", "Session-Expires: 60\r\nSupported: timer\r\n", offer,
            "422");
    assert_got(&t.a, "Min-SE: 90\r\n");
    phones_fini(&t);
}

static void test_from_of_another_user_403(void **state)
{
    struct kit *k = *state;
    struct trio t = {0};
    struct side a;
    phones_up(k, &t);
    side_caller(&a, &t.a, "sip:1001@example.org");
    snprintf(a.local, sizeof(a.local), "\"The boss\" <sip:1003@example.org>");
    side_invite(&a, "", phone_sdp(&t.a, 4000, "sendrecv"));
    side_await(&a, "403");
    side_ack_failure(&a);
    await_nothing(&t.b);
    phones_fini(&t);
}

static void test_no_credentials_407(void **state)
{
    struct kit *k = *state;
    struct trio t = {0};
    struct side a;
    phones_up(k, &t);
    side_caller(&a, &t.a, "sip:1001@example.org");
    side_send(&a, "INVITE", "", phone_sdp(&t.a, 4000, "sendrecv"));
    side_await(&a, "407");
    assert_got(&t.a, "Proxy-Authenticate: Digest");
    side_ack_failure(&a);
    side_caller(&a, &t.a, "sip:1001@example.org");
    snprintf(a.local, sizeof(a.local), "<sip:anonymous@anonymous.invalid>");
    side_send(&a, "INVITE", "", phone_sdp(&t.a, 4000, "sendrecv"));
    side_await(&a, "403");
    side_ack_failure(&a);
    phones_fini(&t);
}

static void test_max_forwards(void **state)
{
    struct kit *k = *state;
    struct trio t = {0};
    phones_up(k, &t);
    phone_inject(&t.a, "OPTIONS sip:example.org SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK-1\r\n"
                       "Max-Forwards: 0\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:example.org>\r\n"
                       "Call-ID: o\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
    await(&t.a, "SIP/2.0 483");
    phones_fini(&t);
}

static void other_method(struct phone *p, const char *method, const char *status)
{
    char text[512];
    snprintf(text, sizeof(text),
             "%s sip:example.org SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK-%s\r\n"
             "From: <sip:a@b>;tag=1\r\nTo: <sip:example.org>\r\nCall-ID: o\r\nCSeq: 1 %s\r\n"
             "Content-Length: 0\r\n\r\n",
             method, method, method);
    phone_inject(p, text);
    await(p, status);
}

static void test_methods_outside_a_dialog(void **state)
{
    struct kit *k = *state;
    struct trio t = {0};
    phones_up(k, &t);
    other_method(&t.a, "OPTIONS", "SIP/2.0 200");
    assert_got(&t.a, "Allow: INVITE, ACK");
    assert_got(&t.a, "Accept: application/sdp");
    other_method(&t.a, "SUBSCRIBE", "SIP/2.0 405");
    assert_got(&t.a, "Allow: INVITE, ACK");
    other_method(&t.a, "PUBLISH", "SIP/2.0 405");
    other_method(&t.a, "CONJURE", "SIP/2.0 501");
    other_method(&t.a, "BYE", "SIP/2.0 481");
    other_method(&t.a, "UPDATE", "SIP/2.0 481");
    phones_fini(&t);
}

static void test_not_encrypted_488_tells_why_everywhere(void **state)
{
    struct kit *k = *state;
    struct trio t = {0};
    static const char why[] =
        "the caller's phone offers no encryption, which user 1000 requires: switch on SRTP (SDES) "
        "in the phone, or run `sotto user set 1000@example.org --protection preferred`";
    phones_up(k, &t);
    refused(k, &t, "sip:1001@example.org", "", phone_sdp_as(&t.a, 4000, "RTP/AVP", "", "sendrecv"),
            "488");
    assert_got(&t.a, "Warning: 399 sip.example.org \"the caller's phone offers no encryption");
    assert_got(&t.a, "--protection preferred`\"\r\n"); /* whole, on one line */
    assert_true(kit_log_has(k, "call_refused"));
    assert_true(kit_log_has(k, why));
    assert_true(kit_cdr_has(k, why));
    assert_true(kit_show_has(k, false, why));
    kit_advance(k, 61000);
    assert_false(kit_show_has(k, false, why));
    assert_true(kit_show_has(k, true, why));
    phones_fini(&t);
}

static void test_over_limits_400(void **state)
{
    struct kit *k = *state;
    struct trio t = {0};
    struct side a;
    static char big[DIALOG_URI_MAX + 64];
    phones_up(k, &t);
    side_caller(&a, &t.a, "sip:1001@example.org");
    memset(big, 'x', sizeof(big) - 1);
    memcpy(big, "Record-Route: <sip:", 19);
    char headers[1400];
    snprintf(headers, sizeof(headers), "%.*s;lr>\r\n%.*s;lr>\r\n", 540, big, 540, big);
    side_invite(&a, headers, phone_sdp(&t.a, 4000, "sendrecv"));
    side_await(&a, "400");
    side_ack_failure(&a);
    kit_run(k);
    assert_int_equal(signal_role_calls(k->role), 0);
    phones_fini(&t);
}

/* --- forks ----------------------------------------------------------------------------------- */

static void test_fork_one_answers(void **state)
{
    struct kit *k = *state;
    struct trio t = {0};
    struct side a, b, c, d;
    phones_fork(k, &t);
    dial(&a, &t.a, "sip:1001@example.org");
    side_callee(&b, &t.b);
    side_callee(&c, &t.c);
    side_callee(&d, &t.d);
    side_answer(&b, "180 Ringing", "", NULL);
    side_await(&a, "180");
    char tag[64];
    memcpy(tag, a.remote_tag, sizeof(tag));
    side_answer(&c, "180 Ringing", "", NULL);
    side_await(&a, "180");
    assert_string_not_equal(tag, a.remote_tag); /* each fork is a dialog of its own */
    side_answer(&c, "200 OK", "", phone_sdp(&t.c, 6000, "sendrecv"));
    await(&t.c, "ACK ");
    side_await(&a, "200");
    side_ack(&a, NULL);
    await(&t.b, "CANCEL ");
    assert_got(&t.b, "Reason: SIP;cause=200;text=\"Call completed elsewhere\"");
    await_nothing(&t.d); /* no CANCEL before a provisional (s.9.1) */
    side_answer(&d, "100 Trying", "", NULL);
    await(&t.d, "CANCEL ");
    side_answer(&b, "487 Request Terminated", "", NULL);
    await(&t.b, "ACK ");
    side_answer(&d, "487 Request Terminated", "", NULL);
    await(&t.d, "ACK ");
    hang_up(&a, &c);
    sides_fini(&a, &b);
    sides_fini(&c, &d);
    phones_fini(&t);
}

static void test_two_answer_at_once(void **state)
{
    struct kit *k = *state;
    struct trio t = {0};
    struct side a, b, c, d;
    phones_fork(k, &t);
    dial(&a, &t.a, "sip:1001@example.org");
    side_callee(&b, &t.b);
    side_callee(&c, &t.c);
    side_callee(&d, &t.d);
    side_answer(&d, "404 Not Found", "", NULL);
    await(&t.d, "ACK ");
    side_answer(&b, "180 Ringing", "", NULL);
    side_answer(&c, "180 Ringing", "", NULL);
    side_answer(&b, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    await(&t.c, "CANCEL ");
    side_answer(&c, "200 OK", "", phone_sdp(&t.c, 6002, "sendrecv"));
    await(&t.c, "ACK ");
    side_await_request(&c, "BYE");
    side_reply(&c, "200 OK", "", NULL);
    side_await(&a, "180");
    side_await(&a, "180");
    side_await(&a, "200");
    side_ack(&a, NULL);
    hang_up(&b, &a);
    sides_fini(&a, &b);
    sides_fini(&c, &d);
    phones_fini(&t);
}

static void test_two_forks_behind_one_contact(void **state)
{
    struct kit *k = *state;
    struct trio t = {0};
    struct side a, b, b2;
    phones_up(k, &t);
    dial(&a, &t.a, "sip:1001@example.org");
    side_callee(&b, &t.b);
    b2 = b;
    snprintf(b2.local_tag, sizeof(b2.local_tag), "second");
    side_answer(&b, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    side_reply_to(&b2, b.invite, "200 OK", "", phone_sdp(&t.b, 6002, "sendrecv"));
    await(&t.b, "ACK ");
    assert_got(&t.b, ";tag=second");
    await(&t.b, "BYE ");
    assert_got(&t.b, ";tag=second");
    side_await(&a, "200");
    side_ack(&a, NULL);
    hang_up(&a, &b);
    sides_fini(&a, &b);
    phones_fini(&t);
}

static void all_fail(struct kit *k, struct trio *t, const char *const status[3],
                     const char *expected)
{
    struct side a, s[3];
    struct phone *p[3] = {&t->b, &t->c, &t->d};
    dial(&a, &t->a, "sip:1001@example.org");
    for (size_t i = 0; i < 3; i++)
        side_callee(&s[i], p[i]);
    for (size_t i = 0; i < 3; i++) {
        side_answer(&s[i], status[i], "", NULL);
        if (status[i][0] != '6')
            await(p[i], "ACK ");
        while (strcmp(status[i], "488 No") == 0 && kit_sent_to(&p[i]->flow.remote, NULL)) {
            await(p[i], "INVITE "); /* the next shape of offer */
            side_keep(&s[i], true);
            side_answer(&s[i], status[i], "", NULL);
            await(p[i], "ACK ");
        }
    }
    side_await(&a, expected);
    side_ack_failure(&a);
    kit_run(k);
    kit_advance(k, 33000);
    assert_int_equal(signal_role_calls(k->role), 0);
    kit_forget_sent();
    side_fini(&a);
    for (size_t i = 0; i < 3; i++)
        side_fini(&s[i]);
}

static void test_best_failure(void **state)
{
    struct kit *k = *state;
    struct trio t = {0};
    phones_fork(k, &t);
    all_fail(k, &t, (const char *[]){"480 Off", "486 Busy", "404 Not Found"}, "486");
    all_fail(k, &t, (const char *[]){"404 Not Found", "480 Off", "500 Error"}, "480");
    all_fail(k, &t, (const char *[]){"408 Timeout", "503 Error", "404 Not Found"}, "480");
    all_fail(k, &t, (const char *[]){"404 Not Found", "500 Error", "502 Error"}, "404");
    all_fail(k, &t, (const char *[]){"401 Who", "407 Who", "500 Error"}, "480");
    all_fail(k, &t, (const char *[]){"488 No", "404 Not Found", "480 Off"}, "488");
    phones_fini(&t);
}

static void test_6xx_ends_all(void **state)
{
    struct kit *k = *state;
    struct trio t = {0};
    struct side a, b, c, d;
    phones_fork(k, &t);
    dial(&a, &t.a, "sip:1001@example.org");
    side_callee(&b, &t.b);
    side_callee(&c, &t.c);
    side_callee(&d, &t.d);
    side_answer(&b, "180 Ringing", "", NULL);
    side_await(&a, "180");
    side_answer(&d, "486 Busy", "", NULL);
    await(&t.d, "ACK ");
    side_answer(&c, "603 Decline", "", NULL);
    await(&t.c, "ACK ");
    side_await(&a, "603");
    side_ack_failure(&a);
    await(&t.b, "CANCEL ");
    side_answer(&b, "487 Request Terminated", "", NULL);
    await(&t.b, "ACK ");
    sides_fini(&a, &b);
    sides_fini(&c, &d);
    phones_fini(&t);
}

/* --- redirections ---------------------------------------------------------------------------- */

static void test_redirected(void **state)
{
    struct kit *k = *state;
    struct trio t = {0};
    struct side a, b, c;
    phones_up(k, &t);
    phone_up(k, &t.c, 3, "1002", TRANSPORT_TLS);
    dial(&a, &t.a, "sip:1001@example.org");
    side_callee(&b, &t.b);
    side_answer(&b, "302 Moved", "Contact: <sip:1002@example.org>, <sip:+49@carrier.net>\r\n",
                NULL);
    await(&t.b, "ACK ");
    side_callee(&c, &t.c);
    side_answer(&c, "200 OK", "", phone_sdp(&t.c, 6000, "sendrecv"));
    await(&t.c, "ACK ");
    side_await(&a, "200");
    side_ack(&a, NULL);
    hang_up(&a, &c);
    sides_fini(&a, &b);
    side_fini(&c);
    phones_fini(&t);
}

static void test_redirections_in_a_ring(void **state)
{
    struct kit *k = *state;
    struct trio t = {0};
    struct side a, b, c;
    phones_up(k, &t);
    phone_up(k, &t.c, 3, "1002", TRANSPORT_TLS);
    dial(&a, &t.a, "sip:1001@example.org");
    side_callee(&b, &t.b);
    side_answer(&b, "302 Moved", "Contact: <sip:1002@example.org>\r\n", NULL);
    await(&t.b, "ACK ");
    side_callee(&c, &t.c);
    side_answer(&c, "302 Moved", "Contact: <sip:1001@example.org>\r\n", NULL);
    await(&t.c, "ACK ");
    await_nothing(&t.b); /* rung already */
    side_await(&a, "480");
    side_ack_failure(&a);
    sides_fini(&a, &b);
    side_fini(&c);
    phones_fini(&t);
}

static void test_redirected_out_of_here(void **state)
{
    struct kit *k = *state;
    struct trio t = {0};
    struct side a, b;
    phones_up(k, &t);
    dial(&a, &t.a, "sip:1001@example.org");
    side_callee(&b, &t.b);
    side_answer(&b, "302 Moved", "Contact: <sip:+900123@carrier.net>\r\n", NULL);
    await(&t.b, "ACK ");
    side_await(&a, "480");
    side_ack_failure(&a);
    sides_fini(&a, &b);
    phones_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_call_and_bye_of_the_caller),
        KIT_TEST(test_bye_of_the_callee),
        KIT_TEST(test_byes_cross),
        KIT_TEST(test_bye_unanswered),
        KIT_TEST(test_within_a_domain_name_and_its_cases),
        KIT_TEST(test_texts_of_peers_make_good_json),
        KIT_TEST(test_refusals),
        KIT_TEST(test_from_of_another_user_403),
        KIT_TEST(test_no_credentials_407),
        KIT_TEST(test_max_forwards),
        KIT_TEST(test_methods_outside_a_dialog),
        KIT_TEST(test_not_encrypted_488_tells_why_everywhere),
        KIT_TEST(test_over_limits_400),
        KIT_TEST(test_fork_one_answers),
        KIT_TEST(test_two_answer_at_once),
        KIT_TEST(test_two_forks_behind_one_contact),
        KIT_TEST(test_best_failure),
        KIT_TEST(test_6xx_ends_all),
        KIT_TEST(test_redirected),
        KIT_TEST(test_redirections_in_a_ring),
        KIT_TEST(test_redirected_out_of_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
