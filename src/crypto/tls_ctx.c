/* Contexts: certificates by the name that a client asks for, whom we trust, and ticket keys. All
 * that files define lies in struct tls_contexts, which a reload makes anew and swaps in: whoever
 * is in the middle of a handshake keeps the old one by OpenSSL's reference counts. */
#include "crypto/tls_internal.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/secret.h"

#define FILE_MAX (1u << 20) /* of a PEM file */

struct domain {
    char *name; /* NULL: the default */
    SSL_CTX *ctx;
};

struct tls_contexts {
    struct domain *domains;
    size_t count;
    SSL_CTX *client;
    bool allow_wildcards;
};

/* --- errors ------------------------------------------------------------------------------------ */

static int fault(struct crypto_tls_error *e, const char *file, const char *mend, const char *text)
{
    const char *why = ERR_reason_error_string(ERR_peek_last_error());

    if (why)
        (void)snprintf(e->text, sizeof(e->text), "%s (%s)", text, why);
    else
        (void)snprintf(e->text, sizeof(e->text), "%s", text);
    (void)snprintf(e->file, sizeof(e->file), "%s", file ? file : "");
    (void)snprintf(e->mend, sizeof(e->mend), "%s", mend);
    ERR_clear_error();
    return -EINVAL;
}

/* --- certificates ------------------------------------------------------------------------------ */

/* A file as PEM text behind a BIO, or the text itself. NULL with *err filled in. */
static BIO *open_pem(const char *file, struct slice pem, struct crypto_tls_error *err)
{
    ERR_clear_error();
    BIO *b = pem.n ? BIO_new_mem_buf(pem.p, (int)(pem.n < FILE_MAX ? pem.n : FILE_MAX))
                   : BIO_new_file(file ? file : "", "rb");

    if (!b)
        (void)fault(err, file, "name a PEM file that the server may read",
                    "the file cannot be read");
    return b;
}

static int no_passphrase(char *dst, int n, int writing, void *arg)
{
    (void)dst;
    (void)n;
    (void)writing;
    (void)arg;
    return 0;
}

static int use_chain(SSL_CTX *ctx, const struct crypto_tls_cert *c, struct crypto_tls_error *err)
{
    BIO *b = open_pem(c->cert_file, c->cert_pem, err);

    if (!b)
        return -EINVAL;
    X509 *x = PEM_read_bio_X509(b, NULL, no_passphrase, NULL);
    int r = 0;
    if (!x)
        r = fault(err, c->cert_file, "store the server's certificate there, in PEM form",
                  "the file holds no certificate");
    else if (SSL_CTX_use_certificate(ctx, x) != 1)
        r = fault(err, c->cert_file, "use ECDSA P-256 or RSA with 2048 bits or more",
                  "the certificate cannot be used");
    X509_free(x);
    /* What follows is the chain up to, and without need of, the root. */
    SSL_CTX_clear_chain_certs(ctx);
    while (r == 0 && (x = PEM_read_bio_X509(b, NULL, no_passphrase, NULL))) {
        if (SSL_CTX_add0_chain_cert(ctx, x) != 1) {
            X509_free(x);
            r = fault(err, c->cert_file, "check the order of the chain",
                      "a certificate of the chain cannot be used");
        }
    }
    BIO_free(b);
    ERR_clear_error();
    return r;
}

static int use_key(SSL_CTX *ctx, const struct crypto_tls_cert *c, struct crypto_tls_error *err)
{
    BIO *b = open_pem(c->key_file, c->key_pem, err);

    if (!b)
        return -EINVAL;
    EVP_PKEY *k = PEM_read_bio_PrivateKey(b, NULL, no_passphrase, NULL);
    int r = 0;
    if (!k)
        r = fault(err, c->key_file, "store the key there, in PEM form and without a passphrase",
                  "the file holds no private key");
    else if (SSL_CTX_use_PrivateKey(ctx, k) != 1 || SSL_CTX_check_private_key(ctx) != 1)
        r = fault(err, c->key_file, "use the key that the certificate was made for",
                  "the key does not belong to the certificate");
    EVP_PKEY_free(k);
    BIO_free(b);
    return r;
}

