/* For tests of ICE: a call one of whose phones does ICE, and its checks. */
#ifndef SOTTO_MEDIA_RIG_ICE_H
#define SOTTO_MEDIA_RIG_ICE_H

#include "media/ice.h"
#include "media/rig.h"
#include "media/worker.h"
#include "rtp/stun.h"

static const struct stun_hmac hmac = {crypto_hmac_sha1, crypto_hmac_sha256};

#define PEER_LINES "a=ice-ufrag:peer\r\na=ice-pwd:peer/password+of/24chars\r\n"
#define HIGH 0x7e0000ffu
#define LOW 0x640000ffu

/* A call of a (does ICE) with b (does not). */
struct call {
    struct rig g;
    struct phone a, b;
    char ufrag[16], pwd[32]; /* the server's */
};

static RIG_UNUSED void line_value(const struct rig *g, const char *name, char *dst, size_t cap)
{
    const char *at = strstr(g->text, name);
    RIG(at);
    at += strlen(name);
    size_t n = strcspn(at, "\r\n");
    RIG(n < cap);
    memcpy(dst, at, n);
    dst[n] = '\0';
}

static RIG_UNUSED void take_cred(struct call *c)
{
    line_value(&c->g, "a=ice-ufrag:", c->ufrag, sizeof(c->ufrag));
    line_value(&c->g, "a=ice-pwd:", c->pwd, sizeof(c->pwd));
}

static RIG_UNUSED void call_init(struct call *c, enum protection_policy protection)
{
    memset(c, 0, sizeof(*c));
    rig_init(&c->g);
    phone_init(&c->a, &c->g, 7, 0, protection);
    phone_init(&c->b, &c->g, 7, 1, PROTECTION_OFF);
    c->a.lines = SLICE_LIT(PEER_LINES);
    c->a.rtcp_mux = true;
    c->a.addr_rtcp = c->a.addr;
    RIG_EQ(phone_offers(&c->a, MEDIA_OP_OPEN, &c->a.policy, NULL), 0);
    c->g.text[c->g.reply.text_n] = '\0';
    take_cred(c);
    RIG_EQ(phone_answers(&c->b, MEDIA_OP_OPEN, &c->b.policy, MEDIA_OP_CONNECT, MEDIA_MODE_RELAY,
                         c->a.endpoint),
           0);
    c->g.text[c->g.reply.text_n] = '\0';
}

static RIG_UNUSED void call_fini(struct call *c)
{
    phone_fini(&c->a);
    phone_fini(&c->b);
    rig_fini(&c->g);
}

static const struct media_stats *stats_of(const struct phone *p)
{
    return rig_stats(p->rig, p->endpoint);
}

/* --- checks of the test's phone --- */

struct check {
    const char *ufrag, *pwd;
    uint32_t priority;
    bool use, controlled, no_fingerprint, no_integrity;
    uint16_t unknown; /* an attribute */
};

static const uint8_t txid[STUN_TXID_LEN] = "abcdefghijk";

static RIG_UNUSED struct slice check_make(const struct check *k, uint8_t mem[512])
{
    struct buf b = buf_over(mem, 512);
    stun_put_begin(&b, STUN_REQUEST, txid);
    stun_put_username(&b, slice_from_str(k->ufrag), SLICE_LIT("peer"));
    stun_put_priority(&b, k->priority);
    stun_put_role(&b, !k->controlled, 99);
    if (k->use)
        stun_put_use_candidate(&b);
    if (k->unknown) {
        uint8_t attr[4] = {0};
        wire_put16(attr, k->unknown);
        buf_put(&b, attr, 4);
    }
    stun_put_end(&b, slice_from_str(k->pwd), k->no_integrity ? NULL : hmac.sha1);
    if (k->no_fingerprint) {
        b.n -= 8;
        wire_put16(mem + 2, (uint16_t)(b.n - STUN_HDR_LEN));
    }
    RIG(!b.overflow);
    return buf_slice(&b);
}

static RIG_UNUSED void send_check(const struct call *c, int fd, const struct addr *to,
                                  const struct check *k)
{
    uint8_t mem[512];
    struct slice s = check_make(k, mem);
    (void)c;
    RIG_EQ(sendto(fd, s.p, s.n, 0, &to->sa, addr_len(to)), s.n);
}

/* 0: no answer; else its class as STUN_SUCCESS or the error's number. */
static RIG_UNUSED int hear_answer(const struct call *c, int fd, const struct addr *self)
{
    uint8_t mem[512];
    struct stun_msg m;
    ssize_t n = recv(fd, mem, sizeof(mem), 0);
    if (n < 0)
        return 0;
    RIG_EQ(stun_parse(slice_from(mem, (size_t)n), &m), STUN_OK);
    RIG(memcmp(stun_txid(&m), txid, sizeof(txid)) == 0);
    RIG(m.has_fingerprint && stun_is_authentic(&m, slice_from_str(c->pwd), &hmac));
    if (m.class == STUN_SUCCESS)
        RIG(addr_eq(&m.mapped, self));
    return m.class == STUN_SUCCESS ? (int)STUN_SUCCESS : m.error;
}

static RIG_UNUSED int check_from(struct call *c, int fd, const struct addr *self,
                                 const struct check *k)
{
    send_check(c, fd, &c->a.server, k);
    rig_turn(&c->g);
    return hear_answer(c, fd, self);
}

static RIG_UNUSED struct check good(const struct call *c, bool use)
{
    return (struct check){.ufrag = c->ufrag, .pwd = c->pwd, .priority = HIGH, .use = use};
}

#define CHECKS(c, want, ...)                                                \
    do {                                                                    \
        const struct check check_ = __VA_ARGS__;                            \
        rig_line = __LINE__;                                                \
        RIG_EQ(check_from((c), (c)->a.rtp, &(c)->a.addr, &check_), (want)); \
    } while (0)

static RIG_UNUSED void assert_hears(struct phone *p, int want, int line)
{
    rig_line = line;
    RIG_EQ(phone_hear(p), want);
}
#define HEARS(p, want) assert_hears((p), (want), __LINE__)

#endif
