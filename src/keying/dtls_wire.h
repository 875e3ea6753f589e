/* As much of DTLS as must be understood before there is a session: the frame of a record, and of a
 * ClientHello what stands before its cookie (RFC 6347 s.4.1, s.4.2). Pure. */
#ifndef SOTTO_KEYING_DTLS_WIRE_H
#define SOTTO_KEYING_DTLS_WIRE_H

#include "base/buf.h"

#define DTLS_RANDOM_LEN 32u
#define DTLS_COOKIE_LEN 16u
#define DTLS_VERIFY_LEN (13u + 12u + 3u + DTLS_COOKIE_LEN) /* of a HelloVerifyRequest */

enum dtls_content {
    DTLS_CONTENT_NONE, /* not a datagram of DTLS 1.2 or 1.0 records: to be dropped */
    DTLS_CONTENT_OTHER,
    DTLS_CONTENT_HELLO, /* ClientHello in clear */
    DTLS_CONTENT_ALERT  /* in clear: anybody may have written it */
};

struct dtls_peek {
    uint8_t sequence[6];         /* of the record */
    uint8_t alert;               /* of an alert */
    struct slice random, cookie; /* of a hello; the cookie is empty in the first one */
};

/* By the first record; all must be whole. */
enum dtls_content dtls_peek(struct slice datagram, struct dtls_peek *ret);
/* RFC 6347 s.4.2.1; `sequence` is the hello's. */
void dtls_put_verify(struct buf *b, const uint8_t sequence[6],
                     const uint8_t cookie[DTLS_COOKIE_LEN]);

#endif
