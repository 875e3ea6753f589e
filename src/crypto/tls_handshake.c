/* A handshake over memory, and the export of its result.
 *
 * OpenSSL reads exactly one record at a time (read-ahead is off), so when it says that the
 * handshake is done, what it has not read is the first record for us. Where the counters stand
 * then follows from the protocol:
 *   TLS 1.2  both sides have sent one record under the new keys, their Finished: 1 and 1.
 *   TLS 1.3  Finished goes under the handshake's keys, so both start at 0; but a server has
 *            already sent tickets under the application keys. They are the only thing that it
 *            writes after reading the client's Finished, so they are counted in its last output. */
#include "crypto/tls_internal.h"

#include <arpa/inet.h>
#include <openssl/err.h>

#include "base/secret.h"

enum { SECRET_CLIENT, SECRET_SERVER };

struct crypto_tls_hs {
    struct crypto_tls *t;
    SSL *ssl;
    struct slice in; /* not read yet */
    bool client, started, wildcards;
    bool spoke, spoke_before; /* wrote something: in the last feed, in one before it */
    bool has_secret[2];
    uint8_t secret[2][TLS_SECRET_MAX];
    char name[CRYPTO_TLS_NAME_MAX];
    enum crypto_tls_fault fault;
};

/* --- memory instead of a socket ---------------------------------------------------------------- */

static int bio_read(BIO *b, char *dst, size_t n, size_t *ret_n)
{
    struct crypto_tls_hs *h = BIO_get_data(b);
    size_t take = n < h->in.n ? n : h->in.n;

    BIO_clear_retry_flags(b);
    if (take == 0) {
        BIO_set_retry_read(b);
        return 0;
    }
    memcpy(dst, h->in.p, take);
    h->in = slice_skip(h->in, take);
    *ret_n = take;
    return 1;
}

static int bio_write(BIO *b, const char *p, size_t n, size_t *ret_n)
{
    struct crypto_tls *t = ((struct crypto_tls_hs *)BIO_get_data(b))->t;

    BIO_clear_retry_flags(b);
    if (n > t->out_cap - t->out_n) {
        size_t cap = (t->out_n + n) * 2;
        uint8_t *out = realloc(t->out, cap);
        if (!out)
            return 0;
        t->out = out;
        t->out_cap = cap;
    }
    memcpy(t->out + t->out_n, p, n);
    t->out_n += n;
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

BIO_METHOD *tls_bio_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "slice");

    if (m) {
        (void)BIO_meth_set_read_ex(m, bio_read);
        (void)BIO_meth_set_write_ex(m, bio_write);
        (void)BIO_meth_set_ctrl(m, bio_ctrl);
    }
    return m;
}

/* --- callbacks --------------------------------------------------------------------------------- */

