#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "crypto/digest.h"
#include "crypto/hash.h"
#include "keying/negotiate.h"

/* Without a pre-shared key, over signalling that is encrypted. */
static const struct mikey_terms clear = {.clear_allowed = true};

static struct keying_policy policy(void)
{
    return (struct keying_policy){.protection = PROTECTION_REQUIRED,
                                  .keying_count = 1,
                                  .keyings = {KEYING_MIKEY},
                                  .mikey = &clear};
}

static struct slice sample(uint8_t *out, size_t cap, struct mikey_msg *m)
{
    static const uint8_t rand[MIKEY_RAND_MIN] = "sixteen bytes...",
                         key[32] = "a traffic generating key";
    struct buf b = buf_over(out, cap);

    *m = (struct mikey_msg){.type = MIKEY_PSK_INIT,
                            .csb_id = 0x01020304,
                            .cs_count = 2,
                            .policy_count = 1,
                            .time = 0x1122334455667788u,
                            .rand = slice_from(rand, sizeof(rand)),
                            .key = slice_from(key, sizeof(key))};
    assert_true(mikey_policy_of(SRTP_AES_CM_128_HMAC_SHA1_32, &m->policy[0]));
    mikey_print(m, &(struct mikey_seal){0}, &b);
    assert_false(b.overflow);
    return buf_slice(&b);
}

static void a_message_goes_round(void **state)
{
    (void)state;
    uint8_t bytes[256];
    struct mikey_msg m, got;
    struct slice s = sample(bytes, sizeof(bytes), &m);

    assert_int_equal(mikey_parse(s, &got), MIKEY_OK);
    assert_int_equal(got.type, MIKEY_PSK_INIT);
    assert_int_equal(got.csb_id, 0x01020304);
    assert_int_equal(got.cs_count, 2);
    assert_true(got.time == 0x1122334455667788u);
    assert_true(slice_eq(got.rand, m.rand) && slice_eq(got.key, m.key));
    assert_int_equal(got.key_kind, MIKEY_TGK);
    assert_int_equal(mikey_suite_of(&got, 1), SRTP_AES_CM_128_HMAC_SHA1_32);
    m.type = MIKEY_PSK_RESP;
    struct buf b = buf_over(bytes, sizeof(bytes));
    mikey_print(&m, &(struct mikey_seal){0}, &b);
    assert_int_equal(mikey_parse(buf_slice(&b), &got), MIKEY_OK);
    assert_int_equal(got.type, MIKEY_PSK_RESP);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[256];
    struct mikey_msg m, got;
    struct slice s = sample(bytes, sizeof(bytes), &m);

    for (size_t n = 0; n < s.n; n++) {
        uint8_t *copy = malloc(n ? n : 1);
        memcpy(copy, s.p, n);
        assert_int_not_equal(mikey_parse(slice_from(copy, n), &got), MIKEY_OK);
        free(copy);
    }
    bytes[s.n] = 0;
    assert_int_equal(mikey_parse(slice_from(bytes, s.n + 1), &got), MIKEY_BAD_LENGTH);
}

static void limits(void **state)
{
    (void)state;
    static uint8_t big[MIKEY_MESSAGE_MAX + 1];
    uint8_t bytes[512];
    struct mikey_msg m, got;
    struct buf b = buf_over(bytes, sizeof(bytes));

    sample(bytes, sizeof(bytes), &m);
    m.cs_count = MIKEY_CS_MAX;
    b = buf_over(bytes, sizeof(bytes));
    mikey_print(&m, &(struct mikey_seal){0}, &b);
    assert_int_equal(mikey_parse(buf_slice(&b), &got), MIKEY_OK);
    bytes[8] = MIKEY_CS_MAX + 1;
    assert_int_equal(mikey_parse(buf_slice(&b), &got), MIKEY_TOO_MANY);
    assert_int_equal(mikey_parse(slice_from(big, sizeof(big)), &got), MIKEY_BAD_LENGTH);
    bytes[0] = 2;
    assert_int_equal(mikey_parse(buf_slice(&b), &got), MIKEY_BAD_VERSION);
    bytes[0] = 1;
    bytes[1] = MIKEY_TYPE_COUNT;
    assert_int_equal(mikey_parse(buf_slice(&b), &got), MIKEY_BAD_TYPE);
}

