/* Our SRTP against libsrtp2's: packets of every suite and size, both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/hash.h"
#include "crypto/srtp_peer.h"

#define ROOM 1700
#define PACKETS 400

static bool have_peer;

struct pair {
    struct srtp_engine *engine;
    struct srtp_ctx *ctx;
    struct peer *out, *in;
};

static uint32_t below(uint32_t n)
{
    uint32_t v;

    crypto_random(&v, sizeof(v));
    return v % n;
}

/* RTP with CSRCs and, every other time, an extension; libsrtp2 reads both from the header. */
static uint32_t make_rtp(uint8_t *p, uint16_t seq)
{
    uint32_t csrcs = below(16), words = below(9), n = 12 + 4 * csrcs;
    bool extended = below(2);

    crypto_random(p, ROOM - 100);
    p[0] = (uint8_t)(0x80 | (extended ? 0x10 : 0) | csrcs);
    p[2] = (uint8_t)(seq >> 8);
    p[3] = (uint8_t)seq;
    memcpy(p + 8, "ssrc", 4);
    if (extended) {
        p[n + 2] = 0;
        p[n + 3] = (uint8_t)words;
        n += 4 + 4 * words;
    }
    return n;
}

static uint32_t make_rtcp(uint8_t *p, uint32_t payload)
{
    crypto_random(p, ROOM - 100);
    p[0] = 0x80;
    p[1] = 200;
    memcpy(p + 4, "ssrc", 4);
    return 8 + payload / 4 * 4;
}

static void ours_to_theirs(struct pair *p, struct srtp_job *j, const uint8_t *clear, uint32_t n)
{
    uint8_t *pkt = j->pkt;

    srtp_protect(p->engine, j, 1);
    assert_int_equal(j->verdict, SRTP_OK);
    uint32_t len = j->len;
    assert_true(peer_unprotect(p->in, j->rtcp, pkt, &len));
    assert_int_equal(len, n);
    assert_memory_equal(pkt, clear, n);
}

static void theirs_to_ours(struct pair *p, struct srtp_job *j, const uint8_t *clear, uint32_t n)
{
    uint32_t len = n;
    uint64_t index = j->index;

    assert_true(peer_protect(p->out, j->rtcp, j->pkt, &len));
    j->len = len;
    srtp_unprotect(p->engine, j, 1);
    assert_int_equal(j->verdict, SRTP_OK);
    assert_int_equal(j->index, index);
    assert_int_equal(j->len, n);
    assert_memory_equal(j->pkt, clear, n);
}

/* 400 packets from 65,336: the rollover counter becomes 1 half way. */
static void exchange(struct pair *p, bool rtcp)
{
    _Alignas(8) uint8_t pkt[ROOM], clear[ROOM];

    for (uint32_t i = 0; i < PACKETS; i++) {
        uint64_t index = rtcp ? 1 + i : 65336u + i;
        uint32_t payload = i < 100 ? i : below(1501);
        uint32_t hdr = rtcp ? 8 : make_rtp(pkt, (uint16_t)index);
        uint32_t n = rtcp ? make_rtcp(pkt, payload) : hdr + payload;
        struct srtp_job j = {
            .ctx = p->ctx, .pkt = pkt, .len = n, .hdr_len = hdr, .index = index, .rtcp = rtcp};

        memcpy(clear, pkt, n);
        ours_to_theirs(p, &j, clear, n);
        theirs_to_ours(p, &j, clear, n);
    }
}

/* libsrtp 2.5 without OpenSSL derives the session keys of an AES-192 master key with AES-256, which
 * is not what RFC 6188 section 7.4 has. */
static bool peer_follows_rfc(enum srtp_suite s)
{
    return srtp_suite_info(s)->key_len != 24;
}

static void agree(enum srtp_backend backend)
{
    if (!have_peer)
        skip();
    struct pair p = {NULL, NULL, NULL, NULL};
    int r = srtp_engine_new(backend, &p.engine);

    if (r == -ENOTSUP)
        skip();
    assert_int_equal(r, 0);
    for (int s = 1; s < SRTP_SUITE_COUNT; s++) {
        if (!peer_follows_rfc((enum srtp_suite)s))
            continue;
        struct srtp_keys k = {.suite = (enum srtp_suite)s};
        const struct srtp_suite_info *info = srtp_suite_info(k.suite);

        k.master.n = (size_t)info->key_len + info->salt_len;
        crypto_random(k.master.b, k.master.n);
        p.in = peer_new(&k, false);
        p.out = peer_new(&k, true);
        if (!p.in || !p.out) {
            printf("libsrtp2 here has no %s\n", srtp_suite_name(k.suite));
            continue;
        }
        assert_int_equal(srtp_ctx_new(p.engine, &k, &p.ctx), 0);
        exchange(&p, false);
        exchange(&p, true);
        srtp_ctx_free(p.ctx);
        peer_free(p.in);
        peer_free(p.out);
    }
    srtp_engine_free(p.engine);
}

static void openssl_agrees(void **state)
{
    (void)state;
    agree(SRTP_BACKEND_OPENSSL);
}

static void ipsec_mb_agrees(void **state)
{
    (void)state;
    agree(SRTP_BACKEND_IPSEC_MB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openssl_agrees),
        cmocka_unit_test(ipsec_mb_agrees),
    };

    have_peer = peer_open();
    if (!have_peer)
        printf("SKIP: no libsrtp2 here\n");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
