/* SRTP of one stream in both directions, a packet at a time: session keys, indices, replay. After
 * a re-INVITE brought a new key, packets under the one before are still on their way: it is kept
 * until the next one comes. */
#ifndef SOTTO_PHONE_CRYPT_H
#define SOTTO_PHONE_CRYPT_H

#include "crypto/srtp.h"
#include "rtp/index.h"
#include "rtp/packet.h"

struct phone_rx_key {
    struct srtp_keys keys;
    struct srtp_ctx *ctx; /* NULL: none */
    struct rtp_rx_whole table;
};

struct phone_crypt {
    struct srtp_engine *engine; /* borrowed */
    struct srtp_keys tx_keys;
    struct srtp_ctx *tx; /* NULL: nothing may be sent */
    struct rtp_tx_whole tx_table;
    struct phone_rx_key rx[2]; /* in force; the one before */
};

enum phone_crypt_verdict {
    PHONE_CRYPT_OK = 0,
    PHONE_CRYPT_NO_KEY,
    PHONE_CRYPT_FORGED,
    PHONE_CRYPT_REPLAYED,
    PHONE_CRYPT_EXHAUSTED
};

void phone_crypt_init(struct phone_crypt *c, struct srtp_engine *e);
void phone_crypt_fini(struct phone_crypt *c);
/* A key that is as before keeps its indices and its replay window (RFC 3711 s.3.2.1). */
int phone_crypt_set(struct phone_crypt *c, const struct srtp_keys *tx,
                    const struct srtp_keys *rx) MUST_CHECK;
/* In place; SRTP_TRAILER_MAX bytes of room behind the packet. 0 or enum phone_crypt_verdict. */
int phone_crypt_seal(struct phone_crypt *c, uint8_t *pkt, uint32_t len, bool rtcp,
                     uint32_t *ret_len) MUST_CHECK;
int phone_crypt_open(struct phone_crypt *c, uint8_t *pkt, uint32_t len, bool rtcp,
                     uint32_t *ret_len) MUST_CHECK;

#endif
