#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cert/cert_priv.h"
#include "cert/domains.h"
#include "crypto/tls_testcert.h"

enum { DAY = 86400 };

struct place {
    char data[64];
    int64_t now;
    struct cert_report report;
    struct testcert ca;
    struct cert_pack pack;
    size_t said;
    char says[1200]; /* the last sentence, "DOMAIN: …" */
};

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static int setup(void **state)
{
    static const struct testcert_spec ca = {.cn = "Other CA", .ca = true};
    struct place *p = calloc(1, sizeof(*p));
    (void)snprintf(p->data, sizeof(p->data), "/tmp/sotto-domains-XXXXXX");
    assert_non_null(mkdtemp(p->data));
    p->now = (int64_t)time(NULL);
    p->ca = testcert_new(&ca, NULL);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    (void)nftw(p->data, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    testcert_free(&p->ca);
    cert_pack_fini(&p->pack);
    free(p);
    return 0;
}

static void write_file(const char *path, struct slice text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
    fclose(f);
}

static void path_in(char dst[256], const struct place *p, const char *name)
{
    (void)snprintf(dst, 256, "%s/%s", p->data, name);
}

/* A bundle for that SAN, ready to import. */
static void order(struct place *p, const char *san, const char *cn)
{
    const struct testcert_spec spec = {.cn = cn, .san = san};
    struct testcert t = testcert_new(&spec, &p->ca);
    char path[256], text[16384];
    struct buf b = buf_over(text, sizeof(text));
    path_in(path, p, "in.pem");
    buf_put(&b, t.key_pem.p, t.key_pem.n);
    buf_put(&b, t.cert_pem.p, t.cert_pem.n);
    write_file(path, buf_slice(&b));
    testcert_free(&t);
}

static int import(struct place *p, const char *domain)
{
    char path[256];
    path_in(path, p, "in.pem");
    return cert_domain_import(p->data, path, domain, false, p->now, &p->report);
}

static void give(struct place *p, const char *domain, const char *cn)
{
    char san[300];
    (void)snprintf(san, sizeof(san), "DNS:%s", domain);
    order(p, san, cn);
    if (import(p, domain))
        fail_msg("%s", p->report.error);
}

static void hear(void *arg, const char *domain, const char *says)
{
    struct place *p = arg;
    p->said++;
    (void)snprintf(p->says, sizeof(p->says), "%s: %s", domain, says);
}

static void expect(const char *text, const char *words)
{
    if (!strstr(text, words))
        fail_msg("`%s` is not in: %s", words, text);
}

/* Packs anew, with the last pack as the old one. */
static void pack(struct place *p)
{
    struct cert_pack k;
    p->said = 0;
    int r = cert_domains_pack(p->data, slice_from(p->pack.p, p->pack.n), hear, p, &p->report, &k);
    if (r)
        fail_msg("%s", p->report.error);
    cert_pack_fini(&p->pack);
    p->pack = k;
}

/* "a.example=one b.example=two": names with the CN of their leaf. */
static const char *packed(const struct place *p)
{
    static char text[8192];
    struct buf b = buf_over(text, sizeof(text) - 1);
    struct slice rest = slice_from(p->pack.p, p->pack.n);
    struct cert_domain d;
    while (cert_pack_next(&rest, &d)) {
        char cn[64];
        BIO *bio = BIO_new_mem_buf(d.chain.p, (int)d.chain.n);
        X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        assert_non_null(x);
        X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, cn, sizeof(cn));
        buf_printf(&b, "%s" SLICE_FMT "=%s", b.n ? " " : "", SLICE_ARG(d.name), cn);
        X509_free(x);
        BIO_free(bio);
    }
    assert_int_equal(rest.n, 0);
    text[b.n] = '\0';
    return text;
}

