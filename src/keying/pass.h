/* Keying that passes through an opaque relay: the phones agree with each other, and the server, which
 * has no keys, only reads what anybody on the way can read. From a description: which keyings it
 * announces, and the hash of the ZRTP Hello that is to come (RFC 6189 s.8.1). From packets: that this
 * Hello is the announced one, and how far the two phones have come.
 *
 * Pure; nothing here authenticates. What follows from it is the media role's (media/opaque.c). */
#ifndef SOTTO_KEYING_PASS_H
#define SOTTO_KEYING_PASS_H

#include "base/protection.h"
#include "crypto/hash.h"
#include "rtp/demux.h"

#define KEYING_PASS_HASHES_MAX 2 /* a=zrtp-hash lines that count: one for each version */

struct keying_pass {
    uint8_t announced; /* bits 1 << enum keying_kind */
    uint8_t hash_count;
    uint8_t hash[KEYING_PASS_HASHES_MAX][CRYPTO_SHA256_LEN];
};

/* What attribute lines ("a=…" each) announce, of the kinds in `allowed` (bits as `announced`). */
void keying_pass_read(struct slice text, unsigned allowed, struct keying_pass *ret);
bool keying_pass_eq(const struct keying_pass *a, const struct keying_pass *b);

enum keying_pass_event {
    KEYING_PASS_OTHER,         /* a message that tells us nothing */
    KEYING_PASS_BAD,           /* neither ZRTP nor DTLS */
    KEYING_PASS_HELLO,         /* the announced one, or one of a phone that announced none */
    KEYING_PASS_HELLO_FOREIGN, /* another one than was announced */
    KEYING_PASS_CONFIRM,       /* ZRTP's Confirm2 … */
    KEYING_PASS_CONFIRMED,     /* … and what ends the agreement, Conf2ACK */
    KEYING_PASS_GO_CLEAR,      /* ZRTP: asks to talk in clear (RFC 6189 s.4.7.2) */
    KEYING_PASS_SECURE,        /* DTLS: an encrypted record */
    KEYING_PASS_EVENT_COUNT
};

/* Of a packet that came from the phone that announced `p`; kind ZRTP or DTLS. */
enum keying_pass_event keying_pass_hear(const struct keying_pass *p, enum rtp_kind kind,
                                        struct slice packet);

#endif
