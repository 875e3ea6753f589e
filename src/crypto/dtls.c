/* A handshake. OpenSSL reads one datagram at a time through a BIO of ours, so that records never
 * run together, and writes one at a time.
 *
 * Its retransmission timer is OpenSSL's, started with our durations: whoever owns the session asks
 * when it is due (crypto_dtls_session_due) and sets a timer of its own. */
#include "crypto/dtls_internal.h"

#include <openssl/err.h>
#include <sys/time.h>

#define LABEL "EXTRACTOR-dtls_srtp"

struct crypto_dtls_session {
    SSL *ssl;
    BIO_METHOD *method; /* of its own: it has to live as long as the session */
    struct crypto_dtls_config cfg;
    struct slice in; /* the datagram under way; empty: none */
    bool done, failed;
    const char *why;
};

static const struct {
    enum srtp_suite suite;
    const char *name; /* OpenSSL's */
} profiles[CRYPTO_DTLS_PROFILES] = {
    {SRTP_AEAD_AES_128_GCM, "SRTP_AEAD_AES_128_GCM"},
    {SRTP_AEAD_AES_256_GCM, "SRTP_AEAD_AES_256_GCM"},
    {SRTP_AES_CM_128_HMAC_SHA1_80, "SRTP_AES128_CM_SHA1_80"},
    {SRTP_AES_CM_128_HMAC_SHA1_32, "SRTP_AES128_CM_SHA1_32"},
};

static const char *profile_of(enum srtp_suite s)
{
    for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
        if (profiles[i].suite == s)
            return profiles[i].name;
    }
    return NULL;
}

static enum srtp_suite suite_of(const char *profile)
{
    for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
        if (strcmp(profiles[i].name, profile) == 0)
            return profiles[i].suite;
    }
    return SRTP_SUITE_NONE;
}

bool crypto_dtls_has_profile(enum srtp_suite s)
{
    return profile_of(s) != NULL;
}

/* --- memory instead of a socket ---------------------------------------------------------------- */

static int bio_read(BIO *b, char *dst, size_t n, size_t *ret_n)
{
    struct crypto_dtls_session *s = BIO_get_data(b);
    size_t take = n < s->in.n ? n : s->in.n;

    BIO_clear_retry_flags(b);
    if (take == 0) {
        BIO_set_retry_read(b);
        return 0;
    }
    memcpy(dst, s->in.p, take);
    s->in = SLICE_NONE; /* a datagram is read at once or its rest is lost */
    *ret_n = take;
    return 1;
}

static int bio_write(BIO *b, const char *p, size_t n, size_t *ret_n)
{
    struct crypto_dtls_session *s = BIO_get_data(b);

    BIO_clear_retry_flags(b);
    s->cfg.send(s->cfg.arg, p, n);
    *ret_n = n;
    return 1;
}

static long bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
    (void)b;
    (void)num;
    (void)ptr;
    return cmd == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "datagram");

    if (m) {
        (void)BIO_meth_set_read_ex(m, bio_read);
        (void)BIO_meth_set_write_ex(m, bio_write);
        (void)BIO_meth_set_ctrl(m, bio_ctrl);
    }
    return m;
}

/* --- life -------------------------------------------------------------------------------------- */

/* Microseconds of the first wait, and of the next after one that was in vain. */
static unsigned on_timer(SSL *ssl, unsigned before)
{
    (void)ssl;
    if (before == 0)
        return CRYPTO_DTLS_FIRST_MS * 1000;
    return before >= CRYPTO_DTLS_SLOWEST_MS * 500 ? CRYPTO_DTLS_SLOWEST_MS * 1000 : before * 2;
}

static bool set_profiles(SSL *ssl, const struct crypto_dtls_config *cfg)
{
    char list[CRYPTO_DTLS_PROFILES * 32];
    struct buf b = buf_over(list, sizeof(list) - 1);

    for (size_t i = 0; i < cfg->suite_count && i < CRYPTO_DTLS_PROFILES; i++) {
        const char *name = profile_of((enum srtp_suite)cfg->suites[i]);
        if (!name)
            continue;
        if (b.n)
            buf_put_char(&b, ':');
        buf_put_str(&b, name);
    }
    list[b.n] = '\0';
    return b.n > 0 && SSL_set_tlsext_use_srtp(ssl, list) == 0; /* 0 is success here */
}