/* s.4.1.2 step by step for one block of key: 20 bytes are HMAC(s, A_1 || label). */
static void the_prf_is_built_as_the_rfc_says(void **state)
{
    (void)state;
    uint8_t a1[20], want[20], got[40], again[20];
    struct slice key = SLICE_LIT("a key"), label = SLICE_LIT("a label");

    crypto_hmac(CRYPTO_DIGEST_SHA1, key, &label, 1, a1);
    const struct slice parts[] = {slice_from(a1, 20), label};
    crypto_hmac(CRYPTO_DIGEST_SHA1, key, parts, 2, want);
    mikey_prf(key, label, 40, got);
    assert_memory_equal(got, want, 20);
    mikey_prf(key, label, 20, again);
    assert_memory_equal(again, want, 20);
    /* two blocks of key are xored */
    char twice[64];
    memset(twice, 'k', sizeof(twice));
    memset(again, 0, sizeof(again));
    mikey_prf(slice_from(twice, 64), label, 20, got);
    assert_memory_equal(got, again, 20);
}

static void both_sides_derive_the_same_and_each_direction_its_own(void **state)
{
    (void)state;
    char offer[512], answer[512];
    struct buf o = buf_over(offer, sizeof(offer)), a = buf_over(answer, sizeof(answer));
    struct keying_policy p = policy();
    struct keying_state one = {0}, two = {0}, next;
    struct keying_result r;

    assert_int_equal(keying_local_offer(&one, &p, &o, &next, &r), 0);
    assert_int_equal(r.proto, KEYING_SAVP);
    one = next;
    assert_int_equal(keying_remote_offer(&two, &p, KEYING_SAVP, buf_slice(&o), &a, &next, &r), 0);
    two = next;
    assert_int_equal(keying_remote_answer(&one, &p, KEYING_SAVP, buf_slice(&a), &next, &r), 0);
    one = next;
    assert_true(keying_keys_eq(&one.tx, &two.rx) && keying_keys_eq(&one.rx, &two.tx));
    assert_false(keying_keys_eq(&one.tx, &one.rx));
    assert_int_equal(one.tx.master.n, 30);
    /* ours again: the same keys; the other side's offer: new ones, for the sides would change */
    struct srtp_keys before = one.tx;
    o = buf_over(offer, sizeof(offer));
    assert_int_equal(keying_local_offer(&one, &p, &o, &next, &r), 0);
    one = next;
    a = buf_over(answer, sizeof(answer));
    assert_int_equal(keying_remote_offer(&two, &p, KEYING_SAVP, buf_slice(&o), &a, &next, &r), 0);
    assert_false(r.tx_key_changed || r.rx_key_changed);
    two = next;
    o = buf_over(offer, sizeof(offer));
    assert_int_equal(keying_local_offer(&two, &p, &o, &next, &r), 0);
    two = next;
    a = buf_over(answer, sizeof(answer));
    assert_int_equal(keying_remote_offer(&one, &p, KEYING_SAVP, buf_slice(&o), &a, &next, &r), 0);
    assert_false(keying_keys_eq(&before, &next.rx) || keying_keys_eq(&before, &next.tx));
}

static int offer(struct keying_policy *p, const char *text, struct keying_result *r,
                 struct keying_state *ret)
{
    char answer[1024];
    struct buf a = buf_over(answer, sizeof(answer));
    struct keying_state s = {0};

    return keying_remote_offer(&s, p, KEYING_SAVP, slice_from_str(text), &a, ret, r);
}

static const char *line(const uint8_t *bytes, size_t n)
{
    static char text[2048];
    char base64[1500];
    size_t b = 0;

    crypto_base64_put(slice_from(bytes, n), base64, sizeof(base64), &b);
    (void)snprintf(text, sizeof(text), "a=key-mgmt:mikey %.*s\r\n", (int)b, base64);
    return text;
}

