/* CPU of TLS handshakes with the export of their keys, of records, and memory of idle connections.
 * Handshakes: our side alone is timed; OpenSSL is the client, in the same thread, off the clock. */
#include <malloc.h>
#include <openssl/ssl.h>
#include <stdio.h>

#include "crypto/tls_testcert.h"
#include "transport/internal.h"

#define HANDSHAKES 1000
#define RECORDS 400000

static uint64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void must(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "bench: %s failed\n", what);
        exit(1);
    }
}

static struct crypto_tls *server_new(bool rsa)
{
    struct testcert c = testcert_new(
        &(struct testcert_spec){.cn = "bench", .san = "DNS:example.org", .rsa = rsa}, NULL);
    struct crypto_tls_cert cert = {.cert_pem = c.cert_pem, .key_pem = c.key_pem};
    struct crypto_tls_config cfg = {.certs = &cert, .cert_count = 1, .ca_pem = c.cert_pem};
    struct crypto_tls_error err;
    struct crypto_tls *t;

    must(crypto_tls_new(&cfg, &err, &t) == 0, "server context");
    testcert_free(&c);
    return t;
}

struct peer {
    SSL *ssl;
    BIO *in, *out;
};

static void peer_feed(struct peer *p, struct slice s)
{
    if (s.n)
        BIO_write(p->in, s.p, (int)s.n);
    (void)SSL_do_handshake(p->ssl);
}

/* One handshake; returns what our side took. The new session, if wanted, goes to *io_session. */
static uint64_t handshake(struct crypto_tls *t, SSL_CTX *client, SSL_SESSION **io_session,
                          struct crypto_tls_record *ret)
{
    struct peer p = {SSL_new(client), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem())};
    struct crypto_tls_hs *h = NULL;
    struct crypto_tls_info info;
    int v = CRYPTO_TLS_HS_MORE;
    uint64_t spent = 0;
    char wire[16384];
    size_t used;

    SSL_set_bio(p.ssl, p.in, p.out);
    SSL_set_connect_state(p.ssl);
    if (io_session && *io_session)
        SSL_set_session(p.ssl, *io_session);
    peer_feed(&p, SLICE_NONE);
    while (v == CRYPTO_TLS_HS_MORE) {
        int n = BIO_read(p.out, wire, sizeof(wire));
        must(n > 0, "the client's flight");
        uint64_t start = cpu_ns();
        must(h || crypto_tls_hs_accept(t, &h) == 0, "accept");
        v = crypto_tls_hs_feed(h, slice_from(wire, (size_t)n), &used);
        if (v == CRYPTO_TLS_HS_DONE)
            must(crypto_tls_hs_export(h, ret, &info) == 0, "export");
        struct slice out = crypto_tls_hs_output(h);
        spent += cpu_ns() - start;
        peer_feed(&p, out);
    }
    uint64_t start = cpu_ns();
    crypto_tls_hs_free(h);
    spent += cpu_ns() - start;
    must(v == CRYPTO_TLS_HS_DONE, "handshake");
    if (io_session) {
        (void)SSL_read(p.ssl, wire, sizeof(wire)); /* takes the ticket */
        SSL_SESSION_free(*io_session);
        *io_session = SSL_get1_session(p.ssl);
        SSL_shutdown(p.ssl);
    }
    SSL_free(p.ssl);
    return spent;
}

static void bench_handshakes(bool rsa, int version, bool resumed)
{
    struct crypto_tls *t = server_new(rsa);
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());
    struct crypto_tls_record r;
    SSL_SESSION *s = NULL;
    uint64_t spent = 0;

    SSL_CTX_set_max_proto_version(client, version);
    for (int i = 0; i < HANDSHAKES + 20; i++) {
        uint64_t ns = handshake(t, client, resumed ? &s : NULL, &r);
        spent += i >= 20 ? ns : 0;
    }
    printf("handshake %s TLS 1.%c %-8s %7.1f us\n", rsa ? "RSA-2048" : "P-256   ",
           version == TLS1_3_VERSION ? '3' : '2', resumed ? "resumed" : "full",
           (double)spent / HANDSHAKES / 1e3);
    SSL_SESSION_free(s);
    SSL_CTX_free(client);
    crypto_tls_free(t);
}

