/* RFC vectors for both back ends, the back ends against each other, and what must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/srtp_priv.h"

#define ROOM 1700

static struct srtp_engine *engines[2];
static size_t engine_count;

static size_t unhex(const char *hex, uint8_t *ret)
{
    size_t n = 0;

    for (; hex[0] && hex[1]; hex += 2) {
        char pair[3] = {hex[0], hex[1], '\0'};
        ret[n++] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return n;
}

static void assert_hex(const uint8_t *p, const char *hex)
{
    uint8_t want[256];
    size_t n = unhex(hex, want);

    assert_memory_equal(p, want, n);
}

/* Not random, but without pattern, and the same in every run. */
static uint32_t noise_state = 1;
static uint32_t noise(void)
{
    noise_state = noise_state * 1664525u + 1013904223u;
    return noise_state >> 8;
}

static void fill(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)noise();
}

static struct srtp_keys keys_of(enum srtp_suite suite)
{
    const struct srtp_suite_info *info = srtp_suite_info(suite);
    struct srtp_keys k = {.suite = suite};

    k.master.n = (size_t)info->key_len + info->salt_len;
    fill(k.master.b, k.master.n);
    return k;
}

static int run_one(struct srtp_engine *e, bool protect, struct srtp_job *j)
{
    j->verdict = 0xff;
    (protect ? srtp_protect : srtp_unprotect)(e, j, 1);
    return j->verdict;
}

/* --- vectors ---------------------------------------------------------------------------------- */

