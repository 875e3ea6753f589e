/* Between the files of MIKEY: numbers of the wire, and what printing needs of the keys. */
#ifndef SOTTO_KEYING_MIKEY_WIRE_H
#define SOTTO_KEYING_MIKEY_WIRE_H

#include "keying/mikey.h"

#define MIKEY_NOT_SAID 0xff

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

#endif
