/* What gets lost: ACKs, connections, addresses. */
#include "signal/testduo.h"

/* --- ACKs ------------------------------------------------------------------------------------ */

static void test_200_again_until_the_ack(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up_over(k, &t, TRANSPORT_UDP);
    ring(&t);
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    side_await(&t.x, "200");
    kit_advance(k, 500);
    side_await(&t.x, "200");
    kit_advance(k, 1000);
    side_await(&t.x, "200");
    side_ack(&t.x, NULL);
    kit_advance(k, 10000);
    await_nothing(&t.a);
    side_ack(&t.x, NULL); /* an ACK for each */
    hang_up(&t.x, &t.y);
    fini(&t);
}

static void test_ack_never_comes(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up_over(k, &t, TRANSPORT_UDP);
    ring(&t);
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    kit_advance(k, 32500);
    unsigned n = 0;
    struct kit_sent *s;
    for (; (s = kit_sent_to(&t.a.flow.remote, "SIP/2.0 200")) != NULL; n++)
        phone_take(&t.a, s);
    side_put_text(t.x.remote_tag, sizeof(t.x.remote_tag), t.a.msg.to_tag);
    assert_int_equal(n, 11); /* 0.5, 1, 2 and then every 4 s for 32 s */
    await_any(&t.a, "BYE ");
    side_await_request(&t.y, "BYE");
    side_reply(&t.y, "200 OK", "", NULL);
    kit_advance(k, 500);
    kit_forget_sent();
    assert_true(kit_cdr_has(k, "never acknowledged"));
    fini(&t);
}

static void test_bye_instead_of_the_ack(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    ring(&t);
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    side_await(&t.x, "200");
    hang_up(&t.x, &t.y);
    fini(&t);
}

static void test_callee_hangs_up_before_the_ack(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    ring(&t);
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    side_await(&t.x, "200");
    side_send(&t.y, "BYE", "", NULL);
    await(&t.b, "SIP/2.0 200");
    await_nothing(&t.a); /* s.15: not before its ACK */
    side_ack(&t.x, NULL);
    side_await_request(&t.x, "BYE");
    side_reply(&t.x, "200 OK", "", NULL);
    fini(&t);
}

