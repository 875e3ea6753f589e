/* REGISTER through the whole signal role. */
#include "signal/testphone.h"

static void contact_of(const struct phone *p, const char *params, char dst[200])
{
    snprintf(dst, 200, "Contact: <%s>%s\r\n", p->contact, params);
}

static void test_challenge_then_ok(void **state)
{
    struct kit *k = *state;
    struct phone p;
    phone_init(k, &p, 1, "1000", "example.org", TRANSPORT_TLS);
    phone_register_send(&p, "Contact: <sip:1000@10.0.0.2>;expires=300\r\n", false);
    await(&p, "SIP/2.0 401");
    assert_got(&p, "realm=\"example.org\"");
    assert_got(&p, "algorithm=SHA-256");
    assert_got(&p, "algorithm=MD5");
    assert_true(strstr(p.text, "SHA-256") > strstr(p.text, "=MD5")); /* an unknown phone */
    phone_register_send(&p, "User-Agent: sotto/1\r\n", false);
    await(&p, "SIP/2.0 401");
    assert_true(strstr(p.text, "SHA-256") < strstr(p.text, "=MD5")); /* RFC 8760 s.2.4 */
    phone_take_nonce(&p);
    phone_register_send(&p, "Contact: <sip:1000@10.0.0.2>;expires=300\r\n", true);
    await(&p, "SIP/2.0 200");
    assert_got(&p, "Contact: <sip:1000@10.0.0.2>;expires=300");
    assert_got(&p, "Date: Tue, 14 Nov 2023");
    assert_int_equal(location_count(k->role->location), 1);
    phone_fini(&p);
}

/* The answer's bytes without what differs in every answer. */
static char *without_random(const char *text)
{
    char *s = strdup(text);
    static const char *const from[] = {
        "tag=", "nonce=\"", "branch=", "Call-ID: ", "From: ", "To: "};
    for (size_t i = 0; i < ARRAY_LEN(from); i++) {
        for (char *p = s; (p = strstr(p, from[i])); p++) {
            p += strlen(from[i]);
            for (char *q = p; *q && *q != '"' && *q != '\r' && *q != ';'; q++)
                *q = 'x';
        }
    }
    return s;
}

static char *wrong_answer(struct kit *k, unsigned number, const char *name)
{
    struct phone p;
    phone_init(k, &p, number, name, "example.org", TRANSPORT_TLS);
    phone_register_send(&p, "", false);
    await(&p, "SIP/2.0 401");
    phone_take_nonce(&p);
    char kept[32];
    memcpy(kept, p.name, sizeof(kept));
    p.cseq = 0;
    char uri[] = "sip:example.org";
    char mem[2048];
    struct buf b = buf_over(mem, sizeof(mem) - 1);
    /* same length of everything, so that whole answers can be compared */
    buf_printf(&b,
               "REGISTER %s SIP/2.0\r\nVia: SIP/2.0/TLS 10.0.0.9:5060;branch=z9hG4bK-w%u\r\n"
               "From: <sip:%s@example.org>;tag=f\r\nTo: <sip:%s@example.org>\r\nCall-ID: w%u\r\n"
               "CSeq: 2 REGISTER\r\n",
               uri, number, name, name, number);
    struct sip_digest_hash ha1, response;
    struct sip_digest_credentials c = {.username = slice_from_str(name),
                                       .realm = SLICE_LIT("example.org"),
                                       .nonce = slice_from_str(p.nonce),
                                       .uri = slice_from_str(uri),
                                       .cnonce = SLICE_LIT("c"),
                                       .nc = 1,
                                       .alg = SIP_DIGEST_SHA256,
                                       .qop = SIP_DIGEST_QOP_AUTH};
    sip_digest_ha1(c.alg, c.username, c.realm, SLICE_LIT("not the password"), &ha1);
    sip_digest_response(&ha1, SLICE_LIT("REGISTER"), &c, &response);
    sip_digest_put_credentials(&b, SIP_HDR_AUTHORIZATION, &c, &response);
    BUF_PUT_LIT(&b, "Content-Length: 0\r\n\r\n");
    mem[b.n] = '\0';
    phone_inject(&p, mem);
    await(&p, "SIP/2.0 401");
    char *s = without_random(p.text);
    phone_fini(&p);
    return s;
}

