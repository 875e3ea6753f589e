/* Media events, built-in targets, limits, and the death of either process while calls stand. */
#include "call/snapshot_form.h"
#include "signal/testphone.h"
#include "sdp/pack.h"
#include "signal/testslot.h"

struct duo {
    struct phone a, b;
    struct pair p;
};

static void up(struct kit *k, struct duo *t)
{
    memset(t, 0, sizeof(*t));
    phone_up(k, &t->a, 1, "1000", TRANSPORT_TLS);
    phone_up(k, &t->b, 2, "1001", TRANSPORT_TLS);
}

static void fini(struct duo *t)
{
    side_fini(&t->p.a);
    side_fini(&t->p.b);
    phone_fini(&t->a);
    phone_fini(&t->b);
}

/* Both are told that the call is over, the one after the other. */
static void both_ended(struct duo *t)
{
    side_await_request(&t->p.a, "BYE");
    side_reply(&t->p.a, "200 OK", "", NULL);
    side_await_request(&t->p.b, "BYE");
    side_reply(&t->p.b, "200 OK", "", NULL);
}

/* --- media ----------------------------------------------------------------------------------- */

static void test_media_timeout_ends_the_call(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    call_up(&t.p, &t.a, &t.b);
    kit_media_event(k, 1, MEDIA_EVENT_TIMEOUT, "");
    both_ended(&t);
    assert_got(&t.b, "Reason: SIP;cause=408");
    assert_true(kit_cdr_has(k, "no media came from the callee"));
    fini(&t);
}

static void test_keying_failure_ends_the_call(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    call_up(&t.p, &t.a, &t.b);
    kit_media_event(k, 0, MEDIA_EVENT_FAILED, "the DTLS certificate is not the one that was named");
    both_ended(&t);
    assert_got(&t.b,
               "Reason: SIP;cause=488;text=\"the DTLS certificate is not the one that was named\"");
    assert_true(kit_cdr_has(k, "the DTLS certificate is not the one"));
    struct call_counts n;
    call_core_counts(k->role->calls, &n);
    assert_int_equal(n.keying_failed[KEYING_SDES][KEYING_FAULT_PEER], 1); /* the kit's keying */
    fini(&t);
}

static void test_protection_is_shown(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    call_up(&t.p, &t.a, &t.b);
    kit_media_event(k, 0, MEDIA_EVENT_SECURE, "");
    assert_true(kit_show_has(k, false, "\"keying\":\"sdes\""));
    assert_true(kit_show_has(k, false, "\"version\":\"TLSv1.3\""));
    hang_up(&t.p.a, &t.p.b);
    fini(&t);
}

static void test_events_of_what_has_gone(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    call_up(&t.p, &t.a, &t.b);
    struct media_event e = {.endpoint = 12345,
                            .call = kit_endpoint_of(&k->media, 0, 0)->call,
                            .kind = MEDIA_EVENT_TIMEOUT};
    assert_int_equal(ipc_send(k->media.chan, MEDIA_MSG_EVENT, &e, sizeof(e), NULL, 0), 0);
    e.call = 99;
    assert_int_equal(ipc_send(k->media.chan, MEDIA_MSG_EVENT, &e, sizeof(e), NULL, 0), 0);
    e.stream = 700;
    assert_int_equal(ipc_send(k->media.chan, MEDIA_MSG_EVENT, &e, sizeof(e), NULL, 0), 0);
    kit_run(k);
    assert_int_equal(signal_role_calls(k->role), 1);
    hang_up(&t.p.a, &t.p.b);
    fini(&t);
}