static void test_our_ack_is_lost(void **state)
{
    struct kit *k = *state;
    struct duo t;
    struct pair c;
    up_over(k, &t, TRANSPORT_UDP);
    call_up(&c, &t.a, &t.b);
    side_answer(&c.b, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    kit_advance(k, 33000); /* the transaction has gone */
    side_answer(&c.b, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    call_down(&c);
    fini(&t);
}

/* --- connections ----------------------------------------------------------------------------- */

static void conn_lost(struct kit *k, const struct phone *p)
{
    kit_transport->dead[p->flow.conn] = true;
    kit_transport->cb.on_closed(kit_transport->cb.arg, p->flow.conn, "the peer has closed it");
    kit_run(k);
}

static void test_callers_connection_lost_while_ringing(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    ring(&t);
    conn_lost(k, &t.a);
    await(&t.b, "CANCEL ");
    side_answer(&t.y, "487 Request Terminated", "", NULL);
    await(&t.b, "ACK ");
    assert_true(kit_cdr_has(k, "the caller's connection is gone"));
    fini(&t);
}

static void test_callees_connection_lost_while_ringing(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    ring(&t);
    conn_lost(k, &t.b);
    side_await(&t.x, "480");
    side_ack_failure(&t.x);
    fini(&t);
}

static void test_callees_connection_lost_before(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    conn_lost(k, &t.b);
    dial(&t.x, &t.a, "sip:1001@example.org");
    side_await(&t.x, "480");
    side_ack_failure(&t.x);
    fini(&t);
}

/* A call stands while a phone is away, and finds it at its new registration. */
static void test_connection_lost_in_a_call(void **state)
{
    struct kit *k = *state;
    struct duo t;
    struct pair c;
    up(k, &t);
    call_up(&c, &t.a, &t.b);
    conn_lost(k, &t.b);
    assert_int_equal(signal_role_calls(k->role), 1);
    phone_up(k, &t.c, 3, "1001", TRANSPORT_TLS);
    char h[200];
    snprintf(h, sizeof(h), "Contact: <%s>;expires=0\r\n", t.b.contact);
    phone_register_as(&t.c, h, "200");
    side_send(&c.a, "BYE", "", NULL);
    await(&t.a, "SIP/2.0 200");
    await(&t.c, "BYE ");
    assert_got(&t.c, c.b.call_id);
    struct side on_c = c.b;
    on_c.p = &t.c;
    on_c.req = strdup(t.c.text);
    side_reply(&on_c, "200 OK", "", NULL);
    free(on_c.req);
    side_fini(&c.a);
    side_fini(&c.b);
    fini(&t);
}

static void test_bye_to_nowhere(void **state)
{
    struct kit *k = *state;
    struct duo t;
    struct pair c;
    up(k, &t);
    call_up(&c, &t.a, &t.b);
    conn_lost(k, &t.b);
    side_send(&c.a, "BYE", "", NULL);
    await(&t.a, "SIP/2.0 200");
    kit_run(k);
    assert_int_equal(signal_role_calls(k->role), 0);
    side_fini(&c.a);
    side_fini(&c.b);
    fini(&t);
}

/* --- contacts that are names ----------------------------------------------------------------- */

static void named_up(struct kit *k, struct duo *t)
{
    phone_up(k, &t->a, 1, "1000", TRANSPORT_TLS);
    phone_init(k, &t->b, 2, "1001", "example.org", TRANSPORT_TLS);
    phone_register_as(&t->b, "Contact: <sip:1001@phone.example.net>\r\n", "200");
    conn_lost(k, &t->b);
    t->b.flow.conn = 12; /* where it is found */
}

static void test_contact_is_looked_up(void **state)
{
    struct kit *k = *state;
    struct duo t = {0};
    named_up(k, &t);
    dial(&t.x, &t.a, "sip:1001@example.org");
    kit_connects_as = t.b.flow.conn;
    kit_resolved(k, &t.b.flow.remote, 1);
    side_callee(&t.y, &t.b);
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    side_await(&t.x, "200");
    side_ack(&t.x, NULL);
    hang_up(&t.x, &t.y);
    fini(&t);
}

static void test_contact_is_not_found(void **state)
{
    struct kit *k = *state;
    struct duo t = {0};
    named_up(k, &t);
    dial(&t.x, &t.a, "sip:1001@example.org");
    kit_resolved(k, NULL, 0);
    side_await(&t.x, "480");
    side_ack_failure(&t.x);
    fini(&t);
}

static void test_cancel_while_a_contact_is_looked_up(void **state)
{
    struct kit *k = *state;
    struct duo t = {0};
    named_up(k, &t);
    dial(&t.x, &t.a, "sip:1001@example.org");
    side_cancel(&t.x);
    await_487(&t);
    kit_run(k);
    assert_true(kit_query.fn == NULL);
    fini(&t);
}

/* A leg that is being looked up is not begun again when another brings new ones. */
static void test_redirected_while_a_contact_is_looked_up(void **state)
{
    struct kit *k = *state;
    struct duo t = {0};
    struct phone d;
    struct side w;
    named_up(k, &t);
    phone_up(k, &t.c, 3, "1001", TRANSPORT_TLS);
    phone_up(k, &d, 4, "1002", TRANSPORT_TLS);
    dial(&t.x, &t.a, "sip:1001@example.org");
    side_callee(&t.z, &t.c);
    side_answer(&t.z, "302 Moved", "Contact: <sip:1002@example.org>\r\n", NULL);
    await(&t.c, "ACK ");
    side_callee(&w, &d);
    side_answer(&w, "486 Busy", "", NULL);
    await(&d, "ACK ");
    await_nothing(&t.a);
    kit_connects_as = t.b.flow.conn;
    kit_resolved(k, &t.b.flow.remote, 1);
    side_callee(&t.y, &t.b);
    side_answer(&t.y, "486 Busy", "", NULL);
    await(&t.b, "ACK ");
    side_await(&t.x, "486");
    side_ack_failure(&t.x);
    side_fini(&w);
    phone_fini(&d);
    fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_200_again_until_the_ack),
        KIT_TEST(test_ack_never_comes),
        KIT_TEST(test_bye_instead_of_the_ack),
        KIT_TEST(test_callee_hangs_up_before_the_ack),
        KIT_TEST(test_our_ack_is_lost),
        KIT_TEST(test_callers_connection_lost_while_ringing),
        KIT_TEST(test_callees_connection_lost_while_ringing),
        KIT_TEST(test_callees_connection_lost_before),
        KIT_TEST(test_connection_lost_in_a_call),
        KIT_TEST(test_bye_to_nowhere),
        KIT_TEST(test_contact_is_looked_up),
        KIT_TEST(test_contact_is_not_found),
        KIT_TEST(test_cancel_while_a_contact_is_looked_up),
        KIT_TEST(test_redirected_while_a_contact_is_looked_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
