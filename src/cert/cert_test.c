#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <ftw.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/ssl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "cert/cert_priv.h"

enum { DAY = 86400 };

struct place {
    char data[64];
    struct cert_names domains;
    int64_t now;
    struct cert_report report;
};

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    (void)snprintf(p->data, sizeof(p->data), "/tmp/sotto-cert-XXXXXX");
    assert_non_null(mkdtemp(p->data));
    assert_true(cert_names_add(&p->domains, SLICE_LIT("example.org")));
    p->now = (int64_t)time(NULL) + 600; /* past what the openssl program makes meanwhile */
    *state = p;
    return 0;
}

static int setup_made(void **state)
{
    setup(state);
    struct place *p = *state;
    assert_int_equal(cert_ensure(p->data, &p->domains, p->now, &p->report), 0);
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    (void)nftw(p->data, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(p);
    return 0;
}

static void expect_error(const struct place *p, const char *words)
{
    if (!strstr(p->report.error, words))
        fail_msg("`%s` is not in: %s", words, p->report.error);
}

static void expect_warning(const struct place *p, const char *words)
{
    for (size_t i = 0; i < p->report.warning_count; i++)
        if (strstr(p->report.warnings[i], words))
            return;
    fail_msg("no warning says `%s`", words);
}

static struct cert_info server_info(struct place *p)
{
    struct cert_info i;
    struct cert_report unheard = {0};
    assert_int_equal(cert_info_read(p->data, CERT_SERVER, p->now, &unheard, &i), 0);
    return i;
}

/* The exit status of a program; its output goes nowhere. */
static int run(const char *fmt, ...) PRINTF_LIKE(1, 2);
static int run(const char *fmt, ...)
{
    char line[1024];
    va_list ap;
    va_start(ap, fmt);
    int n = snprintf(line, sizeof(line), "exec >/dev/null 2>&1; ");
    n += vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
    va_end(ap);
    assert_true(n > 0 && (size_t)n < sizeof(line));
    int status = system(line);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* --- own CA --- */

static void first_start_makes_what_openssl_accepts(void **state)
{
    struct place *p = *state;
    struct stat st;
    char path[128];
    assert_int_equal(cert_ensure(p->data, &p->domains, p->now, &p->report), 0);
    assert_true(p->report.made_ca);
    assert_true(p->report.made_server);
    assert_int_equal(p->report.warning_count, 0);
    (void)snprintf(path, sizeof(path), "%s/tls/ca.key", p->data);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    (void)snprintf(path, sizeof(path), "%s/tls/server.key", p->data);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(run("openssl verify -x509_strict -purpose sslserver -verify_hostname "
                         "example.org -CAfile %s/tls/ca.crt %s/tls/server.crt",
                         p->data, p->data),
                     0);
    assert_int_equal(run("openssl verify -purpose sslclient -verify_ip 127.0.0.1 "
                         "-CAfile %s/tls/ca.crt %s/tls/server.crt",
                         p->data, p->data),
                     0);
    assert_int_not_equal(run("openssl verify -verify_hostname example.net -CAfile %s/tls/ca.crt "
                             "%s/tls/server.crt",
                             p->data, p->data),
                         0);
    struct cert_info i = server_info(p);
    assert_string_equal(i.subject, "CN=example.org");
    assert_string_equal(i.key_type, "ECDSA P-256");
    assert_int_equal(i.source, CERT_SOURCE_OWN_CA);
    assert_true(i.days_left >= 396 && i.days_left <= CERT_SERVER_DAYS);
    assert_string_equal(i.sans.name[1], "localhost");

    /* A second start changes nothing. */
    assert_int_equal(cert_ensure(p->data, &p->domains, p->now, &p->report), 0);
    assert_false(p->report.made_ca);
    assert_false(p->report.made_server);
    assert_string_equal(server_info(p).fingerprint, i.fingerprint);
}

static void server_is_renewed_in_its_last_third(void **state)
{
    struct place *p = *state;
    struct cert_info first = server_info(p);
    p->now += (int64_t)(CERT_SERVER_DAYS * 2 / 3 - 2) * DAY;
    assert_int_equal(cert_ensure(p->data, &p->domains, p->now, &p->report), 0);
    assert_false(p->report.made_server);
    p->now += (int64_t)4 * DAY;
    assert_int_equal(cert_ensure(p->data, &p->domains, p->now, &p->report), 0);
    assert_true(p->report.made_server);
    assert_false(p->report.made_ca);
    assert_string_not_equal(server_info(p).fingerprint, first.fingerprint);
    assert_true(server_info(p).days_left > 390);
}

static void new_domain_renews(void **state)
{
    struct place *p = *state;
    assert_true(cert_names_add(&p->domains, SLICE_LIT("Second.Example")));
    assert_int_equal(cert_ensure(p->data, &p->domains, p->now, &p->report), 0);
    assert_true(p->report.made_server);
    assert_string_equal(server_info(p).sans.name[1], "second.example");
}

static void ca_end_is_warned_of(void **state)
{
    struct place *p = *state;
    p->now += (int64_t)(CERT_CA_DAYS - 100) * DAY;
    assert_int_equal(cert_ensure(p->data, &p->domains, p->now, &p->report), 0);
    expect_warning(p, "every phone needs a new ca.crt");
}

static void lost_pieces_are_told(void **state)
{
    struct place *p = *state;
    assert_int_equal(run("mv %s/tls/ca.key %s/ca.key", p->data, p->data), 0);
    assert_int_equal(cert_ensure(p->data, &p->domains, p->now, &p->report), 0); /* not needed now */
    assert_int_equal(cert_renew(p->data, &p->domains, false, p->now, &p->report), CERT_REFUSED);
    expect_error(p, "ca.key is not there");
    assert_int_equal(run("mv %s/ca.key %s/tls/ca.key; rm %s/tls/ca.crt", p->data, p->data, p->data),
                     0);
    assert_int_equal(cert_ensure(p->data, &p->domains, p->now, &p->report), CERT_REFUSED);
    expect_error(p, "ca.crt is missing");
}

static void half_changed_pair_is_finished(void **state)
{
    struct place *p = *state;
    struct cert_info first = server_info(p);
    /* As a crash between the two renames leaves it: new key, old certificate, new one beside. */
    assert_int_equal(run("cd %s/tls && cp server.crt old.crt", p->data), 0);
    assert_int_equal(cert_renew(p->data, &p->domains, false, p->now, &p->report), 0);
    struct cert_info second = server_info(p);
    assert_string_not_equal(first.fingerprint, second.fingerprint);
    assert_int_equal(
        run("cd %s/tls && mv server.crt server.crt.new && mv old.crt server.crt", p->data), 0);
    assert_int_equal(cert_ensure(p->data, &p->domains, p->now, &p->report), 0);
    assert_string_equal(server_info(p).fingerprint, second.fingerprint);
}

static void names_are_bounded_and_checked(void **state)
{
    struct cert_names n = {0};
    char name[300];
    (void)state;
    static const char *const bad[] = {"", ".", "a..b", "-a.b", "a b", "a/b", "*.", "a.b.", "a\nb"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(cert_names_add(&n, slice_from_str(bad[i])));
    memset(name, 'a', sizeof(name));
    assert_true(cert_names_add(&n, slice_from(name, 63)));
    assert_false(cert_names_add(&n, slice_from(name, 64)));
    assert_true(cert_names_add(&n, SLICE_LIT("2001:DB8::1")));
    assert_true(cert_names_add(&n, SLICE_LIT("[2001:db8:0::1]")));
    assert_int_equal(n.n, 2);
    for (size_t i = n.n; i < CERT_NAMES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "h%zu.example", i);
        assert_true(cert_names_add(&n, slice_from_str(name)));
    }
    assert_false(cert_names_add(&n, SLICE_LIT("one.more")));
    assert_true(cert_names_add(&n, SLICE_LIT("h2.example"))); /* is there */
}

/* --- in a handshake --- */

static SSL_CTX *tls_ctx(const SSL_METHOD *method, const char *data, const char *crt,
                        const char *key)
{
    char path[160];
    SSL_CTX *c = SSL_CTX_new(method);
    (void)snprintf(path, sizeof(path), "%s/tls/ca.crt", data);
    assert_int_equal(SSL_CTX_load_verify_locations(c, path, NULL), 1);
    (void)snprintf(path, sizeof(path), "%s/%s", data, crt);
    assert_int_equal(SSL_CTX_use_certificate_chain_file(c, path), 1);
    (void)snprintf(path, sizeof(path), "%s/%s", data, key);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(c, path, SSL_FILETYPE_PEM), 1);
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return c;
}

static bool shake(SSL_CTX *server, SSL_CTX *client, const char *host)
{
    BIO *a, *b;
    SSL *s = SSL_new(server), *c = SSL_new(client);
    assert_int_equal(BIO_new_bio_pair(&a, 1 << 16, &b, 1 << 16), 1);
    SSL_set_bio(s, a, a);
    SSL_set_bio(c, b, b);
    assert_int_equal(SSL_set1_host(c, host), 1);
    SSL_set_accept_state(s);
    SSL_set_connect_state(c);
    for (int i = 0; i < 10; i++) {
        (void)SSL_do_handshake(c);
        (void)SSL_do_handshake(s);
    }
    bool ok = SSL_is_init_finished(s) && SSL_is_init_finished(c);
    SSL_free(s);
    SSL_free(c);
    ERR_clear_error();
    return ok;
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void phone_and_server_verify_each_other(void **state)
{
    struct place *p = *state;
    char path[128];
    static struct cert_client made;
    assert_int_equal(
        cert_client_make(p->data, "1000@example.org", false, NULL, p->now, &p->report, &made), 0);
    assert_int_equal(made.p12_n, 0);
    (void)snprintf(path, sizeof(path), "%s/c.crt", p->data);
    write_text(path, made.cert);
    (void)snprintf(path, sizeof(path), "%s/c.key", p->data);
    write_text(path, made.key);
    SSL_CTX *server = tls_ctx(TLS_server_method(), p->data, "tls/server.crt", "tls/server.key");
    SSL_CTX *client = tls_ctx(TLS_client_method(), p->data, "c.crt", "c.key");
    assert_true(shake(server, client, "example.org"));
    assert_true(shake(server, client, "localhost"));
    assert_false(shake(server, client, "example.net"));
    /* A phone's certificate is none for a server. */
    assert_false(shake(client, client, "example.org"));
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    assert_int_equal(run("openssl x509 -in %s/c.crt -noout -ext subjectAltName | grep -q "
                         "'URI:sip:1000@example.org'",
                         p->data),
                     0);
    cert_client_fini(&made);
}

static struct cert_info mikey_info(struct place *p)
{
    struct cert_info i;
    struct cert_report unheard = {0};
    assert_int_equal(cert_info_read(p->data, CERT_MIKEY, p->now, &unheard, &i), 0);
    return i;
}

static void mikeys_certificate_is_kept_like_the_servers(void **state)
{
    struct place *p = *state;
    assert_true(p->report.made_mikey);
    struct cert_info i = mikey_info(p), before = i;
    assert_string_equal(i.key_type, "RSA 2048");
    assert_int_equal(i.source, CERT_SOURCE_OWN_CA);
    /* its key is another role's: nobody takes it for the server's in TLS */
    SSL_CTX *server = tls_ctx(TLS_server_method(), p->data, "tls/mikey.crt", "tls/mikey.key");
    SSL_CTX *client = tls_ctx(TLS_client_method(), p->data, "tls/server.crt", "tls/server.key");
    assert_false(shake(server, client, "example.org"));
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    assert_int_equal(cert_ensure(p->data, &p->domains, p->now, &p->report), 0);
    assert_false(p->report.made_mikey);
    assert_true(cert_names_add(&p->domains, SLICE_LIT("example.net")));
    assert_int_equal(cert_ensure(p->data, &p->domains, p->now, &p->report), 0);
    assert_true(p->report.made_mikey);
    i = mikey_info(p);
    assert_string_not_equal(i.serial, before.serial);
    p->now += (int64_t)CERT_SERVER_DAYS * 86400 * 3 / 4;
    assert_int_equal(cert_ensure(p->data, &p->domains, p->now, &p->report), 0);
    assert_true(p->report.made_mikey);
}

/* MIKEY has other ways: a server whose CA's key is kept elsewhere starts all the same. */
static void without_the_cas_key_there_is_no_mikey_certificate(void **state)
{
    struct place *p = *state;
    struct cert_info i;
    assert_int_equal(run("rm %s/tls/ca.key %s/tls/mikey.*", p->data, p->data), 0);
    assert_int_equal(cert_ensure(p->data, &p->domains, p->now, &p->report), 0);
    assert_false(p->report.made_mikey);
    assert_int_equal(cert_info_read(p->data, CERT_MIKEY, p->now, &p->report, &i), -ENOENT);
}

static void a_client_may_have_rsa(void **state)
{
    struct place *p = *state;
    char path[128];
    static struct cert_client made;
    assert_int_equal(
        cert_client_make(p->data, "1000@example.org", true, NULL, p->now, &p->report, &made), 0);
    (void)snprintf(path, sizeof(path), "%s/c.crt", p->data);
    write_text(path, made.cert);
    (void)snprintf(path, sizeof(path), "%s/c.key", p->data);
    write_text(path, made.key);
    assert_int_equal(run("openssl rsa -in %s/c.key -noout -check", p->data), 0);
    SSL_CTX *server = tls_ctx(TLS_server_method(), p->data, "tls/server.crt", "tls/server.key");
    SSL_CTX *client = tls_ctx(TLS_client_method(), p->data, "c.crt", "c.key");
    assert_true(shake(server, client, "example.org"));
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    cert_client_fini(&made);
}

static void p12_holds_no_key_of_the_ca(void **state)
{
    struct place *p = *state;
    static struct cert_client made;
    EVP_PKEY *key = NULL;
    X509 *x = NULL;
    STACK_OF(X509) *chain = NULL;
    assert_int_equal(cert_client_make(p->data, "1000@example.org", false, "pass-word", p->now,
                                      &p->report, &made),
                     0);
    const uint8_t *at = made.p12;
    PKCS12 *p12 = d2i_PKCS12(NULL, &at, (long)made.p12_n);
    assert_non_null(p12);
    assert_int_equal(PKCS12_verify_mac(p12, "wrong", -1), 0);
    assert_int_equal(PKCS12_parse(p12, "pass-word", &key, &x, &chain), 1);
    assert_int_equal(EVP_PKEY_eq(key, X509_get0_pubkey(x)), 1);
    assert_int_equal(sk_X509_num(chain), 1);
    assert_true(cert_x509_is_issued_by(x, sk_X509_value(chain, 0)));
    /* One key bag in all of it, and that is the client's. */
    int keys = 0;
    STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(p12);
    for (int i = 0; i < sk_PKCS7_num(safes); i++) {
        PKCS7 *safe = sk_PKCS7_value(safes, i);
        STACK_OF(PKCS12_SAFEBAG) *bags = PKCS7_type_is_data(safe)
                                             ? PKCS12_unpack_p7data(safe)
                                             : PKCS12_unpack_p7encdata(safe, "pass-word", -1);
        for (int k = 0; k < sk_PKCS12_SAFEBAG_num(bags); k++) {
            int nid = PKCS12_SAFEBAG_get_nid(sk_PKCS12_SAFEBAG_value(bags, k));
            keys += nid == NID_keyBag || nid == NID_pkcs8ShroudedKeyBag;
        }
        sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    }
    assert_int_equal(keys, 1);
    sk_PKCS7_pop_free(safes, PKCS7_free);
    sk_X509_pop_free(chain, X509_free);
    X509_free(x);
    EVP_PKEY_free(key);
    PKCS12_free(p12);
    cert_client_fini(&made);
}

/* --- import --- */

/* In DATA/ext: a root, an intermediate, a leaf for example.org, made by the openssl program. */
static int setup_foreign(void **state)
{
    setup_made(state);
    struct place *p = *state;
    assert_int_equal(
        run("mkdir %s/ext %s/in && cd %s/ext && "
            "R='openssl req -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256' && "
            "$R -x509 -keyout root.key -out root.pem -days 900 -subj /CN=Root && "
            "$R -keyout mid.key -out mid.csr -subj /CN=Mid && "
            "printf 'basicConstraints=critical,CA:TRUE\\n' >ca.ext && "
            "openssl x509 -req -in mid.csr -CA root.pem -CAkey root.key -extfile ca.ext -days 900 "
            "-out chain.pem",
            p->data, p->data, p->data),
        0);
    assert_int_equal(
        run("cd %s/ext && "
            "openssl req -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout privkey.pem "
            "-out leaf.csr -subj /CN=leaf && "
            "printf 'subjectAltName=DNS:example.org\\n' >leaf.ext && "
            "openssl x509 -req -in leaf.csr -CA chain.pem -CAkey mid.key -extfile leaf.ext "
            "-days 90 -out cert.pem && cat cert.pem chain.pem >fullchain.pem",
            p->data),
        0);
    return 0;
}

static int import(struct place *p, const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", p->data, name);
    return cert_import(p->data, path, &p->domains, false, p->now, &p->report);
}

static void expect_imported(struct place *p)
{
    struct cert_info i = server_info(p);
    assert_string_equal(i.subject, "CN=leaf");
    assert_int_equal(i.source, CERT_SOURCE_IMPORTED);
    assert_int_equal(i.chain, 1);
    assert_int_equal(run("openssl verify -CAfile %s/ext/root.pem -untrusted %s/tls/server.crt "
                         "%s/tls/server.crt",
                         p->data, p->data, p->data),
                     0);
    SSL_CTX *c = SSL_CTX_new(TLS_server_method());
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/tls/server.crt", p->data);
    assert_int_equal(SSL_CTX_use_certificate_chain_file(c, path), 1);
    (void)snprintf(path, sizeof(path), "%s/tls/server.key", p->data);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(c, path, SSL_FILETYPE_PEM), 1);
    SSL_CTX_free(c);
}

static void letsencrypt_folder_is_taken(void **state)
{
    struct place *p = *state;
    assert_int_equal(run("cd %s && cp ext/privkey.pem ext/fullchain.pem ext/cert.pem ext/chain.pem "
                         "in/ && echo stray >in/notes.pem",
                         p->data),
                     0);
    assert_int_equal(import(p, "in"), 0);
    assert_int_equal(p->report.warning_count, 0);
    expect_imported(p);
    /* It stays in force over starts, is not renewed by us, and is warned of in time. */
    assert_int_equal(cert_ensure(p->data, &p->domains, p->now, &p->report), 0);
    assert_int_equal(p->report.warning_count, 0);
    assert_int_equal(cert_renew(p->data, &p->domains, false, p->now, &p->report), CERT_REFUSED);
    expect_error(p, "--force");
    p->now += (int64_t)80 * DAY;
    assert_int_equal(cert_ensure(p->data, &p->domains, p->now, &p->report), 0);
    expect_warning(p, "imported certificate ends in");
    expect_imported(p);
    assert_int_equal(cert_renew(p->data, &p->domains, true, p->now, &p->report), 0);
    assert_int_equal(server_info(p).source, CERT_SOURCE_OWN_CA);
}

static void any_layout_is_taken(void **state)
{
    struct place *p = *state;
    static const char *const layouts[] = {
        "cat privkey.pem cert.pem chain.pem",
        "cat chain.pem root.pem cert.pem privkey.pem",
        "cat root.pem chain.pem chain.pem privkey.pem cert.pem cert.pem",
        "cat fullchain.pem privkey.pem | sed 's/$/\\r/'",
        ("(echo 'Bag Attributes'; openssl ec -in privkey.pem; openssl x509 -text -in cert.pem; cat "
         "chain.pem mid.csr)"),
        "(printf '\\357\\273\\277'; cat fullchain.pem privkey.pem)",
        "cat mid.key privkey.pem cert.pem chain.pem",
    };
    for (size_t i = 0; i < ARRAY_LEN(layouts); i++) {
        assert_int_equal(cert_renew(p->data, &p->domains, true, p->now, &p->report), 0);
        assert_int_equal(run("cd %s/ext && (%s) >../one.txt", p->data, layouts[i]), 0);
        int r = import(p, "one.txt");
        /* The last holds the intermediate's key too: the certificate that lasts longer is its
         * own, and that is not for this server. */
        if (i + 1 == ARRAY_LEN(layouts)) {
            assert_int_equal(r, CERT_REFUSED);
            continue;
        }
        if (r)
            fail_msg("layout %zu: %s", i, p->report.error);
        expect_imported(p);
    }
    /* Spread over files of any name. */
    assert_int_equal(run("cd %s && cp ext/privkey.pem in/a.key && cp ext/cert.pem in/b.crt && cp "
                         "ext/chain.pem in/c.cer",
                         p->data),
                     0);
    assert_int_equal(import(p, "in"), 0);
    expect_imported(p);
}

struct refusal {
    const char *make, *words;
};

static void bad_files_leave_the_old_in_force(void **state)
{
    struct place *p = *state;
    static const struct refusal cases[] = {
        {"cat fullchain.pem", "no private key"},
        {"cat privkey.pem", "no certificate"},
        {"echo hello", "neither key nor certificate"},
        {"true", "neither key nor certificate"},
        {"cat cert.pem root.key", "belongs to none"},
        {"cat cert.pem; openssl ec -in privkey.pem -aes128 -passout pass:x", "has a passphrase"},
        {"cat cert.pem; openssl pkcs8 -topk8 -in privkey.pem -passout pass:x", "has a passphrase"},
        {"openssl x509 -in cert.pem -outform der", "binary"},
        {"cat privkey.pem; head -4 cert.pem", "line 6: the block BEGIN CERTIFICATE has no END"},
        {"cat privkey.pem; sed 's/^[A-Za-z]..../AAAAA/' cert.pem",
         "line 6: the certificate cannot"},
        {"sed 's/^[A-Za-z]..../AAAAA/' privkey.pem; cat cert.pem",
         "line 1: the private key cannot"},
        {"openssl req -x509 -nodes -newkey rsa:1024 -keyout k -out c -days 9 -subj /CN=a -addext "
         "subjectAltName=DNS:example.org; cat k c",
         "RSA with 1024 bits"},
        {"openssl req -x509 -nodes -newkey rsa:2048 -keyout k -out c -days 9 -subj /CN=a -addext "
         "subjectAltName=DNS:example.net; cat k c",
         "is for example.net, none of this server's domains (example.org)"},
        {"openssl req -x509 -nodes -newkey rsa:2048 -keyout k -out c -days 9 -subj /CN=a -addext "
         "subjectAltName=DNS:example.org -addext extendedKeyUsage=clientAuth; cat k c",
         "lacks serverAuth"},
        {"head -c 300000 /dev/zero", "longer than 256 KiB"},
        {"for i in $(seq 65); do cat cert.pem; done", "more than 64"},
    };
    struct cert_info before = server_info(p);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        (void)run("cd %s/ext && (%s) >../one.txt", p->data, cases[i].make);
        assert_int_equal(import(p, "one.txt"), CERT_REFUSED);
        expect_error(p, cases[i].words);
        assert_string_equal(server_info(p).fingerprint, before.fingerprint);
    }
    assert_int_equal(import(p, "nowhere"), CERT_REFUSED);
    expect_error(p, "nowhere");
    assert_int_equal(import(p, "in"), CERT_REFUSED);
    expect_error(p, "fullchain.pem and privkey.pem");
}

