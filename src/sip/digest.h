/* Digest authentication (RFC 7616, RFC 8760; RFC 2617 as old phones speak it): the two headers in
 * both directions, and the arithmetic. No state: nonces, their age and their counters belong to
 * whoever issues them.
 *
 * The slices of realm, username, nonce, … hold what stands between the quotes, escapes included:
 * that is what both the printed form and the hashes are made of (RFC 7616 s.3.4: unq()). */
#ifndef SOTTO_SIP_DIGEST_H
#define SOTTO_SIP_DIGEST_H

#include "sip/msg.h"

/* Printed in this order of preference by a server that offers both (RFC 8760 s.2.4). */
enum sip_digest_alg {
    SIP_DIGEST_SHA256,
    SIP_DIGEST_MD5,
    SIP_DIGEST_ALG_OTHER /* -sess, SHA-512-256 and the unknown: parsed, not computed */
};
enum sip_digest_qop { SIP_DIGEST_QOP_NONE, SIP_DIGEST_QOP_AUTH, SIP_DIGEST_QOP_OTHER };

#define SIP_DIGEST_HEX_MAX 64 /* characters of a hash in lower-case hex; no NUL */

struct sip_digest_hash {
    size_t n; /* 32 or 64 */
    char hex[SIP_DIGEST_HEX_MAX];
};

struct sip_digest_challenge {
    struct slice realm, nonce;
    struct slice opaque; /* p == NULL: absent */
    enum sip_digest_alg alg;
    enum sip_digest_qop qop; /* AUTH where the list holds it; OTHER: only what we do not do */
    bool stale;
};

struct sip_digest_credentials {
    struct slice username, realm, nonce, uri;
    struct slice response; /* 32 or 64 hex digits; empty when it is to be printed */
    struct slice cnonce;
    struct slice opaque;  /* p == NULL: absent */
    uint32_t nc;          /* with qop only; 1 and up */
    struct slice nc_text; /* as it came, for the hash; empty: made of nc */
    enum sip_digest_alg alg;
    enum sip_digest_qop qop;
};

enum sip_digest_verdict {
    SIP_DIGEST_OK = 0,
    SIP_DIGEST_BAD,          /* malformed, doubled or missing parameters: answer 400 */
    SIP_DIGEST_OTHER_SCHEME, /* Basic, Bearer, …: as if the header were not there */
    SIP_DIGEST_UNSUPPORTED   /* an algorithm, qop or userhash that we do not do: challenge anew.
                                *ret is written */
};

/* Values of WWW-/Proxy-Authenticate and (Proxy-)Authorization: one challenge or one set of
 * credentials a header line, parameters in any order, quoted or not, unknown ones skipped. */
int sip_digest_challenge_parse(struct slice in, struct sip_digest_challenge *ret) MUST_CHECK;
int sip_digest_credentials_parse(struct slice in, struct sip_digest_credentials *ret) MUST_CHECK;

/* alg: SHA256 or MD5 in all of these.
 * H(username:realm:password). */
void sip_digest_ha1(enum sip_digest_alg alg, struct slice username, struct slice realm,
                    struct slice password, struct sip_digest_hash *ret);
/* The response that these credentials ought to hold. */
void sip_digest_response(const struct sip_digest_hash *ha1, struct slice method,
                         const struct sip_digest_credentials *c, struct sip_digest_hash *ret);
/* Do they? In constant time, whatever the case of the digits. */
bool sip_digest_check(const struct sip_digest_hash *ha1, struct slice method,
                      const struct sip_digest_credentials *c);

/* Whole lines: "WWW-Authenticate: Digest …\r\n". `id` is the header. Where c is OTHER in any way,
 * nothing is written and b->overflow is set. */
void sip_digest_put_challenge(struct buf *b, enum sip_hdr_id id,
                              const struct sip_digest_challenge *c);
/* `response` from sip_digest_response; c->response is not looked at. */
void sip_digest_put_credentials(struct buf *b, enum sip_hdr_id id,
                                const struct sip_digest_credentials *c,
                                const struct sip_digest_hash *response);

#endif
