/* DTLS-SRTP in descriptions. */
#include "keying/dtls_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define PRINT20 "AA:bb:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD"
#define PRINT32 PRINT20 ":01:02:03:04:05:06:07:08:09:0a:0b:0c"
#define PRINT28 PRINT20 ":01:02:03:04:05:06:07:08"
#define PRINT48 PRINT32 ":11:12:13:14:15:16:17:18:19:1a:1b:1c:1d:1e:1f:20"
#define PRINT64 PRINT48 ":11:12:13:14:15:16:17:18:19:1a:1b:1c:1d:1e:1f:20"
#define PRINT(hash, value) "a=fingerprint:" hash " " value "\r\n"
#define SETUP(value) "a=setup:" value "\r\n"
#define ID(value) "a=tls-id:" value "\r\n"
#define OFFER PRINT("sha-256", PRINT32) SETUP("actpass")

static bool says(const struct rig_end *e, const char *what)
{
    return strstr(e->text, what) != NULL;
}

static struct rig_end e;

static int set_up(void **state)
{
    (void)state;
    rig_end_init(&e);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_end_fini(&e);
    return 0;
}

/* --- reading ----------------------------------------------------------------------------------- */

static void fingerprints_of_every_hash_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        enum crypto_dtls_hash hash;
    } good[] = {
        {"sha-1 " PRINT20, CRYPTO_DTLS_SHA1},      {"SHA-224 " PRINT28, CRYPTO_DTLS_SHA224},
        {"Sha-256 " PRINT32, CRYPTO_DTLS_SHA256},  {"sha-384 " PRINT48, CRYPTO_DTLS_SHA384},
        {"sha-512  " PRINT64, CRYPTO_DTLS_SHA512},
    };
    uint8_t d[CRYPTO_DTLS_DIGEST_MAX];
    enum crypto_dtls_hash h;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(dtls_fingerprint_parse(slice_from_str(good[i].value), &h, d), 0);
        assert_int_equal(h, good[i].hash);
        assert_int_equal(d[0], 0xaa);
        assert_int_equal(d[1], 0xbb);
        assert_int_equal(d[19], 0xdd);
    }
}

static void what_is_no_fingerprint_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int verdict;
    } bad[] = {
        {"", -EINVAL},
        {"sha-256", -EINVAL},
        {"sha-256 ", -EINVAL},
        {"sha-256 " PRINT20, -EINVAL},
        {"sha-1 " PRINT32, -EINVAL},
        {"sha-1 " PRINT20 ":", -EINVAL},
        {"sha-1 GA:bb:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD", -EINVAL},
        {"sha-1 AA-bb:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD", -EINVAL},
        {"md5 AA:bb:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99", -ENOTSUP},
        {"md2 AA:bb:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99", -ENOTSUP},
        {"sha-3 " PRINT32, -ENOTSUP},
    };
    uint8_t d[CRYPTO_DTLS_DIGEST_MAX];
    enum crypto_dtls_hash h;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(dtls_fingerprint_parse(slice_from_str(bad[i].value), &h, d),
                         bad[i].verdict);
}

static void the_best_hash_counts(void **state)
{
    (void)state;
    assert_int_equal(rig_offered(&e, PRINT("sha-1", PRINT20) PRINT("sha-256", PRINT32)
                                         PRINT("md5", "00") PRINT("sha-224", PRINT28)),
                     KEYING_OK);
    assert_int_equal(e.s.dtls.remote.hash, CRYPTO_DTLS_SHA256);
    assert_int_equal(e.s.dtls.remote.count, 1);
}

static void sha_1_alone_is_taken(void **state)
{
    (void)state;
    assert_int_equal(rig_offered(&e, PRINT("SHA-1", PRINT20)), KEYING_OK);
    assert_int_equal(e.s.dtls.remote.hash, CRYPTO_DTLS_SHA1);
}

