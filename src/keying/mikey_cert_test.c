/* MIKEY under certificates: both modes from both sides, and what a peer, somebody between, or another
 * user with a certificate of his own may try. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <time.h>

#include "crypto/hash.h"
#include "crypto/tls_testcert.h"
#include "keying/mikey_wire.h"
#include "keying/negotiate.h"

enum { SERVER, PHONE, SIDES };
enum { TEXT = 8192 };

static const char *const names[SIDES] = {"example.org", "1000@example.org"};
static struct testcert ca, certs[SIDES], other_ca;
static struct crypto_rsa *rsa[SIDES];
static struct mikey_seen *seen[SIDES];
static struct keying_local local[SIDES];
static struct mikey_terms terms[SIDES];
static uint8_t server_der[CRYPTO_RSA_CERT_MAX];
static size_t server_der_n;
static uint64_t now;

static struct testcert make(const char *san, const struct testcert *issuer, bool is_rsa, int days)
{
    const struct testcert_spec spec = {.cn = "x", .san = san, .rsa = is_rsa, .days = days};
    return testcert_new(&spec, issuer);
}

static struct crypto_rsa *own_of(const struct testcert *c)
{
    struct crypto_rsa *r = NULL;
    assert_int_equal(crypto_rsa_new(c->cert_pem, c->key_pem, ca.cert_pem, &r), 0);
    return r;
}

static int setup_all(void **state)
{
    (void)state;
    now = (uint64_t)time(NULL);
    ca = testcert_new(&(struct testcert_spec){.cn = "CA", .ca = true}, NULL);
    other_ca = testcert_new(&(struct testcert_spec){.cn = "CA 2", .ca = true}, NULL);
    certs[SERVER] = make("DNS:example.org", &ca, true, 0);
    certs[PHONE] = make("URI:sip:1000@example.org", &ca, true, 0);
    for (size_t i = 0; i < SIDES; i++)
        rsa[i] = own_of(&certs[i]);
    return crypto_rsa_cert_of(certs[SERVER].cert_pem, server_der, &server_der_n);
}

static int teardown_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIDES; i++) {
        rsa[i] = crypto_rsa_free(rsa[i]);
        testcert_free(&certs[i]);
    }
    testcert_free(&ca);
    testcert_free(&other_ca);
    return 0;
}

/* The phone knows the server's certificate, the server not the phone's. */
static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIDES; i++) {
        if (mikey_seen_new(now - 1, &seen[i]) < 0)
            return -1;
        local[i] = (struct keying_local){.mikey_seen = seen[i], .rsa = rsa[i]};
        terms[i] = (struct mikey_terms){.unix_s = now, .call = 7 + i, .cert_required = true};
        (void)snprintf(terms[i].self, MIKEY_NAME_MAX, "%s", names[i]);
        (void)snprintf(terms[i].peer, MIKEY_NAME_MAX, "%s", names[1 - i]);
    }
    local[PHONE].rsa_peer = slice_from(server_der, server_der_n);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIDES; i++)
        seen[i] = mikey_seen_free(seen[i]);
    return 0;
}

struct side {
    struct keying_policy p;
    struct keying_state s;
    struct keying_result r;
    char text[TEXT];
    struct buf b;
};

static struct side side(int who)
{
    return (struct side){.p = {.protection = PROTECTION_REQUIRED,
                               .keying_count = 1,
                               .keyings = {KEYING_MIKEY},
                               .local = &local[who],
                               .mikey = &terms[who]}};
}

static void keep(struct side *x, int v, struct keying_state *next)
{
    if (v == KEYING_OK)
        x->s = *next;
    keying_state_wipe(next);
}

static int offer(struct side *x)
{
    struct keying_state next = {0};
    x->b = buf_over(x->text, sizeof(x->text));
    int v = keying_local_offer(&x->s, &x->p, &x->b, &next, &x->r);
    keep(x, v, &next);
    return v;
}

