/* STUN (RFC 8489), as far as ICE needs it (RFC 8445 s.7 and s.16): Binding requests, responses,
 * errors and indications. Sans I/O, and without cryptography of its own: an HMAC comes as a
 * function.
 *
 * A message is parsed in three steps: stun_parse (form, FINGERPRINT), then stun_is_authentic, and
 * only then is anything of it believed. What stands behind MESSAGE-INTEGRITY is not covered by it
 * and is not read (s.14.5), but for the second integrity and the fingerprint. */
#ifndef SOTTO_RTP_STUN_H
#define SOTTO_RTP_STUN_H

#include "base/addr.h"
#include "rtp/wire.h"

#define STUN_HDR_LEN 20
#define STUN_TXID_LEN 12
#define STUN_BINDING 1
#define STUN_SHA1_LEN 20
#define STUN_SHA256_LEN 32
#define STUN_SHA256_MIN 16    /* MESSAGE-INTEGRITY-SHA256 may be cut, to this at least (s.14.6) */
#define STUN_USERNAME_MAX 513 /* bytes (s.14.3) */
/* Attributes of one message; more is nonsense, and hashing it would be work for nothing. */
#define STUN_ATTRS_MAX 32
#define STUN_UNKNOWN_MAX 8 /* listed in a 420; further ones are not */

enum stun_class { STUN_REQUEST, STUN_INDICATION, STUN_SUCCESS, STUN_ERROR };

enum stun_code { STUN_CODE_BAD = 400, STUN_CODE_UNKNOWN = 420, STUN_CODE_ROLE_CONFLICT = 487 };

enum stun_verdict {
    STUN_OK = 0,
    STUN_TOO_SHORT,
    STUN_NOT_STUN,        /* first bits or magic cookie */
    STUN_BAD_LENGTH,      /* its length is not the datagram's, or no multiple of four */
    STUN_BAD_ATTR,        /* an attribute goes past the end, or there are too many */
    STUN_BAD_VALUE,       /* an attribute that we read has a length that it cannot have */
    STUN_BAD_FINGERPRINT, /* wrong, or something comes after it */
    STUN_VERDICT_COUNT
};

struct stun_msg {
    struct slice raw;
    enum stun_class class;
    uint16_t method;
    uint16_t integrity_at, integrity256_at; /* offsets of these attributes; 0: none */
    bool has_fingerprint;
    bool use_candidate, has_priority, controlling, controlled;
    struct slice username; /* empty: none */
    uint32_t priority;
    uint64_t tie;       /* of ICE-CONTROLLING or ICE-CONTROLLED */
    struct addr mapped; /* XOR-MAPPED-ADDRESS; family 0: none */
    uint16_t error;     /* 300..699; 0: none */
    /* Attributes that must be understood and are not (s.6.3.1); count is of all of them. */
    uint16_t unknown_count;
    uint16_t unknown[STUN_UNKNOWN_MAX];
};

/* 0 or enum stun_verdict. Total on any input. */
int stun_parse(struct slice datagram, struct stun_msg *ret) MUST_CHECK;
static inline const uint8_t *stun_txid(const struct stun_msg *m)
{
    return (const uint8_t *)m->raw.p + 8;
}

/* HMAC over several parts as one input; `ret` has room for the hash. */
typedef void stun_hmac_fn(struct slice key, const struct slice *parts, size_t n, uint8_t *ret);
struct stun_hmac {
    stun_hmac_fn *sha1, *sha256;
};
/* Every integrity attribute that is there is right, and there is one. */
bool stun_is_authentic(const struct stun_msg *m, struct slice key, const struct stun_hmac *hmac);

/* --- building: begin, attributes, then end ----------------------------------------------------- */

void stun_put_begin(struct buf *b, enum stun_class class, const uint8_t txid[STUN_TXID_LEN]);
void stun_put_mapped(struct buf *b, const struct addr *a); /* needs the header: b begins with it */
void stun_put_username(struct buf *b, struct slice local, struct slice remote); /* "local:remote" */
void stun_put_priority(struct buf *b, uint32_t priority);
void stun_put_role(struct buf *b, bool controlling, uint64_t tie);
void stun_put_use_candidate(struct buf *b);
void stun_put_error(struct buf *b, enum stun_code code);
void stun_put_unknown(struct buf *b, const struct stun_msg *m); /* its unknown attributes */
/* MESSAGE-INTEGRITY where `sha1` is not NULL, FINGERPRINT, and the length. b holds the message
 * alone. */
void stun_put_end(struct buf *b, struct slice key, stun_hmac_fn *sha1);

#endif
