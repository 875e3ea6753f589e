#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "crypto/cfb.h"
#include "crypto/dh.h"
#include "crypto/digest.h"

static void hex(const char *text, uint8_t *out)
{
    for (size_t i = 0; text[2 * i]; i++) {
        char two[3] = {text[2 * i], text[2 * i + 1], 0};
        out[i] = (uint8_t)strtoul(two, NULL, 16);
    }
}

static void assert_hex(const uint8_t *got, const char *want)
{
    uint8_t b[128];

    hex(want, b);
    assert_memory_equal(got, b, strlen(want) / 2);
}

/* RFC 4231 case 2, RFC 2202 case 2, FIPS 180-4 "abc". */
static void digests_and_macs_give_the_published_values(void **state)
{
    (void)state;
    uint8_t out[CRYPTO_DIGEST_MAX];
    struct slice abc = SLICE_LIT("abc"),
                 parts[] = {SLICE_LIT("what do ya want "), SLICE_LIT("for nothing?")};

    crypto_digest(CRYPTO_DIGEST_SHA1, &abc, 1, out);
    assert_hex(out, "a9993e364706816aba3e25717850c26c9cd0d89d");
    crypto_digest(CRYPTO_DIGEST_SHA384, &abc, 1, out);
    assert_hex(out, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                    "8086072ba1e7cc2358baeca134c825a7");
    crypto_hmac(CRYPTO_DIGEST_SHA1, SLICE_LIT("Jefe"), parts, 2, out);
    assert_hex(out, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    crypto_hmac(CRYPTO_DIGEST_SHA256, SLICE_LIT("Jefe"), parts, 2, out);
    assert_hex(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    crypto_hmac(CRYPTO_DIGEST_SHA384, SLICE_LIT("Jefe"), parts, 2, out);
    assert_hex(out, "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
                    "8e2240ca5e69e2c78b3239ecfab21649");
}

/* RFC 4231 cases 6 and 7 (a key longer than SHA-256's block; for SHA-384 within one: case 6). */
static void a_long_key_is_hashed_first(void **state)
{
    (void)state;
    char key[131];
    uint8_t out[CRYPTO_DIGEST_MAX];
    struct slice text = SLICE_LIT("Test Using Larger Than Block-Size Key - Hash Key First");

    memset(key, 0xaa, sizeof(key));
    crypto_hmac(CRYPTO_DIGEST_SHA256, slice_from(key, sizeof(key)), &text, 1, out);
    assert_hex(out, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    crypto_hmac(CRYPTO_DIGEST_SHA384, slice_from(key, sizeof(key)), &text, 1, out);
    assert_hex(out, "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6"
                    "0c2ef6ab4030fe8296248df163f44952");
}

/* NIST SP 800-38A F.3.13 and F.3.17. */
static void cfb_gives_the_published_values(void **state)
{
    (void)state;
    uint8_t key[32], iv[16], data[32];

    hex("000102030405060708090a0b0c0d0e0f", iv);
    hex("2b7e151628aed2a6abf7158809cf4f3c", key);
    hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51", data);
    assert_int_equal(crypto_cfb(CRYPTO_CFB_AES128, true, slice_from(key, 16), iv, data, 32), 0);
    assert_hex(data, "3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b");
    assert_int_equal(crypto_cfb(CRYPTO_CFB_AES128, false, slice_from(key, 16), iv, data, 32), 0);
    assert_hex(data, "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
    hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", key);
    assert_int_equal(crypto_cfb(CRYPTO_CFB_AES256, true, slice_from(key, 32), iv, data, 16), 0);
    assert_hex(data, "dc7e84bfda79164b7ecd8486985d3860");
    assert_int_equal(crypto_cfb(CRYPTO_CFB_AES256, true, slice_from(key, 16), iv, data, 16),
                     -EINVAL);
}

/* The Twofish paper's vectors for zero keys and a zero block: with a zero IV, the first block of
 * CFB over zeros is the cipher of zero. */
static void twofish_gives_the_published_values(void **state)
{
    (void)state;
    const uint8_t key[32] = {0}, iv[16] = {0};
    uint8_t data[20] = {0};

    assert_int_equal(crypto_cfb(CRYPTO_CFB_TWOFISH128, true, slice_from(key, 16), iv, data, 20), 0);
    assert_hex(data, "9f589f5cf6122c32b6bfec2f2ae8c35a");
    assert_int_equal(crypto_cfb(CRYPTO_CFB_TWOFISH128, false, slice_from(key, 16), iv, data, 20),
                     0);
    assert_hex(data, "0000000000000000000000000000000000000000");
    assert_int_equal(crypto_cfb(CRYPTO_CFB_TWOFISH256, true, slice_from(key, 32), iv, data, 16), 0);
    assert_hex(data, "57ff739d4dc92c1bd7fc01700cc8216f");
}

static void both_sides_agree_in_every_group(void **state)
{
    (void)state;
    for (int g = 0; g < CRYPTO_DH_GROUP_COUNT; g++) {
        struct crypto_dh *a, *b;
        uint8_t one[CRYPTO_DH_SHARED_MAX], two[CRYPTO_DH_SHARED_MAX];

        assert_int_equal(crypto_dh_new((enum crypto_dh_group)g, &a), 0);
        assert_int_equal(crypto_dh_new((enum crypto_dh_group)g, &b), 0);
        assert_int_equal(crypto_dh_public(a).n, crypto_dh_public_len((enum crypto_dh_group)g));
        assert_int_equal(crypto_dh_agree(a, crypto_dh_public(b), one), 0);
        assert_int_equal(crypto_dh_agree(b, crypto_dh_public(a), two), 0);
        assert_memory_equal(one, two, crypto_dh_shared_len((enum crypto_dh_group)g));
        crypto_dh_free(a);
        crypto_dh_free(b);
    }
}

static void refuse(enum crypto_dh_group g, struct slice peer)
{
    struct crypto_dh *d;
    uint8_t out[CRYPTO_DH_SHARED_MAX];

    assert_int_equal(crypto_dh_new(g, &d), 0);
    assert_int_equal(crypto_dh_agree(d, peer, out), CRYPTO_DH_BAD_PUBLIC);
    crypto_dh_free(d);
}

/* The prime less `minus`, or a small number. */
static struct slice modp_value(enum crypto_dh_group g, uint8_t *out, bool prime, BN_ULONG n)
{
    EVP_PKEY *key = EVP_PKEY_new();
    BIGNUM *p = NULL;
    int len = (int)crypto_dh_public_len(g);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
    char name[16];
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0),
                           OSSL_PARAM_construct_end()};

    (void)snprintf(name, sizeof(name), "%s", g == CRYPTO_DH_2048 ? "modp_2048" : "modp_3072");
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEY_PARAMETERS, params), 1);
    assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_FFC_P, &p), 1);
    if (prime)
        BN_sub_word(p, n);
    else
        BN_set_word(p, n);
    assert_int_equal(BN_bn2binpad(p, out, len), len);
    BN_free(p);
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(ctx);
    return slice_from(out, (size_t)len);
}