/* RFC 3711 B.3; RFC 6188 7.2 and 7.4. */
static void derivation_vectors(void **state)
{
    static const struct {
        enum srtp_suite suite;
        const char *master, *key, *salt, *auth;
    } rows[] = {
        {SRTP_AES_CM_128_HMAC_SHA1_80,
         "e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6",
         "c61e7a93744f39ee10734afe3ff7a087", "30cbbc08863d8c85d49db34a9ae1",
         "cebe321f6ff7716b6fd4ab49af256a156d38baa4"},
        {SRTP_AES_256_CM_HMAC_SHA1_80,
         "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6"
         "3b04803de51ee7c96423ab5b78d2",
         "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4",
         "fa31791685ca444a9e07c6c64e93", "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"},
        {SRTP_AES_192_CM_HMAC_SHA1_80,
         "73edc66c4fa15776fb57f9505c17136550ffda71f3e8e5f1c8522f3acd4ce86d5add78edbb11",
         "31874736a8f1143870c26e4857d8a5b2c4a354407faadabb", "2372b82d639b6d8503a47adc0a6c",
         "355b10973cd95b9eacf4061c7e1a7151e7cfbfcb"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct srtp_keys k = {.suite = rows[i].suite};
        struct srtp_session_keys s[SRTP_SESSION_COUNT];

        k.master.n = unhex(rows[i].master, k.master.b);
        assert_int_equal(srtp_session_derive(engines[0], &k, s), 0);
        assert_hex(s[SRTP_SESSION_RTP].key, rows[i].key);
        assert_hex(s[SRTP_SESSION_RTP].salt, rows[i].salt);
        assert_hex(s[SRTP_SESSION_RTP].auth, rows[i].auth);
    }
}

/* RFC 3711 B.2, RFC 6188 7.1 and 7.3: zeros protected with SSRC 0 and index 0 give the keystream.
 */
static void keystream_vectors(void **state)
{
    static const struct {
        enum srtp_suite suite;
        const char *key, *stream;
    } rows[] = {
        {SRTP_AES_CM_128_HMAC_SHA1_80, "2b7e151628aed2a6abf7158809cf4f3c",
         "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab"
         "41e95b3bb0a2e8dd477901e4fca894c0"},
        {SRTP_AES_256_CM_HMAC_SHA1_80,
         "57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98",
         "92bdd28a93c3f52511c677d08b5515a49da71b2378a854f67050756ded165bac"
         "63c4868b7096d88421b563b8c94c9a31"},
        {SRTP_AES_192_CM_HMAC_SHA1_80, "eab234764e517b2d3d160d587d8c86219740f65f99b6bcf7",
         "35096cba4610028dc1b57503804ce37c5de986291dcce161d5165ec4568f5c9a"
         "474a40c77894bc17180202272a4c264d"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows) * engine_count; i++) {
        size_t row = i / engine_count;
        struct srtp_engine *e = engines[i % engine_count];
        struct srtp_session_keys s[SRTP_SESSION_COUNT] = {{.key = {0}}};
        struct srtp_ctx *c;
        uint8_t pkt[12 + 48 + SRTP_TRAILER_MAX] = {0x80};
        struct srtp_job j = {.pkt = pkt, .len = 60, .hdr_len = 12};

        unhex(rows[row].key, s[SRTP_SESSION_RTP].key);
        unhex("f0f1f2f3f4f5f6f7f8f9fafbfcfd", s[SRTP_SESSION_RTP].salt);
        assert_int_equal(srtp_ctx_from_session(e, rows[row].suite, s, &c), 0);
        j.ctx = c;
        assert_int_equal(run_one(e, true, &j), SRTP_OK);
        assert_int_equal(j.len, 70);
        assert_hex(pkt + 12, rows[row].stream);
        srtp_ctx_free(c);
    }
}

struct packet_row {
    enum srtp_suite suite;
    bool rtcp;
    uint32_t index;
    const char *clear, *sealed;
};

static void check_packet(struct srtp_engine *e, struct srtp_ctx *c, const struct packet_row *row)
{
    uint8_t pkt[128];
    uint32_t clear_n = (uint32_t)unhex(row->clear, pkt);
    struct srtp_job j = {.ctx = c,
                         .pkt = pkt,
                         .len = clear_n,
                         .hdr_len = 12,
                         .index = row->index,
                         .rtcp = row->rtcp};

    assert_int_equal(run_one(e, true, &j), SRTP_OK);
    assert_int_equal(j.len, strlen(row->sealed) / 2);
    assert_hex(pkt, row->sealed);
    if (row->rtcp)
        j.index = 0xdead;
    assert_int_equal(run_one(e, false, &j), SRTP_OK);
    assert_int_equal(j.len, clear_n);
    assert_int_equal(j.index, row->index);
    assert_false(j.rtcp_clear);
    assert_hex(pkt, row->clear);
}

/* RFC 7714 16 and 17: session keys given. */
static void gcm_vectors(void **state)
{
    static const char rtp[] =
        "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e697320646976697361"
        "20696e207061727465732074726573";
    static const char rtcp[] = "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61"
                               "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";
    static const struct packet_row rows[] = {
        {SRTP_AEAD_AES_128_GCM, false, 0xf17b, rtp,
         "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b"
         "36de3adf8833899d7f27beb16a9152cf765ee4390cce"},
        {SRTP_AEAD_AES_256_GCM, false, 0xf17b, rtp,
         "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f"
         "1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13"},
        {SRTP_AEAD_AES_128_GCM, true, 0x5d4, rtcp,
         "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b46"
         "86303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4"},
        {SRTP_AEAD_AES_256_GCM, true, 0x5d4, rtcp,
         "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658"
         "c61de0476f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows) * engine_count; i++) {
        const struct packet_row *row = &rows[i / engine_count];
        struct srtp_engine *e = engines[i % engine_count];
        struct srtp_session_keys s[SRTP_SESSION_COUNT] = {{.key = {0}}};
        struct srtp_ctx *c;

        for (uint8_t k = 0; k < 32; k++)
            s[0].key[k] = s[1].key[k] = k;
        unhex("517569642070726f2071756f", s[0].salt);
        unhex("517569642070726f2071756f", s[1].salt);
        assert_int_equal(srtp_ctx_from_session(e, row->suite, s, &c), 0);
        check_packet(e, c, row);
        srtp_ctx_free(c);
    }
}

/* Whole packets from master keys, as libsrtp's own tests have them. */
static void cm_packets(void **state)
{
    static const char master[] = "e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6c173"
                                 "c317f2dabe357793b6960b3aabe6";
    static const char rtp[] = "800f1234decafbadcafebabeabababababababababababababababab";
    static const char rtcp[] = "81c8000bcafebabeabababababababababababababababab";
    static const struct packet_row rows[] = {
        {SRTP_AES_CM_128_HMAC_SHA1_80, false, 0x1234, rtp,
         "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb"},
        {SRTP_AES_192_CM_HMAC_SHA1_80, false, 0x1234, rtp,
         "800f1234decafbadcafebabe015781894462529d91cf3659d2462db308d9a044c5d7d68b26ba"},
        {SRTP_AES_256_CM_HMAC_SHA1_80, false, 0x1234, rtp,
         "800f1234decafbadcafebabe0098219f7ebdba1c3d22f4936f1eac9906f6b227c84961a7b428"},
        {SRTP_AES_CM_128_HMAC_SHA1_80, true, 1, rtcp,
         "81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798"},
        {SRTP_AES_192_CM_HMAC_SHA1_32, true, 1, rtcp,
         "81c8000bcafebabe966d603e71f9af335cf9091a50ca4d3a80000001d42b40218dde4990bdef"},
        {SRTP_AES_256_CM_HMAC_SHA1_80, true, 1, rtcp,
         "81c8000bcafebabe0a865d339e312693592387d45b99a5578000000184f3b4f2b595615af9b5"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows) * engine_count; i++) {
        const struct packet_row *row = &rows[i / engine_count];
        struct srtp_engine *e = engines[i % engine_count];
        const struct srtp_suite_info *info = srtp_suite_info(row->suite);
        struct srtp_keys k = {.suite = row->suite};
        uint8_t all[46];
        struct srtp_ctx *c;

        assert_int_equal(unhex(master, all), sizeof(all));
        assert_int_equal(secret_set(&k.master, all, (size_t)info->key_len + info->salt_len), 0);
        assert_int_equal(srtp_ctx_new(e, &k, &c), 0);
        check_packet(e, c, row);
        srtp_ctx_free(c);
    }
}

/* --- bursts ----------------------------------------------------------------------------------- */

struct burst {
    uint8_t mem[SRTP_BURST_MAX][ROOM];
    struct srtp_job jobs[SRTP_BURST_MAX];
};

/* Packets at odd addresses, of all sizes, RTP and RTCP, over all contexts. */
static void make_burst(struct burst *b, size_t n, struct srtp_ctx *const *ctxs)
{
    memset(b->jobs, 0, sizeof(b->jobs));
    for (size_t i = 0; i < n; i++) {
        struct srtp_job *j = &b->jobs[i];

        j->pkt = b->mem[i] + noise() % 9;
        j->ctx = ctxs[noise() % (SRTP_SUITE_COUNT - 1)];
        j->rtcp = noise() % 4 == 0;
        j->hdr_len = j->rtcp ? 8 : 12 + 4 * (noise() % 20);
        j->len = j->hdr_len + (noise() % 3 ? noise() % 200 : noise() % 1501);
        j->index = ((uint64_t)noise() << 24 ^ noise()) & (j->rtcp ? 0x7fffffff : 0xffffffffffff);
        fill(j->pkt, j->len);
    }
}

static void copy_burst(struct burst *to, const struct burst *from, struct srtp_ctx *const *ctxs,
                       struct srtp_ctx *const *other)
{
    memcpy(to->mem, from->mem, sizeof(to->mem));
    for (size_t i = 0; i < SRTP_BURST_MAX; i++) {
        to->jobs[i] = from->jobs[i];
        to->jobs[i].pkt = to->mem[i] + (from->jobs[i].pkt - from->mem[i]);
        for (size_t c = 0; c < SRTP_SUITE_COUNT - 1; c++)
            if (from->jobs[i].ctx == ctxs[c])
                to->jobs[i].ctx = other[c];
    }
}

static void assert_same_burst(const struct burst *a, const struct burst *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(a->jobs[i].verdict, b->jobs[i].verdict);
        assert_int_equal(a->jobs[i].len, b->jobs[i].len);
        assert_int_equal(a->jobs[i].index, b->jobs[i].index);
        assert_memory_equal(a->jobs[i].pkt, b->jobs[i].pkt, a->jobs[i].len);
    }
}

static void spoil_some(struct burst *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct srtp_job *j = &b->jobs[i];

        if (noise() % 4 == 0)
            j->pkt[noise() % j->len] ^= (uint8_t)(1u << noise() % 8);
    }
}