static bool set_up(struct crypto_dtls_session *s, struct crypto_dtls *d)
{
    s->method = bio_method();
    BIO *b = s->method ? BIO_new(s->method) : NULL;
    s->ssl = SSL_new(d->ctx);
    if (!b || !s->ssl) {
        BIO_free(b);
        return false;
    }
    BIO_set_data(b, s);
    BIO_set_init(b, 1);
    SSL_set_bio(s->ssl, b, b);
    DTLS_set_timer_cb(s->ssl, on_timer);
    if (s->cfg.is_client)
        SSL_set_connect_state(s->ssl);
    else
        SSL_set_accept_state(s->ssl);
    return SSL_set_mtu(s->ssl, CRYPTO_DTLS_MTU) == CRYPTO_DTLS_MTU;
}

int crypto_dtls_session_new(struct crypto_dtls *d, const struct crypto_dtls_config *cfg,
                            struct crypto_dtls_session **ret)
{
    struct crypto_dtls_session *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->cfg = *cfg;
    s->why = "the DTLS handshake has not begun";
    int r = set_up(s, d) ? 0 : -ENOMEM;
    if (r == 0 && !set_profiles(s->ssl, cfg))
        r = -EINVAL;
    ERR_clear_error();
    if (r < 0)
        crypto_dtls_session_free(s);
    else
        *ret = s;
    return r;
}

struct crypto_dtls_session *crypto_dtls_session_free(struct crypto_dtls_session *s)
{
    if (s) {
        SSL_free(s->ssl);
        BIO_meth_free(s->method);
        free(s);
    }
    return NULL;
}

/* --- the handshake ----------------------------------------------------------------------------- */

static const struct {
    int reason;
    const char *why;
} reasons[] = {
    {SSL_R_NO_SHARED_CIPHER, "the peer's DTLS has no cipher that is allowed here"},
    {SSL_R_UNSUPPORTED_PROTOCOL, "the peer's DTLS is older than 1.2"},
    {SSL_R_WRONG_VERSION_NUMBER, "the peer's DTLS is older than 1.2"},
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "the peer showed no DTLS certificate"},
    {SSL_R_READ_TIMEOUT_EXPIRED, "the peer does not answer in the DTLS handshake"},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, "the peer refused the DTLS handshake"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "the peer does not speak DTLS 1.2"},
};

static int fail(struct crypto_dtls_session *s, const char *why)
{
    s->failed = true;
    s->why = why;
    return CRYPTO_DTLS_FAILED;
}

static int fail_by_library(struct crypto_dtls_session *s)
{
    int reason = ERR_GET_REASON(ERR_peek_error());

    ERR_clear_error();
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (reasons[i].reason == reason)
            return fail(s, reasons[i].why);
    }
    return fail(s, "the DTLS handshake failed");
}

/* After the handshake: a Finished that comes again is answered, alerts and data are read and
 * forgotten. Nothing of it is worth ending a call for. */
static int drain(struct crypto_dtls_session *s)
{
    char sink[256];

    while (SSL_read(s->ssl, sink, sizeof(sink)) > 0)
        ;
    ERR_clear_error();
    return CRYPTO_DTLS_DONE;
}

static int go_on(struct crypto_dtls_session *s)
{
    if (s->failed)
        return CRYPTO_DTLS_FAILED;
    if (s->done)
        return drain(s);
    ERR_clear_error();
    int r = SSL_do_handshake(s->ssl);
    if (r == 1) {
        s->done = true;
        return SSL_get_selected_srtp_profile(s->ssl)
                   ? drain(s)
                   : fail(s, "the peer's DTLS agrees on no SRTP profile");
    }
    int e = SSL_get_error(s->ssl, r);
    if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE)
        return CRYPTO_DTLS_MORE;
    return fail_by_library(s);
}

int crypto_dtls_session_start(struct crypto_dtls_session *s)
{
    return go_on(s);
}

