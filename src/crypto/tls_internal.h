/* What the files of the TLS engine share; nobody else includes this.
 *
 *   tls_ctx.c        contexts, certificates, tickets    tls_record.c  records
 *   tls_handshake.c  a handshake, and its export         tls_keys.c    suites, key derivation
 *   tls_names.c      faults in words, certificate names  tls_aead.c    ciphers and their cache */
#ifndef SOTTO_CRYPTO_TLS_INTERNAL_H
#define SOTTO_CRYPTO_TLS_INTERNAL_H

#include <openssl/ssl.h>

#include "crypto/tls.h"

#define TLS_SECRET_MAX 48
#define TLS_TAG_LEN 16
#define TLS_NONCE_LEN 12

/* --- tls_keys.c */
struct tls_cipher {
    uint16_t id; /* IANA */
    uint8_t version, suite;
    const char *name; /* OpenSSL's */
    bool sha384;
};
extern const struct tls_cipher tls_ciphers[];
extern const size_t tls_cipher_count;
extern const uint8_t tls_key_len[CRYPTO_TLS_SUITE_COUNT];

/* RFC 8446 s.7.3 from k->secret; the counter begins anew. -EIO. */
int tls_keys_expand(const struct crypto_tls_record *r, struct crypto_tls_keys *k) MUST_CHECK;
/* RFC 8446 s.7.2: the next secret, and its keys. */
int tls_keys_update(const struct crypto_tls_record *r, struct crypto_tls_keys *k) MUST_CHECK;
/* RFC 5246 s.6.3. `seed` is server random, then client random. */
int tls_keys_from_master(struct crypto_tls_record *r, const uint8_t master[TLS_SECRET_MAX],
                         const uint8_t seed[64]) MUST_CHECK;

/* --- tls_aead.c */
struct tls_job {
    uint8_t suite;
    const uint8_t *key;
    const uint8_t *nonce; /* TLS_NONCE_LEN */
    struct slice aad;
    struct slice in; /* ciphertext without tag, or data */
    int tail;        /* sealing: one more byte of data behind `in`; -1: none */
    uint8_t *out;    /* may be in.p */
    uint8_t *tag;    /* TLS_TAG_LEN bytes: written when sealing, checked when opening */
};
enum tls_aead_verdict { TLS_AEAD_OK = 0, TLS_AEAD_FORGED };
int tls_aead_seal(struct crypto_tls_aead *a, const struct tls_job *j) MUST_CHECK; /* -EIO */
int tls_aead_open(struct crypto_tls_aead *a, const struct tls_job *j) MUST_CHECK; /* and verdict */

/* --- tls_ctx.c */
struct tls_contexts; /* what a reload replaces */

struct crypto_tls {
    struct tls_contexts *ctx;
    BIO_METHOD *bio;
    struct crypto_tls_ticket_key keys[CRYPTO_TLS_TICKET_KEYS];
    size_t key_count;
    uint8_t *out; /* output of the handshake fed last */
    size_t out_n, out_cap;
};
SSL_CTX *tls_server_ctx(const struct crypto_tls *t); /* NULL: no certificate */
SSL_CTX *tls_client_ctx(const struct crypto_tls *t);
bool tls_wildcards_allowed(const struct crypto_tls *t);

/* --- tls_handshake.c: callbacks that every context gets */
BIO_METHOD *tls_bio_method(void); /* NULL: no memory */
void tls_on_keylog(const SSL *ssl, const char *line);
int tls_on_verify(int ok, X509_STORE_CTX *x);

/* --- tls_names.c */
enum crypto_tls_fault tls_fault_from_library(long verify_result);
void tls_subject_of(X509 *cert, char dst[CRYPTO_TLS_NAME_MAX]);

#endif