static void import_show_replace_delete(void **state)
{
    struct place *p = *state;
    struct stat st;
    struct cert_info i;
    char path[256];
    pack(p);
    assert_string_equal(packed(p), "");
    give(p, "b.example", "two");
    give(p, "A.example", "one");
    path_in(path, p, "tls/domains/a.example.key");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    path_in(path, p, "tls/domains");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    pack(p);
    assert_string_equal(packed(p), "a.example=one b.example=two");
    assert_int_equal(cert_domain_info(p->data, "b.example", p->now, &p->report, &i), 0);
    assert_string_equal(i.subject, "CN=two");
    assert_int_equal(i.source, CERT_SOURCE_IMPORTED);
    assert_string_equal(i.sans.name[0], "b.example");

    give(p, "b.example", "three");
    pack(p);
    assert_string_equal(packed(p), "a.example=one b.example=three");
    assert_int_equal(p->said, 0);

    assert_true(cert_domain_has(p->data, "a.example"));
    assert_int_equal(cert_domain_delete(p->data, "a.example", &p->report), 0);
    assert_false(cert_domain_has(p->data, "a.example"));
    path_in(path, p, "tls/domains/a.example.key");
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(cert_domain_delete(p->data, "a.example", &p->report), CERT_REFUSED);
    expect(p->report.error, "no certificate of its own");
    assert_int_equal(cert_domain_info(p->data, "a.example", p->now, &p->report, &i), -ENOENT);
    pack(p);
    assert_string_equal(packed(p), "b.example=three");
}

static void names_must_be_covered(void **state)
{
    struct place *p = *state;
    char path[256];
    order(p, "DNS:b.example,DNS:c.example", "x");
    assert_int_equal(import(p, "a.example"), CERT_REFUSED);
    expect(p->report.error, "is for b.example, c.example, not for a.example");
    assert_int_equal(import(p, "c.example"), 0);
    path_in(path, p, "in.pem");
    assert_int_equal(cert_domain_import(p->data, path, "a.example", true, p->now, &p->report), 0);
    assert_int_equal(p->report.warning_count, 2); /* the name, and no issuer came with it */
    /* A wildcard is for one label. */
    order(p, "DNS:*.example.org", "wild");
    assert_int_equal(import(p, "pbx.example.org"), 0);
    assert_int_equal(import(p, "a.pbx.example.org"), CERT_REFUSED);
    assert_int_equal(import(p, "example.org"), CERT_REFUSED);
}

static void names_stay_in_the_folder(void **state)
{
    struct place *p = *state;
    static const char *const bad[] = {"",           ".",           "..",      "../server", "a/b",
                                      "/etc/x",     "*.a.example", "a..b",    "192.0.2.1", "[::1]",
                                      "a.example.", "a\nb",        "a.b/../c"};
    char longest[CERT_DOMAIN_NAME_MAX + 2];
    order(p, "DNS:a.example", "x");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(import(p, bad[i]), CERT_REFUSED);
        expect(p->report.error, "cannot have a certificate of its own");
        assert_int_equal(cert_domain_delete(p->data, bad[i], &p->report), CERT_REFUSED);
        assert_false(cert_domain_has(p->data, bad[i]));
    }
    for (size_t i = 0; i < sizeof(longest); i++)
        longest[i] = i % 50 == 49 ? '.' : 'a';
    longest[CERT_DOMAIN_NAME_MAX + 1] = '\0';
    assert_int_equal(import(p, longest), CERT_REFUSED);
    expect(p->report.error, "at most 247 characters");
    longest[CERT_DOMAIN_NAME_MAX] = '\0';
    give(p, longest, "long");
    pack(p);
    expect(packed(p), longest);
}

static void a_bad_one_leaves_the_old_and_the_others(void **state)
{
    struct place *p = *state;
    char path[256];
    give(p, "a.example", "one");
    give(p, "b.example", "two");
    give(p, "c.example", "three");
    pack(p);
    path_in(path, p, "tls/domains/b.example.crt");
    write_file(path, SLICE_LIT("no certificate"));
    give(p, "c.example", "four");
    pack(p);
    assert_string_equal(packed(p), "a.example=one b.example=two c.example=four");
    assert_int_equal(p->said, 1);
    expect(p->says, "b.example: ");
    expect(p->says, "tls/domains/b.example.crt holds no certificate");
    expect(p->says, "sotto cert import PATH --domain b.example");
    expect(p->says, "the old one serves");

    cert_pack_fini(&p->pack); /* as at a start */
    pack(p);
    assert_string_equal(packed(p), "a.example=one c.example=four");
    expect(p->says, "default one serves");

    give(p, "b.example", "five");
    path_in(path, p, "tls/domains/b.example.key");
    write_file(path, p->ca.key_pem);
    pack(p);
    expect(p->says, "tls/domains/b.example.key does not belong to");
    give(p, "b.example", "six");
    pack(p);
    assert_string_equal(packed(p), "a.example=one b.example=six c.example=four");
}

