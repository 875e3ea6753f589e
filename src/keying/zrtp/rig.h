/* Two ZRTP machines joined by a network that exists in memory, with a clock that jumps to the next
 * thing that happens. A test may lose, delay, double or change what passes. */
#ifndef SOTTO_KEYING_ZRTP_RIG_H
#define SOTTO_KEYING_ZRTP_RIG_H

#include <assert.h>

#include "crypto/hash.h"
#include "keying/zrtp/zrtp.h"

#define RIG_QUEUE 256

struct rig;

struct rig_side {
    struct rig *rig;
    int index;
    struct zrtp_config cfg;
    struct zrtp_env env;
    struct zrtp *z;
    uint64_t due;
    struct zrtp_secrets kept; /* its store, for its one peer */
    bool find_later, found_asked;
    int secure, changed, cleared, failed, saved, dropped, sent;
    const char *why, *drop_why;
    struct zrtp_result result;
};

struct rig_flight {
    uint64_t at;
    int to;
    size_t n;
    uint8_t b[ZRTP_PACKET_MAX];
};

struct rig {
    struct rig_side side[2];
    uint64_t now;
    uint64_t delay;
    size_t n;
    struct rig_flight queue[RIG_QUEUE];
    /* Sees each packet as it is sent by `from`; may change bytes (and must then call rig_reseal).
     * Returns how many copies arrive: 0 loses it. *delay is what it takes. */
    int (*pass)(struct rig *r, int from, struct rig_flight *f, uint64_t *delay);
    void *arg;
};

static inline void rig_reseal(struct rig_flight *f)
{
    struct zrtp_packet p = {
        .seq = (uint16_t)(f->b[2] << 8 | f->b[3]),
        .ssrc =
            (uint32_t)f->b[8] << 24 | (uint32_t)f->b[9] << 16 | (uint32_t)f->b[10] << 8 | f->b[11],
        .message =
            slice_from(f->b + ZRTP_PACKET_HEADER, f->n - ZRTP_PACKET_HEADER - ZRTP_PACKET_CRC),
    };
    uint8_t copy[ZRTP_PACKET_MAX];

    f->n = zrtp_packet_print(&p, copy);
    memcpy(f->b, copy, f->n);
}

static inline bool rig_is(const struct rig_flight *f, const char *type)
{
    return memcmp(f->b + ZRTP_PACKET_HEADER + 4, type, 8) == 0;
}

static inline void rig_put(struct rig *r, const struct rig_flight *f)
{
    assert(r->n < RIG_QUEUE);
    r->queue[r->n++] = *f;
}

static inline void rig_send(void *arg, const void *packet, size_t n)
{
    struct rig_side *s = arg;
    struct rig *r = s->rig;
    struct rig_flight f = {.to = 1 - s->index, .n = n};
    uint64_t delay = r->delay;

    memcpy(f.b, packet, n);
    s->sent++;
    int copies = r->pass ? r->pass(r, s->index, &f, &delay) : 1;
    f.at = r->now + delay;
    for (; copies > 0; copies--)
        rig_put(r, &f);
}

static inline void rig_timer(void *arg, uint64_t due)
{
    ((struct rig_side *)arg)->due = due;
}

static inline bool rig_find(void *arg, const uint8_t zid[ZRTP_ZID_LEN], struct zrtp_secrets *ret)
{
    struct rig_side *s = arg;

    (void)zid;
    s->found_asked = true;
    if (s->find_later)
        return false;
    *ret = s->kept;
    return true;
}

static inline void rig_save(void *arg, const uint8_t zid[ZRTP_ZID_LEN],
                            const struct zrtp_secrets *kept)
{
    struct rig_side *s = arg;

    (void)zid;
    s->kept = *kept;
    s->saved++;
}

static inline void rig_dropped(void *arg, const char *why)
{
    struct rig_side *s = arg;

    s->dropped++;
    s->drop_why = why;
}

static inline void rig_secure(void *arg, const struct zrtp_result *result)
{
    struct rig_side *s = arg;

    s->secure++;
    s->result = *result;
}

static inline void rig_changed(void *arg, const struct zrtp_result *result)
{
    struct rig_side *s = arg;

    s->changed++;
    s->result = *result;
}

static inline void rig_cleared(void *arg)
{
    ((struct rig_side *)arg)->cleared++;
}

static inline void rig_failed(void *arg, const char *why)
{
    struct rig_side *s = arg;

    s->failed++;
    s->why = why;
}

static inline void rig_init(struct rig *r)
{
    memset(r, 0, sizeof(*r));
    r->now = 1000;
    r->delay = 5;
    for (int i = 0; i < 2; i++) {
        struct rig_side *s = &r->side[i];
        s->rig = r;
        s->index = i;
        s->env = (struct zrtp_env){
            .arg = s,
            .send = rig_send,
            .timer = rig_timer,
            .find = rig_find,
            .save = rig_save,
            .dropped = rig_dropped,
            .secure = rig_secure,
            .changed = rig_changed,
            .cleared = rig_cleared,
            .failed = rig_failed,
        };
        memset(s->cfg.zid, 0x10 + i, sizeof(s->cfg.zid));
        crypto_random(s->cfg.h0, sizeof(s->cfg.h0));
        s->cfg.ssrc = 0x1000u + (unsigned)i;
        zrtp_lists_default(&s->cfg.lists);
    }
}

/* A new call of the same two: stores are kept. */
static inline void rig_again(struct rig *r)
{
    for (int i = 0; i < 2; i++) {
        struct rig_side *s = &r->side[i];
        s->z = zrtp_free(s->z);
        s->due = 0;
        s->secure = s->changed = s->cleared = s->failed = s->saved = s->dropped = s->sent = 0;
        s->why = s->drop_why = NULL;
        s->found_asked = false;
        memset(&s->result, 0, sizeof(s->result));
        crypto_random(s->cfg.h0, sizeof(s->cfg.h0));
    }
    r->n = 0;
    r->now += 100000;
}

static inline void rig_start(struct rig *r)
{
    for (int i = 0; i < 2; i++) {
        struct rig_side *s = &r->side[i];
        int e = zrtp_new(&s->cfg, &s->env, &s->z);
        assert(e == 0);
        (void)e;
        zrtp_start(s->z, r->now);
    }
}

/* The next packet or timer. False: nothing is left to happen, or not before `until`. */
static inline bool rig_step(struct rig *r, uint64_t until)
{
    size_t first = r->n;
    uint64_t at = until + 1;
    int timer = -1;

    for (size_t i = 0; i < r->n; i++) {
        if (r->queue[i].at < at) {
            at = r->queue[i].at;
            first = i;
        }
    }
    for (int i = 0; i < 2; i++) {
        if (r->side[i].due && r->side[i].due < at) {
            at = r->side[i].due;
            timer = i;
        }
    }
    if (at > until)
        return false;
    r->now = at > r->now ? at : r->now;
    if (timer >= 0) {
        r->side[timer].due = 0;
        zrtp_expired(r->side[timer].z, r->now);
        return true;
    }
    struct rig_flight f = r->queue[first];
    memmove(&r->queue[first], &r->queue[first + 1], (r->n - first - 1) * sizeof(f));
    r->n--;
    zrtp_packet(r->side[f.to].z, slice_from(f.b, f.n), r->now);
    return true;
}

static inline void rig_run(struct rig *r, uint64_t ms)
{
    uint64_t until = r->now + ms;

    while (rig_step(r, until))
        ;
    r->now = until;
}

static inline void rig_fini(struct rig *r)
{
    for (int i = 0; i < 2; i++)
        r->side[i].z = zrtp_free(r->side[i].z);
}

#endif
