/* DTLS 1.2 for the keys of SRTP (RFC 5763, 5764) over memory: datagrams come by a call and go by a
 * callback. OpenSSL makes the handshake; nothing else is ever sent through it.
 *
 *   struct crypto_dtls_identity  a self-signed certificate and its key: plain data
 *   struct crypto_dtls           what is made of one: an OpenSSL context
 *   struct crypto_dtls_session   one handshake; kept for a while after it, because the peer may
 *                                have missed our last flight
 *
 * Whom the peer's certificate belongs to is not asked here: its digest was signalled, and whoever
 * owns the session compares (RFC 5763 s.6.7.3) before it takes the keys.
 *
 * Only ECDHE with AEAD suites, no renegotiation, no resumption. One thread. */
#ifndef SOTTO_CRYPTO_DTLS_H
#define SOTTO_CRYPTO_DTLS_H

#include "base/buf.h"
#include "crypto/srtp.h"

#define CRYPTO_DTLS_MTU 1200u /* bytes of our largest datagram, without UDP's head */
#define CRYPTO_DTLS_CERT_MAX 512u
#define CRYPTO_DTLS_KEY_MAX 192u
#define CRYPTO_DTLS_DIGEST_LEN 32u /* of our own certificate: SHA-256 */
#define CRYPTO_DTLS_DIGEST_MAX 64u
#define CRYPTO_DTLS_DAYS 30u
#define CRYPTO_DTLS_PROFILES 4u   /* SRTP profiles of DTLS that we have */
#define CRYPTO_DTLS_FIRST_MS 250u /* until the first retransmission; doubles */
#define CRYPTO_DTLS_SLOWEST_MS 4000u

/* --- who we are -------------------------------------------------------------------------------- */

struct crypto_dtls_identity { /* secret */
    uint64_t not_after;       /* seconds since 1970; 0: none */
    uint16_t cert_n, key_n;
    uint8_t cert[CRYPTO_DTLS_CERT_MAX], key[CRYPTO_DTLS_KEY_MAX]; /* DER */
};

/* ECDSA on P-256, valid from a day ago for CRYPTO_DTLS_DAYS. -EIO: the library fails. */
int crypto_dtls_identity_new(uint64_t unix_s, struct crypto_dtls_identity *ret) MUST_CHECK;

struct crypto_dtls;
/* -EINVAL: that is no identity; -ENOMEM. */
int crypto_dtls_new(const struct crypto_dtls_identity *id, struct crypto_dtls **ret) MUST_CHECK;
struct crypto_dtls *crypto_dtls_free(struct crypto_dtls *d);    /* sessions may outlive it */
const uint8_t *crypto_dtls_digest(const struct crypto_dtls *d); /* CRYPTO_DTLS_DIGEST_LEN */

/* --- digests of certificates (RFC 8122) -------------------------------------------------------- */

/* Weakest first. MD2 and MD5 are not among them (RFC 8122 s.5: must not). */
enum crypto_dtls_hash {
    CRYPTO_DTLS_SHA1,
    CRYPTO_DTLS_SHA224,
    CRYPTO_DTLS_SHA256,
    CRYPTO_DTLS_SHA384,
    CRYPTO_DTLS_SHA512,
    CRYPTO_DTLS_HASH_COUNT
};
int crypto_dtls_hash_parse(struct slice name, enum crypto_dtls_hash *ret) MUST_CHECK; /* any case */
size_t crypto_dtls_hash_len(enum crypto_dtls_hash h);

/* --- a handshake ------------------------------------------------------------------------------- */

/* Has DTLS a profile for this suite? (RFC 5764 s.4.1.2, RFC 7714 s.14.2) */
bool crypto_dtls_has_profile(enum srtp_suite s);

struct crypto_dtls_config {
    bool is_client;
    size_t suite_count;
    uint8_t suites[CRYPTO_DTLS_PROFILES]; /* enum srtp_suite, best first */
    void (*send)(void *arg, const void *datagram, size_t n);
    void *arg;
};

enum crypto_dtls_verdict {
    CRYPTO_DTLS_DONE = 0, /* the handshake is complete */
    CRYPTO_DTLS_MORE,
    CRYPTO_DTLS_FAILED /* for good: crypto_dtls_session_why */
};

struct crypto_dtls_session;
/* Copies cfg. -EINVAL: no suite that DTLS has; -ENOMEM. */
int crypto_dtls_session_new(struct crypto_dtls *d, const struct crypto_dtls_config *cfg,
                            struct crypto_dtls_session **ret) MUST_CHECK;
struct crypto_dtls_session *crypto_dtls_session_free(struct crypto_dtls_session *s);
/* A client sends its ClientHello. */
int crypto_dtls_session_start(struct crypto_dtls_session *s) MUST_CHECK;
/* A server's first datagram: a ClientHello whose cookie the caller has found right. */
int crypto_dtls_session_accept(struct crypto_dtls_session *s, struct slice hello) MUST_CHECK;
int crypto_dtls_session_feed(struct crypto_dtls_session *s, struct slice datagram) MUST_CHECK;
/* A flight is waiting for its answer: *ret_ms from now crypto_dtls_session_expired should be called.
 * The clock is OpenSSL's own. */
bool crypto_dtls_session_due(struct crypto_dtls_session *s, uint64_t *ret_ms);
int crypto_dtls_session_expired(struct crypto_dtls_session *s) MUST_CHECK;
/* A plain, static sentence. */
const char *crypto_dtls_session_why(const struct crypto_dtls_session *s);

/* After DONE. The digest of the peer's certificate; returns its length. */
size_t crypto_dtls_session_peer(const struct crypto_dtls_session *s, enum crypto_dtls_hash h,
                                uint8_t ret[CRYPTO_DTLS_DIGEST_MAX]);
/* RFC 5764 s.4.2. -EPROTO: the library gives none. */
int crypto_dtls_session_keys(const struct crypto_dtls_session *s, struct srtp_keys *ret_tx,
                             struct srtp_keys *ret_rx) MUST_CHECK;
/* Tells the peer that it is over: an encrypted close_notify. */
void crypto_dtls_session_close(struct crypto_dtls_session *s);

#endif