static void dates_are_checked(void **state)
{
    struct place *p = *state;
    assert_int_equal(run("cd %s/ext && cat fullchain.pem privkey.pem >../one.txt", p->data), 0);
    p->now += (int64_t)91 * DAY;
    assert_int_equal(import(p, "one.txt"), CERT_REFUSED);
    expect_error(p, "ended on");
    p->now -= (int64_t)100 * DAY;
    assert_int_equal(import(p, "one.txt"), CERT_REFUSED);
    expect_error(p, "clock");
}

static void doubts_are_warnings(void **state)
{
    struct place *p = *state;
    char path[128];
    assert_true(cert_names_add(&p->domains, SLICE_LIT("second.example")));
    assert_int_equal(run("cd %s/ext && cat cert.pem privkey.pem >../one.txt", p->data), 0);
    assert_int_equal(import(p, "one.txt"), 0);
    expect_warning(p, "no certificate of the issuer");
    expect_warning(p, "is not for second.example");

    assert_int_equal(run("cd %s/ext && openssl req -x509 -nodes -newkey rsa:2048 -keyout k -out c "
                         "-days 9 -subj /CN=a && cat k c >../one.txt",
                         p->data),
                     0);
    assert_int_equal(import(p, "one.txt"), CERT_REFUSED);
    (void)snprintf(path, sizeof(path), "%s/one.txt", p->data);
    assert_int_equal(cert_import(p->data, path, &p->domains, true, p->now, &p->report), 0);
    expect_warning(p, "signed by itself");
}

