#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "keying/negotiate.h"

#define K1 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
#define K2 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwe"
#define K28 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw"
#define K44 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis"
#define K46 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLQ"
#define CM80 "AES_CM_128_HMAC_SHA1_80"
#define CM32 "AES_CM_128_HMAC_SHA1_32"
#define LINE(tag, suite, key) "a=crypto:" tag " " suite " inline:" key "\r\n"

/* One endpoint of ours and what it said last. */
struct end {
    struct keying_state s;
    struct keying_policy p;
    struct keying_result res;
    char text[4096];
};

static struct end new_end(enum protection_policy protection)
{
    return (struct end){.p = {.protection = (uint8_t)protection,
                              .keying_count = 1,
                              .keyings = {KEYING_SDES},
                              .suite_count = 3,
                              .suites = {SRTP_AES_CM_128_HMAC_SHA1_80, SRTP_AES_CM_128_HMAC_SHA1_32,
                                         SRTP_AES_256_CM_HMAC_SHA1_80}}};
}

/* The three moves; an accepted one changes the state. */
static int offered(struct end *e, enum keying_proto proto, const char *text)
{
    struct buf b = buf_over(e->text, sizeof(e->text) - 1);
    struct keying_state next;
    int r = keying_remote_offer(&e->s, &e->p, proto, slice_from_str(text), &b, &next, &e->res);
    e->text[b.n] = '\0';
    if (r == KEYING_OK)
        e->s = next;
    return r;
}

static int offers(struct end *e)
{
    struct buf b = buf_over(e->text, sizeof(e->text) - 1);
    struct keying_state next;
    int r = keying_local_offer(&e->s, &e->p, &b, &next, &e->res);
    e->text[b.n] = '\0';
    if (r == KEYING_OK)
        e->s = next;
    return r;
}

static int answered(struct end *e, enum keying_proto proto, const char *text)
{
    struct keying_state next;
    int r = keying_remote_answer(&e->s, &e->p, proto, slice_from_str(text), &next, &e->res);
    if (r == KEYING_OK)
        e->s = next;
    return r;
}

static size_t count_of(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, what)); p += strlen(what))
        n++;
    return n;
}

static struct srtp_keys keys_of(const char *line)
{
    struct sdes_line l;
    assert_int_equal(sdes_line_parse(slice_from_str(line + sizeof("a=crypto:") - 1), &l), SDES_OK);
    return l.keys;
}

/* The keys of the first line of a text ("\r\n" ends a line; later ones are not looked at). */
static struct srtp_keys first_keys(const char *text)
{
    char line[256];
    assert_true(
        slice_to_str(slice_take(slice_from_str(text), slice_find_char(slice_from_str(text), '\r')),
                     line, sizeof(line)));
    return keys_of(line);
}

static void assert_established(const struct end *e, enum srtp_suite suite)
{
    struct media_protection m;
    keying_state_protection(&e->s, &m);
    assert_int_equal(m.keying, KEYING_SDES);
    assert_int_equal(m.suite, suite);
    assert_true(m.established);
    assert_true(e->res.encrypted);
}

static void assert_clear(const struct end *e)
{
    struct media_protection m;
    keying_state_protection(&e->s, &m);
    assert_int_equal(m.keying, KEYING_NONE);
    assert_false(m.established);
    assert_false(e->res.encrypted);
}

/* --- SDES ------------------------------------------------------------------------------------ */

/* janus#2726 */
static void the_answer_repeats_tag_and_suite_of_the_chosen_line(void **state)
{
    (void)state;
    struct end e = new_end(PROTECTION_REQUIRED);
    assert_int_equal(
        offered(&e, KEYING_SAVP, LINE("5", "F8_128_HMAC_SHA1_80", K1) LINE("42", CM80, K1)),
        KEYING_OK);
    assert_true(strncmp(e.text, "a=crypto:42 " CM80 " inline:", 36) == 0);
    assert_int_equal(count_of(e.text, "a=crypto:"), 1);
    assert_established(&e, SRTP_AES_CM_128_HMAC_SHA1_80);
    struct srtp_keys theirs = keys_of(LINE("1", CM80, K1)), ours = first_keys(e.text);
    assert_true(keying_keys_eq(&e.s.rx, &theirs));
    assert_true(keying_keys_eq(&e.s.tx, &ours)); /* our own key, not theirs back */
    assert_false(keying_keys_eq(&e.s.rx, &e.s.tx));
    assert_true(e.res.tx_key_changed && e.res.rx_key_changed);
    assert_int_equal(e.res.proto, KEYING_SAVP);
}