static void make_ctxs(struct srtp_ctx *ctxs[2][SRTP_SUITE_COUNT - 1])
{
    for (size_t s = 0; s < SRTP_SUITE_COUNT - 1; s++) {
        struct srtp_keys k = keys_of((enum srtp_suite)(s + 1));

        for (size_t e = 0; e < engine_count; e++)
            assert_int_equal(srtp_ctx_new(engines[e], &k, &ctxs[e][s]), 0);
    }
}

static void free_ctxs(struct srtp_ctx *ctxs[2][SRTP_SUITE_COUNT - 1])
{
    for (size_t s = 0; s < SRTP_SUITE_COUNT - 1; s++)
        for (size_t e = 0; e < engine_count; e++)
            ctxs[e][s] = srtp_ctx_free(ctxs[e][s]);
}

/* Every burst size: both back ends give the same bytes, and what comes back is what went in. */
static void bursts_round_trip(void **state)
{
    struct srtp_ctx *ctxs[2][SRTP_SUITE_COUNT - 1];
    struct burst *clear = calloc(1, sizeof(*clear)), *b = calloc(2, sizeof(*b));

    (void)state;
    make_ctxs(ctxs);
    for (size_t n = 1; n <= SRTP_BURST_MAX; n++) {
        make_burst(clear, n, ctxs[0]);
        for (size_t e = 0; e < engine_count; e++) {
            copy_burst(&b[e], clear, ctxs[0], ctxs[e]);
            srtp_protect(engines[e], b[e].jobs, n);
        }
        assert_same_burst(&b[0], &b[engine_count - 1], n);
        for (size_t e = 0; e < engine_count; e++) {
            srtp_unprotect(engines[e], b[e].jobs, n);
            assert_same_burst(&b[e], clear, n);
        }
    }
    free_ctxs(ctxs);
    free(clear);
    free(b);
}

