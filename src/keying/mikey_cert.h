/* MIKEY under certificates (RFC 3830 s.3.2; RSA-R: RFC 4738): whose a message is, and what its envelope
 * holds. Functions return NULL, or a plain sentence that says why not. */
#ifndef SOTTO_KEYING_MIKEY_CERT_H
#define SOTTO_KEYING_MIKEY_CERT_H

#include "keying/keying.h"

/* Is the message signed by whom we speak with, under a certificate of the CA that we trust? `init`:
 * of an answer, what it answers. Takes m->cert; *ret is for envelopes to the sender. */
const char *mikey_cert_authenticate(const struct mikey_msg *m, const struct keying_local *l,
                                    const struct mikey_terms *t, const struct mikey_msg *init,
                                    struct crypto_rsa_peer **ret) MUST_CHECK;
/* Opens the envelope of an authenticated message with its RAND in m->rand: the key comes into m->key,
 * in `room` (as long as kemac_data), and that of the envelope into *ret. */
const char *mikey_cert_open(struct mikey_msg *m, const struct keying_local *l,
                            const struct mikey_terms *t, uint8_t *room,
                            struct secret *ret) MUST_CHECK;
/* The certificate that we know of the peer beforehand; NULL: none that is good now. */
struct crypto_rsa_peer *mikey_cert_peer(const struct keying_local *l, const struct mikey_terms *t);

#endif