/* ASTERISK-17895 */
static void suites_80_and_32_are_taken_in_any_order(void **state)
{
    (void)state;
    struct end a = new_end(PROTECTION_REQUIRED), b = a, c = a;
    assert_int_equal(offered(&a, KEYING_SAVP, LINE("1", CM32, K1) LINE("2", CM80, K2)), KEYING_OK);
    assert_established(&a, SRTP_AES_CM_128_HMAC_SHA1_80);
    assert_int_equal(count_of(a.text, "a=crypto:2 "), 1);
    assert_int_equal(offered(&b, KEYING_SAVP, LINE("1", CM80, K1) LINE("2", CM32, K2)), KEYING_OK);
    assert_established(&b, SRTP_AES_CM_128_HMAC_SHA1_80);
    assert_int_equal(offered(&c, KEYING_SAVP, LINE("1", CM32, K1)), KEYING_OK);
    assert_established(&c, SRTP_AES_CM_128_HMAC_SHA1_32);
}

static void without_a_list_the_peers_order_decides(void **state)
{
    (void)state;
    struct end e = new_end(PROTECTION_REQUIRED);
    e.p.suite_count = 0;
    assert_int_equal(offered(&e, KEYING_SAVP, LINE("1", CM32, K1) LINE("2", CM80, K2)), KEYING_OK);
    assert_established(&e, SRTP_AES_CM_128_HMAC_SHA1_32);
}

static void the_default_offer_is_short_and_begins_with_80(void **state)
{
    (void)state;
    struct end e = new_end(PROTECTION_REQUIRED);
    e.p.suite_count = 0;
    assert_int_equal(offers(&e), KEYING_OK);
    assert_true(strncmp(e.text, "a=crypto:1 " CM80 " ", 35) == 0);
    assert_int_equal(count_of(e.text, "a=crypto:"), 2);
    assert_int_equal(e.res.proto, KEYING_SAVP);
    assert_false(e.res.encrypted);
}

static void an_offer_follows_the_policy_with_unique_tags_and_fresh_keys(void **state)
{
    (void)state;
    struct end e = new_end(PROTECTION_REQUIRED);
    assert_int_equal(offers(&e), KEYING_OK);
    const char *one = strstr(e.text, "a=crypto:1 " CM80 " inline:");
    const char *two = strstr(e.text, "a=crypto:2 " CM32 " inline:");
    const char *three = strstr(e.text, "a=crypto:3 AES_256_CM_HMAC_SHA1_80 inline:");
    assert_ptr_equal(one, e.text);
    assert_true(two > one && three > two);
    struct srtp_keys a = first_keys(one), b = first_keys(two);
    assert_memory_not_equal(a.master.b, b.master.b, 30);
    assert_non_null(strstr(three, "==\r\n")); /* padded */
}

static void a_list_of_all_suites_twice_still_gives_one_line_each(void **state)
{
    (void)state;
    struct end e = new_end(PROTECTION_REQUIRED);
    e.p.suite_count = SRTP_SUITE_COUNT;
    for (size_t i = 0; i < SRTP_SUITE_COUNT; i++)
        e.p.suites[i] = (uint8_t)i; /* NONE among them */
    assert_int_equal(offers(&e), KEYING_OK);
    assert_int_equal(count_of(e.text, "a=crypto:"), SDES_LINES_MAX);
    e.p.suite_count = 255; /* another role's word: not trusted */
    memset(e.p.suites, 250, sizeof(e.p.suites));
    e.p.suites[0] = SRTP_AES_CM_128_HMAC_SHA1_80;
    assert_int_equal(offers(&e), KEYING_OK);
    assert_int_equal(count_of(e.text, "a=crypto:"), 1);
}

static void lines_with_mki_or_parameters_are_skipped_and_the_others_kept(void **state)
{
    (void)state;
    static const char *const offers_[] = {
        LINE("1", CM80, K1 "|2^20|1:4") LINE("2", CM80, K2),
        LINE("1", CM80, K1 " UNENCRYPTED_SRTP") LINE("2", CM80, K2),
        LINE("1", CM80, K1 " X-unknown=1") LINE("2", CM80, K2 "|2^32"),
        LINE("1", CM80, "rubbish") LINE("2", CM80, K2),
        LINE("x", CM80, K1) LINE("2", CM80, K2) LINE("3", CM80, K1),
    };
    for (size_t i = 0; i < ARRAY_LEN(offers_); i++) {
        struct end e = new_end(PROTECTION_REQUIRED);
        assert_int_equal(offered(&e, KEYING_SAVP, offers_[i]), KEYING_OK);
        assert_int_equal(count_of(e.text, "a=crypto:2 "), 1);
    }
    struct end e = new_end(PROTECTION_REQUIRED);
    assert_int_equal(offered(&e, KEYING_SAVP, LINE("1", CM80, K1 "|1:4")), KEYING_BAD_TEXT);
    assert_non_null(strstr(e.res.why, "master key identifier"));
    assert_string_equal(e.text, "");
}

