/* What an endpoint remembers of MIKEY between descriptions, and what whoever negotiates has to tell. */
#ifndef SOTTO_KEYING_MIKEY_STATE_H
#define SOTTO_KEYING_MIKEY_STATE_H

#include "keying/mikey.h"
#include "keying/mikey_seen.h"

#define MIKEY_TGK_LEN 32
#define MIKEY_NAME_MAX 320 /* "user@domain", with its NUL */

/* Of one leg. All zero: no MIKEY can be agreed on. */
struct mikey_terms {
    struct secret psk;  /* n == 0: none. With one, nothing is taken that it does not protect … */
    bool clear_allowed; /* … without, a key in clear, where signalling is encrypted */
    uint64_t unix_s;    /* what time it is */
    uint64_t call;      /* whose message may come again: it is the same offer … */
    uint16_t leg, stream; /* … of this m-line */
    char self[MIKEY_NAME_MAX],
        peer[MIKEY_NAME_MAX]; /* who we are, and who has the psk: "1000@example.org" */
};

/* One crypto session bundle: session 1 is what the offerer sends with, 2 what the answerer does. */
struct mikey_bundle {
    uint8_t suite; /* enum srtp_suite; SRTP_SUITE_NONE: none */
    bool sealed;   /* under a pre-shared key: the answer must be, too */
    uint32_t csb_id;
    uint64_t time;
    uint8_t rand[MIKEY_RAND_MIN];
    uint8_t tgk[MIKEY_TGK_LEN];
};

struct mikey_state {
    struct mikey_bundle offered; /* our last offer; it goes on while it is in use */
    bool in_use;                 /* the keys come from `offered` */
    /* Of the peer's message whose keys we took last, under a pre-shared key: the same may come
     * again, another must be newer. */
    bool has_taken;
    uint64_t taken_time;
    uint8_t taken_mac[MIKEY_MAC_LEN];
};

/* Do the keys in use come from a message under a pre-shared key? */
static inline bool keying_mikey_is_sealed(const struct mikey_state *s)
{
    return s->in_use ? s->offered.sealed : s->has_taken;
}

#endif
