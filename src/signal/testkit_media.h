/* The media role's double of the kit: it answers requests at once, later, or no, and keeps what was
 * asked of each endpoint. */
#ifndef SOTTO_SIGNAL_TESTKIT_MEDIA_H
#define SOTTO_SIGNAL_TESTKIT_MEDIA_H

#ifdef KIT_BENCH /* benches have no test runner */
#include <assert.h>
#define assert_true(x) assert(x)
#define assert_false(x) assert(!(x))
#define assert_null(x) assert((x) == NULL)
#define assert_non_null(x) assert((x) != NULL)
#define assert_int_equal(x, y) assert((x) == (y))
#define fail_msg(...) (fprintf(stderr, __VA_ARGS__), abort())
#else
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#endif

#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "call/leg.h"
#include "ipc/ipc.h"
#include "ipc/media_msg.h"

#define KIT_ENDPOINTS 4096
#define KIT_CALLS 64

struct kit_endpoint {
    uint64_t id; /* 0: free */
    uint64_t call, peer;
    uint16_t leg, stream;
    uint8_t mode, direction, proto;
    uint16_t bundle;
    uint8_t sounds; /* announcements asked for */
    uint8_t sound;  /* enum media_announcement of the last */
    bool takes_info;
    struct addr remote;
    struct media_request asked; /* the last REMOTE or LOCAL */
    char text[512];             /* the peer's last keying lines */
};

struct kit_held {
    struct list node;
    struct media_request rq;
    char text[MEDIA_TEXT_MAX];
};

struct kit_media {
    struct ipc_chan *chan;
    struct kit_endpoint endpoints[KIT_ENDPOINTS];
    uint32_t generation;
    uint32_t first; /* endpoint's number, a multiple of KIT_ENDPOINTS: no other double has it */
    bool holds;     /* answers wait for kit_media_release */
    struct list held;
    unsigned requests;
    /* The next request of this leg with these operations is refused. */
    uint32_t refuse_ops;
    int refuse_leg;
    enum media_status refuse_status;
    uint64_t kept[2 * KIT_CALLS]; /* of the last sweep */
    size_t kept_count, sweeps;
};

static inline struct kit_endpoint *kit_endpoint(struct kit_media *m, uint64_t id)
{
    struct kit_endpoint *e = &m->endpoints[(uint32_t)id % KIT_ENDPOINTS];
    return id && e->id == id ? e : NULL;
}

static inline struct kit_endpoint *kit_endpoint_of(struct kit_media *m, uint16_t leg,
                                                   uint16_t stream)
{
    for (size_t i = 0; i < KIT_ENDPOINTS; i++) {
        struct kit_endpoint *e = &m->endpoints[i];
        if (e->id && e->leg == leg && e->stream == stream)
            return e;
    }
    return NULL;
}

static inline size_t kit_endpoints(const struct kit_media *m)
{
    size_t n = 0;
    for (size_t i = 0; i < KIT_ENDPOINTS; i++)
        n += m->endpoints[i].id != 0;
    return n;
}

static inline struct kit_endpoint *kit_media_open(struct kit_media *m,
                                                  const struct media_request *rq)
{
    size_t at = 0;
    for (size_t i = 1; i < KIT_ENDPOINTS; i++) {
        struct kit_endpoint *e = &m->endpoints[i];
        if (e->id && e->call == rq->call && e->leg == rq->leg && e->stream == rq->stream)
            return e;
        if (!e->id && !at)
            at = i;
    }
    assert_true(at > 0);
    m->endpoints[at] =
        (struct kit_endpoint){.id = (uint64_t)++m->generation << 32 | (m->first + at),
                              .call = rq->call,
                              .leg = rq->leg,
                              .stream = rq->stream,
                              .bundle = rq->bundle};
    return &m->endpoints[at];
}