/* A pair in itself, of an RSA key that no security level of OpenSSL's allows. */
static void write_weak(struct place *p, const char *crt, const char *key)
{
    static const struct testcert_spec spec = {.cn = "weak", .san = "DNS:a.example"};
    struct testcert t = testcert_new(&spec, &p->ca);
    EVP_PKEY *rsa = EVP_RSA_gen(512);
    char path[256];
    assert_non_null(rsa);
    assert_int_equal(X509_set_pubkey(t.cert, rsa), 1);
    assert_true(X509_sign(t.cert, p->ca.key, EVP_sha256()) > 0);
    BIO *b = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(b, t.cert), 1);
    struct slice text = testcert_drain(b);
    path_in(path, p, crt);
    write_file(path, text);
    free((void *)(uintptr_t)text.p);
    b = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(b, rsa, NULL, NULL, 0, NULL, NULL), 1);
    text = testcert_drain(b);
    path_in(path, p, key);
    write_file(path, text);
    free((void *)(uintptr_t)text.p);
    EVP_PKEY_free(rsa);
    testcert_free(&t);
}

static void what_the_engine_refuses_is_not_packed(void **state)
{
    struct place *p = *state;
    give(p, "a.example", "one");
    pack(p);
    write_weak(p, "tls/domains/a.example.crt", "tls/domains/a.example.key");
    pack(p);
    assert_string_equal(packed(p), "a.example=one");
    expect(p->says, "tls/domains/a.example.crt: the certificate cannot be used");
    expect(p->says, "use ECDSA P-256 or RSA with 2048 bits");
}

static void too_large_is_not_packed(void **state)
{
    struct place *p = *state;
    char path[256], *pem = malloc(CERT_DOMAIN_CHAIN_MAX + 1);
    static const struct testcert_spec spec = {.cn = "big", .san = "DNS:a.example"};
    struct testcert t = testcert_new(&spec, &p->ca);
    give(p, "a.example", "one");
    pack(p);
    path_in(path, p, "tls/domains/a.example.key");
    write_file(path, t.key_pem);
    path_in(path, p, "tls/domains/a.example.crt");
    memset(pem, '\n', CERT_DOMAIN_CHAIN_MAX + 1);
    memcpy(pem, t.cert_pem.p, t.cert_pem.n);
    write_file(path, slice_from(pem, CERT_DOMAIN_CHAIN_MAX + 1));
    pack(p);
    assert_string_equal(packed(p), "a.example=one");
    expect(p->says, "too large (64 and 8 KiB");
    write_file(path, slice_from(pem, CERT_DOMAIN_CHAIN_MAX));
    pack(p);
    assert_string_equal(packed(p), "a.example=big");
    free(pem);
    testcert_free(&t);
}

static void half_changed_pair_is_finished(void **state)
{
    struct place *p = *state;
    char old[256], crt[256], new[256];
    path_in(old, p, "old");
    path_in(crt, p, "tls/domains/a.example.crt");
    path_in(new, p, "tls/domains/a.example.crt.new");
    give(p, "a.example", "one");
    assert_int_equal(rename(crt, old), 0);
    give(p, "a.example", "two");
    assert_int_equal(rename(crt, new), 0);
    assert_int_equal(rename(old, crt), 0);
    pack(p);
    assert_int_equal(p->said, 0);
    assert_string_equal(packed(p), "a.example=two");
}

static void ends_are_told(void **state)
{
    struct place *p = *state;
    give(p, "a.example", "one"); /* 30 days */
    cert_domains_judge(p->data, p->now, hear, p);
    assert_int_equal(p->said, 0);
    cert_domains_judge(p->data, p->now + 17 * DAY, hear, p);
    assert_int_equal(p->said, 1);
    expect(p->says, "a.example: the certificate of the domain ends in 13 days");
    cert_domains_judge(p->data, p->now + 31 * DAY, hear, p);
    assert_int_equal(p->said, 2);
    expect(p->says, "has ended");
}

/* An imported default certificate need not be for domains that have their own. */
static void default_is_not_asked_for_what_others_bear(void **state)
{
    struct place *p = *state;
    struct cert_names names = {0};
    char path[256];
    assert_true(cert_names_add(&names, SLICE_LIT("main.example")));
    assert_true(cert_names_add(&names, SLICE_LIT("a.example")));
    assert_int_equal(cert_ensure(p->data, &names, p->now, &p->report), 0);
    order(p, "DNS:main.example", "main");
    path_in(path, p, "in.pem");
    assert_int_equal(cert_import(p->data, path, &names, false, p->now, &p->report), 0);
    assert_int_equal(p->report.warning_count, 2); /* the name, and no issuer came with it */
    assert_int_equal(cert_ensure(p->data, &names, p->now, &p->report), 0);
    assert_int_equal(p->report.warning_count, 1);
    give(p, "a.example", "one");
    assert_int_equal(cert_ensure(p->data, &names, p->now, &p->report), 0);
    assert_int_equal(p->report.warning_count, 0);
}

