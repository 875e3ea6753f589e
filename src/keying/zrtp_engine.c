#include "keying/zrtp_engine.h"

#include <stdlib.h>

struct keying_engine {
    struct keying_engine_env env;
    struct zrtp_config cfg;
    struct zrtp_env zenv;
    struct zrtp *z;
    uint8_t suite_count;
    uint8_t suites[ZRTP_SUITES_MAX];
    uint64_t machine_due, again_ms; /* 0: not */
    bool has_keys;                  /* given by this engine, or there before it */
    bool over;
    bool relayed;
    const char *why;
};

static void timer_set(struct keying_engine *e)
{
    uint64_t due = e->again_ms && (!e->machine_due || e->again_ms < e->machine_due)
                       ? e->again_ms
                       : e->machine_due;
    e->env.timer(e->env.arg, due);
}

/* --- what the machine says ---------------------------------------------------------------------- */

static void on_send(void *arg, const void *packet, size_t n)
{
    struct keying_engine *e = arg;

    e->env.send(e->env.arg, packet, n);
}

static void on_timer(void *arg, uint64_t due_ms)
{
    struct keying_engine *e = arg;

    e->machine_due = due_ms;
    timer_set(e);
}

static bool on_find(void *arg, const uint8_t zid[ZRTP_ZID_LEN], struct zrtp_secrets *ret)
{
    struct keying_engine *e = arg;

    return !e->env.find || e->env.find(e->env.arg, zid, ret);
}

static void on_save(void *arg, const uint8_t zid[ZRTP_ZID_LEN], const struct zrtp_secrets *s)
{
    struct keying_engine *e = arg;

    if (e->env.save)
        e->env.save(e->env.arg, zid, s);
}

static void on_dropped(void *arg, const char *why)
{
    struct keying_engine *e = arg;

    if (!e->has_keys && why != zrtp_out_of_order)
        e->why = why;
}

static void yield(struct keying_engine *e, const struct zrtp_result *r)
{
    struct keying_yield y = {
        .tx = r->tx,
        .rx = r->rx,
        .sas_verified = r->sas_verified,
        .trusted_mitm = r->sas_relayed || r->pbx_matched,
        .zrtp =
            {
                .sas_kind = r->choice.of[ZRTP_SAS],
                .agreement = r->choice.of[ZRTP_KEY_AGREEMENT],
                .cache_mismatch = r->cache_mismatch,
                .pbx_matched = r->pbx_matched,
                .enroll_offered = r->enroll_offered,
            },
    };

    y.zrtp.session_n = (uint8_t)r->session.n;
    memcpy(y.zrtp.session, r->session.b, sizeof(y.zrtp.session));
    memcpy(y.sas, r->sas, sizeof(y.sas));
    memcpy(y.zrtp.sas_hash, r->sas_hash, sizeof(y.zrtp.sas_hash));
    e->env.secure(e->env.arg, &y);
    secret_wipe(&y, sizeof(y));
}

static void fail(struct keying_engine *e, enum keying_fault f, const char *why)
{
    e->over = true;
    e->why = why;
    e->env.failed(e->env.arg, f, why);
}

/* The lists of a Hello are ciphers and tags apart: a pair of them that the policy does not name is
 * found out here. */
static bool is_allowed(const struct keying_engine *e, const struct zrtp_result *r)
{
    return r->tx.suite != SRTP_SUITE_NONE && memchr(e->suites, (int)r->tx.suite, e->suite_count);
}

static void on_secure(void *arg, const struct zrtp_result *r)
{
    struct keying_engine *e = arg;

    if (!is_allowed(e, r)) {
        fail(e, KEYING_FAULT_SUITE, "ZRTP agreed on an encryption suite that is not allowed here");
        return;
    }
    e->has_keys = true;
    e->why = "the ZRTP exchange is complete";
    yield(e, r);
}

static void on_changed(void *arg, const struct zrtp_result *r)
{
    yield(arg, r);
}

/* Proof is what only the holder of the other end's keys, or somebody between us, could have caused;
 * a timeout or an Error message anybody can. */
static bool is_proof(const char *why)
{
    static const char *const proofs[] = {
        "the peer's ZRTP confirmation is not authentic: someone may be listening",
        "the peer's ZRTP confirmation is malformed",
        "the peer's ZRTP messages are not all from the same hand",
        "the peer's ZRTP key is not the one that it committed to",
        "the peer's public value in the ZRTP key agreement is not valid",
    };

    for (size_t i = 0; i < ARRAY_LEN(proofs); i++) {
        if (strcmp(why, proofs[i]) == 0)
            return true;
    }
    return false;
}

