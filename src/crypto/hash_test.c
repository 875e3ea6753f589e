#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "crypto/hash.h"

static void assert_hex(const uint8_t *p, size_t n, const char *hex)
{
    char text[129];
    struct buf b = buf_over(text, sizeof(text) - 1);

    buf_put_hex(&b, p, n);
    text[b.n] = '\0';
    assert_string_equal(text, hex);
}

/* RFC 1321 A.5, FIPS 180-2, cut in parts at every place. */
static void digests_of_parts(void **state)
{
    const char *text = "abcdefghijklmnopqrstuvwxyz";
    uint8_t md5[CRYPTO_MD5_LEN], sha[CRYPTO_SHA256_LEN];

    (void)state;
    for (size_t cut = 0; cut <= 26; cut++) {
        struct slice parts[3] = {{text, cut}, SLICE_NONE, {text + cut, 26 - cut}};
        crypto_md5(parts, 3, md5);
        assert_hex(md5, sizeof(md5), "c3fcd3d76192e4007dfb496cca67e13b");
        crypto_sha256(parts, 3, sha);
        assert_hex(sha, sizeof(sha),
                   "71c480df93d6ae2f1efad1447c66c9525e316218cf51fc8d9ed832f2daf18b73");
    }
    crypto_md5(NULL, 0, md5);
    assert_hex(md5, sizeof(md5), "d41d8cd98f00b204e9800998ecf8427e");
}

/* RFC 4231 4.3 and 4.7 (a key longer than a block). */
static void hmac_vectors(void **state)
{
    uint8_t mac[CRYPTO_SHA256_LEN];
    char long_key[131];
    struct slice parts[] = {SLICE_LIT("what do ya want "), SLICE_LIT("for nothing?")};
    struct slice big = SLICE_LIT("Test Using Larger Than Block-Size Key - Hash Key First");

    (void)state;
    crypto_hmac_sha256(SLICE_LIT("Jefe"), parts, 2, mac);
    assert_hex(mac, sizeof(mac),
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(long_key, 0xaa, sizeof(long_key));
    crypto_hmac_sha256(slice_from(long_key, sizeof(long_key)), &big, 1, mac);
    assert_hex(mac, sizeof(mac),
               "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* RFC 2202 s.3, cases 2 and 6. */
static void hmac_sha1_is_right(void **state)
{
    uint8_t mac[CRYPTO_SHA1_LEN], long_key[80];
    struct slice parts[2] = {SLICE_LIT("what do ya want "), SLICE_LIT("for nothing?")};
    struct slice big = SLICE_LIT("Test Using Larger Than Block-Size Key - Hash Key First");

    (void)state;
    crypto_hmac_sha1(SLICE_LIT("Jefe"), parts, 2, mac);
    assert_hex(mac, sizeof(mac), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    memset(long_key, 0xaa, sizeof(long_key));
    crypto_hmac_sha1(slice_from(long_key, sizeof(long_key)), &big, 1, mac);
    assert_hex(mac, sizeof(mac), "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}

static void random_is_not_repeated_by_a_child(void **state)
{
    uint8_t ours[16], theirs[16], big[4096];
    char hex[2 * 40 + 1];
    int fds[2], status;

    (void)state;
    crypto_random(ours, 0);
    crypto_random(ours, sizeof(ours)); /* the buffer is full of bytes now */
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        crypto_random(theirs, sizeof(theirs));
        _exit(write(fds[1], theirs, sizeof(theirs)) == sizeof(theirs) ? 0 : 1);
    }
    assert_int_equal(read(fds[0], theirs, sizeof(theirs)), sizeof(theirs));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    crypto_random(ours, sizeof(ours));
    assert_memory_not_equal(ours, theirs, sizeof(ours));
    close(fds[0]);
    close(fds[1]);

    memset(big, 0, sizeof(big));
    crypto_random(big, sizeof(big));
    size_t zeros = 0;
    for (size_t i = 0; i < sizeof(big); i++)
        zeros += big[i] == 0;
    assert_true(zeros < 64);

    crypto_random_hex(hex, 40);
    assert_int_equal(strlen(hex), 80);
    assert_int_equal(strspn(hex, "0123456789abcdef"), 80);
}

/* RFC 4648 section 10, and back again with and without padding. */
static void base64_both_ways(void **state)
{
    static const char *const rows[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xfb\xff\xfe", "+//+"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[9];
        uint8_t raw[6];
        size_t n = 99;
        struct slice in = slice_from_str(rows[i][0]);

        crypto_base64_put(in, text, sizeof(text), &n);
        assert_int_equal(n, strlen(rows[i][1]));
        assert_string_equal(text, rows[i][1]);

        struct slice back = {text, n};
        assert_int_equal(crypto_base64_get(back, raw, in.n, &n), 0);
        assert_int_equal(n, in.n);
        assert_memory_equal(raw, rows[i][0], n);
        while (back.n && back.p[back.n - 1] == '=')
            back.n--;
        assert_int_equal(crypto_base64_get(back, raw, in.n, &n), 0);
        assert_int_equal(n, in.n);
        if (in.n)
            assert_int_equal(crypto_base64_get(back, raw, in.n - 1, &n), -EMSGSIZE);
    }
}

static void base64_refuses(void **state)
{
    static const char *const bad[] = {"A",    "=",        "A===", "AA=",  "AAA==", "AAAAA", "AA A",
                                      "AA-_", "AA==AA==", "====", "A=A=", "AAAA=", "AAAA=="};
    uint8_t raw[16];
    size_t n;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(crypto_base64_get(slice_from_str(bad[i]), raw, sizeof(raw), &n), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_of_parts),   cmocka_unit_test(hmac_vectors),
        cmocka_unit_test(hmac_sha1_is_right), cmocka_unit_test(random_is_not_repeated_by_a_child),
        cmocka_unit_test(base64_both_ways),   cmocka_unit_test(base64_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