static void too_many_files_are_refused(void **state)
{
    struct place *p = *state;
    assert_int_equal(run("cd %s/in && for i in $(seq %d); do cp ../ext/root.pem $i.pem; done; "
                         "cat ../ext/fullchain.pem ../ext/privkey.pem >1.pem",
                         p->data, CERT_FILES_MAX),
                     0);
    assert_int_equal(import(p, "in"), 0);
    assert_int_equal(run("cp %s/ext/root.pem %s/in/more.pem", p->data, p->data), 0);
    assert_int_equal(import(p, "in"), CERT_REFUSED);
    expect_error(p, "more than 32");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(first_start_makes_what_openssl_accepts, setup, teardown),
        cmocka_unit_test_setup_teardown(server_is_renewed_in_its_last_third, setup_made, teardown),
        cmocka_unit_test_setup_teardown(new_domain_renews, setup_made, teardown),
        cmocka_unit_test_setup_teardown(ca_end_is_warned_of, setup_made, teardown),
        cmocka_unit_test_setup_teardown(lost_pieces_are_told, setup_made, teardown),
        cmocka_unit_test_setup_teardown(half_changed_pair_is_finished, setup_made, teardown),
        cmocka_unit_test(names_are_bounded_and_checked),
        cmocka_unit_test_setup_teardown(phone_and_server_verify_each_other, setup_made, teardown),
        cmocka_unit_test_setup_teardown(mikeys_certificate_is_kept_like_the_servers, setup_made,
                                        teardown),
        cmocka_unit_test_setup_teardown(without_the_cas_key_there_is_no_mikey_certificate,
                                        setup_made, teardown),
        cmocka_unit_test_setup_teardown(a_client_may_have_rsa, setup_made, teardown),
        cmocka_unit_test_setup_teardown(p12_holds_no_key_of_the_ca, setup_made, teardown),
        cmocka_unit_test_setup_teardown(letsencrypt_folder_is_taken, setup_foreign, teardown),
        cmocka_unit_test_setup_teardown(any_layout_is_taken, setup_foreign, teardown),
        cmocka_unit_test_setup_teardown(bad_files_leave_the_old_in_force, setup_foreign, teardown),
        cmocka_unit_test_setup_teardown(dates_are_checked, setup_foreign, teardown),
        cmocka_unit_test_setup_teardown(doubts_are_warnings, setup_foreign, teardown),
        cmocka_unit_test_setup_teardown(too_many_files_are_refused, setup_foreign, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