static void what_cannot_be_done_is_declined_with_a_reason(void **state)
{
    (void)state;
    uint8_t bytes[256];
    struct mikey_msg m;
    struct keying_policy p = policy();
    struct keying_state s;
    struct keying_result r;
    struct slice msg = sample(bytes, sizeof(bytes), &m);

    assert_int_equal(offer(&p, line(bytes, msg.n), &r, &s), KEYING_OK);
    assert_int_equal(s.tx.suite, SRTP_AES_CM_128_HMAC_SHA1_32);
    bytes[1] = MIKEY_RSA_R_INIT;
    assert_int_equal(offer(&p, line(bytes, msg.n), &r, &s), KEYING_BAD_TEXT);
    assert_string_equal(r.why, "there is no certificate for MIKEY here");
    bytes[1] = MIKEY_PSK_INIT;
    bytes[3] = 0x80;
    assert_int_equal(offer(&p, line(bytes, msg.n), &r, &s), KEYING_BAD_TEXT);
    bytes[3] = 0;
    bytes[msg.n - 40] = 1; /* AES-CM-128 around the key */
    assert_int_equal(offer(&p, line(bytes, msg.n), &r, &s), KEYING_BAD_TEXT);
    assert_non_null(strstr(r.why, "pre-shared key"));
    sample(bytes, sizeof(bytes), &m);
    p.suites[p.suite_count++] = SRTP_AES_256_CM_HMAC_SHA1_80;
    assert_int_equal(offer(&p, line(bytes, msg.n), &r, &s), KEYING_NO_COMMON_SUITE);
    p = policy();
    assert_int_equal(offer(&p, "a=key-mgmt:mikey !!!\r\n", &r, &s), KEYING_BAD_TEXT);
    assert_int_equal(offer(&p, "a=key-mgmt:other AAAA\r\n", &r, &s), KEYING_NO_COMMON_KEYING);
}

/* Other offers of the same description are tried (SDES beside it). */
static void a_declined_message_leaves_room_for_another_keying(void **state)
{
    (void)state;
    struct keying_policy p = policy();
    struct keying_state s;
    struct keying_result r;

    p.keyings[p.keying_count++] = KEYING_SDES;
    assert_int_equal(offer(&p,
                           "a=key-mgmt:mikey AQIAAAAAAAEAAA==\r\n"
                           "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
                           "inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd\r\n",
                           &r, &s),
                     KEYING_OK);
    assert_int_equal(s.active, KEYING_SDES);
}

/* GstSdp 1.22 made this of caps with a key of 30 bytes. */
static const char gstreamer[] =
    "AQAFAOz1n5EAAAsA7rU0Q/o86mwKEEoq7Bqnkkkep7ypjHR5rFQBAAAAFQABAQEBEAIBAQMBCgcBAQgBAQoBAQAAACIA"
    "IAAeABEiM0RVZneImaq7zN3u/wECAwQFBgcICQoLDA0OAA==";

static void what_gstreamer_writes_is_read(void **state)
{
    (void)state;
    static const uint8_t key[] = "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff";
    uint8_t bytes[256];
    char text[512];
    size_t n = 0;
    struct mikey_msg m;
    struct keying_policy p = policy();
    struct keying_state s;
    struct keying_result r;

    assert_int_equal(crypto_base64_get(slice_from_str(gstreamer), bytes, sizeof(bytes), &n), 0);
    assert_int_equal(mikey_parse(slice_from(bytes, n), &m), MIKEY_OK);
    assert_int_equal(m.type, MIKEY_PSK_INIT);
    assert_int_equal(m.key_kind, MIKEY_TEK);
    assert_int_equal(m.key.n, 30);
    assert_int_equal(m.policy_count, 1);
    assert_int_equal(m.cs_count, 0);
    assert_memory_equal(m.key.p, key, 16);
    assert_int_equal(m.rand.n, MIKEY_RAND_MIN);
    assert_int_equal(mikey_suite_of(&m, 1), SRTP_SUITE_NONE);
    /* one key for both directions: declined, by name */
    (void)snprintf(text, sizeof(text), "a=key-mgmt:mikey %s\r\n", gstreamer);
    assert_int_equal(offer(&p, text, &r, &s), KEYING_BAD_TEXT);
    assert_non_null(strstr(r.why, "one key for both directions"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_goes_round),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(limits),
        cmocka_unit_test(the_prf_is_built_as_the_rfc_says),
        cmocka_unit_test(both_sides_derive_the_same_and_each_direction_its_own),
        cmocka_unit_test(what_cannot_be_done_is_declined_with_a_reason),
        cmocka_unit_test(a_declined_message_leaves_room_for_another_keying),
        cmocka_unit_test(what_gstreamer_writes_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