/* --- records ----------------------------------------------------------------------------------- */

static struct crypto_tls_record record_of(int version, uint8_t salt)
{
    struct crypto_tls_record r = {.version = (uint8_t)version,
                                  .cipher = version == CRYPTO_TLS_13 ? 0 : 3,
                                  .suite = CRYPTO_TLS_AES_128_GCM,
                                  .fragment = 16384};

    must(crypto_tls_record_is_sound(&r), "record");
    memset(r.tx.key, salt, 16);
    memset(r.rx.key, salt, 16);
    return r;
}

/* `conns` connections in turn: more than the cache holds shows what a key expansion costs. */
static void bench_records(int version, size_t n, uint32_t conns)
{
    struct crypto_tls_aead *a;
    struct crypto_tls_record *r = calloc(conns, sizeof(*r));
    static uint8_t data[16384], out[20000];
    struct slice got;
    uint64_t seal = 0, open = 0, start;
    size_t len, used;

    must(r && crypto_tls_aead_new(&a) == 0, "aead");
    for (uint32_t i = 0; i < conns; i++)
        r[i] = record_of(version, (uint8_t)i);
    for (int i = 0; i < RECORDS; i += 50) {
        struct crypto_tls_record *c = &r[(uint32_t)i / 50 % conns];
        static uint8_t wire[50][1600];
        size_t wire_n[50];
        start = cpu_ns();
        for (int k = 0; k < 50; k++) {
            if (conns > 1)
                c = &r[((uint32_t)i + (uint32_t)k) % conns];
            must(crypto_tls_seal(a, c, slice_from(data, n), out, &len) == 0, "seal");
            wire_n[k] = len;
            memcpy(wire[k], out, len);
        }
        seal += cpu_ns() - start;
        start = cpu_ns();
        for (int k = 0; k < 50; k++) {
            if (conns > 1)
                c = &r[((uint32_t)i + (uint32_t)k) % conns];
            must(crypto_tls_open(a, c, wire[k], wire_n[k], &used, &got) == 0, "open");
        }
        open += cpu_ns() - start;
    }
    printf(
        "record TLS 1.%c AES-128-GCM %5zu bytes, %4u connections: seal %5.0f ns, open %5.0f ns\n",
        version == CRYPTO_TLS_13 ? '3' : '2', n, conns, (double)seal / RECORDS,
        (double)open / RECORDS);
    crypto_tls_aead_free(a);
    free(r);
}

/* --- memory ------------------------------------------------------------------------------------ */

static void bench_memory(void)
{
    enum { COUNT = 1000 };
    static struct crypto_tls_record r[COUNT];
    struct crypto_tls *t = server_new(false);
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());

    (void)handshake(t, client, NULL, &r[0]);
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < COUNT; i++)
        (void)handshake(t, client, NULL, &r[i]);
    printf("memory of an idle TLS connection: slot %zu + struct conn %zu + heap left by the "
           "handshake %zd = %zu bytes\n",
           sizeof(struct conn_slot), sizeof(struct conn),
           ((ssize_t)mallinfo2().uordblks - (ssize_t)before) / COUNT,
           sizeof(struct conn_slot) + sizeof(struct conn));
    SSL_CTX_free(client);
    crypto_tls_free(t);
}

int main(void)
{
    for (int rsa = 0; rsa <= 1; rsa++) {
        for (int resumed = 0; resumed <= 1; resumed++) {
            bench_handshakes(rsa, TLS1_2_VERSION, resumed);
            bench_handshakes(rsa, TLS1_3_VERSION, resumed);
        }
    }
    for (int version = CRYPTO_TLS_12; version <= CRYPTO_TLS_13; version++) {
        bench_records(version, 500, 1);
        bench_records(version, 1400, 1);
        bench_records(version, 500, 32);
        bench_records(version, 500, 256);
    }
    bench_memory();
    return 0;
}
