/* TLS connections: two transports of ours, and OpenSSL as a client, over loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "transport/testkit.h"

#include <openssl/ssl.h>

#include "transport/limits.h"

static const struct addr *tls(const struct kit *k)
{
    return &k->addr[TRANSPORT_TLS];
}

struct client {
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
};

static struct client client_new(const struct addr *to, int version)
{
    struct client c = {.ctx = SSL_CTX_new(TLS_client_method()), .fd = kit_dial(to)};

    SSL_CTX_set_min_proto_version(c.ctx, version);
    SSL_CTX_set_max_proto_version(c.ctx, version);
    c.ssl = SSL_new(c.ctx);
    SSL_set_tlsext_host_name(c.ssl, "example.org");
    SSL_set_fd(c.ssl, c.fd);
    return c;
}

static void client_free(struct client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    close(c->fd);
}

static void client_reads(struct kit *k, struct client *c, const char *want, size_t n)
{
    char got[4096];
    size_t have = 0;
    int r;

    KIT_PUMP(k, ((r = SSL_read(c->ssl, got + have, (int)(sizeof(got) - have))) > 0 &&
                 (have += (size_t)r) >= n));
    assert_int_equal(have, n);
    assert_memory_equal(got, want, n);
}

static void run_version(int version, const char *name)
{
    struct kit *k = kit_new(NULL);
    struct client c = client_new(tls(k), version);
    struct transport_security s;

    k->answer = true;
    KIT_PUMP(k, SSL_connect(c.ssl) == 1);
    assert_int_equal(SSL_write(c.ssl, KIT_OPTIONS, sizeof(KIT_OPTIONS) - 1),
                     sizeof(KIT_OPTIONS) - 1);
    KIT_PUMP(k, k->msgs == 1);
    client_reads(k, &c, KIT_ANSWER, sizeof(KIT_ANSWER) - 1);
    assert_int_equal(k->flow.kind, TRANSPORT_TLS);
    transport_security(k->t, &k->flow, &s);
    assert_true(s.encrypted && !s.peer_verified);
    assert_string_equal(s.version, name);
    assert_string_equal(s.cipher, SSL_get_cipher(c.ssl));
    assert_true(slice_eq_str(s.sni, "example.org"));
    /* Keep-alive, split over records. */
    assert_int_equal(SSL_write(c.ssl, "\r\n\r", 3), 3);
    assert_int_equal(SSL_write(c.ssl, "\n", 1), 1);
    client_reads(k, &c, "\r\n", 2);
    /* A message in many records, two messages in one. */
    for (size_t i = 0; i < sizeof(KIT_OPTIONS) - 1; i++)
        assert_int_equal(SSL_write(c.ssl, &KIT_OPTIONS[i], 1), 1);
    KIT_PUMP(k, k->msgs == 2);
    assert_int_equal(SSL_write(c.ssl, KIT_OPTIONS KIT_OPTIONS, 2 * (sizeof(KIT_OPTIONS) - 1)),
                     2 * (sizeof(KIT_OPTIONS) - 1));
    KIT_PUMP(k, k->msgs == 4);
    /* The last message and close_notify come together: it counts. */
    SSL_write(c.ssl, KIT_OPTIONS, sizeof(KIT_OPTIONS) - 1);
    SSL_shutdown(c.ssl);
    KIT_PUMP(k, k->closed == 1);
    assert_int_equal(k->msgs, 5);
    assert_int_equal(k->holds, 1);
    assert_int_equal(k->unholds, 1);
    client_free(&c);
    kit_free(k);
}

static void test_both_versions(void **state)
{
    (void)state;
    run_version(TLS1_2_VERSION, "TLSv1.2");
    run_version(TLS1_3_VERSION, "TLSv1.3");
}

static void test_we_say_goodbye(void **state)
{
    struct kit *k = kit_new(NULL);
    struct client c = client_new(tls(k), TLS1_3_VERSION);
    char got[10];
    int r;

    (void)state;
    KIT_PUMP(k, SSL_connect(c.ssl) == 1);
    SSL_write(c.ssl, KIT_OPTIONS, sizeof(KIT_OPTIONS) - 1);
    KIT_PUMP(k, k->msgs == 1);
    transport_close(k->t, k->flow.conn, "done");
    KIT_PUMP(k, (r = SSL_read(c.ssl, got, sizeof(got))) <= 0 &&
                    SSL_get_error(c.ssl, r) == SSL_ERROR_ZERO_RETURN);
    client_free(&c);
    kit_free(k);
}

