/* SRTP and SRTCP transforms (RFC 3711, 6188, 7714) in bursts. Only the cryptography of a packet
 * whose index is known: rollover counters and replay windows are rtp/index.h, and which key
 * belongs to which stream is the caller's. Nothing here allocates per packet.
 *
 * Two back ends, chosen when the engine is made: ipsec-mb on x86-64 (multi-buffer for bursts) and
 * OpenSSL everywhere; both give the same bytes. */
#ifndef SOTTO_CRYPTO_SRTP_H
#define SOTTO_CRYPTO_SRTP_H

#include "base/protection.h"
#include "base/secret.h"

/* Facts of a suite: what SDES, DTLS-SRTP and ZRTP need to know of it. Bytes. */
struct srtp_suite_info {
    uint8_t key_len;      /* master key */
    uint8_t salt_len;     /* master salt: 14, GCM 12 */
    uint8_t rtp_tag_len;  /* 10 or 4; GCM 16 */
    uint8_t rtcp_tag_len; /* 10 (also with _32); GCM 16 */
};
const struct srtp_suite_info *srtp_suite_info(enum srtp_suite s); /* name: base/protection.h */

#define SRTP_MASTER_MAX 46  /* key + salt of the largest suite */
#define SRTP_TRAILER_MAX 20 /* the most that protect adds: SRTCP index + GCM tag */
#define SRTP_BURST_MAX 64
#define SRTP_PACKET_MAX 16384 /* longer ones are refused */

struct srtp_keys { /* one direction */
    enum srtp_suite suite;
    struct secret master; /* key, then salt */
};

struct srtp_engine; /* per worker: the multi-buffer manager */
struct srtp_ctx;    /* session keys of one direction, RTP and RTCP, expanded */

enum srtp_backend { SRTP_BACKEND_AUTO, SRTP_BACKEND_OPENSSL, SRTP_BACKEND_IPSEC_MB };

/* -ENOTSUP: that back end is not in this build or processor. */
int srtp_engine_new(enum srtp_backend backend, struct srtp_engine **ret) MUST_CHECK;
struct srtp_engine *srtp_engine_free(struct srtp_engine *e);
const char *srtp_engine_name(const struct srtp_engine *e);

/* Derives the session keys (RFC 3711 s.4.3, key derivation rate 0). -EINVAL: sizes do not fit.
 * The context may be used with every engine of the same back end, by one thread at a time, and may
 * outlive the engine that made it. */
int srtp_ctx_new(struct srtp_engine *e, const struct srtp_keys *k,
                 struct srtp_ctx **ret) MUST_CHECK;
struct srtp_ctx *srtp_ctx_free(struct srtp_ctx *c); /* wipes */

enum srtp_verdict {
    SRTP_OK = 0,
    SRTP_AUTH_FAILED,
    SRTP_TOO_SHORT /* for header, tag and index; or longer than SRTP_PACKET_MAX */
};

struct srtp_job {
    struct srtp_ctx *ctx;
    uint8_t *pkt;     /* whole packet, in place; protect needs SRTP_TRAILER_MAX bytes behind it */
    uint32_t len;     /* in: bytes; out: bytes after the transform */
    uint32_t hdr_len; /* RTP header with CSRCs and extension (authenticated, not encrypted); for
                         RTCP ignored (8) */
    uint64_t index;   /* RTP: ROC << 16 | SEQ; RTCP: the 31-bit SRTCP index. Unprotect of RTCP
                         writes it from the packet */
    bool rtcp;
    bool rtcp_clear; /* out, unprotect of RTCP: the E bit was 0 (authenticated, not encrypted) */
    uint8_t verdict; /* out: enum srtp_verdict. A failed packet's bytes are unchanged */
};

/* Jobs may belong to any mix of contexts, suites and RTP/RTCP; n <= SRTP_BURST_MAX. */
void srtp_protect(struct srtp_engine *e, struct srtp_job *jobs, size_t n);
void srtp_unprotect(struct srtp_engine *e, struct srtp_job *jobs, size_t n);

#endif