static void test_wrong_password_looks_like_unknown_user(void **state)
{
    struct kit *k = *state;
    char *wrong = wrong_answer(k, 1, "1000");
    char *unknown = wrong_answer(k, 1, "9999");
    assert_string_equal(wrong, unknown);
    assert_true(kit_log_has(k, "auth_failed user=1000"));
    assert_true(kit_log_has(k, "auth_failed user=9999"));
    assert_true(kit_log_has(k, "peer=10.0.0.2:5001"));
    free(wrong);
    free(unknown);
}

static void test_as_another_user_403(void **state)
{
    struct kit *k = *state;
    struct phone p;
    phone_up(k, &p, 1, "1000", TRANSPORT_TLS);
    char mem[2048];
    struct buf b = buf_over(mem, sizeof(mem) - 1);
    BUF_PUT_LIT(&b, "REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK-q\r\n"
                    "From: <sip:1001@example.org>;tag=f\r\nTo: <sip:1001@example.org>\r\n"
                    "Call-ID: q\r\nCSeq: 2 REGISTER\r\nContact: <sip:evil@10.0.0.66>\r\n");
    phone_put_credentials(&p, &b, SIP_HDR_AUTHORIZATION, "REGISTER", "sip:example.org");
    BUF_PUT_LIT(&b, "Content-Length: 0\r\n\r\n");
    mem[b.n] = '\0';
    phone_inject(&p, mem);
    await(&p, "SIP/2.0 403");
    assert_int_equal(location_count(k->role->location), 1);
    phone_fini(&p);
}

static void test_unknown_domain_404(void **state)
{
    struct kit *k = *state;
    struct phone p;
    phone_init(k, &p, 1, "1000", "elsewhere.com", TRANSPORT_TLS);
    phone_register_send(&p, "", false);
    await(&p, "SIP/2.0 404");
    phone_fini(&p);
}

static void test_wildcard(void **state)
{
    struct kit *k = *state;
    struct phone p;
    phone_up(k, &p, 1, "1000", TRANSPORT_TLS);
    phone_register_as(&p, "Contact: <sip:1000@10.0.0.7>\r\n", "200");
    assert_int_equal(location_count(k->role->location), 2);
    phone_register_as(&p, "Contact: *\r\nExpires: 60\r\n", "400");
    phone_register_as(&p, "Contact: *\r\n", "400");
    phone_register_as(&p, "Contact: *\r\nContact: <sip:a@b>\r\nExpires: 0\r\n", "400");
    assert_int_equal(location_count(k->role->location), 2);
    phone_register_as(&p, "Contact: *\r\nExpires: 0\r\n", "200");
    assert_not_got(&p, "Contact:");
    assert_int_equal(location_count(k->role->location), 0);
    phone_fini(&p);
}

static void test_several_contacts_by_q(void **state)
{
    struct kit *k = *state;
    struct phone p;
    const struct binding *found[8];
    phone_init(k, &p, 1, "1000", "example.org", TRANSPORT_TLS);
    phone_register_as(&p,
                      "Contact: <sip:low@10.0.0.2>;q=0.1, <sip:high@10.0.0.2>\r\n"
                      "Contact: <sip:mid@10.0.0.2>;q=0.55;expires=120\r\n",
                      "200");
    assert_got(&p, "<sip:mid@10.0.0.2>;expires=120;q=0.550");
    assert_got(&p, "<sip:low@10.0.0.2>;expires=600;q=0.100");
    size_t n = location_find(k->role->location, SLICE_LIT("1000"), SLICE_LIT("example.org"), found,
                             ARRAY_LEN(found));
    assert_int_equal(n, 3);
    assert_string_equal(found[0]->contact, "sip:high@10.0.0.2");
    assert_string_equal(found[1]->contact, "sip:mid@10.0.0.2");
    assert_string_equal(found[2]->contact, "sip:low@10.0.0.2");
    /* Same contact, written in another way: s.19.1.4. */
    phone_register_as(&p, "Contact: <sip:mid@10.0.0.2:5060>;expires=0, <sip:%68igh@10.0.0.2>\r\n",
                      "200");
    assert_int_equal(location_count(k->role->location), 3);
    phone_register_as(&p, "Contact: <sip:mid@10.0.0.2>;expires=0\r\n", "200");
    assert_not_got(&p, "mid");
    assert_int_equal(location_count(k->role->location), 2);
    phone_fini(&p);
}

