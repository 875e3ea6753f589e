/* A phone with two streams under ZRTP (RFC 6189 s.4.4.3): one Diffie-Hellman, one SAS, secrets kept
 * once; the second stream has keys of its own. */
#include "media/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "media/worker.h"

static const struct media_codec vp8 = {.pt = 100, .clock = 90000, .name = "VP8"};
static const struct zrtp_local phone_zrtp = {.zid = "zid of phone"};
static const struct keying_local phone_local = {.zrtp = &phone_zrtp};

struct line {
    struct phone p;
    struct keying_engine *engine;
    uint64_t due;
    unsigned said, diffie_hellman; /* packets; DHPart1 or 2 among them */
    struct keying_yield yield;
    const char *failed;
};

struct talk {
    struct rig g;
    struct line line[2];
};

static void on_send(void *arg, const void *packet, size_t n)
{
    struct line *l = arg;
    l->said++;
    l->diffie_hellman += n > 24 && memcmp((const char *)packet + 16, "DHPart", 6) == 0;
    RIG_EQ(sendto(l->p.rtp, packet, n, 0, &l->p.server.sa, addr_len(&l->p.server)), n);
}

static void on_timer(void *arg, uint64_t due_ms)
{
    ((struct line *)arg)->due = due_ms;
}

static void on_secure(void *arg, const struct keying_yield *y)
{
    struct line *l = arg;
    struct keying_state next = l->p.keys;
    l->yield = *y;
    RIG(keying_state_take(&next, KEYING_RTP, next.wanted, y));
    phone_take_keys(&l->p, &next);
}

static void on_failed(void *arg, enum keying_fault f, const char *why)
{
    (void)f;
    ((struct line *)arg)->failed = why;
}

static void line_start(struct line *l, const struct line *first)
{
    const struct keying_engine_env env = {.arg = l,
                                          .local = &phone_local,
                                          .send = on_send,
                                          .timer = on_timer,
                                          .secure = on_secure,
                                          .failed = on_failed,
                                          .first = first ? &first->p.keys : NULL};
    RIG_EQ(keying_zrtp.start(&env, &l->p.keys, KEYING_RTP, loop_now(l->p.rig->loop), &l->engine),
           0);
}

static void as_video(struct media_request *rq)
{
    rq->stream = 1;
    rq->codecs[0] = vp8;
}

/* Both lines offered, answered and connected to their echo; no engine of the phone runs. */
static void init(struct talk *t)
{
    struct media_zrtp_id id = {.zid = "zid server.."};
    memset(t, 0, sizeof(*t));
    rig_init(&t->g);
    RIG_EQ(ipc_send(t->g.chan, MEDIA_MSG_ZRTP_ID, &id, sizeof(id), NULL, 0), 0);
    rig_turn(&t->g);
    for (size_t i = 0; i < 2; i++) {
        struct phone *p = &t->line[i].p;
        phone_init(p, &t->g, 7, 0, PROTECTION_REQUIRED);
        p->policy = (struct media_policy){.keying_count = 1, .keyings = {KEYING_ZRTP}};
        p->local = &phone_local;
        p->rtcp_mux = true;
        RIG_EQ(phone_offers(p, MEDIA_OP_OPEN, &p->policy, i ? as_video : NULL), 0);
        RIG_EQ(p->keys.active, KEYING_ZRTP);
        struct media_request rq = {
            .ops = MEDIA_OP_CONNECT, .endpoint = p->endpoint, .mode = MEDIA_MODE_ECHO};
        RIG_EQ(rig_request(&t->g, &rq, SLICE_NONE)->status, MEDIA_STATUS_OK);
    }
}

static void fini(struct talk *t)
{
    for (size_t i = 0; i < 2; i++) {
        struct line *l = &t->line[i];
        l->engine = l->engine ? keying_zrtp.free(l->engine) : NULL;
        phone_fini(&l->p);
    }
    rig_fini(&t->g);
}

/* What came to a line: packets of ZRTP are given to its engine. */
static unsigned line_hear(struct line *l)
{
    uint8_t pkt[2048];
    unsigned heard = 0;
    for (ssize_t n; (n = recv(l->p.rtp, pkt, sizeof(pkt), 0)) > 0;) {
        if (rtp_demux(pkt, (size_t)n) != RTP_KIND_ZRTP)
            continue;
        heard++;
        if (l->engine)
            keying_zrtp.packet(l->engine, slice_from(pkt, (size_t)n), loop_now(l->p.rig->loop));
    }
    return heard;
}