static void no_more_than_the_limit(void **state)
{
    struct place *p = *state;
    static struct cert_domains all;
    char name[64], from[256], to[256];
    give(p, "d00.example", "x");
    for (int i = 1; i < CERT_DOMAINS_MAX; i++) {
        for (int k = 0; k < 2; k++) {
            path_in(from, p, k ? "tls/domains/d00.example.key" : "tls/domains/d00.example.crt");
            (void)snprintf(name, sizeof(name), "tls/domains/d%02d.example.%s", i,
                           k ? "key" : "crt");
            path_in(to, p, name);
            assert_int_equal(link(from, to), 0);
        }
    }
    order(p, "DNS:z.example,DNS:d63.example", "y");
    assert_int_equal(import(p, "z.example"), CERT_REFUSED);
    expect(p->report.error, "64 domains have a certificate");
    assert_int_equal(import(p, "d63.example"), 0); /* is one of them */
    pack(p);
    assert_int_equal(p->said, 0);
    assert_int_equal(cert_domains_list(p->data, &p->report, &all), 0);
    assert_int_equal(all.n, CERT_DOMAINS_MAX);
    assert_int_equal(all.left_out, 0);

    /* One more by hand is left out, and told. */
    path_in(from, p, "tls/domains/d00.example.crt");
    path_in(to, p, "tls/domains/e.example.crt");
    assert_int_equal(link(from, to), 0);
    pack(p);
    assert_int_equal(p->said, 1);
    expect(p->says, "only 64 domains");
    assert_null(strstr(packed(p), "e.example="));
    expect(packed(p), "d63.example=y");
}

static void packs_are_bounded(void **state)
{
    (void)state;
    static char room[CERT_DOMAIN_CHAIN_MAX + 1];
    struct cert_pack k = {0};
    struct cert_domain d = {SLICE_LIT("a"), SLICE_LIT("chain"), SLICE_LIT("key")}, got;
    memset(room, 'x', sizeof(room));
    struct cert_domain big[] = {d, d, d, d};
    big[0].name = slice_from(room, CERT_DOMAIN_NAME_MAX + 1);
    big[1].chain = slice_from(room, CERT_DOMAIN_CHAIN_MAX + 1);
    big[2].key = slice_from(room, CERT_PEM_MAX + 1);
    big[3].key = SLICE_NONE;
    for (size_t i = 0; i < ARRAY_LEN(big); i++)
        assert_int_equal(cert_pack_add(&k, &big[i]), CERT_REFUSED);
    d = (struct cert_domain){slice_from(room, CERT_DOMAIN_NAME_MAX),
                             slice_from(room, CERT_DOMAIN_CHAIN_MAX),
                             slice_from(room, CERT_PEM_MAX)};
    for (size_t i = 0; i < CERT_DOMAINS_MAX; i++)
        assert_int_equal(cert_pack_add(&k, &d), 0);
    assert_int_equal(cert_pack_add(&k, &d), CERT_REFUSED);
    assert_int_equal(k.n, CERT_PACK_MAX);
    /* Cut anywhere in the first one, it holds nothing. */
    for (size_t n = 0; n < 12 + CERT_DOMAIN_NAME_MAX + CERT_DOMAIN_CHAIN_MAX + CERT_PEM_MAX;
         n += n < 300 ? 1 : 997) {
        struct slice rest = slice_from(k.p, n);
        assert_false(cert_pack_next(&rest, &got));
    }
    cert_pack_fini(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(import_show_replace_delete, setup, teardown),
        cmocka_unit_test_setup_teardown(names_must_be_covered, setup, teardown),
        cmocka_unit_test_setup_teardown(names_stay_in_the_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bad_one_leaves_the_old_and_the_others, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_engine_refuses_is_not_packed, setup, teardown),
        cmocka_unit_test_setup_teardown(too_large_is_not_packed, setup, teardown),
        cmocka_unit_test_setup_teardown(half_changed_pair_is_finished, setup, teardown),
        cmocka_unit_test_setup_teardown(ends_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(default_is_not_asked_for_what_others_bear, setup, teardown),
        cmocka_unit_test_setup_teardown(no_more_than_the_limit, setup, teardown),
        cmocka_unit_test(packs_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
