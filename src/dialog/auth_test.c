#include "dialog/auth.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dialog/nonce.h"
#include "sip/digest.h"

#define NOW 1700000000u
#define REALM SLICE_LIT("example.org")

static const uint8_t secret[32] = "a secret of thirty-two bytes ...";

struct users {
    int lookups;
    bool no_md5;
    bool no_sha256;
};

static int lookup(void *arg, struct slice username, struct dialog_ha1 *ret)
{
    struct users *u = arg;
    struct sip_digest_hash h;
    u->lookups++;
    if (!slice_eq_str(username, "1000"))
        return -ENOENT;
    sip_digest_ha1(SIP_DIGEST_MD5, username, REALM, SLICE_LIT("pass"), &h);
    memcpy(ret->md5, h.hex, sizeof(ret->md5));
    sip_digest_ha1(SIP_DIGEST_SHA256, username, REALM, SLICE_LIT("pass"), &h);
    memcpy(ret->sha256, h.hex, sizeof(ret->sha256));
    ret->has_md5 = !u->no_md5;
    ret->has_sha256 = !u->no_sha256;
    return 0;
}

static const struct sip_msg *request(const char *more)
{
    static char text[4096];
    static struct sip_msg m;
    int n = snprintf(text, sizeof(text),
                     "REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
                     "From: <sip:1000@example.org>;tag=f\r\nTo: <sip:1000@example.org>\r\n"
                     "Call-ID: c\r\nCSeq: 1 REGISTER\r\n%sContent-Length: 0\r\n\r\n",
                     more);
    assert_true(n > 0 && (size_t)n < sizeof(text));
    assert_int_equal(sip_msg_parse(slice_from(text, (size_t)n), &m), SIP_PARSE_OK);
    return &m;
}

static struct dialog_auth *auth_new(bool md5)
{
    struct dialog_auth *a;
    assert_int_equal(dialog_auth_new(secret, md5, &a), 0);
    return a;
}

/* A 401 or 407 as our server sends it. */
struct challenge {
    char text[2048];
    struct sip_msg m;
};

static void challenge(struct dialog_auth *a, bool proxy, uint64_t now, struct challenge *ret)
{
    struct buf b = buf_over(ret->text, sizeof(ret->text));
    buf_printf(&b,
               "SIP/2.0 %d X\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:1000@h>;tag=f\r\n"
               "To: <sip:1000@h>;tag=t\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n",
               proxy ? 407 : 401);
    const struct dialog_auth_challenge ch = {.proxy = proxy, .realm = REALM, .now_unix = now};
    dialog_auth_put_challenge(&b, a, &ch);
    BUF_PUT_LIT(&b, "Content-Length: 0\r\n\r\n");
    assert_false(b.overflow);
    assert_int_equal(sip_msg_parse(buf_slice(&b), &ret->m), SIP_PARSE_OK);
}

static const char *credentials(struct dialog_credentials *c, const struct sip_msg *rsp)
{
    static char out[1024];
    struct buf b = buf_over(out, sizeof(out) - 1);
    assert_int_equal(
        dialog_auth_answer(c, rsp, SLICE_LIT("REGISTER"), SLICE_LIT("sip:example.org"), &b), 0);
    assert_false(b.overflow);
    out[b.n] = '\0';
    return out;
}

static int check(struct dialog_auth *a, const char *hdrs, uint64_t now, struct users *u)
{
    struct slice who = SLICE_NONE;
    int lookups = u->lookups;
    int r = dialog_auth_check(a, request(hdrs), false, REALM, now, lookup, u, &who);
    assert_true(u->lookups - lookups <= 1);
    if (r == DIALOG_AUTH_OK || r == DIALOG_AUTH_WRONG || r == DIALOG_AUTH_STALE)
        assert_true(who.n > 0);
    return r;
}

static struct dialog_credentials client(const char *user, const char *password)
{
    return (struct dialog_credentials){.username = slice_from_str(user),
                                       .password = slice_from_str(password)};
}

