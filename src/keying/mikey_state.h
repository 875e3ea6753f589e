/* What an endpoint remembers of MIKEY between descriptions. */
#ifndef SOTTO_KEYING_MIKEY_STATE_H
#define SOTTO_KEYING_MIKEY_STATE_H

#include "keying/mikey.h"

#define MIKEY_TGK_LEN 32

/* One crypto session bundle: session 1 is what the offerer sends with, 2 what the answerer does. */
struct mikey_bundle {
    uint8_t suite; /* enum srtp_suite; SRTP_SUITE_NONE: none */
    uint32_t csb_id;
    uint8_t rand[MIKEY_RAND_MIN];
    uint8_t tgk[MIKEY_TGK_LEN];
};

struct mikey_state {
    struct mikey_bundle offered; /* our last offer; it goes on while it is in use */
    bool in_use;                 /* the keys come from `offered` */
};

#endif