static void aes_256_is_answered_in_the_spelling_that_was_offered(void **state)
{
    (void)state;
    static const char *const names[] = {"AES_256_CM_HMAC_SHA1_80", "AES_CM_256_HMAC_SHA1_80"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct end e = new_end(PROTECTION_REQUIRED);
        char text[256], want[64];
        struct buf b = buf_over(text, sizeof(text) - 1), w = buf_over(want, sizeof(want) - 1);
        buf_printf(&b, "a=crypto:9 %s inline:" K46 "\r\n", names[i]);
        buf_printf(&w, "a=crypto:9 %s inline:", names[i]);
        text[b.n] = want[w.n] = '\0';
        assert_int_equal(offered(&e, KEYING_SAVP, text), KEYING_OK);
        assert_int_equal(count_of(e.text, want), 1);
        /* and a re-offer of ours speaks as the peer does */
        assert_int_equal(offers(&e), KEYING_OK);
        assert_int_equal(count_of(e.text, names[i]), 1);
        assert_ptr_equal(strstr(e.text, "a=crypto:1 ") + 11, strstr(e.text, names[i]));
    }
}

static void what_is_known_of_a_phone(void **state)
{
    (void)state;
    struct end e = new_end(PROTECTION_REQUIRED);
    e.p.aes_cm_256 = true;
    assert_int_equal(offers(&e), KEYING_OK);
    assert_int_equal(count_of(e.text, "a=crypto:"), 3);
    assert_int_equal(count_of(e.text, "a=crypto:3 AES_CM_256_HMAC_SHA1_80 inline:"), 1);
    e = new_end(PROTECTION_REQUIRED);
    e.p.crypto_max = 1;
    assert_int_equal(offers(&e), KEYING_OK);
    assert_int_equal(count_of(e.text, "a=crypto:"), 1);
    e = new_end(PROTECTION_REQUIRED);
    e.p.no_aes256 = true;
    assert_int_equal(offers(&e), KEYING_OK);
    assert_int_equal(count_of(e.text, "AES_256"), 0);
    /* its own offer of it is passed over, and alone refused */
    assert_int_equal(offered(&e, KEYING_SAVP,
                             "a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:" K46
                             "\r\n" LINE("2", CM80, K1)),
                     KEYING_OK);
    assert_int_equal(count_of(e.text, "a=crypto:2 " CM80), 1);
    e = new_end(PROTECTION_REQUIRED);
    e.p.no_aes256 = true;
    assert_int_equal(
        offered(&e, KEYING_SAVP, "a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:" K46 "\r\n"),
        KEYING_NO_COMMON_SUITE);
}

static void gcm_goes_before_what_is_no_stronger(void **state)
{
    (void)state;
    static const char g128[] = "AEAD_AES_128_GCM", g256[] = "AEAD_AES_256_GCM";
    static const char cm256[] = "AES_256_CM_HMAC_SHA1_80";
    struct end e = new_end(PROTECTION_REQUIRED);
    e.p.suite_count = 0;
    assert_int_equal(offers(&e), KEYING_OK);
    assert_int_equal(count_of(e.text, "_GCM"), 0); /* not to a phone of which nothing is known */
    e = new_end(PROTECTION_REQUIRED);
    e.p.suite_count = 0;
    e.p.gcm = true;
    assert_int_equal(offers(&e), KEYING_OK);
    assert_int_equal(count_of(e.text, "a=crypto:1 AEAD_AES_128_GCM inline:"), 1);
    assert_int_equal(count_of(e.text, "a=crypto:"), 3);
    const struct {
        const char *names[3];
        int chosen; /* tag */
    } rows[] = {
        {{CM80, g128}, 2},        {{g256, g128}, 1},        {{CM80, g256, g128}, 2},
        {{cm256, g128, CM80}, 1}, {{cm256, g128, g256}, 3}, {{CM32, CM80}, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[512] = "", want[32];
        for (int k = 0; k < 3 && rows[i].names[k]; k++) {
            const char *n = rows[i].names[k];
            snprintf(text + strlen(text), sizeof(text) - strlen(text),
                     "a=crypto:%d %s inline:%s\r\n", k + 1, n,
                     n == cm256  ? K46
                     : n == g128 ? K28
                     : n == g256 ? K44
                                 : K1);
        }
        e = new_end(PROTECTION_REQUIRED);
        e.p.suite_count = 0;
        assert_int_equal(offered(&e, KEYING_SAVP, text), KEYING_OK);
        snprintf(want, sizeof(want), "a=crypto:%d ", rows[i].chosen);
        if (count_of(e.text, want) != 1)
            fail_msg("row %zu: %s", i, e.text);
        /* another offer keeps the suite that is in use, whatever its order */
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "a=crypto:9 %s inline:%s\r\n",
                 g128, K28);
        assert_int_equal(offered(&e, KEYING_SAVP, text), KEYING_OK);
        if (count_of(e.text, want) != 1)
            fail_msg("row %zu, again: %s", i, e.text);
    }
}