/* One kit calls the other: `to` listens, and trusts nobody in particular. */
static void test_calling_with_a_name(void **state)
{
    struct kit *k = kit_new(NULL);
    struct transport_flow f, other, wrong;
    struct transport_security s;

    (void)state;
    /* To ourselves: the client context trusts the CA that signed our certificate. */
    assert_int_equal(transport_connect(k->t, TRANSPORT_TLS, tls(k), SLICE_LIT("example.org"), &f),
                     0);
    assert_int_equal(
        transport_connect(k->t, TRANSPORT_TLS, tls(k), SLICE_LIT("EXAMPLE.org"), &other), 0);
    assert_true(f.conn == other.conn);
    assert_int_equal(transport_send(k->t, &f, SLICE_LIT(KIT_OPTIONS)), 0);
    assert_int_equal(transport_send(k->t, &f, SLICE_LIT(KIT_OPTIONS)), 0);
    KIT_PUMP(k, k->msgs == 2);
    assert_true(k->flow.conn != f.conn);
    transport_security(k->t, &f, &s);
    assert_true(s.encrypted && s.peer_verified);
    assert_true(slice_eq_str(s.peer_subject, "s"));
    assert_int_equal(transport_send(k->t, &k->flow, SLICE_LIT(KIT_ANSWER)), 0);
    KIT_PUMP(k, k->msgs == 3);
    assert_true(k->flow.conn == f.conn);

    assert_int_equal(transport_connect(k->t, TRANSPORT_TLS, tls(k), SLICE_LIT("other.org"), &wrong),
                     0);
    assert_true(f.conn != wrong.conn);
    assert_int_equal(transport_send(k->t, &wrong, SLICE_LIT(KIT_OPTIONS)), 0);
    KIT_PUMP(k, k->closed == 2); /* both of its ends are ours */
    assert_int_equal(k->msgs, 3);
    assert_true(transport_is_alive(k->t, &f));
    kit_free(k);
}

static void expect_end(struct kit *k, const char *word)
{
    KIT_PUMP(k, k->closed == 1);
    if (!strstr(k->reason, word))
        print_error("%s\n", k->reason);
    assert_non_null(strstr(k->reason, word));
    assert_int_equal(k->holds, 0);
    kit_free(k);
}

static void test_plain_text_is_named(void **state)
{
    struct kit *k = kit_new(NULL);
    int fd = kit_dial(tls(k));

    (void)state;
    KIT_PUT(fd, KIT_OPTIONS);
    expect_end(k, "plain text");
    close(fd);
}

static void test_handshake_time(void **state)
{
    struct kit *k = kit_new(NULL);
    int fd = kit_dial(tls(k));

    (void)state;
    kit_turn(k);
    loop_advance(k->loop, TRANSPORT_HANDSHAKE_MS - 1);
    assert_int_equal(k->closed, 0);
    KIT_PUT(fd, "\x16\x03\x01");
    kit_turn(k);
    loop_advance(k->loop, 1);
    expect_end(k, "took too long");
    close(fd);
}

static void test_forged_record_ends(void **state)
{
    struct kit *k = kit_new(NULL);
    struct client c = client_new(tls(k), TLS1_3_VERSION);

    (void)state;
    KIT_PUMP(k, SSL_connect(c.ssl) == 1);
    SSL_write(c.ssl, KIT_OPTIONS, sizeof(KIT_OPTIONS) - 1);
    KIT_PUMP(k, k->msgs == 1);
    KIT_PUT(c.fd, "\x17\x03\x03\x00\x20"
                  "0123456789abcdef0123456789abcdef");
    KIT_PUMP(k, k->closed == 1);
    assert_non_null(strstr(k->reason, "authentication"));
    client_free(&c);
    kit_free(k);
}

static void without_tls(struct transport_config *cfg)
{
    close(cfg->listeners[2].fd);
    cfg->listener_count = 2;
    cfg->tls = NULL;
}

static void test_without_certificates(void **state)
{
    struct kit *k = kit_new(without_tls);
    struct transport_flow f;

    (void)state;
    assert_int_equal(transport_connect(k->t, TRANSPORT_TLS, tls(k), SLICE_NONE, &f),
                     -EPROTONOSUPPORT);
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_versions),        cmocka_unit_test(test_we_say_goodbye),
        cmocka_unit_test(test_calling_with_a_name),  cmocka_unit_test(test_plain_text_is_named),
        cmocka_unit_test(test_handshake_time),       cmocka_unit_test(test_forged_record_ends),
        cmocka_unit_test(test_without_certificates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
