/* Two phones, or three, and a call between them that is being made: what several tests of setting up
 * begin with. */
#ifndef SOTTO_SIGNAL_TESTDUO_H
#define SOTTO_SIGNAL_TESTDUO_H

#include "signal/testphone.h"

struct duo {
    struct phone a, b, c;
    struct side x, y, z; /* caller, callee, another callee */
};

static inline void up_over(struct kit *k, struct duo *t, enum transport_kind kind)
{
    memset(t, 0, sizeof(*t));
    phone_up(k, &t->a, 1, "1000", kind);
    phone_up(k, &t->b, 2, "1001", kind);
}

static inline void up(struct kit *k, struct duo *t)
{
    up_over(k, t, TRANSPORT_TLS);
}

static inline void fini(struct duo *t)
{
    side_fini(&t->x);
    side_fini(&t->y);
    side_fini(&t->z);
    phone_fini(&t->a);
    phone_fini(&t->b);
    phone_fini(&t->c);
}

static inline void ring(struct duo *t)
{
    dial(&t->x, &t->a, "sip:1001@example.org");
    side_callee(&t->y, &t->b);
    side_answer(&t->y, "180 Ringing", "", NULL);
    side_await(&t->x, "180");
}

/* The caller's 487 after its CANCEL. */
static inline void await_487(struct duo *t)
{
    await_any(&t->a, "SIP/2.0 200"); /* to the CANCEL */
    side_await(&t->x, "487");
    side_ack_failure(&t->x);
}

#endif