static void answers_must_name_an_offered_tag_with_its_suite(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        int want;
    } rows[] = {
        {LINE("1", CM80, K1), KEYING_OK},
        {LINE("2", CM32, K1), KEYING_OK},
        {LINE("2", CM32, K1 "|2^31"), KEYING_OK},
        {LINE("3", "AES_CM_256_HMAC_SHA1_80", K46), KEYING_OK},
        {LINE("0", CM80, K1), KEYING_BAD_TEXT},
        {LINE("4", CM80, K1), KEYING_BAD_TEXT},
        {LINE("2", CM80, K1), KEYING_BAD_TEXT}, /* the tag of another suite */
        {LINE("1", CM80, "short"), KEYING_BAD_TEXT},
        {LINE("1", CM80, K1 "|1:4"), KEYING_BAD_TEXT},
        {LINE("1", CM80, K1 " UNENCRYPTED_SRTP"), KEYING_BAD_TEXT},
        {LINE("9", CM80, K1) LINE("1", CM80, K1), KEYING_OK}, /* several, one of them right */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct end e = new_end(PROTECTION_REQUIRED);
        assert_int_equal(offers(&e), KEYING_OK);
        int r = answered(&e, KEYING_SAVP, rows[i].answer);
        if (r != rows[i].want)
            fail_msg("%s: %d", rows[i].answer, r);
        assert_non_null(e.res.why);
    }
}

static void an_answer_with_our_own_key_is_wrong(void **state)
{
    (void)state;
    struct end e = new_end(PROTECTION_REQUIRED);
    assert_int_equal(offers(&e), KEYING_OK);
    char echo[4096];
    memcpy(echo, e.text, sizeof(echo));
    assert_int_equal(answered(&e, KEYING_SAVP, echo), KEYING_BAD_TEXT);
}

static void both_sides_come_to_the_same_keys(void **state)
{
    (void)state;
    struct end a = new_end(PROTECTION_REQUIRED), b = a;
    assert_int_equal(offers(&a), KEYING_OK);
    assert_int_equal(offered(&b, (enum keying_proto)a.res.proto, a.text), KEYING_OK);
    assert_int_equal(answered(&a, (enum keying_proto)b.res.proto, b.text), KEYING_OK);
    assert_true(keying_keys_eq(&a.s.tx, &b.s.rx));
    assert_true(keying_keys_eq(&a.s.rx, &b.s.tx));
    assert_true(a.res.tx_key_changed && a.res.rx_key_changed);
}

/* --- optional encryption --------------------------------------------------------------------- */

static void osrtp_offers_are_answered_encrypted_under_avp(void **state)
{
    (void)state;
    static const enum protection_policy policies[] = {PROTECTION_REQUIRED, PROTECTION_PREFERRED};
    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        struct end e = new_end(policies[i]);
        assert_int_equal(offered(&e, KEYING_AVP, LINE("1", CM80, K1)), KEYING_OK);
        assert_int_equal(e.res.proto, KEYING_AVP);
        assert_established(&e, SRTP_AES_CM_128_HMAC_SHA1_80);
        assert_int_equal(count_of(e.text, "a=crypto:1 "), 1);
    }
    struct end f = new_end(PROTECTION_PREFERRED);
    assert_int_equal(offered(&f, KEYING_AVPF, LINE("1", CM80, K1)), KEYING_OK);
    assert_int_equal(f.res.proto, KEYING_AVPF);
}

static void osrtp_that_was_not_offered_is_never_answered(void **state)
{
    (void)state;
    struct end e = new_end(PROTECTION_PREFERRED);
    assert_int_equal(offered(&e, KEYING_AVP, "a=rtcp-mux\r\n"), KEYING_OK);
    assert_string_equal(e.text, "");
    assert_clear(&e);
}

static void osrtp_without_a_common_suite_is_clear_or_refused(void **state)
{
    (void)state;
    struct end e = new_end(PROTECTION_PREFERRED), f = new_end(PROTECTION_REQUIRED);
    assert_int_equal(offered(&e, KEYING_AVP, LINE("1", "F8_128_HMAC_SHA1_80", K1)), KEYING_OK);
    assert_clear(&e);
    assert_string_equal(e.text, "");
    assert_int_equal(offered(&f, KEYING_AVP, LINE("1", "F8_128_HMAC_SHA1_80", K1)),
                     KEYING_NO_COMMON_SUITE);
}