static void md5_alone_is_refused(void **state)
{
    (void)state;
    assert_int_equal(
        rig_offered(&e, PRINT("md5", "AA:bb:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99")),
        KEYING_BAD_TEXT);
    assert_non_null(strstr(e.res.why, "hash"));
    assert_int_equal(rig_offered(&e, PRINT("sha-256", PRINT20)), KEYING_BAD_TEXT);
    assert_int_equal(rig_offered(&e, SETUP("actpass")), KEYING_BAD_TEXT);
}

/* At the limit, and one past it. */
static void so_many_certificates_and_no_more(void **state)
{
    (void)state;
    char text[2048];
    for (size_t n = DTLS_FINGERPRINTS_MAX; n <= DTLS_FINGERPRINTS_MAX + 1; n++) {
        struct buf b = buf_over(text, sizeof(text) - 1);
        for (size_t i = 0; i < n; i++) {
            buf_printf(&b,
                       "a=fingerprint:sha-1 %02zx:bb:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:"
                       "AA:BB:CC:DD\r\n",
                       i);
            BUF_PUT_LIT(&b, PRINT("sha-1", "00:bb:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:"
                                           "AA:BB:CC:DD")); /* the same again is no other one */
        }
        text[b.n] = '\0';
        bool fits = n <= DTLS_FINGERPRINTS_MAX;
        assert_int_equal(rig_offered(&e, text), fits ? KEYING_OK : KEYING_BAD_TEXT);
        if (fits)
            assert_int_equal(e.s.dtls.remote.count, n);
        else
            assert_non_null(strstr(e.res.why, "too many"));
    }
}

/* --- roles ------------------------------------------------------------------------------------- */