static int answer(struct side *x, struct slice text)
{
    struct keying_state next = {0};
    x->b = buf_over(x->text, sizeof(x->text));
    int v = keying_remote_offer(&x->s, &x->p, KEYING_SAVP, text, &x->b, &next, &x->r);
    keep(x, v, &next);
    return v;
}

static int accept(struct side *x, struct slice text)
{
    struct keying_state next = {0};
    int v = keying_remote_answer(&x->s, &x->p, KEYING_SAVP, text, &next, &x->r);
    keep(x, v, &next);
    return v;
}

static void assert_agreed(const struct side *a, const struct side *b, const char *how)
{
    struct media_protection p;

    assert_true(keying_keys_eq(&a->s.tx, &b->s.rx) && keying_keys_eq(&a->s.rx, &b->s.tx));
    assert_false(keying_keys_eq(&a->s.tx, &a->s.rx));
    keying_state_protection(&a->s, &p);
    assert_string_equal(p.agreement, how);
    keying_state_protection(&b->s, &p);
    assert_string_equal(p.agreement, how);
}

static void assert_refused(const struct side *x, int v, const char *why)
{
    assert_int_equal(v, KEYING_BAD_TEXT);
    if (!strstr(x->r.why, why))
        fail_msg("\"%s\" and not \"%s\"", x->r.why, why);
}

/* The bytes of a line of ours, and back. */
static size_t bytes_of(struct slice text, uint8_t ret[MIKEY_MESSAGE_MAX])
{
    size_t n = 0;
    struct slice value = slice_trim(text);
    (void)slice_cut(&value, ' ');
    assert_int_equal(crypto_base64_get(value, ret, MIKEY_MESSAGE_MAX, &n), 0);
    return n;
}

static struct slice line_of(const uint8_t *bytes, size_t n)
{
    static char line[TEXT];
    size_t len = 0;
    struct buf b = buf_over(line, sizeof(line));
    BUF_PUT_LIT(&b, "a=key-mgmt:mikey ");
    crypto_base64_put(slice_from(bytes, n), line + b.n, sizeof(line) - b.n, &len);
    return slice_from(line, b.n + len);
}

/* Signs what was changed anew. */
static struct slice signed_again(uint8_t bytes[MIKEY_MESSAGE_MAX], const struct mikey_msg *m,
                                 const struct crypto_rsa *own)
{
    struct buf b = buf_over(bytes, MIKEY_MESSAGE_MAX);
    b.n = m->signed_part.n;
    mikey_put_sign(&b, own, NULL);
    assert_false(b.overflow);
    return line_of(bytes, b.n);
}

/* --- both sides ---------------------------------------------------------------------------------- */

static void call_with(int first, const char *how, const char *how_back)
{
    struct side a = side(first), b = side(1 - first);

    assert_int_equal(offer(&a), KEYING_OK);
    assert_int_equal(a.r.proto, KEYING_SAVP);
    assert_int_equal(answer(&b, buf_slice(&a.b)), KEYING_OK);
    assert_int_equal(accept(&a, buf_slice(&b.b)), KEYING_OK);
    assert_agreed(&a, &b, how);
    /* a renewed offer is a newer message, and changes no key … */
    struct srtp_keys before = a.s.tx;
    assert_int_equal(offer(&a), KEYING_OK);
    assert_int_equal(answer(&b, buf_slice(&a.b)), KEYING_OK);
    assert_false(b.r.tx_key_changed || b.r.rx_key_changed);
    assert_int_equal(accept(&a, buf_slice(&b.b)), KEYING_OK);
    assert_false(a.r.tx_key_changed || a.r.rx_key_changed);
    assert_true(keying_keys_eq(&before, &a.s.tx));
    /* … and the other side's brings new ones */
    assert_int_equal(offer(&b), KEYING_OK);
    assert_int_equal(answer(&a, buf_slice(&b.b)), KEYING_OK);
    assert_int_equal(accept(&b, buf_slice(&a.b)), KEYING_OK);
    assert_agreed(&a, &b, how_back);
    assert_false(keying_keys_eq(&before, &a.s.tx) || keying_keys_eq(&before, &a.s.rx));
    /* keys that were given up do not come back */
    assert_int_equal(offer(&a), KEYING_OK);
    assert_int_equal(answer(&b, buf_slice(&a.b)), KEYING_OK);
    assert_int_equal(accept(&a, buf_slice(&b.b)), KEYING_OK);
    assert_agreed(&a, &b, how);
    assert_false(keying_keys_eq(&before, &a.s.tx) || keying_keys_eq(&before, &a.s.rx));
}