static void on_failed(void *arg, const char *why)
{
    struct keying_engine *e = arg;

    if (e->has_keys) /* an acknowledgement is missing, no more */
        return;
    e->why = why;
    if (is_proof(why)) {
        fail(e, KEYING_FAULT_FORGED, why);
        return;
    }
    e->again_ms = 1; /* now plus ZRTP_AGAIN_MS, set by whoever called the machine */
}

static const struct zrtp_env machine_env = {
    .send = on_send,
    .timer = on_timer,
    .find = on_find,
    .save = on_save,
    .dropped = on_dropped,
    .secure = on_secure,
    .changed = on_changed,
    .failed = on_failed,
};

/* --- life ---------------------------------------------------------------------------------------- */

/* A machine that has broken off still repeats its Error until the next one takes its place. */
static void settle(struct keying_engine *e, uint64_t now)
{
    if (e->again_ms == 1) {
        e->again_ms = now + ZRTP_AGAIN_MS;
        timer_set(e);
    }
}

static int machine_begin(struct keying_engine *e, bool silent, uint64_t now)
{
    e->z = zrtp_free(e->z);
    e->machine_due = e->again_ms = 0;
    int r = zrtp_new(&e->cfg, &e->zenv, &e->z);
    if (r == 0 && !silent)
        zrtp_start(e->z, now);
    return r;
}

static void take_session(struct keying_engine *e, const struct keying_state *first)
{
    const struct zrtp_told *told = first ? &first->zrtp.told : NULL;

    if (told && first->active == KEYING_ZRTP && told->session_n > 0 &&
        told->session_n <= sizeof(told->session)) {
        e->cfg.session.n = told->session_n;
        memcpy(e->cfg.session.b, told->session, told->session_n);
    }
}

int zrtp_engine_start(const struct keying_engine_env *env, const struct keying_state *s,
                      enum keying_component c, uint64_t now_ms, struct keying_engine **ret)
{
    if (!env->local || !env->local->zrtp)
        return -EAGAIN;
    if (s->zrtp.suite_count > ZRTP_SUITES_MAX || !s->zrtp.has_self)
        return -ESTALE;
    struct keying_engine *e = calloc(1, sizeof(*e));
    if (!e)
        return -ENOMEM;
    e->env = *env;
    zrtp_config_of(env->local->zrtp, &s->zrtp, &e->cfg);
    take_session(e, env->first);
    e->env.first = NULL;
    crypto_random(&e->cfg.ssrc, sizeof(e->cfg.ssrc));
    e->cfg.ask_enroll = env->ask_enroll && e->cfg.is_mitm;
    e->cfg.hello_count = UINT16_MAX; /* patience is the driver's */
    e->suite_count = s->zrtp.suite_count;
    memcpy(e->suites, s->zrtp.suites, sizeof(e->suites));
    e->zenv = machine_env;
    e->zenv.arg = e;
    e->has_keys = s->done[c] == s->wanted;
    e->why = "the peer does not answer ZRTP";
    int r = machine_begin(e, e->has_keys, now_ms);
    if (r < 0) {
        zrtp_engine_free(e);
        return r;
    }
    *ret = e;
    return 0;
}

struct keying_engine *zrtp_engine_free(struct keying_engine *e)
{
    if (e) {
        zrtp_free(e->z);
        secret_wipe(e, sizeof(*e));
        free(e);
    }
    return NULL;
}

void zrtp_engine_packet(struct keying_engine *e, struct slice packet, uint64_t now_ms)
{
    zrtp_packet(e->z, packet, now_ms);
    settle(e, now_ms);
}

void zrtp_engine_expired(struct keying_engine *e, uint64_t now_ms)
{
    if (e->again_ms && now_ms >= e->again_ms && !e->over) {
        if (machine_begin(e, false, now_ms) < 0) {
            e->again_ms = now_ms + ZRTP_AGAIN_MS;
            e->why = "a ZRTP exchange could not be begun";
        }
        timer_set(e);
        return;
    }
    if (e->z)
        zrtp_expired(e->z, now_ms);
    settle(e, now_ms);
}

const char *zrtp_engine_state(const struct keying_engine *e)
{
    return e->why;
}

void zrtp_engine_found(struct keying_engine *e, const struct zrtp_secrets *s, uint64_t now_ms)
{
    zrtp_found(e->z, s, now_ms);
    settle(e, now_ms);
}

void zrtp_engine_verify(struct keying_engine *e, bool verified)
{
    zrtp_sas_verified(e->z, verified);
}

void zrtp_engine_relay(struct keying_engine *e, const struct keying_state *other, uint64_t now_ms)
{
    struct zrtp_relay r = {.verified = other->sas_verified, .sas = other->zrtp.told.sas_kind};

    memcpy(r.sas_hash, other->zrtp.told.sas_hash, sizeof(r.sas_hash));
    if (!e->relayed && zrtp_relay_sas(e->z, &r, now_ms))
        e->relayed = true;
}