static void a_client_of_ours_gets_in(void **state)
{
    (void)state;
    for (int md5 = 0; md5 < 2; md5++) {
        struct dialog_auth *a = auth_new(md5);
        struct dialog_credentials c = client("1000", "pass");
        struct users u = {0};
        struct challenge ch;
        assert_int_equal(check(a, "", NOW, &u), DIALOG_AUTH_NONE);
        challenge(a, false, NOW, &ch);
        const char *h = credentials(&c, &ch.m);
        assert_non_null(strstr(h, "SHA-256")); /* the stronger one */
        assert_non_null(strstr(h, "nc=00000001"));
        assert_int_equal(check(a, h, NOW + 1, &u), DIALOG_AUTH_OK);
        /* The same nonce goes on being good, with the next count. */
        h = credentials(&c, &ch.m);
        assert_non_null(strstr(h, "nc=00000002"));
        assert_int_equal(check(a, h, NOW + 2, &u), DIALOG_AUTH_OK);
        dialog_auth_free(a);
    }
}

static void a_copied_request_is_stale(void **state)
{
    (void)state;
    struct dialog_auth *a = auth_new(true);
    struct dialog_credentials c = client("1000", "pass");
    struct users u = {0};
    struct challenge ch;
    char first[1024];
    challenge(a, false, NOW, &ch);
    snprintf(first, sizeof(first), "%s", credentials(&c, &ch.m));
    assert_int_equal(check(a, first, NOW, &u), DIALOG_AUTH_OK);
    assert_int_equal(check(a, first, NOW, &u), DIALOG_AUTH_STALE);
    dialog_auth_free(a);
}

static void nonces_grow_old(void **state)
{
    (void)state;
    struct dialog_auth *a = auth_new(true);
    struct dialog_credentials c = client("1000", "pass");
    struct users u = {0};
    struct challenge ch;
    challenge(a, false, NOW, &ch);
    assert_int_equal(check(a, credentials(&c, &ch.m), NOW + DIALOG_AUTH_NONCE_S, &u),
                     DIALOG_AUTH_OK);
    assert_int_equal(check(a, credentials(&c, &ch.m), NOW + DIALOG_AUTH_NONCE_S + 1, &u),
                     DIALOG_AUTH_STALE);
    assert_int_equal(check(a, credentials(&c, &ch.m), NOW - 1, &u), DIALOG_AUTH_STALE);
    /* Only who knows the password hears of that. */
    struct dialog_credentials wrong = client("1000", "guess");
    assert_int_equal(check(a, credentials(&wrong, &ch.m), NOW + 1000, &u), DIALOG_AUTH_WRONG);
    dialog_auth_free(a);
}

static void nonces_are_good_everywhere_under_one_secret(void **state)
{
    (void)state;
    struct dialog_auth *a = auth_new(true), *b = auth_new(true), *other;
    static const uint8_t other_secret[32] = {1};
    assert_int_equal(dialog_auth_new(other_secret, true, &other), 0);
    struct dialog_credentials c = client("1000", "pass");
    struct users u = {0};
    struct challenge ch;
    challenge(a, false, NOW, &ch);
    assert_int_equal(check(b, credentials(&c, &ch.m), NOW, &u), DIALOG_AUTH_OK);
    assert_int_equal(check(other, credentials(&c, &ch.m), NOW, &u), DIALOG_AUTH_STALE);
    dialog_auth_free(a);
    dialog_auth_free(b);
    dialog_auth_free(other);
}

static void wrong_and_unknown_look_alike(void **state)
{
    (void)state;
    struct dialog_auth *a = auth_new(true);
    struct users u = {0};
    struct challenge ch;
    challenge(a, false, NOW, &ch);
    struct dialog_credentials wrong = client("1000", "guess"), nobody = client("nobody", "pass");
    assert_int_equal(check(a, credentials(&wrong, &ch.m), NOW, &u), DIALOG_AUTH_WRONG);
    assert_int_equal(check(a, credentials(&nobody, &ch.m), NOW, &u), DIALOG_AUTH_WRONG);
    assert_int_equal(u.lookups, 2);
    u.no_sha256 = true; /* no secret for the algorithm that was used */
    struct dialog_credentials c = client("1000", "pass");
    assert_int_equal(check(a, credentials(&c, &ch.m), NOW, &u), DIALOG_AUTH_WRONG);
    dialog_auth_free(a);
}