static void our_answer_to_each_setup(void **state)
{
    (void)state;
    static const struct {
        const char *offer, *answer;
        bool peer_first, wants;
    } rows[] = {
        {SETUP("actpass"), SETUP("active"), false, true},
        {SETUP("ACTPASS"), SETUP("active"), false, true},
        {SETUP("actpass"), SETUP("passive"), true, true}, /* behind a NAT: it must speak first */
        {SETUP("active"), SETUP("passive"), false, true},
        {SETUP("passive"), SETUP("active"), true, true},
        {"", SETUP("passive"), false, true}, /* RFC 4145 s.4 */
        {SETUP("nonsense"), SETUP("passive"), false, true},
        {SETUP("holdconn"), SETUP("holdconn"), false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[512];
        memset(&e.s, 0, sizeof(e.s));
        e.p.peer_first = rows[i].peer_first;
        snprintf(text, sizeof(text), "%s%s", PRINT("sha-256", PRINT32), rows[i].offer);
        assert_int_equal(rig_offered(&e, text), KEYING_OK);
        assert_true(says(&e, rows[i].answer));
        assert_int_equal(keying_state_wants(&e.s, KEYING_RTP, true), rows[i].wants);
    }
}

static void our_role_by_the_peers_answer(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        enum dtls_setup role;
    } rows[] = {
        {SETUP("active"), DTLS_SETUP_PASSIVE},    {SETUP("passive"), DTLS_SETUP_ACTIVE},
        {SETUP("holdconn"), DTLS_SETUP_HOLDCONN}, {"", DTLS_SETUP_ACTIVE},
        {SETUP("actpass"), DTLS_SETUP_ACTIVE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[512];
        memset(&e.s, 0, sizeof(e.s));
        assert_int_equal(rig_offers(&e), KEYING_OK);
        assert_true(says(&e, SETUP("actpass")) && says(&e, "a=fingerprint:sha-256 ") &&
                    says(&e, "a=tls-id:"));
        snprintf(text, sizeof(text), "%s%s", PRINT("sha-256", PRINT32), rows[i].answer);
        assert_int_equal(rig_answered(&e, text), KEYING_OK);
        assert_int_equal(e.s.dtls.setup, rows[i].role);
        assert_true(e.res.encrypted);
    }
}

/* RFC 8842 s.5.3 */
static void an_answer_has_a_tls_id_where_the_offer_has_one(void **state)
{
    (void)state;
    assert_int_equal(rig_offered(&e, OFFER), KEYING_OK);
    assert_false(says(&e, "tls-id"));
    assert_int_equal(rig_offered(&e, OFFER ID("0123456789012345678901")), KEYING_OK);
    assert_true(says(&e, "a=tls-id:"));
}

/* --- keeping and renewing ---------------------------------------------------------------------- */

static void keys_are_there(void)
{
    struct keying_yield y = {.tx = {.suite = SRTP_AEAD_AES_128_GCM, .master = {.n = 28, .b = {1}}},
                             .rx = {.suite = SRTP_AEAD_AES_128_GCM, .master = {.n = 28, .b = {2}}}};
    assert_true(keying_state_take(&e.s, KEYING_RTP, e.s.wanted, &y));
    assert_false(keying_state_wants(&e.s, KEYING_RTP, false));
    assert_true(keying_state_wants(&e.s, KEYING_RTCP, false));
    assert_false(keying_state_wants(&e.s, KEYING_RTCP, true));
}

static void the_same_offer_again_keeps_the_association(void **state)
{
    (void)state;
    static const char offer[] = OFFER ID("0123456789012345678901");
    char before[sizeof(e.text)];
    assert_int_equal(rig_offered(&e, offer), KEYING_OK);
    memcpy(before, e.text, sizeof(before));
    keys_are_there();
    assert_int_equal(rig_offered(&e, offer), KEYING_OK);
    assert_string_equal(e.text, before);
    assert_false(keying_state_wants(&e.s, KEYING_RTP, true));
    assert_false(e.res.tx_key_changed || e.res.rx_key_changed);
    struct media_protection m;
    keying_state_protection(&e.s, &m);
    assert_true(m.established);
    assert_int_equal(m.keying, KEYING_DTLS);
    assert_int_equal(m.suite, SRTP_AEAD_AES_128_GCM);
}

static void the_role_is_kept_where_an_offer_leaves_it_open(void **state)
{
    (void)state;
    assert_int_equal(rig_offered(&e, PRINT("sha-256", PRINT32) SETUP("active")), KEYING_OK);
    keys_are_there();
    assert_int_equal(rig_offered(&e, OFFER), KEYING_OK);
    assert_true(says(&e, SETUP("passive")));
    assert_false(keying_state_wants(&e.s, KEYING_RTP, true));
}

static void another_order_of_fingerprints_is_no_change(void **state)
{
    (void)state;
    static const char a[] = PRINT("sha-1", PRINT20),
                      b[] = PRINT("sha-1",
                                  "00:bb:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD");
    char text[512];
    snprintf(text, sizeof(text), "%s%s" SETUP("actpass"), a, b);
    assert_int_equal(rig_offered(&e, text), KEYING_OK);
    keys_are_there();
    snprintf(text, sizeof(text), "%s%s" SETUP("actpass"), b, a);
    assert_int_equal(rig_offered(&e, text), KEYING_OK);
    assert_false(keying_state_wants(&e.s, KEYING_RTP, true));
}

/* RFC 8842 s.4: each asks for another association; the keys stay until it is there. */
static void what_changes_asks_for_a_handshake(void **state)
{
    (void)state;
    static const char *const others[] = {
        PRINT("sha-1", PRINT20) SETUP("actpass") ID("0123456789012345678901"),  /* fingerprint */
        OFFER ID("1123456789012345678901"),                                     /* tls-id */
        OFFER,                                                                  /* none any more */
        PRINT("sha-256", PRINT32) SETUP("active") ID("0123456789012345678901"), /* role */
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        memset(&e.s, 0, sizeof(e.s));
        assert_int_equal(rig_offered(&e, OFFER ID("0123456789012345678901")), KEYING_OK);
        keys_are_there();
        const struct dtls_self before = e.s.dtls.self;
        assert_int_equal(rig_offered(&e, others[i]), KEYING_OK);
        assert_true(keying_state_wants(&e.s, KEYING_RTP, true));
        assert_int_equal(e.s.tx.suite, SRTP_AEAD_AES_128_GCM);
        assert_memory_not_equal(e.s.dtls.self.id, before.id, sizeof(before.id));
    }
}

static void our_offer_again_keeps_the_association(void **state)
{
    (void)state;
    char before[sizeof(e.text)];
    assert_int_equal(rig_offers(&e), KEYING_OK);
    memcpy(before, e.text, sizeof(before));
    assert_int_equal(rig_answered(&e, PRINT("sha-256", PRINT32) SETUP("active")), KEYING_OK);
    assert_int_equal(e.s.wanted, 1);
    assert_int_equal(rig_answered(&e, PRINT("sha-256", PRINT32) SETUP("active")), KEYING_OK);
    assert_int_equal(e.s.wanted, 1); /* 183, then 200 */
    keys_are_there();
    assert_int_equal(rig_offers(&e), KEYING_OK);
    assert_string_equal(e.text, before);
    assert_int_equal(rig_answered(&e, PRINT("sha-256", PRINT32) SETUP("active")), KEYING_OK);
    assert_false(keying_state_wants(&e.s, KEYING_RTP, true));
    assert_int_equal(rig_offers(&e), KEYING_OK);
    assert_int_equal(rig_answered(&e, PRINT("sha-1", PRINT20) SETUP("active")), KEYING_OK);
    assert_true(keying_state_wants(&e.s, KEYING_RTP, true));
}

static void a_refused_offer_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(rig_offered(&e, OFFER), KEYING_OK);
    keys_are_there();
    const struct keying_state before = e.s;
    assert_int_equal(rig_offered(&e, PRINT("md5", "00")), KEYING_BAD_TEXT);
    assert_memory_equal(&before, &e.s, sizeof(before));
}

