/* SDES (RFC 4568): keys in the description itself, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:...".
 * An offer lists lines, the answer names one of them by tag and suite and gives its own key. Each
 * side's line carries the key of what that side sends.
 *
 * What a line may hold and we cannot do (a master key identifier, a key derivation rate,
 * unencrypted or unauthenticated streams, FEC, unknown parameters) makes that line unusable, with a
 * reason; the other lines still count. */
#ifndef SOTTO_KEYING_SDES_H
#define SOTTO_KEYING_SDES_H

#include "base/buf.h"
#include "crypto/srtp.h"

#define SDES_LINES_MAX (SRTP_SUITE_COUNT - 1) /* of our offer: a line per suite */
#define SDES_SPELLING_MAX 32

/* One a=crypto value, parsed. */
struct sdes_line {
    uint32_t tag;
    struct slice suite_name; /* as spelled */
    struct srtp_keys keys;   /* what the line's sender sends with */
};

enum sdes_verdict {
    SDES_OK = 0,
    SDES_BAD_TAG,
    SDES_UNKNOWN_SUITE,
    SDES_BAD_KEY,       /* not inline, not base64, not as long as the suite needs */
    SDES_BAD_LIFETIME,  /* neither decimal nor 2^n; any value is accepted */
    SDES_MKI,           /* master key identifiers are not done (RFC 3711 s.8.1 leaves them open) */
    SDES_SESSION_PARAM, /* one that we must not ignore */
    SDES_VERDICT_COUNT
};

/* `value` is what follows "a=crypto:". 0 or enum sdes_verdict. */
int sdes_line_parse(struct slice value, struct sdes_line *ret) MUST_CHECK;
const char *sdes_verdict_why(enum sdes_verdict v); /* a plain sentence */
/* The whole line with "a=crypto:" and CRLF. */
void sdes_line_print(struct buf *b, uint32_t tag, struct slice suite_name,
                     const struct srtp_keys *keys);

/* What an endpoint remembers of SDES between descriptions. */
struct sdes_state {
    uint8_t offered_count;
    struct sdes_offered { /* our last offer; the tag is the index + 1 */
        bool used;        /* was active once: another offer must not bring this key back, because
                              its packet indices would start again */
        struct srtp_keys keys;
    } offered[SDES_LINES_MAX];
    char spelling[SDES_SPELLING_MAX]; /* how the peer spells the active suite */
};

#endif