/* One bit anywhere: refused, and not one byte is changed; its neighbours are not harmed. */
static void bursts_with_forgeries(void **state)
{
    struct srtp_ctx *ctxs[2][SRTP_SUITE_COUNT - 1];
    struct burst *b = calloc(3, sizeof(*b));

    (void)state;
    make_ctxs(ctxs);
    for (size_t round = 0; round < 200; round++) {
        size_t n = 1 + noise() % SRTP_BURST_MAX, failed = 0;

        make_burst(&b[0], n, ctxs[0]);
        srtp_protect(engines[0], b[0].jobs, n);
        spoil_some(&b[0], n);
        for (size_t e = 0; e < engine_count; e++) {
            copy_burst(&b[1 + e], &b[0], ctxs[0], ctxs[e]);
            srtp_unprotect(engines[e], b[1 + e].jobs, n);
        }
        assert_same_burst(&b[1], &b[engine_count], n);
        for (size_t i = 0; i < n; i++) {
            if (b[1].jobs[i].verdict == SRTP_OK)
                continue;
            assert_int_equal(b[1].jobs[i].verdict, SRTP_AUTH_FAILED);
            assert_int_equal(b[1].jobs[i].len, b[0].jobs[i].len);
            assert_memory_equal(b[1].jobs[i].pkt, b[0].jobs[i].pkt, b[0].jobs[i].len);
            failed++;
        }
        assert_true(failed < n || n < 8);
    }
    free_ctxs(ctxs);
    free(b);
}

/* --- single cases ----------------------------------------------------------------------------- */

