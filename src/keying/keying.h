/* Keyings behind one small table of functions: SDES now; DTLS-SRTP, ZRTP and MIKEY plug in the
 * same. Sans I/O: descriptions come and go as text, packets and timers by callback, time as an
 * argument. The yield is always the same: keys of both directions and a protection record.
 *
 *   text      offer / answer / accept: what our description says, what the peer's says. They work
 *             on a struct keying_state, and the negotiator (keying/negotiate.h) calls them.
 *   engine    for keyings that also speak in the media path (DTLS, ZRTP): lives while a handshake
 *             is going on. It writes its result into the state.
 *
 * struct keying_state is plain data without pointers, because it lies in a memfd and must survive
 * a killed process; an engine does not survive, and its handshake is begun again. The state holds
 * keys: wipe copies with keying_state_wipe. */
#ifndef SOTTO_KEYING_KEYING_H
#define SOTTO_KEYING_KEYING_H

#include "keying/sdes.h"

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

struct keying_policy {
    uint8_t protection; /* enum protection_policy */
    uint8_t keying_count;
    uint8_t suite_count;              /* 0: every suite, as the peer likes; offers are then short */
    uint8_t keyings[KEYING_COUNT];    /* enum keying_kind, best first */
    uint8_t suites[SRTP_SUITE_COUNT]; /* enum srtp_suite, best first */
};

/* One endpoint. All zero is a new one. */
struct keying_state {
    uint8_t active;  /* enum keying_kind of the keys below; KEYING_NONE: clear, or not yet agreed */
    uint8_t proto;   /* enum keying_proto of the last agreement, or of our offer */
    bool agreed;     /* an offer was answered, by either side */
    bool secured;    /* keys were agreed once: never less again */
    uint8_t offered; /* bits 1 << enum keying_kind of our last offer */
    struct srtp_keys tx, rx; /* suite SRTP_SUITE_NONE: none yet */
    struct sdes_state sdes;
};

void keying_state_wipe(struct keying_state *s);
bool keying_keys_eq(const struct srtp_keys *a, const struct srtp_keys *b); /* constant time */
/* keying, suite and established; path and the ZRTP fields are zero. */
void keying_state_protection(const struct keying_state *s, struct media_protection *ret);

enum keying_text_verdict {
    KEYING_TEXT_OK = 0,
    KEYING_TEXT_NONE,     /* the text holds nothing of this keying */
    KEYING_TEXT_NO_SUITE, /* readable, but no suite in common */
    KEYING_TEXT_BAD       /* none of its lines can be used, or a wrong answer */
};

struct keying_engine; /* a handshake that is going on */

struct keying_engine_env {
    void *arg;
    void (*send)(void *arg, const void *packet, size_t n); /* towards the peer */
    void (*timer)(void *arg, uint64_t due_ms);             /* one timer; 0 stops it */
    void (*secure)(void *arg);                             /* the state's tx and rx have new keys */
    void (*failed)(void *arg, const char *why); /* a plain sentence; the engine may be freed */
};

struct keying_ops {
    enum keying_kind kind;
    /* Our lines for an offer. Keys in use stay in use. */
    void (*offer)(const struct keying_policy *p, struct keying_state *s, struct buf *text);
    /* The peer's offer: our answer's lines, and keys where they are known by now. 0 or enum
     * keying_text_verdict; *ret_why is a static sentence where it is not 0. */
    int (*answer)(const struct keying_policy *p, struct slice remote, struct keying_state *s,
                  struct buf *text, const char **ret_why);
    /* The peer's answer to our last offer. */
    int (*accept)(const struct keying_policy *p, struct slice remote, struct keying_state *s,
                  const char **ret_why);
    /* All four NULL where the keys are in the text. Borrow env and state until free. */
    int (*start)(const struct keying_engine_env *env, struct keying_state *s, uint64_t now_ms,
                 struct keying_engine **ret);
    void (*packet)(struct keying_engine *e, struct slice packet, uint64_t now_ms);
    void (*expired)(struct keying_engine *e, uint64_t now_ms);
    struct keying_engine *(*free)(struct keying_engine *e);
};

extern const struct keying_ops keying_sdes;

/* NULL: not in this build. */
const struct keying_ops *keying_find(enum keying_kind k);

#endif
