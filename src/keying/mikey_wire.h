/* Between the files of MIKEY: numbers of the wire, and what printing needs of the keys. */
#ifndef SOTTO_KEYING_MIKEY_WIRE_H
#define SOTTO_KEYING_MIKEY_WIRE_H

#include "keying/mikey.h"

#define MIKEY_NOT_SAID 0xff

#define MIKEY_VERSION 1

enum mikey_payload {
    MIKEY_PL_LAST = 0,
    MIKEY_PL_KEMAC = 1,
    MIKEY_PL_PKE = 2,
    MIKEY_PL_DH = 3,
    MIKEY_PL_SIGN = 4,
    MIKEY_PL_T = 5,
    MIKEY_PL_ID = 6,
    MIKEY_PL_CERT = 7,
    MIKEY_PL_CHASH = 8,
    MIKEY_PL_V = 9,
    MIKEY_PL_SP = 10,
    MIKEY_PL_RAND = 11,
    MIKEY_PL_ERR = 12,
    MIKEY_PL_KEY_DATA = 20,
    MIKEY_PL_GENERAL_EXT = 21
};

enum mikey_cert_type { MIKEY_CERT_X509, MIKEY_CERT_X509_URL, MIKEY_CERT_X509_SIGN };

/* Parameters of an SP payload for SRTP (s.6.10.1; the last RFC 7714 s.14). */
enum mikey_sp {
    MIKEY_SP_ENCR = 0,
    MIKEY_SP_ENCR_KEY_LEN = 1,
    MIKEY_SP_AUTH = 2,
    MIKEY_SP_AUTH_KEY_LEN = 3,
    MIKEY_SP_SALT_LEN = 4,
    MIKEY_SP_KDR = 6,
    MIKEY_SP_SRTP_ENCR = 7,
    MIKEY_SP_SRTCP_ENCR = 8,
    MIKEY_SP_SRTP_AUTH = 10,
    MIKEY_SP_AUTH_TAG_LEN = 11,
    MIKEY_SP_AEAD_TAG_LEN = 20
};

void mikey_put32(struct buf *b, uint32_t v);
void mikey_put64(struct buf *b, uint64_t v);
/* En- or decrypts key data under what `psk` gives for m's bundle and time. 0 or -EIO. */
int mikey_crypt(const struct mikey_msg *m, const struct secret *psk, uint8_t *data,
                size_t n) MUST_CHECK;
/* Appends the MAC over all that is in b by now and, for a V payload, identities and time of `init`;
 * m has the bundle and RAND. */
void mikey_put_mac(struct buf *b, const struct mikey_msg *m, const struct secret *psk,
                   const struct mikey_msg *init);
/* Appends the MAC over what stands in b from `at` on. */
void mikey_put_mac_from(struct buf *b, size_t at, const struct mikey_msg *m,
                        const struct secret *env);
/* Appends own's signature over all that is in b by now and, in an answer, identities and time of
 * `init`. */
void mikey_put_sign(struct buf *b, const struct crypto_rsa *own, const struct mikey_msg *init);

#endif
