/* The way that a call's media takes, and why not a more private one. Decided once, when the callee's
 * legs are there and before the offer is judged, for the whole call:
 *
 *   relay   the server ends keying on each leg: any keying to any other, recording, conversion
 *   pass    the phones' keying text crosses, and their packets are relayed as they are
 *   direct  the same, and the packets go from phone to phone
 *
 * A more private way is taken where the users of both legs have it (`--media`); direct comes down to
 * pass where the phones cannot reach each other. */
#ifndef SOTTO_CALL_PATH_H
#define SOTTO_CALL_PATH_H

#include "call/leg.h"

enum path_why {
    PATH_WHY_NONE,
    PATH_WHY_USER,     /* one user has it, the other has not */
    PATH_WHY_OFF,      /* encryption is off for one of them alone */
    PATH_WHY_BROWSER,  /* one end is a browser */
    PATH_WHY_KEYINGS,  /* the two policies have no keying in common */
    PATH_WHY_NAT,      /* direct: a phone is behind a NAT */
    PATH_WHY_NETWORKS, /* direct: the phones are in different private networks, or IP versions */
    PATH_WHY_COUNT
};

/* Takes the way, and settles both legs' policies for it: the stricter protection, the keyings that
 * both have. offer: the caller's; NULL: it comes late. */
void path_decide(struct call *c, const struct sdp *offer);
/* A callee's leg that joins later (a 302): false: it cannot take the call's way. */
bool path_join(struct leg *b);
/* What the callees' legs of a restored call must know. */
void path_restored(struct call *c);
/* For explain: a sentence, or NULL. */
const char *path_why_text(enum path_why w);

/* The addresses of a description that goes directly: those of the other leg's. */
void path_fill_plan(const struct leg *l, const struct sdp *other, struct sdp_leg_plan *plan);
/* Of a description that crosses: bits of enum keying_kind whose lines go along; 0: keying ends here. */
uint8_t path_crossing(const struct leg *l);

#endif
