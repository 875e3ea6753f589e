/* Keyings behind one small table of functions: SDES, DTLS-SRTP, ZRTP, MIKEY. Sans I/O: descriptions come and go as text, packets and timers by callback, time as an
 * argument. The yield is always the same: keys of both directions and a protection record.
 *
 *   text      offer / answer / accept: what our description says, what the peer's says. They work
 *             on a struct keying_state, and the negotiator (keying/negotiate.h) calls them.
 *   engine    for keyings that also speak in the media path (DTLS, ZRTP): one for each component
 *             (RTP, and RTCP where it has a port of its own) that needs keys of its own. It tells
 *             its result by env->secure, and whoever drives it puts that into the state by
 *             keying_state_take.
 *
 * When to start one: an agreement numbers the handshake that it asks for (`wanted`), the keys in use
 * are of the one that `done` says. keying_state_wants tells; the driver needs to know no keying.
 *
 * struct keying_state is plain data without pointers, because it lies in a memfd and must survive
 * a killed process; an engine does not survive, and its handshake is begun again. The state holds
 * keys: wipe copies with keying_state_wipe. */
#ifndef SOTTO_KEYING_KEYING_H
#define SOTTO_KEYING_KEYING_H

#include "keying/dtls.h"
#include "keying/mikey_state.h"
#include "keying/sdes.h"
#include "keying/zrtp_state.h"

/* The order is that of the media role's enum media_proto. */
enum keying_proto {
    KEYING_AVP,
    KEYING_AVPF,
    KEYING_SAVP,
    KEYING_SAVPF,
    KEYING_UDP_TLS_SAVP,
    KEYING_UDP_TLS_SAVPF,
    KEYING_PROTO_COUNT
};

enum keying_component { KEYING_RTP, KEYING_RTCP, KEYING_COMPONENT_COUNT };

/* What of ours is the same for all endpoints of a process; borrowed by whoever negotiates. */
struct keying_local {
    /* Our certificate, and the one before it, whose digest may still stand in descriptions. NULL:
     * none. Without the first no DTLS is agreed on. */
    struct crypto_dtls *dtls[DTLS_IDENTITIES];
    const struct zrtp_local *zrtp; /* NULL: no identifier yet, so no ZRTP */
    struct mikey_seen *mikey_seen; /* NULL: of MIKEY only what is in clear is taken */
    struct crypto_rsa *rsa;        /* our certificate for MIKEY; NULL: none */
    struct slice rsa_peer; /* MIKEY: the peer's, known beforehand (DER); empty: not, so RSA-R */
};

struct keying_policy {
    uint8_t protection; /* enum protection_policy */
    uint8_t keying_count;
    uint8_t suite_count;              /* 0: every suite, as the peer likes; offers are then short */
    uint8_t keyings[KEYING_COUNT];    /* enum keying_kind, best first */
    uint8_t suites[SRTP_SUITE_COUNT]; /* enum srtp_suite, best first */
    /* Of the peer's phone, in SDES. */
    uint8_t crypto_max; /* lines of our offers; 0: as many as there are suites */
    bool no_aes256;     /* it agrees on AES-256, and then there is no sound */
    bool aes_cm_256;    /* spells it AES_CM_256_..., not as RFC 6188 does */
    bool gcm;           /* it has AEAD_AES_128_GCM: of the short offer the first line */
    /* The peer is likely behind a NAT: where one side must speak first, let it be the peer. */
    bool peer_first;
    const struct keying_local *local; /* NULL: keyings that need it are not there */
    const struct mikey_terms *mikey;  /* borrowed; NULL: no MIKEY */
};

/* One endpoint. All zero is a new one. */
struct keying_state {
    uint8_t active;  /* enum keying_kind of the keys below; KEYING_NONE: clear, or not yet agreed */
    uint8_t proto;   /* enum keying_proto of the last agreement, or of our offer */
    bool agreed;     /* an offer was answered, by either side */
    bool secured;    /* keys were agreed once: never less again */
    uint8_t offered; /* bits 1 << enum keying_kind of our last offer */
    struct srtp_keys tx, rx; /* suite SRTP_SUITE_NONE: none yet */
    /* Of RTCP where it has a handshake of its own (keying_state_rtcp_apart); else it has RTP's. */
    struct srtp_keys rtcp_tx, rtcp_rx;
    bool held;                             /* no handshake for now (RFC 4145's holdconn) */
    uint32_t wanted;                       /* counts handshakes that were agreed on; 0: none */
    uint32_t done[KEYING_COMPONENT_COUNT]; /* whose keys are above; 0: none */
    char sas[PROTECTION_SAS_MAX];
    bool sas_verified, trusted_mitm;
    struct sdes_state sdes;
    struct dtls_state dtls;
    struct zrtp_state zrtp;
    struct mikey_state mikey;
};

/* What a handshake brought. */
struct keying_yield {
    struct srtp_keys tx, rx;
    char sas[PROTECTION_SAS_MAX]; /* empty: the keying has none */
    bool sas_verified, trusted_mitm;
    struct zrtp_told zrtp;
};