/* Adds every certificate of the bundle to the context's store; with `names`, tells clients too. */
static int trust(SSL_CTX *ctx, const struct crypto_tls_config *cfg, bool names,
                 struct crypto_tls_error *err)
{
    BIO *b = open_pem(cfg->ca_file, cfg->ca_pem, err);
    size_t n = 0;
    X509 *x;

    if (!b)
        return -EINVAL;
    while ((x = PEM_read_bio_X509(b, NULL, no_passphrase, NULL))) {
        bool ok = X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x) == 1 &&
                  (!names || SSL_CTX_add_client_CA(ctx, x) == 1);
        X509_free(x);
        n += ok;
    }
    BIO_free(b);
    ERR_clear_error();
    if (n == 0)
        return fault(err, cfg->ca_file, "store the CA's certificate there, in PEM form",
                     "the file holds no CA certificate");
    return 0;
}

/* --- tickets ----------------------------------------------------------------------------------- */

static bool ticket_init(const struct crypto_tls_ticket_key *k, const uint8_t *iv,
                        EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seal)
{
    char digest[] = "SHA256";
    uint8_t hmac[sizeof(k->hmac)];
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, hmac, sizeof(hmac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};

    memcpy(hmac, k->hmac, sizeof(hmac));
    bool ok = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, k->aes, iv, seal) == 1 &&
              EVP_MAC_CTX_set_params(mac, params) == 1;
    secret_wipe(hmac, sizeof(hmac));
    return ok;
}

/* OpenSSL's contract: -1 error, 0 no such key, 1 done, 2 done and renew. */
static int on_ticket(SSL *ssl, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int seal)
{
    const struct crypto_tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    if (seal) {
        memcpy(name, t->keys[0].name, 16);
        if (RAND_bytes(iv, 16) != 1)
            return -1;
        return ticket_init(&t->keys[0], iv, cipher, mac, 1) ? 1 : -1;
    }
    for (size_t i = 0; i < t->key_count; i++) {
        if (memcmp(name, t->keys[i].name, 16) == 0) {
            if (!ticket_init(&t->keys[i], iv, cipher, mac, 0))
                return -1;
            return i == 0 ? 1 : 2;
        }
    }
    return 0;
}

void crypto_tls_set_ticket_keys(struct crypto_tls *t, const struct crypto_tls_ticket_key *keys,
                                size_t n)
{
    t->key_count = n < CRYPTO_TLS_TICKET_KEYS ? n : CRYPTO_TLS_TICKET_KEYS;
    memcpy(t->keys, keys, t->key_count * sizeof(*keys));
    if (t->key_count == 0)
        crypto_tls_rotate_ticket_keys(t->keys, 0, &t->key_count);
}

void crypto_tls_rotate_ticket_keys(struct crypto_tls_ticket_key keys[CRYPTO_TLS_TICKET_KEYS],
                                   size_t n, size_t *ret_n)
{
    if (n >= CRYPTO_TLS_TICKET_KEYS)
        n = CRYPTO_TLS_TICKET_KEYS - 1;
    memmove(keys + 1, keys, n * sizeof(*keys));
    if (RAND_bytes((unsigned char *)keys, sizeof(*keys)) != 1)
        abort(); /* no random bytes: nothing may go on */
    *ret_n = n + 1;
}

/* --- contexts ---------------------------------------------------------------------------------- */

static bool domain_matches(const char *pattern, struct slice name)
{
    if (pattern[0] == '*' && pattern[1] == '.')
        return slice_eq_nocase_str(slice_skip(name, slice_find_char(name, '.')), pattern + 1);
    return slice_eq_nocase_str(name, pattern);
}

static struct domain *domain_find(const struct tls_contexts *x, const char *name)
{
    for (size_t i = 0; i < x->count; i++) {
        const char *own = x->domains[i].name;
        if (own == name || (own && name && slice_eq_nocase_str(slice_from_str(own), name)))
            return &x->domains[i];
    }
    return NULL;
}

/* Whether the certificate is for the name by its SANs. */
static bool ctx_bears(const struct domain *d, const char *name)
{
    X509 *x = SSL_CTX_get0_certificate(d->ctx);
    unsigned flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;

    return x && X509_check_host(x, name, 0, flags, NULL) == 1;
}