/* A renewed certificate: what was described with the one before is kept, and no longer. */
static void our_certificate_is_renewed(void **state)
{
    (void)state;
    assert_int_equal(rig_offered(&e, OFFER), KEYING_OK);
    keys_are_there();
    char before[sizeof(e.text)];
    memcpy(before, e.text, sizeof(before));
    rig_identify(&e.local);
    assert_int_equal(rig_offered(&e, OFFER), KEYING_OK);
    assert_string_equal(e.text, before);
    assert_false(keying_state_wants(&e.s, KEYING_RTP, true));
    rig_identify(&e.local);
    assert_int_equal(rig_offered(&e, OFFER), KEYING_OK);
    assert_string_not_equal(e.text, before);
    assert_true(keying_state_wants(&e.s, KEYING_RTP, true));
}

/* --- beside SDES ------------------------------------------------------------------------------- */

#define CRYPTO \
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd\r\n"

static int offered_as(enum keying_proto proto, const char *text)
{
    struct buf b = buf_over(e.text, sizeof(e.text) - 1);
    struct keying_state next;
    int r = keying_remote_offer(&e.s, &e.p, proto, slice_from_str(text), &b, &next, &e.res);
    e.text[b.n] = '\0';
    if (r == KEYING_OK)
        e.s = next;
    return r;
}

static void of_both_the_policys_order_decides(void **state)
{
    (void)state;
    e.p.keying_count = 2;
    for (int i = 0; i < 2; i++) {
        memset(&e.s, 0, sizeof(e.s));
        e.p.keyings[0] = i ? KEYING_DTLS : KEYING_SDES;
        e.p.keyings[1] = i ? KEYING_SDES : KEYING_DTLS;
        assert_int_equal(offered_as(KEYING_SAVPF, CRYPTO OFFER), KEYING_OK);
        assert_int_equal(e.s.active, e.p.keyings[0]);
        assert_int_equal(says(&e, "a=crypto:"), i == 0);
        assert_int_equal(says(&e, "a=fingerprint:"), i == 1);
    }
}

static void dtls_alone_is_answered_with_dtls(void **state)
{
    (void)state;
    e.p.keying_count = 2;
    e.p.keyings[0] = KEYING_SDES;
    e.p.keyings[1] = KEYING_DTLS;
    static const enum keying_proto protos[] = {KEYING_SAVP, KEYING_SAVPF, KEYING_UDP_TLS_SAVP,
                                               KEYING_UDP_TLS_SAVPF, KEYING_AVP};
    for (size_t i = 0; i < ARRAY_LEN(protos); i++) {
        memset(&e.s, 0, sizeof(e.s));
        assert_int_equal(offered_as(protos[i], OFFER), KEYING_OK);
        assert_int_equal(e.s.active, KEYING_DTLS);
        assert_int_equal(e.res.proto, protos[i]);
    }
    memset(&e.s, 0, sizeof(e.s));
    assert_int_equal(offered_as(KEYING_UDP_TLS_SAVPF, CRYPTO), KEYING_NO_COMMON_KEYING);
}