void keying_state_wipe(struct keying_state *s);
bool keying_keys_eq(const struct srtp_keys *a, const struct srtp_keys *b); /* constant time */
/* All but path, which is 0. */
void keying_state_protection(const struct keying_state *s, struct media_protection *ret);
/* Has RTCP keys of its own, where it does not share a port with RTP? */
bool keying_state_rtcp_apart(const struct keying_state *s, bool rtcp_mux);
/* Is a handshake due for that component? Old keys, where there are some, stay in use meanwhile. */
bool keying_state_wants(const struct keying_state *s, enum keying_component c, bool rtcp_mux);
/* The result of handshake `number` (the `wanted` when it was started). False: not wanted any more,
 * nothing has changed. */
bool keying_state_take(struct keying_state *s, enum keying_component c, uint32_t number,
                       const struct keying_yield *y) MUST_CHECK;

enum keying_text_verdict {
    KEYING_TEXT_OK = 0,
    KEYING_TEXT_NONE,     /* the text holds nothing of this keying */
    KEYING_TEXT_NO_SUITE, /* readable, but no suite in common */
    KEYING_TEXT_BAD       /* none of its lines can be used, or a wrong answer */
};

struct keying_engine; /* a handshake that is going on */

/* How a driver is told; it may be called from within every function of the engine, never after
 * `failed`. After each the engine still stands until free. */
struct keying_engine_env {
    void *arg;
    const struct keying_local *local;                      /* borrowed until free */
    void (*send)(void *arg, const void *packet, size_t n); /* towards the peer */
    void (*timer)(void *arg, uint64_t due_ms);             /* one timer; 0 stops it */
    /* Keys; the engine lives on for what the peer may send late, and may bring new ones later. */
    void (*secure)(void *arg, const struct keying_yield *y);
    /* For good, and proven: not by what anybody may send. `why` is a plain sentence. */
    void (*failed)(void *arg, enum keying_fault f, const char *why);
    /* ZRTP: the state of the first stream of the same description, with its keys; this one then needs
     * no key agreement of its own (RFC 6189 s.4.4.3). Read by start; NULL: there is none. */
    const struct keying_state *first;
    bool ask_enroll; /* ZRTP: the phone may enrol us as its trusted man in the middle (s.7.3.1) */
    /* What is kept of a ZRTP peer between calls, as struct zrtp_env has it. NULL: nothing is. */
    bool (*find)(void *arg, const uint8_t zid[ZRTP_ZID_LEN], struct zrtp_secrets *ret);
    void (*save)(void *arg, const uint8_t zid[ZRTP_ZID_LEN], const struct zrtp_secrets *s);
};

struct keying_ops {
    enum keying_kind kind;
    /* Can it be agreed on under this policy? NULL: always. */
    bool (*usable)(const struct keying_policy *p);
    /* May we offer it? NULL: always. */
    bool (*offerable)(const struct keying_policy *p);
    /* Our lines for an offer. Keys in use stay in use. */
    void (*offer)(const struct keying_policy *p, struct keying_state *s, struct buf *text);
    /* The peer's offer: our answer's lines, and keys where they are known by now. 0 or enum
     * keying_text_verdict; *ret_why is a static sentence where it is not 0. */
    int (*answer)(const struct keying_policy *p, struct slice remote, struct keying_state *s,
                  struct buf *text, const char **ret_why);
    /* The peer's answer to our last offer. */
    int (*accept)(const struct keying_policy *p, struct slice remote, struct keying_state *s,
                  const char **ret_why);
    /* The rest is zero where the keys are in the text. */
    uint8_t packet_kind; /* enum rtp_kind of its packets */
    bool per_component;  /* RTCP on a port of its own has a handshake of its own */
    /* A handshake, or, where keys are there already (after a restart), only what answers the peer.
     * Copies *env and what it needs of *s. -EAGAIN: something of env->local is still to come. */
    int (*start)(const struct keying_engine_env *env, const struct keying_state *s,
                 enum keying_component c, uint64_t now_ms, struct keying_engine **ret);
    void (*packet)(struct keying_engine *e, struct slice packet, uint64_t now_ms);
    void (*expired)(struct keying_engine *e, uint64_t now_ms);
    /* Why there are no keys yet: a plain sentence, for when patience has ended. */
    const char *(*state)(const struct keying_engine *e);
    struct keying_engine *(*free)(struct keying_engine *e);
    /* ZRTP's; NULL elsewhere. */
    void (*found)(struct keying_engine *e, const struct zrtp_secrets *s, uint64_t now_ms);
    void (*verify)(struct keying_engine *e, bool verified); /* people have compared the SAS */
    /* The other leg of the call is this: its SAS may be shown to our peer (RFC 6189 s.7.3). */
    void (*relay)(struct keying_engine *e, const struct keying_state *other, uint64_t now_ms);
};

extern const struct keying_ops keying_sdes;
extern const struct keying_ops keying_dtls;
extern const struct keying_ops keying_zrtp;
extern const struct keying_ops keying_mikey;

/* NULL: not in this build. */
const struct keying_ops *keying_find(enum keying_kind k);

#endif