/* Our lines: DTLS-SRTP where that comes first or came, else SDES; ICE where it is wanted or came. */
static inline void kit_media_put_lines(struct buf *out, const struct kit_endpoint *e, bool dtls,
                                       bool ice)
{
    if (e->bundle) /* all is said by the bundle's first */
        return;
    if (dtls)
        buf_printf(out, "a=fingerprint:sha-256 OURS%u\r\na=setup:actpass\r\n", (uint32_t)e->id);
    else
        buf_printf(out, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:OURS%u\r\n", (uint32_t)e->id);
    if (ice)
        buf_printf(out, "a=ice-lite\r\na=ice-ufrag:ours%u\r\na=ice-pwd:PWD%u\r\n", (uint32_t)e->id,
                   (uint32_t)e->id);
}

static inline bool kit_is_encrypted(const struct media_policy *p, const char *text)
{
    bool found = false;
    for (size_t i = 0; i < p->keying_count; i++) {
        found |= p->keyings[i] == KEYING_SDES && strstr(text, "a=crypto:");
        found |= p->keyings[i] == KEYING_DTLS && strstr(text, "a=fingerprint:");
    }
    return found;
}

/* What the real one would say to a description of the peer. */
static inline void kit_media_judge(struct kit_endpoint *e, const struct media_request *rq,
                                   const char *text, struct media_reply *r, struct buf *out)
{
    bool encrypted = kit_is_encrypted(&rq->policy, text) || e->bundle;
    if (rq->policy.protection == PROTECTION_REQUIRED && !encrypted) {
        r->status = MEDIA_STATUS_NOT_ENCRYPTED;
        snprintf(r->why, sizeof(r->why), "the phone offers no encryption, its policy requires it");
        return;
    }
    r->proto = rq->proto;
    r->rtcp_mux = rq->rtcp_mux;
    bool dtls = strstr(text, "a=fingerprint:") != NULL;
    if (rq->is_offer && encrypted)
        kit_media_put_lines(out, e, dtls, strstr(text, "a=ice-ufrag:") != NULL);
    r->protection.keying = !encrypted ? KEYING_NONE : dtls ? KEYING_DTLS : KEYING_SDES;
}

static inline void kit_media_work(struct kit_media *m, const struct media_request *rq,
                                  const char *text, struct media_reply *r, struct buf *out)
{
    struct kit_endpoint *e =
        rq->ops & MEDIA_OP_OPEN ? kit_media_open(m, rq) : kit_endpoint(m, rq->endpoint);
    if (!e) {
        r->status = MEDIA_STATUS_NO_ENDPOINT;
        return;
    }
    r->endpoint = e->id;
    if (m->refuse_ops && (rq->ops & m->refuse_ops) == m->refuse_ops && e->leg == m->refuse_leg) {
        r->status = (uint8_t)m->refuse_status;
        snprintf(r->why, sizeof(r->why), "refused by the test");
        m->refuse_ops = 0;
    } else if (rq->ops & MEDIA_OP_ANNOUNCE) {
        e->sounds++;
        e->sound = rq->announcement;
    } else if (rq->ops & MEDIA_OP_REMOTE) {
        kit_media_judge(e, rq, text, r, out);
    }
    if (r->status != MEDIA_STATUS_OK) {
        if (rq->ops & MEDIA_OP_OPEN)
            e->id = r->endpoint = 0;
        return;
    }
    e->takes_info |= (rq->ops & MEDIA_OP_INFO) || ((rq->ops & MEDIA_OP_REMOTE) && rq->info);
    if (!(rq->ops & MEDIA_OP_CHECK) && (rq->ops & (MEDIA_OP_REMOTE | MEDIA_OP_LOCAL)))
        e->asked = *rq;
    uint64_t by = e->id;
    struct kit_endpoint *owner =
        e->bundle ? kit_endpoint_of(m, e->leg, (uint16_t)(e->bundle - 1)) : NULL;
    if (e->bundle && !(rq->ops & MEDIA_OP_CLOSE)) {
        assert_true(owner && owner != e && owner->call == e->call);
        by = owner->id;
    }
    assert_int_equal(
        addr_parse(SLICE_LIT("192.0.2.1"), (uint16_t)(20000 + 4 * (uint32_t)by), &r->local_rtp), 0);
    r->local_rtcp = r->local_rtp;
    addr_set_port(&r->local_rtcp, (uint16_t)(addr_port(&r->local_rtp) + 1));
    if (rq->ops & MEDIA_OP_CHECK)
        return;
    if (rq->ops & MEDIA_OP_REMOTE) {
        e->direction = rq->direction;
        e->proto = rq->proto;
        e->remote = rq->remote_rtp;
        snprintf(e->text, sizeof(e->text), "%.*s", (int)sizeof(e->text) - 1, text);
    }
    if (rq->ops & MEDIA_OP_LOCAL) {
        bool off = rq->policy.protection == PROTECTION_OFF;
        bool dtls = rq->policy.keying_count && rq->policy.keyings[0] == KEYING_DTLS;
        bool optional = rq->policy.protection == PROTECTION_PREFERRED;
        r->proto = off || optional ? MEDIA_PROTO_AVP
                   : dtls          ? MEDIA_PROTO_UDP_TLS_SAVPF
                                   : MEDIA_PROTO_SAVP;
        r->rtcp_mux = rq->rtcp_mux;
        if (!off)
            kit_media_put_lines(out, e, dtls, rq->ice);
    }
    if (rq->ops & MEDIA_OP_CONNECT) {
        e->mode = rq->mode;
        e->peer = rq->peer;
        struct kit_endpoint *p = kit_endpoint(m, rq->peer);
        if (p) {
            p->mode = rq->mode;
            p->peer = e->id;
        }
    }
    if (rq->ops & MEDIA_OP_CLOSE)
        e->id = 0;
}

static inline void kit_media_answer(struct kit_media *m, const struct media_request *rq,
                                    const char *text)
{
    char mem[MEDIA_TEXT_MAX];
    struct buf out = buf_over(mem, sizeof(mem));
    struct media_reply r = {.req = rq->req};
    kit_media_work(m, rq, text, &r, &out);
    r.text_n = r.status == MEDIA_STATUS_OK ? (uint32_t)out.n : 0;
    assert_int_equal(ipc_send2(m->chan, MEDIA_MSG_REPLY, &r, sizeof(r), mem, r.text_n), 0);
}

static inline void kit_media_sweep(struct kit_media *m)
{
    for (size_t i = 0; i < KIT_ENDPOINTS; i++) {
        bool is_kept = false;
        for (size_t n = 0; n < m->kept_count; n++)
            is_kept |= m->kept[n] == m->endpoints[i].id;
        if (!is_kept)
            m->endpoints[i].id = 0;
    }
}

static inline void kit_media_on_msg(void *arg, uint32_t type, const void *payload, size_t n,
                                    const int *fds, size_t fd_count)
{
    struct kit_media *m = arg;
    (void)fds, (void)fd_count;
    if (type == MEDIA_MSG_SWEEP_BEGIN) {
        m->kept_count = 0;
        m->sweeps++;
    } else if (type == MEDIA_MSG_KEEP) {
        assert_true(n == sizeof(uint64_t) && m->kept_count < ARRAY_LEN(m->kept));
        memcpy(&m->kept[m->kept_count++], payload, n);
    } else if (type == MEDIA_MSG_SWEEP_END) {
        kit_media_sweep(m);
    } else if (type == MEDIA_MSG_REQUEST) {
        struct kit_held h = {0};
        struct slice text = SLICE_NONE;
        bool whole = media_request_take(payload, n, &h.rq, &text);
        assert_true(whole && text.n < sizeof(h.text));
        if (text.n)
            memcpy(h.text, text.p, text.n);
        m->requests++;
        if (m->holds) {
            struct kit_held *copy = malloc(sizeof(h));
            assert_non_null(copy);
            *copy = h;
            list_push_back(&m->held, &copy->node);
        } else {
            kit_media_answer(m, &h.rq, h.text);
        }
    }
}

static inline void kit_media_on_closed(void *arg)
{
    struct kit_media *m = arg;
    m->chan = ipc_chan_free(m->chan);
}

#endif