static void our_offer_follows_the_policy(void **state)
{
    (void)state;
    static const struct {
        enum protection_policy policy;
        enum keying_proto proto;
        bool lines;
    } rows[] = {{PROTECTION_REQUIRED, KEYING_SAVP, true},
                {PROTECTION_PREFERRED, KEYING_AVP, true},
                {PROTECTION_OFF, KEYING_AVP, false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct end e = new_end(rows[i].policy);
        assert_int_equal(offers(&e), KEYING_OK);
        assert_int_equal(e.res.proto, rows[i].proto);
        assert_int_equal(e.text[0] != '\0', rows[i].lines);
    }
}

static void a_clear_answer_to_our_offer(void **state)
{
    (void)state;
    static const struct {
        enum protection_policy policy;
        enum keying_proto proto;
        const char *text;
        int want;
    } rows[] = {
        {PROTECTION_REQUIRED, KEYING_SAVP, "", KEYING_BAD_TEXT},
        {PROTECTION_REQUIRED, KEYING_AVP, "", KEYING_NOT_ENCRYPTED},
        {PROTECTION_REQUIRED, KEYING_AVP, LINE("1", CM80, K1), KEYING_OK},
        {PROTECTION_PREFERRED, KEYING_AVP, "", KEYING_OK},
        {PROTECTION_PREFERRED, KEYING_AVP, LINE("1", CM80, K1), KEYING_OK},
        {PROTECTION_PREFERRED, KEYING_SAVP, "", KEYING_BAD_TEXT},
        {PROTECTION_OFF, KEYING_AVP, "", KEYING_OK},
        {PROTECTION_OFF, KEYING_AVP, LINE("1", CM80, K1), KEYING_OK}, /* clear: not offered */
        {PROTECTION_OFF, KEYING_SAVP, LINE("1", CM80, K1), KEYING_BAD_TEXT},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct end e = new_end(rows[i].policy);
        assert_int_equal(offers(&e), KEYING_OK);
        assert_int_equal(answered(&e, rows[i].proto, rows[i].text), rows[i].want);
        if (rows[i].want == KEYING_OK)
            assert_int_equal(e.s.active == KEYING_SDES,
                             rows[i].text[0] && rows[i].policy != PROTECTION_OFF);
    }
}

/* --- policy holds in both directions (freeswitch#1980, baresip#641) --------------------------- */

static void the_policy_judges_every_offer(void **state)
{
    (void)state;
    static const struct {
        enum protection_policy policy;
        enum keying_proto proto;
        const char *text;
        int want;
    } rows[] = {
        {PROTECTION_REQUIRED, KEYING_AVP, "", KEYING_NOT_ENCRYPTED},
        {PROTECTION_REQUIRED, KEYING_AVPF, "", KEYING_NOT_ENCRYPTED},
        {PROTECTION_REQUIRED, KEYING_SAVP, "", KEYING_BAD_TEXT},
        {PROTECTION_REQUIRED, KEYING_SAVPF, LINE("1", CM80, K1), KEYING_OK},
        {PROTECTION_REQUIRED, KEYING_UDP_TLS_SAVPF, "a=fingerprint:sha-256 AA\r\n",
         KEYING_NO_COMMON_KEYING},
        {PROTECTION_REQUIRED, KEYING_UDP_TLS_SAVPF, LINE("1", CM80, K1), KEYING_NO_COMMON_KEYING},
        {PROTECTION_REQUIRED, KEYING_AVP, "a=zrtp-hash:1.10 00\r\n", KEYING_NO_COMMON_KEYING},
        {PROTECTION_REQUIRED, KEYING_SAVP, "a=key-mgmt:mikey AA\r\n", KEYING_NO_COMMON_KEYING},
        {PROTECTION_REQUIRED, KEYING_SAVP,
         LINE("1", "AEAD_AES_256_GCM",
              "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis="),
         KEYING_NO_COMMON_SUITE},
        {PROTECTION_PREFERRED, KEYING_AVP, "", KEYING_OK},
        {PROTECTION_PREFERRED, KEYING_SAVP, "", KEYING_BAD_TEXT},
        {PROTECTION_PREFERRED, KEYING_SAVP, LINE("1", CM80, K1), KEYING_OK},
        {PROTECTION_OFF, KEYING_AVP, LINE("1", CM80, K1), KEYING_OK},
        {PROTECTION_OFF, KEYING_SAVP, LINE("1", CM80, K1), KEYING_ENCRYPTION_REFUSED},
        {PROTECTION_OFF, KEYING_UDP_TLS_SAVP, "", KEYING_ENCRYPTION_REFUSED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct end e = new_end(rows[i].policy);
        assert_int_equal(offered(&e, rows[i].proto, rows[i].text), rows[i].want);
        assert_non_null(e.res.why);
        if (rows[i].policy == PROTECTION_OFF)
            assert_string_equal(e.text, "");
    }
    struct end e = new_end(PROTECTION_REQUIRED);
    assert_int_equal(offered(&e, KEYING_PROTO_COUNT, LINE("1", CM80, K1)), KEYING_BAD_TEXT);
    for (int v = 0; v < KEYING_VERDICT_COUNT; v++)
        assert_non_null(keying_verdict_why((enum keying_verdict)v));
}

static void a_policy_that_is_none_of_ours_is_the_strictest(void **state)
{
    (void)state;
    struct end e = new_end((enum protection_policy)99);
    assert_int_equal(offered(&e, KEYING_AVP, ""), KEYING_NOT_ENCRYPTED);
    assert_int_equal(offers(&e), KEYING_OK);
    assert_int_equal(e.res.proto, KEYING_SAVP);
    assert_int_equal(answered(&e, KEYING_AVP, ""), KEYING_NOT_ENCRYPTED);
}

static void without_a_keying_a_policy_cannot_be_kept(void **state)
{
    (void)state;
    struct end e = new_end(PROTECTION_REQUIRED), f = new_end(PROTECTION_PREFERRED);
    e.p.keying_count = f.p.keying_count = 0;
    assert_int_equal(offers(&e), KEYING_NO_COMMON_KEYING);
    assert_int_equal(offered(&e, KEYING_SAVP, LINE("1", CM80, K1)), KEYING_NO_COMMON_KEYING);
    assert_int_equal(offers(&f), KEYING_OK);
    assert_string_equal(f.text, "");
    assert_int_equal(answered(&f, KEYING_AVP, ""), KEYING_OK);
}

/* --- rollover counter and re-INVITE ----------------------------------------------------------- */

static struct end agreed_end(enum protection_policy policy)
{
    struct end e = new_end(policy);
    assert_int_equal(
        offered(&e, policy == PROTECTION_REQUIRED ? KEYING_SAVP : KEYING_AVP, LINE("1", CM80, K1)),
        KEYING_OK);
    return e;
}

static void the_same_keys_after_a_re_invite_keep_the_rollover_counter(void **state)
{
    (void)state;
    struct end e = agreed_end(PROTECTION_REQUIRED);
    struct srtp_keys tx = e.s.tx;
    assert_int_equal(offered(&e, KEYING_SAVP, LINE("3", CM80, K1)), KEYING_OK);
    assert_false(e.res.tx_key_changed || e.res.rx_key_changed);
    assert_true(keying_keys_eq(&tx, &e.s.tx));
    assert_int_equal(count_of(e.text, "a=crypto:3 "), 1);
}

static void a_new_key_of_the_peer_resets_only_its_direction(void **state)
{
    (void)state;
    struct end e = agreed_end(PROTECTION_REQUIRED);
    assert_int_equal(offered(&e, KEYING_SAVP, LINE("1", CM80, K2)), KEYING_OK);
    assert_true(e.res.rx_key_changed);
    assert_false(e.res.tx_key_changed);
}

static void a_new_suite_brings_new_keys_in_both_directions(void **state)
{
    (void)state;
    struct end e = agreed_end(PROTECTION_REQUIRED);
    struct srtp_keys tx = e.s.tx;
    assert_int_equal(offered(&e, KEYING_SAVP, LINE("1", CM32, K1)), KEYING_OK);
    assert_true(e.res.rx_key_changed && e.res.tx_key_changed);
    /* and back: never the old key again */
    assert_int_equal(offered(&e, KEYING_SAVP, LINE("1", CM80, K1)), KEYING_OK);
    assert_false(keying_keys_eq(&tx, &e.s.tx));
}

static void the_suite_in_use_stays_if_it_is_offered_again_in_another_order(void **state)
{
    (void)state;
    struct end e = new_end(PROTECTION_REQUIRED);
    assert_int_equal(offered(&e, KEYING_SAVP, LINE("1", CM32, K1)), KEYING_OK);
    assert_int_equal(offered(&e, KEYING_SAVP, LINE("1", CM80, K2) LINE("2", CM32, K1)), KEYING_OK);
    assert_established(&e, SRTP_AES_CM_128_HMAC_SHA1_32);
    assert_false(e.res.tx_key_changed || e.res.rx_key_changed);
}

/* pjproject#1856; late offers: freeswitch#3158, #2246 */
static void a_late_offer_names_the_keys_in_use_first(void **state)
{
    (void)state;
    struct end e = new_end(PROTECTION_REQUIRED);
    assert_int_equal(offered(&e, KEYING_SAVP, LINE("1", CM32, K1)), KEYING_OK);
    assert_int_equal(offers(&e), KEYING_OK); /* a re-INVITE without a description */
    assert_int_equal(e.res.proto, KEYING_SAVP);
    assert_true(strncmp(e.text, "a=crypto:1 " CM32, 34) == 0);
    assert_int_equal(count_of(e.text, "a=crypto:"), 3);
    struct srtp_keys first = first_keys(e.text);
    assert_true(keying_keys_eq(&first, &e.s.tx));
    assert_int_equal(answered(&e, KEYING_SAVP, LINE("1", CM32, K1)), KEYING_OK);
    assert_false(e.res.tx_key_changed || e.res.rx_key_changed);
}

static void a_late_offer_keeps_the_transport_of_osrtp(void **state)
{
    (void)state;
    struct end e = new_end(PROTECTION_REQUIRED);
    assert_int_equal(offered(&e, KEYING_AVP, LINE("1", CM80, K1)), KEYING_OK);
    assert_int_equal(offers(&e), KEYING_OK);
    assert_int_equal(e.res.proto, KEYING_AVP);
    assert_int_equal(answered(&e, KEYING_AVP, ""), KEYING_DOWNGRADE);
    assert_established(&e, SRTP_AES_CM_128_HMAC_SHA1_80 + 0); /* all as it was */
}

static void offers_repeat_their_keys_until_one_was_used(void **state)
{
    (void)state;
    struct end e = new_end(PROTECTION_REQUIRED);
    char first[4096];
    assert_int_equal(offers(&e), KEYING_OK);
    memcpy(first, e.text, sizeof(first));
    assert_int_equal(offers(&e), KEYING_OK);
    assert_string_equal(first, e.text); /* so that o= keeps its version */

    assert_int_equal(answered(&e, KEYING_SAVP, LINE("1", CM80, K1)), KEYING_OK);
    struct srtp_keys left = e.s.tx;
    assert_int_equal(offers(&e), KEYING_OK);
    assert_string_equal(first, e.text);
    assert_int_equal(answered(&e, KEYING_SAVP, LINE("2", CM32, K1)), KEYING_OK);
    assert_true(e.res.tx_key_changed);
    assert_int_equal(offers(&e), KEYING_OK); /* CM80 was left: its key may not come back */
    struct srtp_keys fresh = first_keys(strstr(e.text, "a=crypto:2 " CM80));
    assert_false(keying_keys_eq(&left, &fresh));
}

static void an_answer_may_come_twice_but_not_go_back(void **state)
{
    (void)state;
    struct end e = new_end(PROTECTION_REQUIRED);
    assert_int_equal(offers(&e), KEYING_OK);
    assert_int_equal(answered(&e, KEYING_SAVP, LINE("1", CM80, K1)), KEYING_OK);
    assert_int_equal(answered(&e, KEYING_SAVP, LINE("1", CM80, K1)), KEYING_OK);
    assert_false(e.res.tx_key_changed || e.res.rx_key_changed);
    /* 200 of another fork: another line, another key */
    assert_int_equal(answered(&e, KEYING_SAVP, LINE("2", CM32, K2)), KEYING_OK);
    assert_true(e.res.tx_key_changed && e.res.rx_key_changed);
    assert_int_equal(answered(&e, KEYING_SAVP, LINE("1", CM80, K1)), KEYING_BAD_TEXT);
}

static void an_answer_needs_an_offer(void **state)
{
    (void)state;
    struct end e = new_end(PROTECTION_PREFERRED);
    assert_int_equal(answered(&e, KEYING_SAVP, LINE("1", CM80, K1)), KEYING_BAD_TEXT);
    assert_int_equal(answered(&e, KEYING_AVP, ""), KEYING_BAD_TEXT);
    assert_int_equal(offers(&e), KEYING_OK);
    assert_int_equal(offered(&e, KEYING_AVP, ""), KEYING_OK); /* glare: theirs voids ours */
    assert_int_equal(answered(&e, KEYING_AVP, ""), KEYING_BAD_TEXT);
}

static void what_was_encrypted_is_never_less_again(void **state)
{
    (void)state;
    static const enum protection_policy policies[] = {PROTECTION_REQUIRED, PROTECTION_PREFERRED};
    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        struct end e = agreed_end(policies[i]);
        struct keying_state before = e.s;
        assert_int_equal(offered(&e, KEYING_AVP, ""), KEYING_DOWNGRADE);
        assert_int_equal(offered(&e, KEYING_AVP, LINE("1", "F8_128_HMAC_SHA1_80", K1)),
                         KEYING_DOWNGRADE);
        assert_memory_equal(&before, &e.s, sizeof(before));
        assert_int_equal(offers(&e), KEYING_OK);
        assert_int_equal(count_of(e.text, "a=crypto:1 "), 1);
        assert_int_equal(answered(&e, KEYING_AVP, ""), KEYING_DOWNGRADE);
        assert_int_equal(answered(&e, KEYING_SAVP, ""), KEYING_BAD_TEXT);
        assert_established(&e, SRTP_AES_CM_128_HMAC_SHA1_80);
    }
}

static void a_policy_turned_off_is_obeyed(void **state)
{
    (void)state;
    struct end e = agreed_end(PROTECTION_PREFERRED);
    e.p.protection = PROTECTION_OFF;
    assert_int_equal(offered(&e, KEYING_AVP, ""), KEYING_OK);
    assert_clear(&e);
    assert_true(e.res.tx_key_changed && e.res.rx_key_changed);
    assert_int_equal(e.s.tx.master.n, 0);
}

static void clear_under_preferred_may_become_encrypted(void **state)
{
    (void)state;
    struct end e = new_end(PROTECTION_PREFERRED);
    assert_int_equal(offered(&e, KEYING_AVP, ""), KEYING_OK);
    assert_clear(&e);
    assert_int_equal(offered(&e, KEYING_SAVP, LINE("1", CM80, K1)), KEYING_OK);
    assert_established(&e, SRTP_AES_CM_128_HMAC_SHA1_80);
    assert_int_equal(offered(&e, KEYING_AVP, ""), KEYING_DOWNGRADE);
}

/* --- the contract ------------------------------------------------------------------------------ */

static void asking_changes_nothing(void **state)
{
    (void)state;
    struct end e = agreed_end(PROTECTION_REQUIRED);
    const struct keying_state before = e.s;
    struct keying_state next;
    char text[1024];
    struct buf b = buf_over(text, sizeof(text));
    assert_int_equal(keying_remote_offer(&e.s, &e.p, KEYING_SAVP, SLICE_LIT(LINE("1", CM32, K2)),
                                         &b, &next, &e.res),
                     KEYING_OK);
    assert_memory_equal(&before, &e.s, sizeof(before));
    keying_state_wipe(&next);
    for (size_t i = 0; i < sizeof(next); i++)
        assert_int_equal(((const uint8_t *)&next)[i], 0);
}

static void a_text_that_does_not_fit_is_said(void **state)
{
    (void)state;
    struct end e = new_end(PROTECTION_REQUIRED);
    struct keying_state next;
    char text[64];
    struct buf b = buf_over(text, sizeof(text));
    assert_int_equal(keying_local_offer(&e.s, &e.p, &b, &next, &e.res), -EMSGSIZE);
    b = buf_over(text, sizeof(text));
    assert_int_equal(keying_remote_offer(&e.s, &e.p, KEYING_SAVP, SLICE_LIT(LINE("1", CM80, K1)),
                                         &b, &next, &e.res),
                     -EMSGSIZE);
}

static void only_what_is_built_is_found(void **state)
{
    (void)state;
    assert_ptr_equal(keying_find(KEYING_SDES), &keying_sdes);
    assert_null(keying_find(KEYING_NONE));
    assert_null(keying_find(KEYING_PASS));
    assert_null(keying_find((enum keying_kind)77));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_repeats_tag_and_suite_of_the_chosen_line),
        cmocka_unit_test(suites_80_and_32_are_taken_in_any_order),
        cmocka_unit_test(without_a_list_the_peers_order_decides),
        cmocka_unit_test(the_default_offer_is_short_and_begins_with_80),
        cmocka_unit_test(an_offer_follows_the_policy_with_unique_tags_and_fresh_keys),
        cmocka_unit_test(a_list_of_all_suites_twice_still_gives_one_line_each),
        cmocka_unit_test(lines_with_mki_or_parameters_are_skipped_and_the_others_kept),
        cmocka_unit_test(aes_256_is_answered_in_the_spelling_that_was_offered),
        cmocka_unit_test(what_is_known_of_a_phone),
        cmocka_unit_test(gcm_goes_before_what_is_no_stronger),
        cmocka_unit_test(answers_must_name_an_offered_tag_with_its_suite),
        cmocka_unit_test(an_answer_with_our_own_key_is_wrong),
        cmocka_unit_test(both_sides_come_to_the_same_keys),
        cmocka_unit_test(osrtp_offers_are_answered_encrypted_under_avp),
        cmocka_unit_test(osrtp_that_was_not_offered_is_never_answered),
        cmocka_unit_test(osrtp_without_a_common_suite_is_clear_or_refused),
        cmocka_unit_test(our_offer_follows_the_policy),
        cmocka_unit_test(a_clear_answer_to_our_offer),
        cmocka_unit_test(the_policy_judges_every_offer),
        cmocka_unit_test(a_policy_that_is_none_of_ours_is_the_strictest),
        cmocka_unit_test(without_a_keying_a_policy_cannot_be_kept),
        cmocka_unit_test(the_same_keys_after_a_re_invite_keep_the_rollover_counter),
        cmocka_unit_test(a_new_key_of_the_peer_resets_only_its_direction),
        cmocka_unit_test(a_new_suite_brings_new_keys_in_both_directions),
        cmocka_unit_test(the_suite_in_use_stays_if_it_is_offered_again_in_another_order),
        cmocka_unit_test(a_late_offer_names_the_keys_in_use_first),
        cmocka_unit_test(a_late_offer_keeps_the_transport_of_osrtp),
        cmocka_unit_test(offers_repeat_their_keys_until_one_was_used),
        cmocka_unit_test(an_answer_may_come_twice_but_not_go_back),
        cmocka_unit_test(an_answer_needs_an_offer),
        cmocka_unit_test(what_was_encrypted_is_never_less_again),
        cmocka_unit_test(a_policy_turned_off_is_obeyed),
        cmocka_unit_test(clear_under_preferred_may_become_encrypted),
        cmocka_unit_test(asking_changes_nothing),
        cmocka_unit_test(a_text_that_does_not_fit_is_said),
        cmocka_unit_test(only_what_is_built_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
