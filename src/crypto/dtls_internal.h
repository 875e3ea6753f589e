/* Within crypto/dtls: what identity and session share. */
#ifndef SOTTO_CRYPTO_DTLS_INTERNAL_H
#define SOTTO_CRYPTO_DTLS_INTERNAL_H

#include "crypto/dtls.h"

#include <openssl/ssl.h>
/* OpenSSL has macros of these names; ours are constants of enum srtp_suite. */
#undef SRTP_AEAD_AES_128_GCM
#undef SRTP_AEAD_AES_256_GCM

struct crypto_dtls {
    SSL_CTX *ctx;
    uint8_t digest[CRYPTO_DTLS_DIGEST_LEN];
};

const EVP_MD *dtls_md(enum crypto_dtls_hash h);

#endif
