#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "crypto/hash.h"
#include "phone/crypt.h"
#include "rtp/rtcp.h"

struct pair {
    struct srtp_engine *engine;
    struct phone_crypt a, b; /* a sends to b */
};

static struct srtp_keys new_keys(void)
{
    struct srtp_keys k = {.suite = SRTP_AES_CM_128_HMAC_SHA1_80, .master.n = 30};

    crypto_random(k.master.b, k.master.n);
    return k;
}

static int set_up(void **state)
{
    static struct pair p;
    struct srtp_keys k = new_keys(), other = new_keys();

    assert_int_equal(srtp_engine_new(SRTP_BACKEND_AUTO, &p.engine), 0);
    phone_crypt_init(&p.a, p.engine);
    phone_crypt_init(&p.b, p.engine);
    assert_int_equal(phone_crypt_set(&p.a, &k, &other), 0);
    assert_int_equal(phone_crypt_set(&p.b, &other, &k), 0);
    *state = &p;
    return 0;
}

static int tear_down(void **state)
{
    struct pair *p = *state;

    phone_crypt_fini(&p->a);
    phone_crypt_fini(&p->b);
    srtp_engine_free(p->engine);
    return 0;
}

#define LEN (RTP_HDR_MIN + 4)
struct packet {
    uint8_t b[64 + SRTP_TRAILER_MAX];
    uint32_t n;
};

static struct packet sealed(struct phone_crypt *c, uint16_t seq)
{
    struct packet k = {.n = LEN};
    struct rtp_hdr h = {.ssrc = 7, .seq = seq, .timestamp = seq * 160u, .pt = 8};

    rtp_hdr_put(k.b, &h);
    memcpy(k.b + RTP_HDR_MIN, "spam", 4);
    assert_int_equal(phone_crypt_seal(c, k.b, k.n, false, &k.n), PHONE_CRYPT_OK);
    assert_int_equal(k.n, LEN + 10);
    return k;
}

static int opened(struct phone_crypt *c, struct packet k)
{
    int v = phone_crypt_open(c, k.b, k.n, false, &k.n);

    if (v == PHONE_CRYPT_OK) {
        assert_int_equal(k.n, LEN);
        assert_memory_equal(k.b + RTP_HDR_MIN, "spam", 4);
    }
    return v;
}

static void there_and_not_twice(void **state)
{
    struct pair *p = *state;
    struct packet k = sealed(&p->a, 65534), bad = k;

    bad.b[RTP_HDR_MIN] ^= 1;
    assert_int_equal(opened(&p->b, bad), PHONE_CRYPT_FORGED);
    assert_int_equal(opened(&p->b, k), PHONE_CRYPT_OK);
    assert_int_equal(opened(&p->b, k), PHONE_CRYPT_REPLAYED);
    for (uint16_t i = 0; i < 4; i++) /* over the rollover */
        assert_int_equal(opened(&p->b, sealed(&p->a, (uint16_t)(65535 + i))), PHONE_CRYPT_OK);
}

static void an_index_is_used_once(void **state)
{
    struct pair *p = *state;
    struct packet k = sealed(&p->a, 5);

    k.n = LEN;
    assert_int_equal(phone_crypt_seal(&p->a, k.b, k.n, false, &k.n), PHONE_CRYPT_EXHAUSTED);
}

static void a_new_key_and_the_one_before(void **state)
{
    struct pair *p = *state;
    struct srtp_keys k2 = new_keys(), k3 = new_keys(), none = {0};
    struct packet late = sealed(&p->a, 10);

    assert_int_equal(phone_crypt_set(&p->a, &k2, &none), 0);
    assert_int_equal(phone_crypt_set(&p->b, &none, &k2), 0);
    assert_int_equal(opened(&p->b, sealed(&p->a, 11)), PHONE_CRYPT_OK);
    assert_int_equal(opened(&p->b, late), PHONE_CRYPT_OK);
    assert_int_equal(opened(&p->b, late), PHONE_CRYPT_REPLAYED);
    assert_int_equal(phone_crypt_set(&p->b, &none, &k3), 0);
    assert_int_equal(opened(&p->b, late), PHONE_CRYPT_FORGED); /* two keys back */
}

static void the_same_key_keeps_its_window(void **state)
{
    struct pair *p = *state;
    struct packet k = sealed(&p->a, 20);
    struct srtp_keys tx = p->b.tx_keys, rx = p->b.rx[0].keys;

    assert_int_equal(opened(&p->b, k), PHONE_CRYPT_OK);
    assert_int_equal(phone_crypt_set(&p->b, &tx, &rx), 0);
    assert_int_equal(opened(&p->b, k), PHONE_CRYPT_REPLAYED);
    assert_null(p->b.rx[1].ctx);
}

static void without_keys_nothing(void **state)
{
    struct pair *p = *state;
    struct phone_crypt c;
    uint8_t pkt[64] = {0x80};
    uint32_t n;

    phone_crypt_init(&c, p->engine);
    assert_int_equal(phone_crypt_seal(&c, pkt, LEN, false, &n), PHONE_CRYPT_NO_KEY);
    assert_int_equal(phone_crypt_open(&c, pkt, LEN, false, &n), PHONE_CRYPT_NO_KEY);
    phone_crypt_fini(&c);
}

static void reports_too(void **state)
{
    struct pair *p = *state;
    uint8_t pkt[256];
    struct buf b = buf_over(pkt, 128);
    uint32_t n, m;

    rtcp_put_rr(&b, 7, NULL, 0);
    assert_int_equal(phone_crypt_seal(&p->a, pkt, (uint32_t)b.n, true, &n), PHONE_CRYPT_OK);
    uint8_t again[256];
    memcpy(again, pkt, n);
    assert_int_equal(phone_crypt_open(&p->b, pkt, n, true, &m), PHONE_CRYPT_OK);
    assert_int_equal(m, b.n);
    assert_int_equal(phone_crypt_open(&p->b, again, n, true, &m), PHONE_CRYPT_REPLAYED);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(there_and_not_twice),           T(an_index_is_used_once), T(a_new_key_and_the_one_before),
        T(the_same_key_keeps_its_window), T(without_keys_nothing),  T(reports_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
