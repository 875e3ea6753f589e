/* DTLS-SRTP (RFC 5763, 5764) in descriptions: a=fingerprint, a=setup, a=tls-id (RFC 8122, 4145,
 * 8842), and what an endpoint remembers of them. The handshake itself is keying/dtls_engine.c.
 *
 *   our offer    setup:actpass
 *   our answer   to actpass: active, or passive where the peer had better speak first; to active
 *                passive; to passive active; to holdconn holdconn, and there is no handshake
 *   association  kept as long as both sides' fingerprints, tls-ids and roles are (RFC 8842 s.4); what
 *                changes one of them asks for another handshake, and the keys in use stay in use
 *                until it is done
 *
 * Of several fingerprints those of the best hash count, and the certificate must have one of them
 * (RFC 8122 s.5.1). */
#ifndef SOTTO_KEYING_DTLS_H
#define SOTTO_KEYING_DTLS_H

#include "base/buf.h"
#include "crypto/dtls.h"

#define DTLS_IDENTITIES 2
#define DTLS_FINGERPRINTS_MAX 4 /* of one hash; more are refused */
#define DTLS_ID_LEN 20 /* bytes of our tls-id; twice as many characters (RFC 8842 s.5: 20 .. 255) */
#define DTLS_ID_MAX 255

enum dtls_setup {
    DTLS_SETUP_NONE, /* not said */
    DTLS_SETUP_ACTPASS,
    DTLS_SETUP_ACTIVE,
    DTLS_SETUP_PASSIVE,
    DTLS_SETUP_HOLDCONN,
    DTLS_SETUP_COUNT
};

/* The set of fingerprints of one certificate or several, of one hash. */
struct dtls_fingerprints {
    uint8_t hash; /* enum crypto_dtls_hash */
    uint8_t count;
    uint8_t digest[DTLS_FINGERPRINTS_MAX][CRYPTO_DTLS_DIGEST_MAX];
};

/* What one side says of itself. */
struct dtls_self {
    uint8_t digest[CRYPTO_DTLS_DIGEST_LEN]; /* of the certificate that was named */
    uint8_t id[DTLS_ID_LEN];
};

struct dtls_state {
    uint8_t setup; /* enum dtls_setup: our role in the association in force */
    bool remote_has_id;
    struct dtls_self self, offered;            /* of the association in force; of our last offer */
    uint8_t remote_id[CRYPTO_DTLS_DIGEST_LEN]; /* a digest of it */
    struct dtls_fingerprints remote;
    uint8_t suite_count;
    uint8_t suites[CRYPTO_DTLS_PROFILES]; /* enum srtp_suite that we may agree on, best first */
};

/* One a=fingerprint value. 0; -EINVAL: not readable; -ENOTSUP: a hash that is not known or not
 * allowed. */
int dtls_fingerprint_parse(struct slice value, enum crypto_dtls_hash *ret_hash,
                           uint8_t ret_digest[CRYPTO_DTLS_DIGEST_MAX]) MUST_CHECK;
/* DTLS_SETUP_NONE: none of the four. */
enum dtls_setup dtls_setup_parse(struct slice value);

#endif