static void a_phone_calls(void **state)
{
    (void)state;
    call_with(PHONE, "PK", "RSAR");
}

static void a_phone_is_called(void **state)
{
    (void)state;
    call_with(SERVER, "RSAR", "PK");
}

static void without_the_servers_certificate_it_is_rsa_r(void **state)
{
    (void)state;
    local[PHONE].rsa_peer = SLICE_NONE;
    call_with(PHONE, "RSAR", "RSAR");
}

static void a_servers_certificate_that_is_not_good_is_not_used(void **state)
{
    (void)state;
    struct testcert foreign = make("DNS:example.org", &other_ca, true, 0);
    uint8_t der[CRYPTO_RSA_CERT_MAX];
    size_t n = 0;

    assert_int_equal(crypto_rsa_cert_of(foreign.cert_pem, der, &n), 0);
    local[PHONE].rsa_peer = slice_from(der, n);
    call_with(PHONE, "RSAR", "RSAR");
    testcert_free(&foreign);
}

/* A user who may use certificates, and does, need not be told to. */
static void a_certificate_is_taken_where_none_is_required(void **state)
{
    (void)state;
    struct side a = side(PHONE), b = side(SERVER);

    terms[SERVER].cert_required = false;
    terms[SERVER].clear_allowed = true;
    assert_int_equal(offer(&a), KEYING_OK);
    assert_int_equal(answer(&b, buf_slice(&a.b)), KEYING_OK);
    assert_int_equal(accept(&a, buf_slice(&b.b)), KEYING_OK);
    /* and then goes on so, from both sides */
    assert_int_equal(offer(&b), KEYING_OK);
    assert_int_equal(answer(&a, buf_slice(&b.b)), KEYING_OK);
    assert_int_equal(accept(&b, buf_slice(&a.b)), KEYING_OK);
    assert_agreed(&a, &b, "RSAR");
    struct side clear = side(PHONE);
    terms[PHONE].cert_required = false;
    terms[PHONE].clear_allowed = true;
    assert_int_equal(offer(&clear), KEYING_OK);
    assert_refused(&b, answer(&b, buf_slice(&clear.b)), "would not be any more");
}

/* --- policy -------------------------------------------------------------------------------------- */

static void less_than_a_certificate_is_refused(void **state)
{
    (void)state;
    struct side a = side(PHONE), b = side(SERVER);

    terms[PHONE].cert_required = false;
    terms[PHONE].clear_allowed = terms[SERVER].clear_allowed = true;
    assert_int_equal(offer(&a), KEYING_OK);
    assert_refused(&b, answer(&b, buf_slice(&a.b)), "not under a certificate");
    /* nor is it offered, where there is none here */
    local[SERVER].rsa = NULL;
    assert_int_equal(offer(&b), KEYING_NO_COMMON_KEYING);
    terms[PHONE].cert_required = true;
    assert_int_equal(offer(&a), KEYING_OK);
    assert_refused(&b, answer(&b, buf_slice(&a.b)), "no certificate for MIKEY here");
}

static void a_pre_shared_key_goes_alone(void **state)
{
    (void)state;
    struct side a = side(PHONE), b = side(SERVER);

    terms[SERVER].cert_required = false;
    terms[SERVER].psk.n = 32;
    assert_int_equal(offer(&a), KEYING_OK);
    assert_refused(&b, answer(&b, buf_slice(&a.b)), "under which alone");
}

/* --- whose certificate --------------------------------------------------------------------------- */