/* Every bit of one packet, index included, in each suite. */
static void every_bit_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < (SRTP_SUITE_COUNT - 1) * engine_count; i++) {
        struct srtp_engine *e = engines[i % engine_count];
        struct srtp_keys k = keys_of((enum srtp_suite)(1 + i / engine_count));
        struct srtp_ctx *c;
        uint8_t pkt[12 + 21 + SRTP_TRAILER_MAX], sealed[sizeof(pkt)];

        assert_int_equal(srtp_ctx_new(e, &k, &c), 0);
        for (int rtcp = 0; rtcp < 2; rtcp++) {
            struct srtp_job j = {
                .ctx = c, .pkt = pkt, .len = 33, .hdr_len = 12, .index = 77, .rtcp = rtcp};

            fill(pkt, sizeof(pkt));
            assert_int_equal(run_one(e, true, &j), SRTP_OK);
            memcpy(sealed, pkt, sizeof(pkt));
            for (uint32_t bit = 0; bit < j.len * 8; bit++) {
                struct srtp_job forged = j;

                pkt[bit / 8] ^= (uint8_t)(1 << bit % 8);
                assert_int_equal(run_one(e, false, &forged), SRTP_AUTH_FAILED);
                pkt[bit / 8] ^= (uint8_t)(1 << bit % 8);
                assert_memory_equal(pkt, sealed, sizeof(pkt));
            }
            struct srtp_job late = j;

            late.index += 1 << 16;
            assert_int_equal(run_one(e, false, &late), rtcp ? SRTP_OK : SRTP_AUTH_FAILED);
        }
        srtp_ctx_free(c);
    }
}

/* RTCP with E = 0 (RFC 3711 s.3.4, RFC 7714 s.9.3): authenticated, in clear. Sealed here by hand:
 * protect never sends such. */
static void rtcp_without_encryption(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * engine_count; i++) {
        struct srtp_engine *e = engines[i % engine_count];
        bool gcm = i / engine_count;
        struct srtp_keys k = keys_of(gcm ? SRTP_AEAD_AES_128_GCM : SRTP_AES_CM_128_HMAC_SHA1_80);
        struct srtp_session_keys s[SRTP_SESSION_COUNT];
        struct srtp_ctx *c;
        uint8_t pkt[28 + SRTP_TRAILER_MAX], clear[28];
        const uint8_t word[4] = {0, 0, 0, 9};
        uint32_t tag_n = gcm ? 16 : 10;

        assert_int_equal(srtp_ctx_new(e, &k, &c), 0);
        assert_int_equal(srtp_session_derive(e, &k, s), 0);
        fill(clear, sizeof(clear));
        memcpy(pkt, clear, sizeof(clear));
        memcpy(pkt + 28, word, 4);
        if (gcm) {
            EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
            uint8_t iv[12];
            int n;

            memcpy(iv, s[1].salt, sizeof(iv));
            for (size_t b = 0; b < 4; b++)
                iv[2 + b] ^= clear[4 + b], iv[8 + b] ^= word[b];
            EVP_EncryptInit_ex(x, EVP_aes_128_gcm(), NULL, s[1].key, iv);
            EVP_EncryptUpdate(x, NULL, &n, pkt, 32);
            EVP_EncryptFinal_ex(x, pkt + 32, &n);
            EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_GET_TAG, 16, pkt + 28);
            EVP_CIPHER_CTX_free(x);
            memcpy(pkt + 44, word, 4);
        } else {
            uint8_t mac[20];

            EVP_Q_mac(NULL, "HMAC", NULL, "SHA1", NULL, s[1].auth, 20, pkt, 32, mac, sizeof(mac),
                      NULL);
            memcpy(pkt + 32, mac, 10);
        }
        struct srtp_job j = {.ctx = c, .pkt = pkt, .len = 28 + 4 + tag_n, .rtcp = true};

        assert_int_equal(run_one(e, false, &j), SRTP_OK);
        assert_true(j.rtcp_clear);
        assert_int_equal(j.index, 9);
        assert_int_equal(j.len, 28);
        assert_memory_equal(pkt, clear, 28);
        srtp_ctx_free(c);
    }
}

