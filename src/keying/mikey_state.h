/* What an endpoint remembers of MIKEY between descriptions, and what whoever negotiates has to tell. */
#ifndef SOTTO_KEYING_MIKEY_STATE_H
#define SOTTO_KEYING_MIKEY_STATE_H

#include "keying/mikey.h"
#include "keying/mikey_seen.h"

#define MIKEY_TGK_LEN 32
#define MIKEY_ENVELOPE_LEN 32 /* bytes of an envelope's key */
#define MIKEY_NAME_MAX 320    /* "user@domain", with its NUL */

/* What protects keys on their way. */
enum mikey_how { MIKEY_HOW_CLEAR, MIKEY_HOW_PSK, MIKEY_HOW_PK, MIKEY_HOW_RSA_R };

/* Of one leg. All zero: no MIKEY can be agreed on. */
struct mikey_terms {
    struct secret psk;  /* n == 0: none. With one, nothing is taken that it does not protect … */
    bool clear_allowed; /* … without, a key in clear, where signalling is encrypted … */
    bool cert_required; /* … but not this: there must be a certificate; it may be in any case */
    uint64_t unix_s;    /* what time it is */
    uint64_t call;      /* whose message may come again: it is the same offer … */
    uint16_t leg, stream; /* … of this m-line */
    char self[MIKEY_NAME_MAX],
        peer[MIKEY_NAME_MAX]; /* who we are, and who has the psk: "1000@example.org" */
};

/* One crypto session bundle: session 1 is what the offerer sends with, 2 what the answerer does. */
struct mikey_bundle {
    uint8_t suite; /* enum srtp_suite; SRTP_SUITE_NONE: none */
    uint8_t how;   /* enum mikey_how: the answer must be, too */
    uint32_t csb_id;
    uint64_t time;
    uint8_t rand[MIKEY_RAND_MIN];
    uint8_t tgk[MIKEY_TGK_LEN];
    uint8_t env[MIKEY_ENVELOPE_LEN]; /* proves the answer to a public key */
};

/* What we gave to an initiator that left the key to us (RSA-R): it gets the same again. */
struct mikey_given {
    bool is_set;
    uint32_t csb_id;
    uint8_t rand[MIKEY_RAND_MIN];
    uint8_t tgk[MIKEY_TGK_LEN];
};

struct mikey_state {
    struct mikey_bundle offered; /* our last offer; it goes on while it is in use */
    bool in_use;                 /* the keys come from `offered` */
    /* Of the peer's message whose keys we took last, unless it was in clear: the same may come
     * again, another must be newer. */
    uint8_t taken; /* enum mikey_how */
    uint64_t taken_time;
    uint8_t taken_proof[MIKEY_MAC_LEN]; /* its MAC, or as much of its signature */
    struct mikey_given given;
};

/* What protected the keys in use on their way. */
static inline enum mikey_how keying_mikey_how(const struct mikey_state *s)
{
    return (enum mikey_how)(s->in_use ? s->offered.how : s->taken);
}

#endif