static void offer_under(const char *san, const struct testcert *issuer, int days, const char *why)
{
    struct testcert c = make(san, issuer, true, days);
    struct side a = side(PHONE), b = side(SERVER);

    local[PHONE].rsa = own_of(&c);
    for (int rsa_r = 0; rsa_r < 2; rsa_r++) {
        assert_int_equal(offer(&a), KEYING_OK);
        assert_refused(&b, answer(&b, buf_slice(&a.b)), why);
        local[PHONE].rsa_peer = SLICE_NONE;
    }
    /* and the answer to ours */
    struct side ours = side(SERVER);
    assert_int_equal(offer(&ours), KEYING_OK);
    assert_int_equal(answer(&a, buf_slice(&ours.b)), KEYING_OK);
    assert_refused(&ours, accept(&ours, buf_slice(&a.b)), why);
    crypto_rsa_free(local[PHONE].rsa);
    testcert_free(&c);
}

static void certificates_of_others_are_refused(void **state)
{
    (void)state;
    const char *const user = "URI:sip:1000@example.org";

    offer_under("URI:sip:1001@example.org", &ca, 0, "is of another");
    (void)teardown(NULL), (void)setup(NULL);
    offer_under("DNS:example.org", &ca, 0, "is of another");
    (void)teardown(NULL), (void)setup(NULL);
    offer_under(user, &other_ca, 0, "not of the CA");
    (void)teardown(NULL), (void)setup(NULL);
    offer_under(user, NULL, 0, "not of the CA");
    (void)teardown(NULL), (void)setup(NULL);
    offer_under(user, &ca, -1, "has expired");
}

static void what_is_not_rsa_is_refused(void **state)
{
    (void)state;
    struct testcert c = make("URI:sip:1000@example.org", &ca, false, 0);
    struct crypto_rsa_peer *peer = NULL;
    struct crypto_rsa *r = NULL;
    uint8_t der[CRYPTO_RSA_CERT_MAX];
    size_t n = 0;

    assert_int_equal(crypto_rsa_new(c.cert_pem, c.key_pem, ca.cert_pem, &r), -EINVAL);
    assert_int_equal(crypto_rsa_new(certs[PHONE].cert_pem, certs[SERVER].key_pem, ca.cert_pem, &r),
                     -EINVAL);
    assert_int_equal(
        crypto_rsa_new(certs[PHONE].cert_pem, certs[PHONE].key_pem, SLICE_LIT("no CA"), &r),
        -EINVAL);
    assert_int_equal(crypto_rsa_cert_of(c.cert_pem, der, &n), 0);
    assert_int_equal(crypto_rsa_peer_new(rsa[SERVER], slice_from(der, n), names[PHONE], now, &peer),
                     CRYPTO_RSA_UNFIT);
    assert_int_equal(
        crypto_rsa_peer_new(rsa[SERVER], slice_from(der, n - 1), names[PHONE], now, &peer),
        CRYPTO_RSA_UNREADABLE);
    assert_int_equal(crypto_rsa_peer_new(rsa[PHONE], slice_from(server_der, server_der_n),
                                         names[SERVER], now - 300u * 86400, &peer),
                     CRYPTO_RSA_NOT_YET);
    testcert_free(&c);
}

/* --- what was changed ---------------------------------------------------------------------------- */

static void no_byte_may_be_missing_or_changed(void **state)
{
    (void)state;
    for (int rsa_r = 0; rsa_r < 2; rsa_r++) {
        struct side a = side(PHONE), b = side(SERVER);
        uint8_t bytes[MIKEY_MESSAGE_MAX];

        if (rsa_r)
            local[PHONE].rsa_peer = SLICE_NONE;
        assert_int_equal(offer(&a), KEYING_OK);
        size_t n = bytes_of(buf_slice(&a.b), bytes);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(answer(&b, line_of(bytes, i)), KEYING_BAD_TEXT);
            bytes[i] ^= 1;
            assert_int_equal(answer(&b, line_of(bytes, n)), KEYING_BAD_TEXT);
            assert_int_equal(b.b.n, 0);
            bytes[i] ^= 1;
        }
        assert_int_equal(answer(&b, line_of(bytes, n)), KEYING_OK);
        n = bytes_of(buf_slice(&b.b), bytes);
        for (size_t i = 0; i < n; i++) {
            assert_int_not_equal(accept(&a, line_of(bytes, i)), KEYING_OK);
            bytes[i] ^= 1;
            assert_int_not_equal(accept(&a, line_of(bytes, n)), KEYING_OK);
            bytes[i] ^= 1;
        }
        assert_int_equal(accept(&a, line_of(bytes, n)), KEYING_OK);
        assert_agreed(&a, &b, rsa_r ? "RSAR" : "PK");
    }
}