/* Three seconds of the loop's clock. Returns how many packets each line has heard. */
static void run(struct talk *t, unsigned heard[2])
{
    heard[0] = heard[1] = 0;
    for (int ms = 0; ms < 3000; ms += 10) {
        rig_turn(&t->g);
        loop_advance(t->g.loop, 10);
        for (size_t i = 0; i < 2; i++) {
            struct line *l = &t->line[i];
            heard[i] += line_hear(l);
            uint64_t now = loop_now(t->g.loop);
            if (l->engine && l->due && now >= l->due) {
                l->due = 0;
                keying_zrtp.expired(l->engine, now);
            }
        }
    }
}

static bool is_secure(const struct talk *t, size_t i)
{
    return rig_stats(&t->g, t->line[i].p.endpoint)->protection.established;
}

static void both_talk(struct talk *t)
{
    for (size_t i = 0; i < 2; i++) {
        phone_say(&t->line[i].p, (uint8_t)(0x40 + i));
        assert_int_equal(phone_hear(&t->line[i].p), 1);
        assert_int_equal(t->line[i].p.data[RTP_HDR_MIN], 0x40 + i);
    }
    assert_false(keying_keys_eq(&t->line[0].p.keys.tx, &t->line[1].p.keys.tx));
}

static void the_second_stream_waits_and_needs_no_agreement(void **state)
{
    (void)state;
    static struct talk t;
    unsigned heard[2];
    init(&t);
    run(&t, heard);
    assert_true(heard[0] > 0); /* Hellos for the first alone */
    assert_int_equal(heard[1], 0);
    line_start(&t.line[0], NULL);
    run(&t, heard);
    assert_true(is_secure(&t, 0));
    assert_true(t.line[0].diffie_hellman > 0);
    assert_true(heard[1] > 0);
    assert_false(is_secure(&t, 1));
    line_start(&t.line[1], &t.line[0]);
    run(&t, heard);
    assert_true(is_secure(&t, 1));
    assert_null(t.line[1].failed);
    assert_int_equal(t.line[1].diffie_hellman, 0);
    assert_int_equal(t.line[1].yield.zrtp.agreement, ZRTP_MULT);
    assert_string_equal(t.line[1].yield.sas, "");
    assert_true(t.line[0].yield.sas[0] != '\0');
    assert_int_equal(t.g.zrtp_saved, 1);
    both_talk(&t);
    fini(&t);
}

/* A phone that agrees on each stream apart is heard, too. */
static void a_phone_may_agree_twice(void **state)
{
    (void)state;
    static struct talk t;
    unsigned heard[2];
    init(&t);
    line_start(&t.line[0], NULL);
    run(&t, heard);
    line_start(&t.line[1], NULL);
    run(&t, heard);
    assert_true(is_secure(&t, 0));
    assert_true(is_secure(&t, 1));
    assert_true(t.line[1].diffie_hellman > 0);
    both_talk(&t);
    fini(&t);
}

/* The secret is with the terms: a role that has been killed goes on with it. */
static void a_killed_role_still_knows_the_first(void **state)
{
    (void)state;
    static struct talk t;
    unsigned heard[2];
    struct media_zrtp_id id = {.zid = "zid server.."};
    init(&t);
    line_start(&t.line[0], NULL);
    run(&t, heard);
    assert_true(is_secure(&t, 0));
    t.g.role = media_role_free(t.g.role);
    rig_start_role(&t.g);
    rig_attach(&t.g);
    RIG_EQ(ipc_send(t.g.chan, MEDIA_MSG_ZRTP_ID, &id, sizeof(id), NULL, 0), 0);
    line_start(&t.line[1], &t.line[0]);
    run(&t, heard);
    assert_true(is_secure(&t, 1));
    assert_int_equal(t.line[1].diffie_hellman, 0);
    both_talk(&t);
    fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_second_stream_waits_and_needs_no_agreement),
        cmocka_unit_test(a_phone_may_agree_twice),
        cmocka_unit_test(a_killed_role_still_knows_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