static void test_media_process_dies_in_the_middle(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    k->media.holds = true;
    dial(&t.p.a, &t.a, "sip:1001@example.org");
    kit_media_kill(k);
    await_nothing(&t.b);
    k->media.holds = false;
    kit_media_start(k); /* asked again */
    side_callee(&t.p.b, &t.b);
    k->media.holds = true;
    side_answer(&t.p.b, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    kit_media_kill(k);
    k->media.holds = false;
    kit_media_start(k);
    side_await(&t.p.a, "200");
    side_ack(&t.p.a, NULL);
    assert_int_equal(kit_endpoints(&k->media), 2);
    hang_up(&t.p.a, &t.p.b);
    fini(&t);
}

static void test_calls_made_while_media_is_away(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    kit_media_kill(k);
    dial(&t.p.a, &t.a, "sip:1001@example.org");
    side_cancel(&t.p.a);
    await(&t.a, "SIP/2.0 200");
    side_await(&t.p.a, "487");
    side_ack_failure(&t.p.a);
    kit_media_start(k);
    assert_int_equal(kit_endpoints(&k->media), 0);
    fini(&t);
}

static void refused_by_media(struct kit *k, struct duo *t, int leg, uint32_t ops,
                             enum media_status status, const char *answer)
{
    k->media.refuse_leg = leg;
    k->media.refuse_ops = ops;
    k->media.refuse_status = status;
    dial(&t->p.a, &t->a, "sip:1001@example.org");
    side_await(&t->p.a, answer);
    side_ack_failure(&t->p.a);
    await_nothing(&t->b);
    kit_run(k);
    assert_int_equal(signal_role_calls(k->role), 0);
}

static void test_what_media_refuses(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    refused_by_media(k, &t, 0, MEDIA_OP_OPEN, MEDIA_STATUS_NO_PORTS, "503");
    assert_got(&t.a, "Retry-After: ");
    refused_by_media(k, &t, 0, MEDIA_OP_OPEN, MEDIA_STATUS_NO_COMMON_SUITE, "488");
    assert_got(&t.a, "the caller's phone has no encryption suite that user 1000 may use: switch on "
                     "AES_CM_128_HMAC_SHA1_80 in the phone, or ");
    refused_by_media(k, &t, 0, MEDIA_OP_OPEN, MEDIA_STATUS_BAD_TEXT, "488");
    refused_by_media(k, &t, 0, MEDIA_OP_OPEN, MEDIA_STATUS_FAILED, "500");
    refused_by_media(k, &t, 1, MEDIA_OP_OPEN, MEDIA_STATUS_NO_COMMON_KEYING, "488");
    fini(&t);
}

/* --- built-in targets ------------------------------------------------------------------------ */

static void builtin_up(struct kit *k, struct duo *t, const char *uri, enum media_mode mode)
{
    dial(&t->p.a, &t->a, uri);
    side_await(&t->p.a, "200");
    assert_got(&t->a, "RTP/SAVP 8");
    assert_got(&t->a, "inline:OURS");
    side_ack(&t->p.a, NULL);
    assert_int_equal(kit_endpoint_of(&k->media, 0, 0)->mode, mode);
}

static void alone_down(struct duo *t)
{
    side_send(&t->p.a, "BYE", "", NULL);
    await(&t->a, "SIP/2.0 200");
}

static void test_builtin_targets(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    builtin_up(k, &t, "sip:echo@example.org", MEDIA_MODE_ECHO);
    kit_advance(k, 90000); /* longer than anything may ring */
    await_nothing(&t.a);
    alone_down(&t);
    builtin_up(k, &t, "sip:tone@example.org", MEDIA_MODE_TONE);
    alone_down(&t);
    builtin_up(k, &t, "sip:CLOCK@example.org", MEDIA_MODE_CLOCK);
    /* hold, resume, INFO */
    side_send(&t.p.a, "INVITE", "", phone_sdp(&t.a, 4002, "sendonly"));
    side_await(&t.p.a, "200");
    assert_got(&t.a, "a=recvonly");
    side_ack(&t.p.a, NULL);
    side_send(&t.p.a, "UPDATE", "", phone_sdp(&t.a, 4004, "sendrecv"));
    await(&t.a, "SIP/2.0 200");
    assert_got(&t.a, "a=sendrecv");
    assert_int_equal(addr_port(&kit_endpoint_of(&k->media, 0, 0)->remote), 4004);
    side_send(&t.p.a, "INFO", "Content-Type: application/dtmf-relay\r\n", "Signal=1\r\n");
    await(&t.a, "SIP/2.0 200");
    side_send(&t.p.a, "INVITE", "", phone_sdp_as(&t.a, 4006, "RTP/AVP", "", "sendrecv"));
    side_await(&t.p.a, "488");
    side_ack_failure(&t.p.a);
    side_send(&t.p.a, "INVITE", "", NULL);
    side_await(&t.p.a, "200");
    assert_got(&t.a, "m=audio 2");
    side_ack(&t.p.a, phone_sdp(&t.a, 4008, "sendrecv"));
    assert_int_equal(addr_port(&kit_endpoint_of(&k->media, 0, 0)->remote), 4008);
    alone_down(&t);
    fini(&t);
}

static void test_builtin_late_offer(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    side_caller(&t.p.a, &t.a, "sip:echo@example.org");
    side_invite(&t.p.a, "", NULL);
    side_await(&t.p.a, "200");
    assert_got(&t.a, "m=audio 2");
    assert_got(&t.a, "inline:OURS");
    side_ack(&t.p.a, phone_sdp(&t.a, 4000, "sendrecv"));
    struct kit_endpoint *e = kit_endpoint_of(&k->media, 0, 0);
    assert_int_equal(e->mode, MEDIA_MODE_ECHO);
    assert_int_equal(addr_port(&e->remote), 4000);
    alone_down(&t);
    fini(&t);
}

static void test_builtin_late_offer_without_answer(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    side_caller(&t.p.a, &t.a, "sip:echo@example.org");
    side_invite(&t.p.a, "", NULL);
    side_await(&t.p.a, "200");
    side_ack(&t.p.a, NULL);
    side_await_request(&t.p.a, "BYE");
    side_reply(&t.p.a, "200 OK", "", NULL);
    fini(&t);
}

static void test_builtin_without_a_common_codec(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    side_caller(&t.p.a, &t.a, "sip:tone@example.org");
    side_invite(&t.p.a, "",
                "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n"
                "m=audio 4000 RTP/SAVP 18\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:K\r\n");
    side_await(&t.p.a, "488");
    side_ack_failure(&t.p.a);
    fini(&t);
}

/* --- limits ---------------------------------------------------------------------------------- */

static uint64_t snapshot_memory(const struct kit *k)
{
    struct stat st;
    assert_int_equal(fstat(k->snapshot_fd, &st), 0);
    return (uint64_t)st.st_blocks * 512;
}

static void test_max_calls_and_one_past(void **state)
{
    struct kit *k = *state;
    struct duo t;
    struct side *s = calloc(KIT_CALLS + 1, sizeof(*s));
    assert_non_null(s);
    up(k, &t);
    for (size_t i = 0; i < KIT_CALLS; i++) {
        dial(&s[i], &t.a, "sip:echo@example.org");
        side_await(&s[i], "200");
        side_ack(&s[i], NULL);
    }
    assert_int_equal(signal_role_calls(k->role), KIT_CALLS);
    dial(&s[KIT_CALLS], &t.a, "sip:echo@example.org");
    side_await(&s[KIT_CALLS], "503");
    assert_got(&t.a, "Retry-After: ");
    side_ack_failure(&s[KIT_CALLS]);
    kit_role_restart(k); /* all of them find room in the snapshots, and come back */
    kit_run(k);
    assert_int_equal(signal_role_calls(k->role), KIT_CALLS);
    assert_int_equal(k->media.kept_count, KIT_CALLS);
    for (size_t i = 0; i < KIT_CALLS; i++) {
        side_send(&s[i], "BYE", "", NULL);
        await(&t.a, "SIP/2.0 200");
    }
    free(s);
    fini(&t);
}

/* Calls that have ended leave no memory behind, but for what the next few will need; and a role that
 * starts does not make room for calls that there are not. */
static void test_snapshots_without_calls_take_no_memory(void **state)
{
    struct kit *k = *state;
    struct duo t;
    struct side *s = calloc(KIT_CALLS, sizeof(*s));
    assert_non_null(s);
    up(k, &t);
    assert_int_equal(snapshot_memory(k), 0);
    for (size_t i = 0; i < KIT_CALLS; i++) {
        dial(&s[i], &t.a, "sip:echo@example.org");
        side_await(&s[i], "200");
        side_ack(&s[i], NULL);
    }
    uint64_t full = snapshot_memory(k);
    assert_true(full >= KIT_CALLS * 1024);
    for (size_t i = 1; i < KIT_CALLS; i++) {
        side_send(&s[i], "BYE", "", NULL);
        await(&t.a, "SIP/2.0 200");
    }
    kit_run(k);
    assert_int_equal(signal_role_calls(k->role), 1);
    assert_true(snapshot_memory(k) <= full * 7 / KIT_CALLS);
    kit_role_restart(k);
    assert_int_equal(signal_role_calls(k->role), 1);
    assert_true(snapshot_memory(k) <= 2 * 4096);
    dial(&s[1], &t.a, "sip:echo@example.org"); /* in a slot that was given back */
    side_await(&s[1], "200");
    side_ack(&s[1], NULL);
    kit_role_restart(k);
    assert_int_equal(signal_role_calls(k->role), 2);
    for (size_t i = 0; i < 2; i++) {
        side_send(&s[i], "BYE", "", NULL);
        await(&t.a, "SIP/2.0 200");
    }
    free(s);
    fini(&t);
}

static void test_legs_max(void **state)
{
    struct kit *k = *state;
    struct phone a, many[10], more[11];
    struct side x, y[21];
    phone_up(k, &a, 1, "1000", TRANSPORT_TLS);
    for (unsigned i = 0; i < 10; i++)
        phone_up(k, &many[i], 10 + i, "1001", TRANSPORT_TLS);
    for (unsigned i = 0; i < 10; i++)
        phone_up(k, &more[i], 30 + i, "1002", TRANSPORT_TLS);
    phone_up(k, &more[10], 40, "1003", TRANSPORT_TLS);
    dial(&x, &a, "sip:1001@example.org");
    for (unsigned i = 0; i < 10; i++)
        side_callee(&y[i], &many[i]);
    side_answer(&y[0], "302 Moved", "Contact: <sip:1002@example.org>, <sip:1003@example.org>\r\n",
                NULL);
    await(&many[0], "ACK ");
    for (unsigned i = 0; i < 10; i++)
        side_callee(&y[10 + i], &more[i]);
    await_nothing(&more[10]); /* CALL_LEGS_MAX are rung */
    for (unsigned i = 1; i < CALL_LEGS_MAX; i++) {
        side_answer(&y[i], "486 Busy", "", NULL);
        await(y[i].p, "ACK ");
    }
    side_await(&x, "486");
    side_ack_failure(&x);
    for (unsigned i = 0; i < CALL_LEGS_MAX; i++) {
        side_fini(&y[i]);
        phone_fini(y[i].p);
    }
    phone_fini(&more[10]);
    phone_fini(&a);
}

static void test_closing_takes_no_calls(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    call_up(&t.p, &t.a, &t.b);
    signal_role_shutdown(k->role);
    struct side s;
    dial(&s, &t.b, "sip:echo@example.org");
    side_await(&s, "503");
    side_ack_failure(&s);
    hang_up(&t.p.b, &t.p.a);
    fini(&t);
}

/* --- signalling dies ------------------------------------------------------------------------- */

static void assert_lent(const struct call *c)
{
    const struct slots *slots = &c->core->snapshots->slots;
    const char *at = (const char *)slots_at(slots, c->slot);
    const struct call_text *const texts[] = {&c->a->remote_sdp, &c->a->local_sdp, &c->b->remote_sdp,
                                             &c->b->local_sdp};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_true(texts[i]->lent && texts[i]->n > 0);
        assert_true(texts[i]->p > at &&
                    texts[i]->p + texts[i]->n <= at + slots_cap(slots, c->slot));
        char text[4096];
        struct buf b = buf_over(text, sizeof(text));
        assert_true(texts[i]->packed && sdp_unpack(&b, call_text_slice(texts[i])));
        assert_true(texts[i]->n < b.n);
        assert_memory_equal(text, "v=0\r\n", 5);
    }
    assert_null(c->a->media.first.text); /* keying lines of what is written */
    assert_null(c->b->media.first.text);
}

