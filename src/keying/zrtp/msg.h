/* ZRTP messages (RFC 6189 s.5.2 - 5.16): bytes to struct and back. Pure: MACs and hash chains are
 * judged by the machine, encrypted parts are opened by it.
 *
 * Slices in a parsed message borrow from what was parsed. Unknown algorithms of a Hello are
 * skipped; an unknown one of a Commit is 0, so that an Error can name it. */
#ifndef SOTTO_KEYING_ZRTP_MSG_H
#define SOTTO_KEYING_ZRTP_MSG_H

#include "base/buf.h"
#include "keying/zrtp/algo.h"
#include "keying/zrtp/packet.h"

enum zrtp_kind {
    ZRTP_HELLO,
    ZRTP_HELLOACK,
    ZRTP_COMMIT,
    ZRTP_DHPART1,
    ZRTP_DHPART2,
    ZRTP_CONFIRM1,
    ZRTP_CONFIRM2,
    ZRTP_CONF2ACK,
    ZRTP_ERROR,
    ZRTP_ERRORACK,
    ZRTP_GOCLEAR,
    ZRTP_CLEARACK,
    ZRTP_SASRELAY,
    ZRTP_RELAYACK,
    ZRTP_PING,
    ZRTP_PINGACK,
    ZRTP_KIND_COUNT
};

#define ZRTP_ZID_LEN 12
#define ZRTP_IMAGE_LEN 32 /* of the hash chain */
#define ZRTP_ID_LEN 8
#define ZRTP_MAC_LEN 8
#define ZRTP_HVI_LEN 32
#define ZRTP_NONCE_LEN 16
#define ZRTP_CLIENT_LEN 16
#define ZRTP_VERSION_LEN 4

struct zrtp_hello {
    uint8_t version[ZRTP_VERSION_LEN]; /* "1.10" */
    uint8_t client[ZRTP_CLIENT_LEN];
    uint8_t h3[ZRTP_IMAGE_LEN];
    uint8_t zid[ZRTP_ZID_LEN];
    bool can_sign, is_mitm, is_passive;
    struct zrtp_lists lists;
};

struct zrtp_commit {
    uint8_t h2[ZRTP_IMAGE_LEN];
    uint8_t zid[ZRTP_ZID_LEN];
    struct zrtp_choice choice;
    uint8_t hvi[ZRTP_HVI_LEN];     /* DH */
    uint8_t nonce[ZRTP_NONCE_LEN]; /* Mult, Prsh */
    uint8_t key_id[ZRTP_ID_LEN];   /* Prsh */
};

/* The order in which a DHPart names them. */
enum zrtp_secret_kind { ZRTP_RS1, ZRTP_RS2, ZRTP_AUX, ZRTP_PBX, ZRTP_SECRET_KINDS };

struct zrtp_dhpart {
    uint8_t h1[ZRTP_IMAGE_LEN];
    uint8_t ids[ZRTP_SECRET_KINDS][ZRTP_ID_LEN];
    struct slice public_value;
};

/* Confirm1, Confirm2 and SASrelay have the same shape outside. */
struct zrtp_sealed {
    uint8_t mac[ZRTP_MAC_LEN]; /* over the encrypted part */
    uint8_t iv[CRYPTO_CFB_IV_LEN];
    struct slice text; /* encrypted */
};

struct zrtp_ping {
    uint8_t version[ZRTP_VERSION_LEN];
    uint8_t endpoint[ZRTP_ID_LEN]; /* the sender's */
    uint8_t received[ZRTP_ID_LEN]; /* PingACK: from the Ping */
    uint32_t ssrc;                 /* PingACK: from the Ping's packet */
};

struct zrtp_msg {
    enum zrtp_kind kind;
    union {
        struct zrtp_hello hello;
        struct zrtp_commit commit;
        struct zrtp_dhpart dhpart;
        struct zrtp_sealed sealed;
        struct zrtp_ping ping;
        uint32_t error;
        uint8_t clear_mac[ZRTP_MAC_LEN];
    };
};

enum zrtp_msg_verdict {
    ZRTP_MSG_OK = 0,
    ZRTP_MSG_UNKNOWN,    /* no message has that name */
    ZRTP_MSG_BAD_LENGTH, /* for what it says it is */
    ZRTP_MSG_BAD_FIELD,
    ZRTP_MSG_VERDICT_COUNT
};

/* `message` as zrtp_packet_parse gives it. 0 or enum zrtp_msg_verdict. */
int zrtp_msg_parse(struct slice message, struct zrtp_msg *ret) MUST_CHECK;
/* The whole message; where the hash chain's MAC belongs (Hello, Commit, DHPart), eight zeros. */
void zrtp_msg_print(const struct zrtp_msg *m, struct buf *b);
bool zrtp_msg_has_mac(enum zrtp_kind k);
const char *zrtp_kind_name(enum zrtp_kind k); /* "Hello" */
const char *zrtp_msg_why(enum zrtp_msg_verdict v);

/* --- what is encrypted ------------------------------------------------------------------------- */

#define ZRTP_EXPIRY_NEVER 0xffffffffu

/* A Confirm's (s.5.7). */
struct zrtp_confirm {
    uint8_t h0[ZRTP_IMAGE_LEN];
    bool enroll;      /* E: a PBX asks to be enrolled as trusted man in the middle */
    bool verified;    /* V: the user has verified the SAS of this pair once */
    bool allow_clear; /* A */
    bool disclosure;  /* D */
    uint32_t expiry;  /* of the retained secret; seconds */
};

/* A SASrelay's (s.5.13). */
struct zrtp_relay {
    bool verified, allow_clear, disclosure;
    uint8_t sas; /* enum zrtp_sas; 0: none, or not known here */
    uint8_t sas_hash[ZRTP_IMAGE_LEN];
};

#define ZRTP_CONFIRM_TEXT_LEN 40
#define ZRTP_RELAY_TEXT_LEN 40

/* Signatures are stepped over, not judged: the S flag of our Hello is not set. */
int zrtp_confirm_parse(struct slice text, struct zrtp_confirm *ret) MUST_CHECK;
void zrtp_confirm_print(const struct zrtp_confirm *c, uint8_t ret[ZRTP_CONFIRM_TEXT_LEN]);
int zrtp_relay_parse(struct slice text, struct zrtp_relay *ret) MUST_CHECK;
void zrtp_relay_print(const struct zrtp_relay *r, uint8_t ret[ZRTP_RELAY_TEXT_LEN]);

#endif