static void test_a_query_changes_nothing(void **state)
{
    struct kit *k = *state;
    struct phone p;
    phone_up(k, &p, 1, "1000", TRANSPORT_TLS);
    kit_advance(k, 100000);
    phone_register_as(&p, "", "200");
    assert_got(&p, ";expires=3500");
    phone_fini(&p);
}

static void test_expiry_by_the_clock(void **state)
{
    struct kit *k = *state;
    struct phone p;
    char c[200];
    phone_init(k, &p, 1, "1000", "example.org", TRANSPORT_TLS);
    contact_of(&p, ";expires=60", c);
    phone_register_as(&p, c, "200");
    kit_advance(k, 59000);
    assert_int_equal(location_count(k->role->location), 1);
    phone_register_as(&p, c, "200"); /* refreshed */
    kit_advance(k, 59000);
    assert_int_equal(location_count(k->role->location), 1);
    kit_advance(k, 1500);
    assert_int_equal(location_count(k->role->location), 0);
    assert_true(kit_log_has(k, "binding_expired"));
    phone_fini(&p);
}

/* Longer than the ring of ticks turns, made shorter and longer, one beside the other. */
static void test_expiry_far_off(void **state)
{
    struct kit *k = *state;
    struct phone p;
    phone_init(k, &p, 1, "1000", "example.org", TRANSPORT_TLS);
    phone_register_as(
        &p, "Contact: <sip:a@10.0.0.2>;expires=3600, <sip:b@10.0.0.2>;expires=300\r\n", "200");
    kit_advance(k, 299000);
    assert_int_equal(location_count(k->role->location), 2);
    phone_register_as(&p, "Contact: <sip:b@10.0.0.2>;expires=3600\r\n", "200");
    kit_advance(k, 60000);
    assert_int_equal(location_count(k->role->location), 2);
    p.nonce[0] = '\0'; /* it is too old */
    phone_register_as(&p, "Contact: <sip:a@10.0.0.2>;expires=60\r\n", "200");
    kit_advance(k, 59900);
    assert_int_equal(location_count(k->role->location), 2);
    kit_advance(k, 100 + LOCATION_TICK_MS);
    assert_int_equal(location_count(k->role->location), 1);
    kit_advance(k, 3420000);
    assert_int_equal(location_count(k->role->location), 1);
    kit_advance(k, 60000);
    assert_int_equal(location_count(k->role->location), 0);
    phone_fini(&p);
}

/* Texts that the store takes no row with: one such binding would keep all others from being written. */
static void test_what_no_row_can_hold_400(void **state)
{
    struct kit *k = *state;
    struct phone p;
    static const char format[] =
        "Contact: <sip:1000@10.0.0.2>;expires=300;reg-id=1;+sip.instance=\"<%0*d>\"\r\n";
    char h[STORE_TEXT_MAX + 200];
    phone_init(k, &p, 1, "1000", "example.org", TRANSPORT_TLS);
    (void)snprintf(h, sizeof(h), format, STORE_TEXT_MAX - 1, 7); /* with < and > one too many */
    phone_register_as(&p, h, "400");
    assert_int_equal(location_count(k->role->location), 0);
    (void)snprintf(h, sizeof(h), format, STORE_TEXT_MAX - 2, 7);
    phone_register_as(&p, h, "200");
    assert_int_equal(location_flush(k->role->location), 0);
    phone_fini(&p);
}

static void test_a_call_id_that_no_row_can_hold_400(void **state)
{
    struct kit *k = *state;
    struct phone p;
    static const char format[] =
        "REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK-%d\r\n"
        "From: <sip:1000@example.org>;tag=f\r\nTo: <sip:1000@example.org>\r\nCall-ID: %0*d\r\n"
        "CSeq: 2 REGISTER\r\nContact: <sip:1000@10.0.0.2>\r\nContent-Length: 0\r\n\r\n";
    static const char *const answers[] = {"SIP/2.0 401", "SIP/2.0 400"};
    char text[STORE_TEXT_MAX + 500];
    phone_init(k, &p, 1, "1000", "example.org", TRANSPORT_TLS);
    for (int over = 0; over < 2; over++) {
        (void)snprintf(text, sizeof(text), format, over, STORE_TEXT_MAX + over, 7);
        phone_inject(&p, text);
        await(&p, answers[over]);
    }
    phone_fini(&p);
}