static void an_offer_names_dtls_only_where_it_comes_first(void **state)
{
    (void)state;
    e.p.keying_count = 2;
    e.p.keyings[0] = KEYING_SDES;
    e.p.keyings[1] = KEYING_DTLS;
    assert_int_equal(rig_offers(&e), KEYING_OK);
    assert_int_equal(e.res.proto, KEYING_SAVP);
    assert_true(says(&e, "a=crypto:") && !says(&e, "fingerprint") && !says(&e, "setup"));
    memset(&e.s, 0, sizeof(e.s));
    e.p.keyings[0] = KEYING_DTLS;
    e.p.keyings[1] = KEYING_SDES;
    assert_int_equal(rig_offers(&e), KEYING_OK);
    assert_int_equal(e.res.proto, KEYING_UDP_TLS_SAVPF);
    assert_true(!says(&e, "a=crypto:") && says(&e, "fingerprint"));
}

static void without_a_certificate_there_is_no_dtls(void **state)
{
    (void)state;
    e.p.local = NULL;
    assert_int_equal(rig_offered(&e, OFFER), KEYING_NO_COMMON_KEYING);
    assert_int_equal(rig_offers(&e), KEYING_NO_COMMON_KEYING);
}

static void suites_that_dtls_has_not_are_refused(void **state)
{
    (void)state;
    e.p.suite_count = 1;
    e.p.suites[0] = SRTP_AES_256_CM_HMAC_SHA1_80;
    assert_int_equal(rig_offered(&e, OFFER), KEYING_NO_COMMON_SUITE);
    assert_non_null(strstr(e.res.why, "DTLS"));
}

static void a_call_does_not_go_back_to_clear(void **state)
{
    (void)state;
    assert_int_equal(rig_offered(&e, OFFER), KEYING_OK);
    keys_are_there();
    e.p.protection = PROTECTION_PREFERRED;
    assert_int_equal(offered_as(KEYING_AVP, ""), KEYING_DOWNGRADE);
}

static void holdconn_keeps_the_keys(void **state)
{
    (void)state;
    assert_int_equal(rig_offered(&e, OFFER), KEYING_OK);
    keys_are_there();
    assert_int_equal(rig_offered(&e, PRINT("sha-256", PRINT32) SETUP("holdconn")), KEYING_OK);
    assert_int_equal(e.s.tx.suite, SRTP_AEAD_AES_128_GCM);
    assert_false(keying_state_wants(&e.s, KEYING_RTP, true));
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(fingerprints_of_every_hash_are_read),
        CASE(what_is_no_fingerprint_is_told),
        CASE(the_best_hash_counts),
        CASE(sha_1_alone_is_taken),
        CASE(md5_alone_is_refused),
        CASE(so_many_certificates_and_no_more),
        CASE(our_answer_to_each_setup),
        CASE(our_role_by_the_peers_answer),
        CASE(an_answer_has_a_tls_id_where_the_offer_has_one),
        CASE(the_same_offer_again_keeps_the_association),
        CASE(the_role_is_kept_where_an_offer_leaves_it_open),
        CASE(another_order_of_fingerprints_is_no_change),
        CASE(what_changes_asks_for_a_handshake),
        CASE(our_offer_again_keeps_the_association),
        CASE(a_refused_offer_changes_nothing),
        CASE(our_certificate_is_renewed),
        CASE(of_both_the_policys_order_decides),
        CASE(dtls_alone_is_answered_with_dtls),
        CASE(an_offer_names_dtls_only_where_it_comes_first),
        CASE(without_a_certificate_there_is_no_dtls),
        CASE(suites_that_dtls_has_not_are_refused),
        CASE(a_call_does_not_go_back_to_clear),
        CASE(holdconn_keeps_the_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
