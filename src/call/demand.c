#include "call/demand.h"

#include "transport/transport.h"

static bool refuse(char why[CALL_WHY_MAX], const struct leg *l, const char *who, const char *cause,
                   const char *mend)
{
    struct buf b = buf_over(why, CALL_WHY_MAX - 1);
    buf_printf(&b, "user %s takes only calls that are protected at both ends, and %s (user %s): %s",
               who, cause, l->user.name, mend);
    why[b.n] = '\0'; /* user names are short enough for nothing to be cut */
    return false;
}

/* Keys in a description that anybody on the way can read are none. */
static void drop_sdes(struct media_policy *p)
{
    uint8_t n = 0;
    for (size_t i = 0; i < p->keying_count; i++) {
        if (p->keyings[i] != KEYING_SDES)
            p->keyings[n++] = p->keyings[i];
    }
    p->keying_count = n;
}

bool demand_protection(struct leg *l, const char *who, char why[CALL_WHY_MAX])
{
    if (l->policy.protection == PROTECTION_OFF)
        return refuse(why, l, who, "encryption is off at the other",
                      "allow it with `sotto user set USER --protection preferred`");
    if (!transport_kind_is_secure(l->flow.kind)) {
        drop_sdes(&l->policy);
        if (l->policy.keying_count == 0)
            return refuse(why, l, who, "the other's SDES keys travel in clear",
                          "let its phone register over TLS");
    }
    l->policy.protection = PROTECTION_REQUIRED;
    return true;
}
