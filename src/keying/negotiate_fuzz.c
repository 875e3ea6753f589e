/* The first byte sets policy and transport; then texts, split at NUL bytes, come as offers and
 * answers in turn to one endpoint. What must hold after each: see check(). */
#include <assert.h>

#include "keying/negotiate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char out[8192];

static void check(const struct keying_state *before, const struct keying_policy *p,
                  const struct keying_state *after, const struct keying_result *res)
{
    struct media_protection m;

    keying_state_protection(after, &m);
    assert(m.established == res->encrypted);
    assert(res->proto < KEYING_PROTO_COUNT);
    if (p->protection == PROTECTION_REQUIRED)
        assert(res->encrypted && after->secured);
    if (p->protection == PROTECTION_OFF)
        assert(!res->encrypted && res->proto < KEYING_SAVP);
    else if (before->secured)
        assert(res->encrypted);
    if (res->encrypted)
        assert(!keying_keys_eq(&after->tx, &after->rx));
}

/* One text as an answer to our offer, or as the peer's offer. False: refused. */
static bool step(const struct keying_policy *p, unsigned kind, struct slice text,
                 struct keying_state *s)
{
    enum keying_proto proto = (enum keying_proto)(kind % (KEYING_PROTO_COUNT + 1));
    struct keying_state next;
    struct keying_result res;
    struct buf b = buf_over(out, sizeof(out));

    if (kind & 1) {
        if (keying_local_offer(s, p, &b, &next, &res) != KEYING_OK)
            return false;
        assert(p->protection != PROTECTION_OFF || b.n == 0);
        *s = next;
        if (keying_remote_answer(s, p, proto, text, &next, &res) != KEYING_OK)
            return false;
    } else if (keying_remote_offer(s, p, proto, text, &b, &next, &res) != KEYING_OK) {
        assert(b.n == 0 && res.why);
        return false;
    }
    check(s, p, &next, &res);
    *s = next;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct keying_policy p = {.keying_count = 4,
                              .keyings = {KEYING_SDES, KEYING_PASS, KEYING_ZRTP, KEYING_SDES},
                              .suites = {SRTP_AES_CM_128_HMAC_SHA1_80, SRTP_AEAD_AES_128_GCM,
                                         SRTP_AES_256_CM_HMAC_SHA1_80}};
    struct keying_state s = {0};

    if (size < 1)
        return 0;
    unsigned flags = data[0];
    p.protection = (uint8_t)(flags % PROTECTION_POLICY_COUNT);
    p.suite_count = flags & 0x80 ? 3 : 0;
    struct slice rest = slice_from(data + 1, size - 1);
    for (unsigned i = 0; i < 8 && rest.n; i++)
        (void)step(&p, (flags >> 2) + i * 5, slice_cut(&rest, '\0'), &s);
    keying_state_wipe(&s);
    return 0;
}