static void wrong_lengths(void **state)
{
    static uint8_t pkt[SRTP_PACKET_MAX + 1 + SRTP_TRAILER_MAX], same[sizeof(pkt)];

    (void)state;
    fill(pkt, sizeof(pkt));
    memcpy(same, pkt, sizeof(pkt));
    for (size_t i = 0; i < (SRTP_SUITE_COUNT - 1) * engine_count; i++) {
        struct srtp_engine *e = engines[i % engine_count];
        enum srtp_suite suite = (enum srtp_suite)(1 + i / engine_count);
        const struct srtp_suite_info *info = srtp_suite_info(suite);
        struct srtp_keys k = keys_of(suite);
        struct srtp_ctx *c;

        assert_int_equal(srtp_ctx_new(e, &k, &c), 0);
        struct srtp_job rtp = {.ctx = c, .pkt = pkt, .hdr_len = 12};
        struct srtp_job rtcp = {.ctx = c, .pkt = pkt, .rtcp = true};

        for (uint32_t n = 0; n <= 40; n++) {
            rtp.len = rtcp.len = n;
            rtp.hdr_len = 12;
            assert_int_equal(run_one(e, false, &rtp),
                             n < 12u + info->rtp_tag_len ? SRTP_TOO_SHORT : SRTP_AUTH_FAILED);
            assert_int_equal(run_one(e, false, &rtcp),
                             n < 12u + info->rtcp_tag_len ? SRTP_TOO_SHORT : SRTP_AUTH_FAILED);
            if (n < 12)
                assert_int_equal(run_one(e, true, &rtp), SRTP_TOO_SHORT);
            if (n < 8)
                assert_int_equal(run_one(e, true, &rtcp), SRTP_TOO_SHORT);
        }
        rtp.len = rtcp.len = SRTP_PACKET_MAX;
        assert_int_equal(run_one(e, false, &rtp), SRTP_AUTH_FAILED);
        assert_int_equal(run_one(e, false, &rtcp), SRTP_AUTH_FAILED);
        rtp.hdr_len = SRTP_PACKET_MAX - info->rtp_tag_len + 1;
        assert_int_equal(run_one(e, false, &rtp), SRTP_TOO_SHORT);
        rtp.hdr_len = 11;
        assert_int_equal(run_one(e, false, &rtp), SRTP_TOO_SHORT);
        rtp.hdr_len = 12;
        rtp.len = rtcp.len = SRTP_PACKET_MAX + 1;
        assert_int_equal(run_one(e, false, &rtp), SRTP_TOO_SHORT);
        assert_int_equal(run_one(e, false, &rtcp), SRTP_TOO_SHORT);
        assert_int_equal(run_one(e, true, &rtp), SRTP_TOO_SHORT);
        assert_int_equal(run_one(e, true, &rtcp), SRTP_TOO_SHORT);
        assert_memory_equal(pkt, same, sizeof(pkt));
        srtp_ctx_free(c);
    }
}

static void wrong_keys(void **state)
{
    struct srtp_ctx *c;

    (void)state;
    for (int s = 0; s <= SRTP_SUITE_COUNT; s++) {
        struct srtp_keys k = {.suite = (enum srtp_suite)s};

        for (size_t n = 0; n <= SECRET_CAP; n++) {
            bool known = s > 0 && s < SRTP_SUITE_COUNT;
            const struct srtp_suite_info *info = srtp_suite_info(known ? k.suite : 0);

            k.master.n = n;
            if (known && n == (size_t)info->key_len + info->salt_len)
                continue;
            assert_int_equal(srtp_ctx_new(engines[0], &k, &c), -EINVAL);
        }
    }
    assert_null(srtp_ctx_free(NULL));
    assert_null(srtp_engine_free(NULL));
}

static int start(void **state)
{
    (void)state;
    if (srtp_engine_new(SRTP_BACKEND_OPENSSL, &engines[engine_count++]) < 0)
        return -1;
    int r = srtp_engine_new(SRTP_BACKEND_IPSEC_MB, &engines[engine_count]);

    if (r == -ENOTSUP)
        printf("ipsec-mb is not for this machine: only OpenSSL is tested\n");
    else if (r < 0)
        return r;
    else
        engine_count++;
    return 0;
}

static int finish(void **state)
{
    (void)state;
    for (size_t i = 0; i < engine_count; i++)
        srtp_engine_free(engines[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derivation_vectors), cmocka_unit_test(keystream_vectors),
        cmocka_unit_test(gcm_vectors),        cmocka_unit_test(cm_packets),
        cmocka_unit_test(bursts_round_trip),  cmocka_unit_test(bursts_with_forgeries),
        cmocka_unit_test(every_bit_counts),   cmocka_unit_test(rtcp_without_encryption),
        cmocka_unit_test(wrong_lengths),      cmocka_unit_test(wrong_keys),
    };

    return cmocka_run_group_tests(tests, start, finish);
}