/* A domain's own certificate comes first. A host below a domain (sip.example.org) has none of its
 * own, but a certificate may bear its name: the default one's word counts before that of others.
 * Names that no certificate is for get the default one: the client judges. */
static const struct domain *domain_for(const struct tls_contexts *x, const char *name)
{
    const struct domain *d = domain_find(x, NULL);

    for (size_t i = 0; i < x->count; i++) {
        if (x->domains[i].name && domain_matches(x->domains[i].name, slice_from_str(name)))
            return &x->domains[i];
    }
    if (x->count < 2 || (d && ctx_bears(d, name)))
        return d;
    for (size_t i = 0; i < x->count; i++) {
        if (ctx_bears(&x->domains[i], name))
            return &x->domains[i];
    }
    return d;
}

static int on_sni(SSL *ssl, int *alert, void *arg)
{
    const struct crypto_tls *t = (const struct crypto_tls *)arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const struct domain *d = name ? domain_for(t->ctx, name) : NULL;

    (void)alert;
    if (d)
        SSL_set_SSL_CTX(ssl, d->ctx);
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *ctx_base(struct crypto_tls *t, const struct crypto_tls_config *cfg,
                         const SSL_METHOD *method)
{
    SSL_CTX *c = SSL_CTX_new(method);

    if (!c)
        return NULL;
    bool ok =
        SSL_CTX_set_min_proto_version(c, cfg->min_version == CRYPTO_TLS_13 ? TLS1_3_VERSION
                                                                           : TLS1_2_VERSION) &&
        SSL_CTX_set_cipher_list(c, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                   "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                   "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305") &&
        SSL_CTX_set_ciphersuites(c, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                    "TLS_CHACHA20_POLY1305_SHA256") &&
        /* X25519 first: its exchange costs a third of P-256's. */
        SSL_CTX_set1_groups_list(c, "X25519:P-256");
    if (!ok) {
        SSL_CTX_free(c);
        return NULL;
    }
    SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_keylog_callback(c, tls_on_keylog);
    SSL_CTX_set_app_data(c, t);
    return c;
}

/* A ticket made under other rules of trust is of no use: the rules are part of its context. */
static void set_session_context(SSL_CTX *c, const struct crypto_tls_config *cfg)
{
    unsigned char id[32];
    EVP_MD_CTX *h = EVP_MD_CTX_new();
    const char *file = cfg->ca_file ? cfg->ca_file : "";

    if (h && EVP_DigestInit_ex(h, EVP_sha256(), NULL) == 1 &&
        EVP_DigestUpdate(h, &cfg->client_cert, sizeof(cfg->client_cert)) == 1 &&
        EVP_DigestUpdate(h, file, strlen(file)) == 1 &&
        EVP_DigestUpdate(h, cfg->ca_pem.p, cfg->ca_pem.n) == 1 &&
        EVP_DigestFinal_ex(h, id, NULL) == 1)
        (void)SSL_CTX_set_session_id_context(c, id, sizeof(id));
    EVP_MD_CTX_free(h);
}

static int server_new(struct crypto_tls *t, const struct crypto_tls_config *cfg,
                      struct crypto_tls_error *err, SSL_CTX **ret)
{
    SSL_CTX *c = ctx_base(t, cfg, TLS_server_method());

    if (!c)
        return fault(err, NULL, "check the installation of OpenSSL", "no TLS context can be made");
    SSL_CTX_set_num_tickets(c, 1);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(c, on_ticket);
    SSL_CTX_set_tlsext_servername_callback(c, on_sni);
    SSL_CTX_set_tlsext_servername_arg(c, t);
    set_session_context(c, cfg);
    int r = 0;
    if (cfg->client_cert != CRYPTO_TLS_CERT_NONE) {
        int must =
            cfg->client_cert == CRYPTO_TLS_CERT_REQUIRED ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
        SSL_CTX_set_verify(c, SSL_VERIFY_PEER | must, tls_on_verify);
        r = trust(c, cfg, true, err);
    }
    if (r == 0)
        *ret = c;
    else
        SSL_CTX_free(c);
    return r;
}

static int client_new(struct crypto_tls *t, const struct crypto_tls_config *cfg,
                      struct crypto_tls_error *err, SSL_CTX **ret)
{
    SSL_CTX *c = ctx_base(t, cfg, TLS_client_method());
    int r = 0;

    if (!c)
        return fault(err, NULL, "check the installation of OpenSSL", "no TLS context can be made");
    SSL_CTX_set_options(c, SSL_OP_NO_TICKET);
    if (cfg->ca_file || cfg->ca_pem.n)
        r = trust(c, cfg, false, err);
    else
        (void)SSL_CTX_set_default_verify_paths(c); /* none there: nobody is trusted */
    if (r == 0)
        *ret = c;
    else
        SSL_CTX_free(c);
    return r;
}

static struct tls_contexts *contexts_free(struct tls_contexts *x)
{
    if (!x)
        return NULL;
    for (size_t i = 0; i < x->count; i++) {
        free(x->domains[i].name);
        SSL_CTX_free(x->domains[i].ctx);
    }
    free(x->domains);
    SSL_CTX_free(x->client);
    free(x);
    return NULL;
}

/* Several certificates of one name (ECDSA and RSA) share a context; the client's wishes choose. */
static int add_cert(struct crypto_tls *t, struct tls_contexts *x,
                    const struct crypto_tls_config *cfg, const struct crypto_tls_cert *cert,
                    struct crypto_tls_error *err)
{
    struct domain *d = domain_find(x, cert->domain);

    if (!d) {
        d = &x->domains[x->count];
        int r = server_new(t, cfg, err, &d->ctx);
        if (r < 0)
            return r;
        x->count++;
        d->name = cert->domain ? strdup(cert->domain) : NULL;
        if (cert->domain && !d->name)
            return -ENOMEM;
    }
    int r = use_chain(d->ctx, cert, err);
    return r < 0 ? r : use_key(d->ctx, cert, err);
}

static int contexts_new(struct crypto_tls *t, const struct crypto_tls_config *cfg,
                        struct crypto_tls_error *err, struct tls_contexts **ret)
{
    struct tls_contexts *x = calloc(1, sizeof(*x));

    *err = (struct crypto_tls_error){.text = "out of memory"};
    if (!x)
        return -ENOMEM;
    x->allow_wildcards = cfg->allow_wildcards;
    x->domains = calloc(cfg->cert_count + 1, sizeof(*x->domains));
    int r = x->domains ? client_new(t, cfg, err, &x->client) : -ENOMEM;
    for (size_t i = 0; i < cfg->cert_count && r == 0; i++)
        r = add_cert(t, x, cfg, &cfg->certs[i], err);
    if (r < 0)
        contexts_free(x);
    else
        *ret = x;
    return r;
}

SSL_CTX *tls_server_ctx(const struct crypto_tls *t)
{
    const struct domain *d = domain_find(t->ctx, NULL);

    if (d)
        return d->ctx;
    return t->ctx->count ? t->ctx->domains[0].ctx : NULL;
}

SSL_CTX *tls_client_ctx(const struct crypto_tls *t)
{
    return t->ctx->client;
}

bool tls_wildcards_allowed(const struct crypto_tls *t)
{
    return t->ctx->allow_wildcards;
}

int crypto_tls_new(const struct crypto_tls_config *cfg, struct crypto_tls_error *ret_err,
                   struct crypto_tls **ret)
{
    struct crypto_tls *t = calloc(1, sizeof(*t));

    if (!t)
        return -ENOMEM;
    crypto_tls_rotate_ticket_keys(t->keys, 0, &t->key_count);
    t->bio = tls_bio_method();
    int r = t->bio ? contexts_new(t, cfg, ret_err, &t->ctx) : -ENOMEM;
    if (r < 0)
        crypto_tls_free(t);
    else
        *ret = t;
    return r;
}

struct crypto_tls *crypto_tls_free(struct crypto_tls *t)
{
    if (!t)
        return NULL;
    contexts_free(t->ctx);
    BIO_meth_free(t->bio);
    secret_wipe(t->keys, sizeof(t->keys));
    free(t->out);
    free(t);
    return NULL;
}

int crypto_tls_reload(struct crypto_tls *t, const struct crypto_tls_config *cfg,
                      struct crypto_tls_error *ret_err)
{
    struct tls_contexts *x;
    int r = contexts_new(t, cfg, ret_err, &x);

    if (r < 0)
        return r;
    contexts_free(t->ctx);
    t->ctx = x;
    return 0;
}