static void test_intervals(void **state)
{
    struct kit *k = *state;
    struct phone p;
    char c[200];
    phone_init(k, &p, 1, "1000", "example.org", TRANSPORT_TLS);
    contact_of(&p, ";expires=59", c);
    phone_register_as(&p, c, "423");
    assert_got(&p, "Min-Expires: 60\r\n");
    assert_int_equal(location_count(k->role->location), 0);
    contact_of(&p, ";expires=60", c);
    phone_register_as(&p, c, "200");
    contact_of(&p, ";expires=3601", c);
    phone_register_as(&p, c, "200");
    assert_got(&p, ";expires=3600");
    contact_of(&p, "", c);
    phone_register_as(&p, c, "200");
    assert_got(&p, ";expires=600");
    phone_fini(&p);
}

static void test_require_unknown_420(void **state)
{
    struct kit *k = *state;
    struct phone p;
    phone_init(k, &p, 1, "1000", "example.org", TRANSPORT_TLS);
    phone_register_send(&p, "Require: path, magic\r\nRequire: wand\r\n", false);
    await(&p, "SIP/2.0 420");
    assert_got(&p, "Unsupported: magic\r\n");
    assert_got(&p, "Unsupported: wand\r\n");
    assert_not_got(&p, "Unsupported: path");
    phone_fini(&p);
}

static void test_old_cseq_changes_nothing(void **state)
{
    struct kit *k = *state;
    struct phone p;
    phone_up(k, &p, 1, "1000", TRANSPORT_TLS);
    p.cseq -= 2;
    phone_register_as(&p, "Contact: <sip:new@10.0.0.2>\r\n", "500");
    p.cseq = 1;
    phone_register_as(&p, "Contact: *\r\nExpires: 0\r\n", "500");
    assert_int_equal(location_count(k->role->location), 1);
    phone_fini(&p);
}

static void test_outbound(void **state)
{
    struct kit *k = *state;
    struct phone p, q;
    const struct binding *found[4];
    static const char headers[] =
        "Supported: outbound, path\r\nContact: <sip:x@10.0.0.2:%u>;reg-id=%u"
        ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\"\r\n";
    char h[256];
    phone_init(k, &p, 1, "1000", "example.org", TRANSPORT_TLS);
    snprintf(h, sizeof(h), headers, 1111u, 1u);
    phone_register_as(&p, h, "200");
    assert_got(&p, "Require: outbound\r\n");
    assert_got(&p, "Flow-Timer: 120\r\n");
    assert_got(&p, ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\";reg-id=1");
    /* The same phone over a new connection and port: replaces the old flow. */
    phone_init(k, &q, 2, "1000", "example.org", TRANSPORT_TLS);
    snprintf(h, sizeof(h), headers, 2222u, 1u);
    phone_register_as(&q, h, "200");
    assert_int_equal(location_count(k->role->location), 1);
    snprintf(h, sizeof(h), headers, 2222u, 2u);
    phone_register_as(&q, h, "200");
    assert_int_equal(location_count(k->role->location), 2);
    assert_int_equal(
        location_find(k->role->location, SLICE_LIT("1000"), SLICE_LIT("example.org"), found, 4), 2);
    assert_int_equal(found[0]->flow.conn, 2);
    assert_false(found[0]->ice);
    phone_register_as(&p, "Contact: <sip:y@10.0.0.2>;+sip.ice\r\n", "200");
    assert_got(&p, ";+sip.ice\r\n");
    phone_fini(&p);
    phone_fini(&q);
}

static void test_path(void **state)
{
    struct kit *k = *state;
    struct phone p;
    const struct binding *found[1];
    phone_init(k, &p, 1, "1000", "example.org", TRANSPORT_TLS);
    phone_register_as(&p,
                      "Supported: path\r\nPath: <sip:edge1.example.org;lr>\r\n"
                      "Path: <sip:edge2.example.org;lr>\r\nContact: <sip:x@10.0.0.2>\r\n",
                      "200");
    assert_got(&p, "Path: <sip:edge1.example.org;lr>,<sip:edge2.example.org;lr>\r\n");
    assert_int_equal(
        location_find(k->role->location, SLICE_LIT("1000"), SLICE_LIT("example.org"), found, 1), 1);
    assert_string_equal(found[0]->path, "<sip:edge1.example.org;lr>,<sip:edge2.example.org;lr>");
    phone_fini(&p);
}

