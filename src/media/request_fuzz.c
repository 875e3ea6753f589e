/* Messages from signalling, which is another trust domain. A record is a byte that chooses the
 * message and what is right about it, a byte of length, and so many bytes that are laid over a
 * request that makes sense, from a place that its first two bytes give; what is left of them is the
 * text. Handles that are small numbers become those of open endpoints. */
#include <assert.h>

#include "media/rig.h"
#include "media/worker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rig g;
static uint64_t ids[8];

static uint64_t id_of(uint64_t v)
{
    return v < ARRAY_LEN(ids) ? ids[v] : v;
}

static struct media_request template(uint8_t kind)
{
    static const uint32_t ops[8] = {
        MEDIA_OP_OPEN | MEDIA_OP_REMOTE,
        MEDIA_OP_OPEN | MEDIA_OP_LOCAL,
        MEDIA_OP_REMOTE | MEDIA_OP_CONNECT,
        MEDIA_OP_CHECK | MEDIA_OP_REMOTE,
        MEDIA_OP_CONNECT,
        MEDIA_OP_CLOSE,
        MEDIA_OP_OPEN | MEDIA_OP_CONNECT,
        MEDIA_OP_REMOTE,
    };
    struct media_request rq = {.ops = ops[kind & 7],
                               .endpoint = kind >> 3 & 3,
                               .call = 1,
                               .leg = kind >> 3 & 3,
                               .policy = policy_make(PROTECTION_PREFERRED),
                               .is_offer = kind & 0x20,
                               .codec_count = 1,
                               .codecs = {{.pt = 8, .clock = 8000, .name = "PCMA"}},
                               .mode = MEDIA_MODE_RELAY,
                               .peer = (kind >> 3 & 3) ^ 1u};
    RIG_EQ(addr_parse(SLICE_LIT("127.0.0.1"), 0, &rq.local), 0);
    RIG_EQ(addr_parse(SLICE_LIT("127.0.0.1"), 9, &rq.remote_rtp), 0);
    rq.remote_rtcp = rq.remote_rtp;
    return rq;
}

static void request(uint8_t kind, const uint8_t *data, size_t n)
{
    static union {
        struct media_request rq;
        uint8_t bytes[sizeof(struct media_request) + 256];
    } m;
    m.rq = template(kind);
    struct addr local = m.rq.local;
    size_t text = 0;
    if (n >= 2) {
        size_t at = (size_t)(data[0] << 8 | data[1]) % (sizeof(m.rq) + 1);
        size_t over = n - 2 < sizeof(m.rq) - at ? n - 2 : sizeof(m.rq) - at;
        memcpy(m.bytes + at, data + 2, over);
        text = n - 2 - over;
        memcpy(m.bytes + sizeof(m.rq), data + 2 + over, text);
    }
    if (addr_family(&m.rq.local) != 0)
        m.rq.local = local; /* nowhere but on loopback */
    m.rq.endpoint = id_of(m.rq.endpoint);
    m.rq.peer = id_of(m.rq.peer);
    if (!(kind & 0x40)) {
        m.rq.size = sizeof(m.rq);
        m.rq.text_n = (uint32_t)text;
    }
    media_role_message(g.role, MEDIA_MSG_REQUEST, &m, sizeof(m.rq) + text);
}

static void find_ids(void)
{
    size_t n = 0;
    memset(ids, 0, sizeof(ids));
    LIST_FOR_EACH(it, &g.role->open)
    {
        if (n < ARRAY_LEN(ids))
            ids[n++] = CONTAINER_OF(it, struct media_endpoint, node)->id;
    }
}

/* What must hold whatever was asked for. */
static void check(void)
{
    uint32_t n = 0;
    LIST_FOR_EACH(it, &g.role->open)
    {
        const struct media_endpoint *e = CONTAINER_OF(it, struct media_endpoint, node);
        struct media_terms all CLEANUP(media_terms_wipe);
        const struct media_terms *t = &all;
        media_endpoint_terms(e, &all);
        n++;
        assert(!e->peer || (e->peer->peer == e && e->peer != e));
        assert(e->guard != MEDIA_GUARD_CLEAR || t->protection != PROTECTION_REQUIRED);
        assert(e->guard != MEDIA_GUARD_SECURE ||
               (t->keying.tx.suite != SRTP_SUITE_NONE && t->keying.rx.suite != SRTP_SUITE_NONE));
        assert(e->bundle || (e->guard == MEDIA_GUARD_OPAQUE) == (t->pass.on && t->has_remote));
        assert(media_endpoint_find(g.role, e->id) == e);
    }
    assert(n == media_role_endpoints(g.role));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!g.role) {
        log_to_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
        rig_init(&g);
    }
    while (size >= 2) {
        uint8_t kind = data[0];
        size_t n = data[1];
        data += 2;
        size -= 2;
        if (n > size)
            n = size;
        find_ids();
        if ((kind & 0xc0) == 0xc0)
            media_role_message(g.role, MEDIA_MSG_REQUEST + kind % 8u, data, n & ~7u);
        else
            request(kind, data, n);
        check();
        data += n;
        size -= n;
    }
    loop_advance(g.loop, 300); /* the clock's tick */
    rig_turn(&g);
    media_role_message(g.role, MEDIA_MSG_SWEEP_BEGIN, NULL, 0);
    media_role_message(g.role, MEDIA_MSG_SWEEP_END, NULL, 0);
    assert(media_role_endpoints(g.role) == 0);
    return 0;
}