static void a_wrong_signature_is_named(void **state)
{
    (void)state;
    struct side a = side(PHONE), b = side(SERVER);
    uint8_t bytes[MIKEY_MESSAGE_MAX];
    struct mikey_msg m;

    assert_int_equal(offer(&a), KEYING_OK);
    size_t n = bytes_of(buf_slice(&a.b), bytes);
    bytes[n - 1] ^= 1;
    assert_refused(&b, answer(&b, line_of(bytes, n)), "signature");
    /* by another key, with the user's certificate before it */
    assert_int_equal(mikey_parse(slice_from(bytes, n), &m), MIKEY_OK);
    assert_refused(&b, answer(&b, signed_again(bytes, &m, rsa[SERVER])), "signature");
}

/* Another user cannot put a message or an envelope that he saw into one of his own; and bad padding of
 * an envelope looks like bad contents. */
static void an_envelope_is_bound_to_what_is_in_it(void **state)
{
    (void)state;
    struct side a = side(PHONE), b = side(SERVER);
    uint8_t bytes[MIKEY_MESSAGE_MAX];
    struct mikey_msg m;

    assert_int_equal(offer(&a), KEYING_OK);
    size_t n = bytes_of(buf_slice(&a.b), bytes);
    assert_int_equal(mikey_parse(slice_from(bytes, n), &m), MIKEY_OK);
    const struct slice parts[] = {m.kemac_data, m.mac, m.pke};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        uint8_t *at = bytes + (parts[i].p - (const char *)bytes);
        *at ^= 1;
        assert_refused(&b, answer(&b, signed_again(bytes, &m, rsa[PHONE])), "the envelope");
        *at ^= 1;
    }
    assert_int_equal(answer(&b, signed_again(bytes, &m, rsa[PHONE])), KEYING_OK);
}

static struct slice message_with(const char *kemac_id, const char *to, uint64_t unix_s)
{
    static uint8_t bytes[MIKEY_MESSAGE_MAX];
    static const uint8_t key[MIKEY_TGK_LEN] = {1}, rand[MIKEY_RAND_MIN] = {2};
    const struct secret env = {.n = 16, .b = "an envelope key"};
    struct crypto_rsa_peer *peer = NULL;
    struct mikey_msg m = {.type = MIKEY_PK_INIT,
                          .csb_id = 1,
                          .cs_count = 2,
                          .time = mikey_ntp_of(unix_s),
                          .id_count = to ? 2 : 0,
                          .id = {{MIKEY_ID_NAI, slice_from_str(kemac_id)},
                                 {MIKEY_ID_NAI, slice_from_str(to ? to : "")}},
                          .rand = slice_from(rand, sizeof(rand)),
                          .key = slice_from(key, sizeof(key))};
    struct buf b = buf_over(bytes, sizeof(bytes));

    assert_int_equal(crypto_rsa_peer_new(rsa[PHONE], slice_from(server_der, server_der_n),
                                         names[SERVER], now, &peer),
                     CRYPTO_RSA_OK);
    assert_true(mikey_policy_of(SRTP_AES_CM_128_HMAC_SHA1_80, &m.policy[0]));
    mikey_print(&m, &(struct mikey_seal){.key = &env, .own = rsa[PHONE], .peer = peer}, &b);
    crypto_rsa_peer_free(peer);
    assert_false(b.overflow);
    return line_of(bytes, b.n);
}