static void bad_modp_values_are_refused(void **state)
{
    (void)state;
    uint8_t v[CRYPTO_DH_PUBLIC_MAX];

    for (int g = CRYPTO_DH_2048; g <= CRYPTO_DH_3072; g++) {
        refuse((enum crypto_dh_group)g, modp_value((enum crypto_dh_group)g, v, false, 0));
        refuse((enum crypto_dh_group)g, modp_value((enum crypto_dh_group)g, v, false, 1));
        refuse((enum crypto_dh_group)g, modp_value((enum crypto_dh_group)g, v, true, 1));
        refuse((enum crypto_dh_group)g, modp_value((enum crypto_dh_group)g, v, true, 0));
        memset(v, 0xff, sizeof(v));
        refuse((enum crypto_dh_group)g,
               slice_from(v, crypto_dh_public_len((enum crypto_dh_group)g)));
    }
    /* one beside each edge is taken */
    struct crypto_dh *d;
    uint8_t out[CRYPTO_DH_SHARED_MAX];
    assert_int_equal(crypto_dh_new(CRYPTO_DH_2048, &d), 0);
    assert_int_equal(crypto_dh_agree(d, modp_value(CRYPTO_DH_2048, v, false, 2), out), 0);
    assert_int_equal(crypto_dh_agree(d, modp_value(CRYPTO_DH_2048, v, true, 2), out), 0);
    crypto_dh_free(d);
}

static void points_off_the_curve_are_refused(void **state)
{
    (void)state;
    uint8_t v[CRYPTO_DH_PUBLIC_MAX];

    for (int g = CRYPTO_DH_P256; g <= CRYPTO_DH_P384; g++) {
        struct crypto_dh *d;
        size_t n = crypto_dh_public_len((enum crypto_dh_group)g);
        assert_int_equal(crypto_dh_new((enum crypto_dh_group)g, &d), 0);
        memcpy(v, crypto_dh_public(d).p, n);
        crypto_dh_free(d);
        v[n - 1] ^= 1;
        refuse((enum crypto_dh_group)g, slice_from(v, n));
        refuse((enum crypto_dh_group)g, slice_from(v, n - 1));
        memset(v, 0, n);
        refuse((enum crypto_dh_group)g, slice_from(v, n));
    }
    /* X25519: the points of low order 0 and 1 (RFC 7748 s.6.1) */
    memset(v, 0, 32);
    refuse(CRYPTO_DH_X25519, slice_from(v, 32));
    v[0] = 1;
    refuse(CRYPTO_DH_X25519, slice_from(v, 32));
    refuse(CRYPTO_DH_X25519, slice_from(v, 31));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_and_macs_give_the_published_values),
        cmocka_unit_test(a_long_key_is_hashed_first),
        cmocka_unit_test(cfb_gives_the_published_values),
        cmocka_unit_test(twofish_gives_the_published_values),
        cmocka_unit_test(both_sides_agree_in_every_group),
        cmocka_unit_test(bad_modp_values_are_refused),
        cmocka_unit_test(points_off_the_curve_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
