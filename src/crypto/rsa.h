/* RSA under X.509 certificates, as MIKEY uses it (RFC 3830 s.3.2): signatures, envelopes, and whose a
 * certificate is.
 *
 *   struct crypto_rsa       our key, our certificate, and the CA whose certificates we take
 *   struct crypto_rsa_peer  the certificate of another, which was found good
 *
 * PKCS#1 v1.5 for both (RFC 3830 s.4.2 makes it mandatory, and a message does not say which it is).
 * Signatures that we make are over SHA-256; over SHA-1, the RFC's own, they are taken too. One thread. */
#ifndef SOTTO_CRYPTO_RSA_H
#define SOTTO_CRYPTO_RSA_H

#include "base/secret.h"

#define CRYPTO_RSA_BITS_MIN 2048
#define CRYPTO_RSA_BITS_MAX 4096
#define CRYPTO_RSA_MAX (CRYPTO_RSA_BITS_MAX / 8) /* bytes of a signature or an envelope */
#define CRYPTO_RSA_CERT_MAX 2048                 /* bytes of a certificate in DER */

struct crypto_rsa;
struct crypto_rsa_peer;

/* A key and its certificate, and the CA's certificates: PEM. -EINVAL: they cannot be used, or are no
 * pair; -ENOMEM. */
int crypto_rsa_new(struct slice cert, struct slice key, struct slice ca,
                   struct crypto_rsa **ret) MUST_CHECK;
struct crypto_rsa *crypto_rsa_free(struct crypto_rsa *r);
struct slice crypto_rsa_cert(const struct crypto_rsa *r); /* DER, borrowed */

/* The first certificate of a PEM file, in DER. -EINVAL: there is none, or it is too long. */
int crypto_rsa_cert_of(struct slice pem, uint8_t ret[CRYPTO_RSA_CERT_MAX],
                       size_t *ret_n) MUST_CHECK;

enum crypto_rsa_verdict {
    CRYPTO_RSA_OK = 0,
    CRYPTO_RSA_UNREADABLE,
    CRYPTO_RSA_UNFIT,   /* no RSA key of a length that we take, or not for signing and envelopes */
    CRYPTO_RSA_FOREIGN, /* not of our CA */
    CRYPTO_RSA_EXPIRED,
    CRYPTO_RSA_NOT_YET,
    CRYPTO_RSA_OTHER, /* of another than `name` */
    CRYPTO_RSA_VERDICT_COUNT
};

/* Is that certificate (DER) good at this time, and of `name`: "user@domain" (SAN URI sip:NAME), or a
 * domain or address (SAN)? 0, enum crypto_rsa_verdict, or -ENOMEM. */
int crypto_rsa_peer_new(const struct crypto_rsa *own, struct slice der, const char *name,
                        uint64_t unix_s, struct crypto_rsa_peer **ret) MUST_CHECK;
struct crypto_rsa_peer *crypto_rsa_peer_free(struct crypto_rsa_peer *p);

/* Over the parts, one after the other. -EIO: the library fails. */
int crypto_rsa_sign(const struct crypto_rsa *own, const struct slice *parts, size_t n,
                    uint8_t ret[CRYPTO_RSA_MAX], size_t *ret_n) MUST_CHECK;
size_t crypto_rsa_sign_len(const struct crypto_rsa *own);
bool crypto_rsa_verify(const struct crypto_rsa_peer *p, const struct slice *parts, size_t n,
                       struct slice signature);

/* A key in an envelope for `p`. -EIO. */
int crypto_rsa_seal(const struct crypto_rsa_peer *p, const struct secret *key,
                    uint8_t ret[CRYPTO_RSA_MAX], size_t *ret_n) MUST_CHECK;
/* One that is not for us, or damaged, yields a random key: what is done with it then fails, and the
 * sender learns no more (RFC 3218 s.2.3.2: else he could decrypt others' envelopes by asking). */
void crypto_rsa_open(const struct crypto_rsa *own, struct slice envelope, struct secret *ret);

#endif