static void names_in_a_message_must_be_the_right_ones(void **state)
{
    (void)state;
    struct side b = side(SERVER);

    assert_refused(&b, answer(&b, message_with("1001@example.org", "example.org", now)),
                   "of another than the user");
    assert_refused(&b, answer(&b, message_with("1000@example.org", "example.net", now)),
                   "is for another");
    assert_refused(&b, answer(&b, message_with("1001@example.org", NULL, now)),
                   "keys of the MIKEY message are of another");
    assert_int_equal(answer(&b, message_with("1000@example.org", "example.org", now)), KEYING_OK);
    assert_int_equal(b.b.n > 0, 1); /* it asked for no proof, and is answered all the same */
}

static void an_answer_of_another_mode_is_refused(void **state)
{
    (void)state;
    struct side a = side(PHONE), b = side(SERVER), c = side(PHONE), d = side(SERVER);

    assert_int_equal(offer(&a), KEYING_OK);
    assert_int_equal(answer(&b, buf_slice(&a.b)), KEYING_OK);
    local[PHONE].rsa_peer = SLICE_NONE;
    assert_int_equal(offer(&c), KEYING_OK);
    assert_int_equal(answer(&d, buf_slice(&c.b)), KEYING_OK);
    assert_refused(&c, accept(&c, buf_slice(&b.b)), "no answer to ours");
    assert_refused(&a, accept(&a, buf_slice(&d.b)), "no answer to ours");
    assert_int_equal(accept(&c, buf_slice(&d.b)), KEYING_OK);
}

/* --- time ---------------------------------------------------------------------------------------- */

static void a_replay_is_refused(void **state)
{
    (void)state;
    for (int rsa_r = 0; rsa_r < 2; rsa_r++) {
        struct side a = side(PHONE), b = side(SERVER), again = side(SERVER), c = side(SERVER);

        if (rsa_r)
            local[PHONE].rsa_peer = SLICE_NONE;
        terms[SERVER].call = 100u + (unsigned)rsa_r;
        assert_int_equal(offer(&a), KEYING_OK);
        assert_int_equal(answer(&b, buf_slice(&a.b)), KEYING_OK);
        assert_int_equal(answer(&again, buf_slice(&a.b)), KEYING_OK); /* the same call's */
        terms[SERVER].call = 200u + (unsigned)rsa_r;
        assert_refused(&c, answer(&c, buf_slice(&a.b)), "a replay");
    }
}

static void a_time_that_is_far_is_refused(void **state)
{
    (void)state;
    struct side b = side(SERVER), a = side(PHONE), ours = side(SERVER);

    const char *id = names[PHONE], *to = names[SERVER];
    terms[SERVER].unix_s = now - 10; /* or the certificate would be the first to be refused */
    assert_refused(&b, answer(&b, message_with(id, to, now - 10 - MIKEY_WINDOW_S)), "clock");
    assert_refused(&b, answer(&b, message_with(id, to, now - 10 + MIKEY_WINDOW_S)), "clock");
    /* and that of an answer */
    terms[SERVER].unix_s = now;
    assert_int_equal(offer(&ours), KEYING_OK);
    assert_int_equal(answer(&a, buf_slice(&ours.b)), KEYING_OK);
    terms[SERVER].unix_s = now + MIKEY_WINDOW_S + 1;
    assert_refused(&ours, accept(&ours, buf_slice(&a.b)), "clock");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_phone_calls, setup, teardown),
        cmocka_unit_test_setup_teardown(a_phone_is_called, setup, teardown),
        cmocka_unit_test_setup_teardown(without_the_servers_certificate_it_is_rsa_r, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_servers_certificate_that_is_not_good_is_not_used, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_certificate_is_taken_where_none_is_required, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(less_than_a_certificate_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pre_shared_key_goes_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(certificates_of_others_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_rsa_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(no_byte_may_be_missing_or_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wrong_signature_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(an_envelope_is_bound_to_what_is_in_it, setup, teardown),
        cmocka_unit_test_setup_teardown(names_in_a_message_must_be_the_right_ones, setup, teardown),
        cmocka_unit_test_setup_teardown(an_answer_of_another_mode_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_replay_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_time_that_is_far_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests_name("mikey_cert", tests, setup_all, teardown_all);
}