static void test_max_contacts(void **state)
{
    struct kit *k = *state;
    struct phone p;
    char c[200];
    phone_init(k, &p, 1, "1000", "example.org", TRANSPORT_TLS);
    for (unsigned i = 0; i < STORE_CONTACTS_DEFAULT; i++) {
        snprintf(c, sizeof(c), "Contact: <sip:c%u@10.0.0.2>\r\n", i);
        phone_register_as(&p, c, "200");
    }
    phone_register_as(&p, "Contact: <sip:one-more@10.0.0.2>\r\n", "403");
    assert_int_equal(location_count(k->role->location), STORE_CONTACTS_DEFAULT);
    phone_register_as(&p, "Contact: <sip:c3@10.0.0.2>\r\n", "200"); /* refreshing goes on */
    /* One goes, one comes: that fits. */
    phone_register_as(&p, "Contact: <sip:c3@10.0.0.2>;expires=0, <sip:new@10.0.0.2>\r\n", "200");
    assert_got(&p, "sip:new@");
    assert_int_equal(location_count(k->role->location), STORE_CONTACTS_DEFAULT);
    phone_fini(&p);
}

/* A page that is loaded again and again, each time as a new phone, locks nobody out: what its closed
 * WebSockets left goes. What is reached by a living flow stays, and still counts. */