/* With the cookie exchange behind us, the message numbers do not start at 0: only DTLSv1_listen
 * tells the library so. */
int crypto_dtls_session_accept(struct crypto_dtls_session *s, struct slice hello)
{
    BIO_ADDR *nobody = BIO_ADDR_new();

    if (!nobody)
        return fail(s, "no memory");
    ERR_clear_error();
    s->in = hello;
    int r = DTLSv1_listen(s->ssl, nobody);
    s->in = SLICE_NONE;
    BIO_ADDR_free(nobody);
    return r == 1 ? go_on(s) : fail_by_library(s);
}

int crypto_dtls_session_feed(struct crypto_dtls_session *s, struct slice datagram)
{
    s->in = datagram;
    int r = go_on(s);
    s->in = SLICE_NONE;
    return r;
}

bool crypto_dtls_session_due(struct crypto_dtls_session *s, uint64_t *ret_ms)
{
    struct timeval t;

    if (s->done || s->failed || DTLSv1_get_timeout(s->ssl, &t) != 1)
        return false;
    *ret_ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_usec / 1000 + 1;
    return true;
}

int crypto_dtls_session_expired(struct crypto_dtls_session *s)
{
    if (s->done || s->failed)
        return s->failed ? CRYPTO_DTLS_FAILED : CRYPTO_DTLS_DONE;
    ERR_clear_error();
    return DTLSv1_handle_timeout(s->ssl) < 0 ? fail_by_library(s) : CRYPTO_DTLS_MORE;
}

const char *crypto_dtls_session_why(const struct crypto_dtls_session *s)
{
    return s->why;
}

void crypto_dtls_session_close(struct crypto_dtls_session *s)
{
    if (s->done)
        (void)SSL_shutdown(s->ssl); /* a courtesy */
    ERR_clear_error();
}

/* --- what it yields ---------------------------------------------------------------------------- */

size_t crypto_dtls_session_peer(const struct crypto_dtls_session *s, enum crypto_dtls_hash h,
                                uint8_t ret[CRYPTO_DTLS_DIGEST_MAX])
{
    X509 *x = SSL_get0_peer_certificate(s->ssl);
    unsigned n = CRYPTO_DTLS_DIGEST_MAX;

    return x && X509_digest(x, dtls_md(h), ret, &n) ? n : 0;
}

/* Client's key, server's key, client's salt, server's salt (RFC 5764 s.4.2). */
static void split(const uint8_t *all, enum srtp_suite suite, bool of_server, struct srtp_keys *ret)
{
    const struct srtp_suite_info *i = srtp_suite_info(suite);
    const uint8_t *salts = all + 2 * i->key_len;

    ret->suite = suite;
    ret->master.n = (size_t)i->key_len + i->salt_len;
    memcpy(ret->master.b, all + (of_server ? i->key_len : 0), i->key_len);
    memcpy(ret->master.b + i->key_len, salts + (of_server ? i->salt_len : 0), i->salt_len);
}

int crypto_dtls_session_keys(const struct crypto_dtls_session *s, struct srtp_keys *ret_tx,
                             struct srtp_keys *ret_rx)
{
    uint8_t all[2 * SRTP_MASTER_MAX];
    const SRTP_PROTECTION_PROFILE *p = s->done ? SSL_get_selected_srtp_profile(s->ssl) : NULL;
    enum srtp_suite suite = p ? suite_of(p->name) : SRTP_SUITE_NONE;

    if (suite == SRTP_SUITE_NONE)
        return -EPROTO;
    const struct srtp_suite_info *i = srtp_suite_info(suite);
    size_t n = 2 * ((size_t)i->key_len + i->salt_len);
    if (SSL_export_keying_material(s->ssl, all, n, LABEL, sizeof(LABEL) - 1, NULL, 0, 0) != 1) {
        ERR_clear_error();
        return -EPROTO;
    }
    split(all, suite, !s->cfg.is_client, ret_tx);
    split(all, suite, s->cfg.is_client, ret_rx);
    secret_wipe(all, sizeof(all));
    return 0;
}