/* The descriptions of a call that stands lie in its snapshot alone, packed: also when they change, and the
 * call moves to a larger slot and back; the same offer again gets the same answer from there. */
static void test_descriptions_lie_in_the_snapshot(void **state)
{
    struct kit *k = *state;
    struct duo t;
    char offer[2048], answer[2048];
    up(k, &t);
    call_up(&t.p, &t.a, &t.b);
    struct call *c = CONTAINER_OF(k->role->calls->calls.next, struct call, node);
    assert_lent(c);
    uint32_t slot = c->slot;
    snprintf(offer, sizeof(offer), "%sa=x-long:%01200d\r\n", phone_sdp(&t.a, 4100, "sendonly"), 7);
    side_send(&t.p.a, "INVITE", "", offer);
    side_await_request(&t.p.b, "INVITE");
    side_answer(&t.p.b, "200 OK", "", phone_sdp(&t.b, 6100, "recvonly"));
    await(&t.b, "ACK ");
    side_await(&t.p.a, "200");
    snprintf(answer, sizeof(answer), SLICE_FMT, SLICE_ARG(t.a.msg.body));
    side_ack(&t.p.a, NULL);
    kit_run(k);
    assert_true(c->slot != slot);
    assert_lent(c);
    assert_true(slice_eq(leg_remote_sdp(c->a), slice_from_str(offer)));
    side_send(&t.p.a, "INVITE", "", offer);
    side_await(&t.p.a, "200");
    assert_true(slice_eq(t.a.msg.body, slice_from_str(answer)));
    side_ack(&t.p.a, NULL);
    side_send(&t.p.a, "INVITE", "", phone_sdp(&t.a, 4100, "sendrecv"));
    side_await_request(&t.p.b, "INVITE");
    side_answer(&t.p.b, "200 OK", "", phone_sdp(&t.b, 6100, "sendrecv"));
    await(&t.b, "ACK ");
    side_await(&t.p.a, "200");
    side_ack(&t.p.a, NULL);
    kit_run(k);
    assert_lent(c);
    assert_int_equal(slots_cap(&k->role->calls->snapshots->slots, c->slot),
                     slots_cap(&k->role->calls->snapshots->slots, slot));
    hang_up(&t.p.a, &t.p.b);
    fini(&t);
}

