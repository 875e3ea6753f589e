/* One ZRTP stream (RFC 6189) as a machine without input or output: packets come in by
 * zrtp_packet, time by zrtp_expired; what goes out, timers and results are callbacks.
 *
 *   Hello <-> HelloACK     both ways, by T1                            s.4.1
 *   Commit ->              the initiator's; two at once are resolved   s.4.2
 *   <- DHPart1, DHPart2 -> not in Multistream and Preshared mode       s.4.4
 *   <- Confirm1, Confirm2 ->, <- Conf2ACK                              s.4.5, 4.6
 *   then: SASrelay, GoClear, Ping, Error                               s.5.9 - 5.16, 7.3
 *
 * The states and what each does at each event stand in table.c. A message that does not fit (out of
 * order, wrong hash chain, not authentic) is dropped, with a reason; what proves that the agreement
 * cannot be trusted (hash commitment, public value, Confirm's MAC) ends it: an Error goes out, the
 * keys are wiped and `failed` is called. Keys come out once, when the peer's Confirm was good.
 *
 * What a pair of phones keeps between calls (s.3.1.1) is asked for by `find` and given by `save`:
 * the machine knows no store. */
#ifndef SOTTO_KEYING_ZRTP_ZRTP_H
#define SOTTO_KEYING_ZRTP_ZRTP_H

#include "keying/zrtp/keys.h"

#define ZRTP_T1_MS 50 /* s.6: Hello */
#define ZRTP_T1_CAP_MS 200
#define ZRTP_T1_COUNT 20
#define ZRTP_T2_MS 150 /* everything else */
#define ZRTP_T2_CAP_MS 1200
#define ZRTP_T2_COUNT 10
#define ZRTP_SLOW_HELLO_MS 1000 /* after T1's count, where hello_count is more */
#define ZRTP_READY_MS 5000      /* for secrets from the store, or a peer that must begin */

#define ZRTP_HASH_TEXT_LEN 64

struct zrtp;

struct zrtp_config {
    uint8_t zid[ZRTP_ZID_LEN];
    uint8_t h0[ZRTP_IMAGE_LEN]; /* random; fixes our Hello, and so what a=zrtp-hash announces */
    struct zrtp_lists lists;
    uint32_t ssrc;
    uint16_t hello_count; /* 0: ZRTP_T1_COUNT */
    bool is_mitm;         /* M: we relay, and may send SASrelay */
    bool is_passive;      /* P: never the initiator */
    bool allow_clear;     /* A: GoClear is obeyed, and may be sent */
    bool ask_enroll;      /* E: we are a PBX to be enrolled (s.7.3.1) */
    bool accept_enroll;   /* we are a phone, and its user wants that */
    bool use_preshared;   /* Prsh instead of DH, where secrets are there (s.3.1.2) */
    bool has_peer_hash;   /* a=zrtp-hash came: no other Hello is heard (s.8.1) */
    uint8_t peer_hash[CRYPTO_DIGEST_MAX];
    struct secret aux;     /* s.4.3: agreed by other means */
    struct secret session; /* of the first stream: Multistream mode (s.3.1.3) */
};

struct zrtp_result {
    struct srtp_keys tx, rx;
    struct zrtp_choice choice;
    char sas[ZRTP_SAS_TEXT_MAX]; /* empty in Multistream mode */
    uint8_t sas_hash[ZRTP_SAS_HASH_LEN];
    uint8_t peer_zid[ZRTP_ZID_LEN];
    bool sas_verified;   /* by people on both sides, and the keys go on from then */
    bool cache_mismatch; /* s.4.6.1.1: the retained secrets do not fit; compare the SAS */
    bool pbx_matched;    /* we are enrolled at each other */
    bool peer_is_mitm;   /* the peer says that it relays */
    bool sas_relayed;    /* `sas` is the far end's, as our trusted man in the middle says */
    bool enroll_offered; /* the peer asks to be enrolled */
    bool peer_discloses; /* s.11: the peer gives keys to others, and says so */
    struct secret session;
};

/* The one reason for a drop that explains nothing else. */
extern const char zrtp_out_of_order[];

struct zrtp_env {
    void *arg;
    void (*send)(void *arg, const void *packet, size_t n);
    void (*timer)(void *arg, uint64_t due_ms); /* one timer; 0 stops it */
    /* True: *ret is what is kept of this peer (zero: nothing). False: zrtp_found brings it. */
    bool (*find)(void *arg, const uint8_t zid[ZRTP_ZID_LEN], struct zrtp_secrets *ret);
    void (*save)(void *arg, const uint8_t zid[ZRTP_ZID_LEN], const struct zrtp_secrets *s);
    void (*dropped)(void *arg, const char *why);
    /* From here on the last call of an event; the machine may be freed. `r` until return. */
    void (*secure)(void *arg, const struct zrtp_result *r); /* keys, once */
    void (*changed)(void *arg,
                    const struct zrtp_result *r); /* SAS or its flags; keys as they were */
    void (*cleared)(void *arg);                   /* GoClear was agreed */
    void (*failed)(void *arg, const char *why);   /* a static, plain sentence */
};

/* Borrows env until free. */
int zrtp_new(const struct zrtp_config *cfg, const struct zrtp_env *env,
             struct zrtp **ret) MUST_CHECK;
struct zrtp *zrtp_free(struct zrtp *z); /* wipes */

/* SHA-256 of our Hello, as hex: a=zrtp-hash:1.10 <this> (s.8). */
void zrtp_hello_hash(const struct zrtp_config *cfg, char ret[ZRTP_HASH_TEXT_LEN + 1]);

void zrtp_start(struct zrtp *z, uint64_t now_ms);
void zrtp_packet(struct zrtp *z, struct slice packet, uint64_t now_ms);
void zrtp_expired(struct zrtp *z, uint64_t now_ms);
void zrtp_found(struct zrtp *z, const struct zrtp_secrets *s, uint64_t now_ms);
/* A packet of the peer was authentic under the new keys: as good as a Conf2ACK (s.4.6). */
void zrtp_media_seen(struct zrtp *z, uint64_t now_ms);

/* Where the machine is; for tests and displays. */
bool zrtp_is_secure(const struct zrtp *z);
const char *zrtp_state_name(const struct zrtp *z);

/* The people have compared the SAS (true), or take that back. Saves. */
void zrtp_sas_verified(struct zrtp *z, bool verified);
/* The user takes up the peer's offer of enrolment (result.enroll_offered). */
void zrtp_enroll(struct zrtp *z);
/* As trusted man in the middle: show this SAS of the other leg to the peer. False: not secure, or
 * our Hello did not say M. */
bool zrtp_relay_sas(struct zrtp *z, const struct zrtp_relay *relay, uint64_t now_ms);
/* False: not secure, or not allowed on both sides. */
bool zrtp_go_clear(struct zrtp *z, uint64_t now_ms);

#endif