static void test_dead_contacts_make_room(void **state)
{
    struct kit *k = *state;
    struct phone gone, here;
    const struct binding *found[STORE_CONTACTS_DEFAULT];
    char c[200];
    phone_init(k, &gone, 1, "1000", "example.org", TRANSPORT_TLS);
    phone_init(k, &here, 2, "1000", "example.org", TRANSPORT_TLS);
    phone_register_as(&here, "Contact: <sip:here@10.0.0.2>\r\n", "200");
    for (unsigned i = 1; i < STORE_CONTACTS_DEFAULT; i++) {
        snprintf(c, sizeof(c), "Contact: <sip:c%u@10.0.0.2>\r\n", i);
        phone_register_as(&gone, c, "200");
    }
    phone_register_as(&here, "Contact: <sip:one-more@10.0.0.2>\r\n", "403");
    kit_transport->dead[1] = true;
    phone_register_as(&here, "Contact: <sip:one-more@10.0.0.2>\r\n", "200");
    assert_int_equal(location_find(k->role->location, SLICE_LIT("1000"), SLICE_LIT("example.org"),
                                   found, STORE_CONTACTS_DEFAULT),
                     2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(found[i]->flow.conn, 2);
    phone_fini(&gone);
    phone_fini(&here);
}

static void test_restart_keeps_bindings(void **state)
{
    struct kit *k = *state;
    struct phone p;
    const struct binding *found[4];
    phone_up(k, &p, 1, "1000", TRANSPORT_TLS);
    phone_register_as(&p, "Contact: <sip:gone@10.0.0.2>\r\n", "200");
    phone_register_as(&p, "Contact: <sip:two@10.0.0.2>;q=0.5;expires=100\r\n", "200");
    kit_advance(k, 1000);
    phone_register_as(&p, "Contact: <sip:gone@10.0.0.2>;expires=0\r\n", "200");
    kit_role_restart(k);
    assert_int_equal(location_count(k->role->location), 2);
    assert_int_equal(
        location_find(k->role->location, SLICE_LIT("1000"), SLICE_LIT("example.org"), found, 4), 2);
    assert_string_equal(found[0]->contact, p.contact);
    assert_int_equal(found[0]->flow.conn, p.flow.conn);
    assert_true(addr_eq(&found[0]->flow.remote, &p.flow.remote));
    assert_int_equal(found[1]->q, 500);
    phone_register_as(&p, "", "200"); /* nonces live on, too */
    assert_got(&p, "two@10.0.0.2>;expires=99");
    /* What is registered after a restart does not overwrite what stood. */
    phone_register_as(&p, "Contact: <sip:three@10.0.0.2>\r\n", "200");
    kit_role_restart(k);
    assert_int_equal(location_count(k->role->location), 3);
    kit_advance(k, 101000);
    assert_int_equal(location_count(k->role->location), 2);
    phone_fini(&p);
}

static void test_transport_not_allowed_403(void **state)
{
    struct kit *k = *state;
    struct phone p;
    phone_init(k, &p, 1, "tlsonly", "example.org", TRANSPORT_UDP);
    phone_register_as(&p, "Contact: <sip:tlsonly@10.0.0.2>\r\n", "403");
    assert_int_equal(location_count(k->role->location), 0);
    phone_fini(&p);
    phone_init(k, &p, 2, "tlsonly", "example.org", TRANSPORT_TLS);
    phone_register_as(&p, "Contact: <sip:tlsonly@10.0.0.2>\r\n", "200");
    phone_fini(&p);
}

static struct slice to_of(const char *text)
{
    const char *to = strstr(text, "\r\nTo: ");
    assert_non_null(to);
    struct slice s = slice_from_str(to + 2);
    return slice_take(s, slice_find_char(s, '\r'));
}

/* The request for credentials is not remembered (RFC 3261 8.2.7): another nonce, but the same tag. */
static void test_retransmission_over_udp_gets_the_same_answer(void **state)
{
    struct kit *k = *state;
    struct phone p;
    phone_init(k, &p, 1, "1000", "example.org", TRANSPORT_UDP);
    static const char text[] =
        "REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK-same\r\n"
        "From: <sip:1000@example.org>;tag=f\r\nTo: <sip:1000@example.org>\r\n"
        "Call-ID: same\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n";
    phone_inject(&p, text);
    await(&p, "SIP/2.0 401");
    char *first = strdup(p.text);
    phone_inject(&p, text);
    await(&p, "SIP/2.0 401");
    assert_true(slice_eq(to_of(first), to_of(p.text)));
    free(first);

    /* A final one is. */
    static const char elsewhere[] =
        "REGISTER sip:elsewhere.org SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK-other\r\n"
        "From: <sip:1@elsewhere.org>;tag=f\r\nTo: <sip:1@elsewhere.org>\r\n"
        "Call-ID: other\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n";
    phone_inject(&p, elsewhere);
    await(&p, "SIP/2.0 404");
    first = strdup(p.text);
    phone_inject(&p, elsewhere);
    await(&p, "SIP/2.0 404");
    assert_string_equal(first, p.text);
    free(first);
    phone_fini(&p);
}

static void test_limits_of_contacts(void **state)
{
    struct kit *k = *state;
    struct phone p;
    static char uri[DIALOG_URI_MAX + 1], h[2000];
    memset(uri, 'u', sizeof(uri) - 1);
    phone_init(k, &p, 1, "1000", "example.org", TRANSPORT_TLS);
    memcpy(uri, "sip:", 4);
    memcpy(uri + DIALOG_URI_MAX - 9, "@10.0.0.2", 9);
    snprintf(h, sizeof(h), "Contact: <%s>\r\n", uri);
    phone_register_as(&p, h, "400");
    memmove(uri + DIALOG_URI_MAX - 10, uri + DIALOG_URI_MAX - 9, 10);
    snprintf(h, sizeof(h), "Contact: <%s>\r\n", uri);
    phone_register_as(&p, h, "200");
    phone_register_as(&p, "Contact: <tel:+123>\r\n", "400");
    phone_register_as(&p, "Contact: <mailto:a@b.c>\r\n", "400");
    phone_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_challenge_then_ok),
        KIT_TEST(test_wrong_password_looks_like_unknown_user),
        KIT_TEST(test_as_another_user_403),
        KIT_TEST(test_unknown_domain_404),
        KIT_TEST(test_wildcard),
        KIT_TEST(test_several_contacts_by_q),
        KIT_TEST(test_a_query_changes_nothing),
        KIT_TEST(test_expiry_by_the_clock),
        KIT_TEST(test_expiry_far_off),
        KIT_TEST(test_what_no_row_can_hold_400),
        KIT_TEST(test_a_call_id_that_no_row_can_hold_400),
        KIT_TEST(test_intervals),
        KIT_TEST(test_require_unknown_420),
        KIT_TEST(test_old_cseq_changes_nothing),
        KIT_TEST(test_outbound),
        KIT_TEST(test_path),
        KIT_TEST(test_max_contacts),
        KIT_TEST(test_dead_contacts_make_room),
        KIT_TEST(test_restart_keeps_bindings),
        KIT_TEST(test_transport_not_allowed_403),
        KIT_TEST(test_retransmission_over_udp_gets_the_same_answer),
        KIT_TEST(test_limits_of_contacts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