static void what_cannot_be_checked_is_challenged_anew(void **state)
{
    (void)state;
    struct dialog_auth *a = auth_new(false), *with_md5 = auth_new(true);
    struct users u = {0};
    static const char *const none[] = {
        "Authorization: Basic abc\r\n",
        "Authorization: Digest username=\"1000\", realm=\"other\", nonce=\"n\", uri=\"sip:h\", "
        "response=\"0123456789abcdef0123456789abcdef\"\r\n",
        "Authorization: Digest username=\"1000\", realm=\"example.org\", nonce=\"n\", "
        "uri=\"sip:h\", algorithm=MD5-sess, response=\"0123456789abcdef0123456789abcdef\"\r\n",
        "Proxy-Authorization: Digest username=\"1000\", realm=\"example.org\", nonce=\"n\", "
        "uri=\"sip:h\", response=\"0123456789abcdef0123456789abcdef\"\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        assert_int_equal(check(with_md5, none[i], NOW, &u), DIALOG_AUTH_NONE);
    const char *md5 = "Authorization: Digest username=\"1000\", realm=\"example.org\", "
                      "nonce=\"n\", uri=\"sip:h\", "
                      "response=\"0123456789abcdef0123456789abcdef\"\r\n";
    assert_int_equal(check(a, md5, NOW, &u), DIALOG_AUTH_NONE); /* MD5 is off */
    assert_int_equal(u.lookups, 0);
    assert_int_equal(check(with_md5, md5, NOW, &u), DIALOG_AUTH_WRONG);
    assert_int_equal(check(a, "Authorization: Digest username=\r\n", NOW, &u),
                     DIALOG_AUTH_MALFORMED);
    dialog_auth_free(a);
    dialog_auth_free(with_md5);
}

static void proxies_and_several_realms(void **state)
{
    (void)state;
    struct dialog_auth *a = auth_new(true);
    struct dialog_credentials c = client("1000", "pass");
    struct users u = {0};
    struct challenge ch;
    char hdrs[2048];
    struct slice who;
    challenge(a, true, NOW, &ch);
    snprintf(hdrs, sizeof(hdrs),
             "Proxy-Authorization: Digest username=\"x\", realm=\"other\", nonce=\"n\", "
             "uri=\"sip:h\", response=\"0123456789abcdef0123456789abcdef\"\r\n%s",
             credentials(&c, &ch.m));
    assert_non_null(strstr(hdrs, "\r\nProxy-Authorization: Digest "));
    assert_int_equal(dialog_auth_check(a, request(hdrs), true, REALM, NOW, lookup, &u, &who),
                     DIALOG_AUTH_OK);
    assert_true(slice_eq_str(who, "1000"));
    dialog_auth_free(a);
}

static void old_clients_without_qop_use_a_nonce_once(void **state)
{
    (void)state;
    struct dialog_auth *a = auth_new(true);
    struct users u = {0};
    struct challenge ch;
    challenge(a, false, NOW, &ch);
    struct sip_digest_challenge dc;
    const struct sip_hdr *h = sip_msg_hdr(&ch.m, SIP_HDR_WWW_AUTHENTICATE);
    h = sip_msg_hdr_next(&ch.m, h); /* MD5 */
    assert_int_equal(sip_digest_challenge_parse(h->value, &dc), SIP_DIGEST_OK);
    struct sip_digest_credentials c = {.username = SLICE_LIT("1000"),
                                       .realm = dc.realm,
                                       .nonce = dc.nonce,
                                       .uri = SLICE_LIT("sip:example.org"),
                                       .alg = SIP_DIGEST_MD5,
                                       .qop = SIP_DIGEST_QOP_NONE};
    struct sip_digest_hash ha1, response;
    sip_digest_ha1(SIP_DIGEST_MD5, c.username, REALM, SLICE_LIT("pass"), &ha1);
    sip_digest_response(&ha1, SLICE_LIT("REGISTER"), &c, &response);
    char out[1024];
    struct buf b = buf_over(out, sizeof(out) - 1);
    sip_digest_put_credentials(&b, SIP_HDR_AUTHORIZATION, &c, &response);
    out[b.n] = '\0';
    assert_int_equal(check(a, out, NOW, &u), DIALOG_AUTH_OK);
    assert_int_equal(check(a, out, NOW, &u), DIALOG_AUTH_STALE);
    dialog_auth_free(a);
}

/* --- client --- */

static const struct sip_msg *rsp_with(int status, const char *more)
{
    static char text[2048];
    static struct sip_msg m;
    int n =
        snprintf(text, sizeof(text),
                 "SIP/2.0 %d X\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=f\r\n"
                 "To: <sip:a@h>;tag=t\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n%s"
                 "Content-Length: 0\r\n\r\n",
                 status, more);
    assert_int_equal(sip_msg_parse(slice_from(text, (size_t)n), &m), SIP_PARSE_OK);
    return &m;
}

static int try_answer(struct dialog_credentials *c, const struct sip_msg *rsp)
{
    char out[1024];
    struct buf b = buf_over(out, sizeof(out));
    return dialog_auth_answer(c, rsp, SLICE_LIT("REGISTER"), SLICE_LIT("sip:h"), &b);
}

static void challenges_that_cannot_be_answered(void **state)
{
    (void)state;
    struct dialog_credentials c = client("1000", "pass");
    char longest[600];
    assert_int_equal(try_answer(&c, rsp_with(401, "")), -EINVAL);
    assert_int_equal(try_answer(&c, rsp_with(401, "WWW-Authenticate: Basic realm=\"x\"\r\n")),
                     -EINVAL);
    assert_int_equal(try_answer(&c, rsp_with(401, "Proxy-Authenticate: Digest realm=\"x\", "
                                                  "nonce=\"n\"\r\n")),
                     -EINVAL);
    assert_int_equal(try_answer(&c, rsp_with(401, "WWW-Authenticate: Digest realm=\"x\", "
                                                  "nonce=\"n\", qop=\"auth-int\"\r\n")),
                     -EINVAL);
    for (size_t over = 0; over < 2; over++) {
        char nonce[257] = "";
        memset(nonce, 'n', 255 + over);
        snprintf(longest, sizeof(longest), "WWW-Authenticate: Digest realm=\"x\", nonce=\"%s\"\r\n",
                 nonce);
        assert_int_equal(try_answer(&c, rsp_with(401, longest)), over ? -EINVAL : 0);
    }
}

static void counts_begin_anew_with_each_nonce(void **state)
{
    (void)state;
    struct dialog_credentials c = client("1000", "pass");
    const char *one = "WWW-Authenticate: Digest realm=\"x\", nonce=\"1\", qop=\"auth\"\r\n";
    const char *two = "WWW-Authenticate: Digest realm=\"x\", nonce=\"2\", qop=\"auth\"\r\n";
    assert_non_null(strstr(credentials(&c, rsp_with(401, one)), "nc=00000001"));
    assert_non_null(strstr(credentials(&c, rsp_with(401, one)), "nc=00000002"));
    assert_non_null(strstr(credentials(&c, rsp_with(401, two)), "nc=00000001"));
}

static void a_hash_will_do_instead_of_the_password(void **state)
{
    (void)state;
    struct dialog_auth *a = auth_new(true);
    struct users u = {0}, server = {0};
    struct dialog_ha1 ha1;
    struct challenge ch;
    assert_int_equal(lookup(&u, SLICE_LIT("1000"), &ha1), 0);
    ha1.has_sha256 = false;
    struct dialog_credentials c = {.username = SLICE_LIT("1000"), .ha1 = &ha1};
    challenge(a, false, NOW, &ch);
    const char *h = credentials(&c, &ch.m);
    assert_null(strstr(h, "SHA-256"));
    assert_int_equal(check(a, h, NOW, &server), DIALOG_AUTH_OK);
    dialog_auth_free(a);
}

/* --- nonces --- */

static struct nonce nonce_of(uint32_t issued, uint32_t n)
{
    struct nonce x = {.issued = issued};
    uint32_t first = htonl(issued);
    memcpy(x.key, &first, 4);
    memcpy(x.key + 4, &n, 4);
    return x;
}

static void nonces_are_ours_for_one_realm(void **state)
{
    (void)state;
    struct crypto_hmac_key s;
    struct nonce n;
    char text[NONCE_LEN];
    crypto_hmac_key_init(&s, slice_from(secret, sizeof(secret)));
    nonce_make(&s, REALM, NOW, text);
    assert_true(nonce_read(&s, REALM, slice_from(text, sizeof(text)), &n));
    assert_int_equal(n.issued, NOW);
    assert_false(nonce_read(&s, SLICE_LIT("other"), slice_from(text, sizeof(text)), &n));
    assert_false(nonce_read(&s, REALM, slice_from(text, sizeof(text) - 2), &n));
    for (size_t i = 0; i < sizeof(text); i++) {
        char kept = text[i];
        text[i] = kept == '0' ? '1' : '0';
        assert_false(nonce_read(&s, REALM, slice_from(text, sizeof(text)), &n));
        text[i] = 'g';
        assert_false(nonce_read(&s, REALM, slice_from(text, sizeof(text)), &n));
        text[i] = kept;
    }
}

static void counts_have_a_window(void **state)
{
    (void)state;
    struct nonce_table *t;
    struct nonce n = nonce_of(NOW, 1);
    assert_int_equal(nonce_table_new(4, &t), 0);
    assert_true(nonce_table_use(t, &n, 100));
    assert_false(nonce_table_use(t, &n, 100));
    assert_true(nonce_table_use(t, &n, 101 - DIALOG_AUTH_WINDOW));
    assert_false(nonce_table_use(t, &n, 101 - DIALOG_AUTH_WINDOW));
    assert_false(nonce_table_use(t, &n, 100 - DIALOG_AUTH_WINDOW)); /* one past it */
    assert_true(nonce_table_use(t, &n, 99));
    assert_true(nonce_table_use(t, &n, 102));
    assert_false(nonce_table_use(t, &n, 99));
    assert_true(nonce_table_use(t, &n, 101));
    assert_true(nonce_table_use(t, &n, 5000)); /* leaps clear the window */
    assert_true(nonce_table_use(t, &n, 5001 - DIALOG_AUTH_WINDOW));
    assert_false(nonce_table_use(t, &n, 102));
    assert_true(nonce_table_use(t, &n, UINT32_MAX));
    assert_false(nonce_table_use(t, &n, UINT32_MAX));
    struct nonce other = nonce_of(NOW, 2);
    assert_false(nonce_table_use(t, &other, 0)); /* counts begin with 1 */
    assert_true(nonce_table_use(t, &other, 1));
    nonce_table_free(t);
}

/* Whoever leaves must be found no more, and nobody else be lost by it. */
static void a_table_turns_round_many_times(void **state)
{
    (void)state;
    enum { CAP = 1000, MANY = 20 * CAP };
    struct nonce_table *t;
    assert_int_equal(nonce_table_new(CAP, &t), 0);
    for (uint32_t i = 0; i < MANY; i++) {
        struct nonce n = nonce_of(NOW + i, i);
        assert_true(nonce_table_use(t, &n, 1));
        struct nonce oldest = nonce_of(NOW + i + 1 - CAP, i + 1 - CAP);
        if (i >= CAP && i % 7 == 0)
            assert_true(nonce_table_use(t, &oldest, i));
    }
    for (uint32_t i = 0; i < MANY; i++) {
        struct nonce n = nonce_of(NOW + i, i);
        bool is_in = i >= MANY - CAP;
        assert_int_equal(nonce_table_use(t, &n, UINT32_MAX), is_in);
    }
    nonce_table_free(t);
}

static void a_full_table_forgets_the_oldest_for_good(void **state)
{
    (void)state;
    struct nonce_table *t;
    assert_int_equal(nonce_table_new(4, &t), 0);
    for (uint32_t i = 0; i < 5; i++) {
        struct nonce n = nonce_of(NOW + i, i);
        assert_true(nonce_table_use(t, &n, 1));
    }
    struct nonce first = nonce_of(NOW, 0), second = nonce_of(NOW + 1, 1);
    assert_false(nonce_table_use(t, &first, 2)); /* out, and not to come back */
    assert_true(nonce_table_use(t, &second, 2));
    struct nonce unused = nonce_of(NOW, 77), later = nonce_of(NOW + 1, 78);
    assert_false(nonce_table_use(t, &unused, 1)); /* it might have been there */
    assert_true(nonce_table_use(t, &later, 1));
    assert_false(nonce_table_use(t, &second, 3)); /* pushed out by it */
    nonce_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_of_ours_gets_in),
        cmocka_unit_test(a_copied_request_is_stale),
        cmocka_unit_test(nonces_grow_old),
        cmocka_unit_test(nonces_are_good_everywhere_under_one_secret),
        cmocka_unit_test(wrong_and_unknown_look_alike),
        cmocka_unit_test(what_cannot_be_checked_is_challenged_anew),
        cmocka_unit_test(proxies_and_several_realms),
        cmocka_unit_test(old_clients_without_qop_use_a_nonce_once),
        cmocka_unit_test(challenges_that_cannot_be_answered),
        cmocka_unit_test(counts_begin_anew_with_each_nonce),
        cmocka_unit_test(a_hash_will_do_instead_of_the_password),
        cmocka_unit_test(nonces_are_ours_for_one_realm),
        cmocka_unit_test(counts_have_a_window),
        cmocka_unit_test(a_table_turns_round_many_times),
        cmocka_unit_test(a_full_table_forgets_the_oldest_for_good),
    };
    return cmocka_run_group_tests_name("auth", tests, NULL, NULL);
}