/* "SERVER_TRAFFIC_SECRET_0 <client random> <secret>", both in hex. */
void tls_on_keylog(const SSL *ssl, const char *line)
{
    struct crypto_tls_hs *h = SSL_get_app_data(ssl);
    struct slice s = slice_from_str(line), label = slice_cut(&s, ' ');
    int which = slice_eq_str(label, "SERVER_TRAFFIC_SECRET_0") ? SECRET_SERVER : SECRET_CLIENT;

    if (!h || (which == SECRET_CLIENT && !slice_eq_str(label, "CLIENT_TRAFFIC_SECRET_0")))
        return;
    (void)slice_cut(&s, ' ');
    if (s.n % 2 || s.n / 2 > TLS_SECRET_MAX)
        return;
    for (size_t i = 0; i < s.n / 2; i++) {
        int hi = slice_hex_digit(s.p[2 * i]), lo = slice_hex_digit(s.p[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return;
        h->secret[which][i] = (uint8_t)(hi << 4 | lo);
    }
    h->has_secret[which] = true;
}

int tls_on_verify(int ok, X509_STORE_CTX *x)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(x, SSL_get_ex_data_X509_STORE_CTX_idx());
    const struct crypto_tls_hs *h = SSL_get_app_data(ssl);

    if (ok && h->client && X509_STORE_CTX_get_error_depth(x) == 0 &&
        !crypto_tls_cert_names(X509_STORE_CTX_get_current_cert(x), slice_from_str(h->name),
                               h->wildcards)) {
        X509_STORE_CTX_set_error(x, X509_V_ERR_HOSTNAME_MISMATCH);
        return 0;
    }
    /* An optional certificate that does not hold is none: the result stays on record, and
     * peer_verified with it. */
    if (!h->client && !(SSL_get_verify_mode(ssl) & SSL_VERIFY_FAIL_IF_NO_PEER_CERT))
        return 1;
    return ok;
}

/* --- begin and end ----------------------------------------------------------------------------- */

static int hs_new(struct crypto_tls *t, SSL_CTX *ctx, struct crypto_tls_hs **ret)
{
    if (!ctx)
        return -EINVAL;
    struct crypto_tls_hs *h = calloc(1, sizeof(*h));
    SSL *ssl = SSL_new(ctx);
    BIO *bio = BIO_new(t->bio);

    if (!h || !ssl || !bio) {
        free(h);
        SSL_free(ssl);
        BIO_free(bio);
        return -ENOMEM;
    }
    h->t = t;
    h->ssl = ssl;
    h->wildcards = tls_wildcards_allowed(t);
    BIO_set_data(bio, h);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_app_data(ssl, h);
    *ret = h;
    return 0;
}

int crypto_tls_hs_accept(struct crypto_tls *t, struct crypto_tls_hs **ret)
{
    int r = hs_new(t, tls_server_ctx(t), ret);

    if (r == 0)
        SSL_set_accept_state((*ret)->ssl);
    return r;
}

static bool is_ip_address(const char *name)
{
    struct in6_addr a;

    return inet_pton(AF_INET, name, &a) == 1 || inet_pton(AF_INET6, name, &a) == 1;
}

int crypto_tls_hs_connect(struct crypto_tls *t, struct slice name, struct crypto_tls_hs **ret)
{
    struct crypto_tls_hs *h;
    int r = name.n < CRYPTO_TLS_NAME_MAX ? hs_new(t, tls_client_ctx(t), &h) : -EINVAL;

    if (r < 0)
        return r;
    h->client = true;
    SSL_set_connect_state(h->ssl);
    if (!slice_to_str(name, h->name, sizeof(h->name))) {
        crypto_tls_hs_free(h);
        return -EINVAL;
    }
    if (name.n) {
        SSL_set_verify(h->ssl, SSL_VERIFY_PEER, tls_on_verify);
        /* RFC 6066 s.3: no addresses in SNI. */
        if (!is_ip_address(h->name) && SSL_set_tlsext_host_name(h->ssl, h->name) != 1)
            r = -ENOMEM;
    }
    if (r < 0)
        crypto_tls_hs_free(h);
    else
        *ret = h;
    return r;
}

struct crypto_tls_hs *crypto_tls_hs_free(struct crypto_tls_hs *h)
{
    if (!h)
        return NULL;
    SSL_free(h->ssl);
    secret_wipe(h, sizeof(*h));
    free(h);
    return NULL;
}

/* --- feed -------------------------------------------------------------------------------------- */

/* A first byte that no TLS record begins with: OpenSSL would only say "wrong version number". */
static bool is_plain_text(uint8_t c)
{
    return c == '\r' || c == '\n' || (c >= ' ' && c <= '~');
}

int crypto_tls_hs_feed(struct crypto_tls_hs *h, struct slice in, size_t *ret_used)
{
    h->spoke_before = h->spoke_before || h->spoke;
    h->t->out_n = 0;
    if (!h->started && in.n && !h->client && is_plain_text((uint8_t)in.p[0])) {
        h->fault = CRYPTO_TLS_FAULT_PLAIN_TEXT;
        return CRYPTO_TLS_HS_FAILED;
    }
    h->started = true;
    h->in = in;
    ERR_clear_error();
    int r = SSL_do_handshake(h->ssl);
    h->spoke = h->t->out_n > 0;
    if (r == 1) {
        *ret_used = in.n - h->in.n;
        return CRYPTO_TLS_HS_DONE;
    }
    if (SSL_get_error(h->ssl, r) == SSL_ERROR_WANT_READ)
        return CRYPTO_TLS_HS_MORE;
    h->fault = tls_fault_from_library(SSL_get_verify_result(h->ssl));
    ERR_clear_error();
    return CRYPTO_TLS_HS_FAILED;
}

struct slice crypto_tls_hs_output(struct crypto_tls_hs *h)
{
    return slice_from(h->t->out, h->t->out_n);
}

enum crypto_tls_fault crypto_tls_hs_fault(const struct crypto_tls_hs *h)
{
    return h->fault;
}

/* --- export ------------------------------------------------------------------------------------ */

/* Records under the application keys in the last output. -EPROTO: something else is there. */
static int count_tickets(const struct crypto_tls_hs *h, uint64_t *ret_n)
{
    const uint8_t *p = h->t->out;
    size_t left = h->t->out_n;
    uint64_t n = 0;

    while (left >= 5) {
        size_t record = 5 + ((size_t)p[3] << 8 | p[4]);
        if (p[0] != 23 || record > left)
            return -EPROTO;
        p += record;
        left -= record;
        n++;
    }
    if (left)
        return -EPROTO;
    *ret_n = n;
    return 0;
}

static int export_13(const struct crypto_tls_hs *h, struct crypto_tls_record *r)
{
    struct crypto_tls_keys *client = h->client ? &r->tx : &r->rx;
    struct crypto_tls_keys *server = h->client ? &r->rx : &r->tx;

    if (!h->has_secret[SECRET_CLIENT] || !h->has_secret[SECRET_SERVER])
        return -EPROTO;
    memcpy(client->secret, h->secret[SECRET_CLIENT], TLS_SECRET_MAX);
    memcpy(server->secret, h->secret[SECRET_SERVER], TLS_SECRET_MAX);
    int e = tls_keys_expand(r, client);
    if (e == 0)
        e = tls_keys_expand(r, server);
    if (e == 0 && !h->client)
        e = h->spoke_before ? count_tickets(h, &r->tx.seq) : -EPROTO;
    return e;
}

static int export_12(const struct crypto_tls_hs *h, struct crypto_tls_record *r)
{
    uint8_t master[TLS_SECRET_MAX], seed[64];
    const SSL_SESSION *s = SSL_get_session(h->ssl);
    int e = -EPROTO;

    if (s && SSL_SESSION_get_master_key(s, master, sizeof(master)) == sizeof(master) &&
        SSL_get_server_random(h->ssl, seed, 32) == 32 &&
        SSL_get_client_random(h->ssl, seed + 32, 32) == 32)
        e = tls_keys_from_master(r, master, seed);
    secret_wipe(master, sizeof(master));
    r->tx.seq = r->rx.seq = 1;
    return e;
}

static int find_cipher(const SSL *ssl, uint8_t *ret)
{
    const SSL_CIPHER *c = SSL_get_current_cipher(ssl);
    uint16_t id = c ? SSL_CIPHER_get_protocol_id(c) : 0;

    for (size_t i = 0; i < tls_cipher_count; i++) {
        if (tls_ciphers[i].id == id) {
            *ret = (uint8_t)i;
            return 0;
        }
    }
    return -EPROTO;
}

static void fill_info(const struct crypto_tls_hs *h, struct crypto_tls_info *ret)
{
    const char *sni = SSL_get_servername(h->ssl, TLSEXT_NAMETYPE_host_name);
    X509 *cert = SSL_get0_peer_certificate(h->ssl);
    struct crypto_tls_info i = {0};

    if (sni &&
        !slice_to_str(slice_take(slice_from_str(sni), sizeof(i.sni) - 1), i.sni, sizeof(i.sni)))
        i.sni[0] = '\0';
    if (cert) {
        bool checked = SSL_get_verify_mode(h->ssl) & SSL_VERIFY_PEER;
        i.peer_verified = checked && SSL_get_verify_result(h->ssl) == X509_V_OK;
        tls_subject_of(cert, i.subject);
    }
    *ret = i;
}

/* RFC 6066 s.4: what the client asked for, 2^(8 + code) bytes. */
static uint16_t fragment_of(const SSL *ssl)
{
    const SSL_SESSION *s = SSL_get_session(ssl);
    uint8_t code = s ? SSL_SESSION_get_max_fragment_length(s) : 0;

    return (uint16_t)(code >= 1 && code <= 4 ? 256u << code : 16384u);
}

int crypto_tls_hs_export(struct crypto_tls_hs *h, struct crypto_tls_record *ret,
                         struct crypto_tls_info *ret_info)
{
    struct crypto_tls_record r = {.is_client = h->client, .fragment = fragment_of(h->ssl)};

    if (find_cipher(h->ssl, &r.cipher) < 0)
        return -EPROTO;
    r.version = tls_ciphers[r.cipher].version;
    r.suite = tls_ciphers[r.cipher].suite;
    int e = r.version == CRYPTO_TLS_13 ? export_13(h, &r) : export_12(h, &r);
    if (e == 0) {
        fill_info(h, ret_info);
        *ret = r;
    }
    secret_wipe(&r, sizeof(r));
    return e;
}