/* The ACK is lost and the 200 comes again, at once and when the call has changed since: another ACK with
 * the number of that INVITE. */
static void test_ack_is_printed_again(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    call_up(&t.p, &t.a, &t.b);
    uint32_t cseq = t.b.msg.cseq;
    for (int i = 0; i < 2; i++) {
        side_answer(&t.p.b, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
        await(&t.b, "ACK ");
        assert_int_equal(t.b.msg.cseq, cseq);
        assert_got(&t.b, "Content-Length: 0\r\n");
        await_nothing(&t.b);
        kit_advance(k, 40000); /* no transaction waits for it any more */
    }
    hang_up(&t.p.a, &t.p.b);
    fini(&t);
}

static void test_call_goes_on_after_a_restart(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    call_up(&t.p, &t.a, &t.b);
    uint64_t ea = kit_endpoint_of(&k->media, 0, 0)->id, eb = kit_endpoint_of(&k->media, 1, 0)->id;
    kit_advance(k, 1000);
    size_t sweeps = k->media.sweeps;
    kit_role_restart(k);
    assert_int_equal(signal_role_calls(k->role), 1);
    assert_int_equal(k->media.sweeps, sweeps + 1);
    assert_int_equal(k->media.kept_count, 2);
    assert_true(k->media.kept[0] == ea && k->media.kept[1] == eb);
    assert_int_equal(kit_endpoints(&k->media), 2);
    /* hold by the caller, resume by the callee, INFO both ways */
    side_send(&t.p.a, "INVITE", "", phone_sdp(&t.a, 4100, "sendonly"));
    side_await_request(&t.p.b, "INVITE");
    assert_got(&t.b, "a=sendonly");
    side_answer(&t.p.b, "200 OK", "", phone_sdp(&t.b, 6100, "recvonly"));
    await(&t.b, "ACK ");
    side_await(&t.p.a, "200");
    side_ack(&t.p.a, NULL);
    kit_role_restart(k);
    side_send(&t.p.b, "INVITE", "", phone_sdp(&t.b, 6200, "sendrecv"));
    side_await_request(&t.p.a, "INVITE");
    side_reply(&t.p.a, "200 OK", "", phone_sdp(&t.a, 4200, "sendrecv"));
    await(&t.a, "ACK ");
    side_await(&t.p.b, "200");
    side_ack(&t.p.b, NULL);
    kit_role_restart(k);
    side_send(&t.p.a, "INFO", "Content-Type: a/b\r\n", "x");
    side_await_request(&t.p.b, "INFO");
    side_reply(&t.p.b, "200 OK", "", NULL);
    await(&t.a, "SIP/2.0 200");
    side_send(&t.p.b, "INFO", "Content-Type: a/b\r\n", "x");
    side_await_request(&t.p.a, "INFO");
    uint32_t before = t.a.msg.cseq;
    side_reply(&t.p.a, "200 OK", "", NULL);
    await(&t.b, "SIP/2.0 200");
    kit_role_restart(k); /* the snapshot does not know of that INFO's number */
    side_send(&t.p.b, "INFO", "Content-Type: a/b\r\n", "x");
    side_await_request(&t.p.a, "INFO");
    assert_true(t.a.msg.cseq > before);
    side_reply(&t.p.a, "200 OK", "", NULL);
    await(&t.b, "SIP/2.0 200");
    hang_up(&t.p.b, &t.p.a);
    kit_role_restart(k);
    assert_int_equal(signal_role_calls(k->role), 0);
    fini(&t);
}

static void test_session_timer_goes_on_after_a_restart(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    side_caller(&t.p.a, &t.a, "sip:1001@example.org");
    side_invite(&t.p.a,
                "Allow: UPDATE\r\nSupported: timer\r\nSession-Expires: 100;refresher=uas\r\n",
                phone_sdp(&t.a, 4000, "sendrecv"));
    side_callee(&t.p.b, &t.b);
    side_answer(&t.p.b, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    side_await(&t.p.a, "200");
    side_ack(&t.p.a, NULL);
    kit_advance(k, 30000);
    kit_role_restart(k);
    kit_advance(k, 19000);
    await_nothing(&t.a);
    kit_advance(k, 2000); /* when it was due before */
    side_await_request(&t.p.a, "UPDATE");
    side_reply(&t.p.a, "200 OK", "Session-Expires: 100;refresher=uac\r\n", NULL);
    kit_role_restart(k);
    kit_advance(k, 51000);
    side_await_request(&t.p.a, "UPDATE");
    side_reply(&t.p.a, "200 OK", "Session-Expires: 100;refresher=uac\r\n", NULL);
    hang_up(&t.p.a, &t.p.b);
    fini(&t);
}

static void test_builtin_after_a_restart(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    builtin_up(k, &t, "sip:echo@example.org", MEDIA_MODE_ECHO);
    kit_role_restart(k);
    side_send(&t.p.a, "INVITE", "", phone_sdp(&t.a, 4002, "sendonly"));
    side_await(&t.p.a, "200");
    assert_got(&t.a, "a=recvonly");
    side_ack(&t.p.a, NULL);
    kit_media_event(k, 0, MEDIA_EVENT_TIMEOUT, "");
    side_await_request(&t.p.a, "BYE");
    side_reply(&t.p.a, "200 OK", "", NULL);
    fini(&t);
}

/* A snapshot that was being written when the process died, or that holds nonsense, is not used. */
static void test_damaged_snapshots(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    call_up(&t.p, &t.a, &t.b);
    struct kit_slot *slot = kit_slot_new(k);
    for (size_t at = 4; at < 9000; at += 7) {
        kit_slot_put(slot);
        memset(slot->at + at, 0xff, 64);
        k->media.chan = ipc_chan_free(k->media.chan);
        k->role = signal_role_free(k->role);
        assert_int_equal(signal_role_new(&k->cfg, &k->role), 0);
    }
    kit_slot_put(slot);
    memset(slot->at, 0, 4);
    kit_role_restart(k);
    assert_int_equal(signal_role_calls(k->role), 0);
    kit_slot_put(slot);
    kit_role_restart(k);
    assert_int_equal(signal_role_calls(k->role), 1);
    kit_slot_free(slot);
    hang_up(&t.p.a, &t.p.b);
    fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_media_timeout_ends_the_call),
        KIT_TEST(test_keying_failure_ends_the_call),
        KIT_TEST(test_protection_is_shown),
        KIT_TEST(test_events_of_what_has_gone),
        KIT_TEST(test_media_process_dies_in_the_middle),
        KIT_TEST(test_calls_made_while_media_is_away),
        KIT_TEST(test_what_media_refuses),
        KIT_TEST(test_builtin_targets),
        KIT_TEST(test_builtin_late_offer),
        KIT_TEST(test_builtin_late_offer_without_answer),
        KIT_TEST(test_builtin_without_a_common_codec),
        KIT_TEST(test_max_calls_and_one_past),
        KIT_TEST(test_snapshots_without_calls_take_no_memory),
        KIT_TEST(test_legs_max),
        KIT_TEST(test_closing_takes_no_calls),
        KIT_TEST(test_descriptions_lie_in_the_snapshot),
        KIT_TEST(test_ack_is_printed_again),
        KIT_TEST(test_call_goes_on_after_a_restart),
        KIT_TEST(test_session_timer_goes_on_after_a_restart),
        KIT_TEST(test_builtin_after_a_restart),
        KIT_TEST(test_damaged_snapshots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
