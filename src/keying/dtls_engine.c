#include "keying/dtls_engine.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "keying/dtls_wire.h"

struct keying_engine {
    struct keying_engine_env env;
    struct dtls_state s;
    struct crypto_dtls_session *session; /* NULL: none under way, nor one that lingers */
    bool is_client;
    bool done; /* the session is */
    bool over; /* failed for good */
    unsigned failures;
    uint64_t again_ms;  /* as client: when to try again; 0: not */
    uint64_t forget_ms; /* when the session that is done goes; 0: none */
    const char *why;
    uint8_t cookie[DTLS_COOKIE_LEN];
    uint8_t random[DTLS_RANDOM_LEN]; /* of the ClientHello that the session has answered */
};

struct crypto_dtls *keying_dtls_local(const struct keying_local *l,
                                      const uint8_t digest[CRYPTO_DTLS_DIGEST_LEN])
{
    for (size_t i = 0; l && i < DTLS_IDENTITIES; i++) {
        if (l->dtls[i] &&
            memcmp(crypto_dtls_digest(l->dtls[i]), digest, CRYPTO_DTLS_DIGEST_LEN) == 0)
            return l->dtls[i];
    }
    return NULL;
}

/* --- the timer --------------------------------------------------------------------------------- */

static void timer_set(struct keying_engine *e, uint64_t now)
{
    uint64_t in;
    uint64_t due = e->again_ms ? e->again_ms : e->forget_ms;
    if (e->session && !e->done && crypto_dtls_session_due(e->session, &in))
        due = now + in;
    e->env.timer(e->env.arg, due);
}

/* --- results ----------------------------------------------------------------------------------- */

static void session_drop(struct keying_engine *e)
{
    e->session = crypto_dtls_session_free(e->session);
    e->done = false;
    e->forget_ms = 0;
}

static uint64_t pause_ms(unsigned failures)
{
    uint64_t ms = (uint64_t)CRYPTO_DTLS_FIRST_MS << (failures < 8 ? failures : 8);
    return ms < CRYPTO_DTLS_SLOWEST_MS ? ms : CRYPTO_DTLS_SLOWEST_MS;
}

static void on_broken(struct keying_engine *e, uint64_t now)
{
    e->why = crypto_dtls_session_why(e->session);
    session_drop(e);
    if (e->is_client)
        e->again_ms = now + pause_ms(e->failures);
    e->failures++;
}

static bool is_signalled(const struct keying_engine *e)
{
    uint8_t digest[CRYPTO_DTLS_DIGEST_MAX];
    size_t n =
        crypto_dtls_session_peer(e->session, (enum crypto_dtls_hash)e->s.remote.hash, digest);
    for (size_t i = 0; n > 0 && i < e->s.remote.count; i++) {
        if (memcmp(e->s.remote.digest[i], digest, n) == 0)
            return true;
    }
    return false;
}

static void fail(struct keying_engine *e, enum keying_fault f, const char *why)
{
    crypto_dtls_session_close(e->session);
    session_drop(e);
    e->over = true;
    e->why = why;
    e->env.timer(e->env.arg, 0);
    e->env.failed(e->env.arg, f, why);
}

static void on_done(struct keying_engine *e, uint64_t now)
{
    struct keying_yield y = {0};
    if (e->done)
        return;
    if (!is_signalled(e)) {
        fail(e, KEYING_FAULT_PEER,
             "the peer's DTLS certificate is not the one that its description names");
        return;
    }
    if (crypto_dtls_session_keys(e->session, &y.tx, &y.rx) < 0) {
        fail(e, KEYING_FAULT_INTERNAL, "the DTLS handshake brought no keys");
        return;
    }
    e->done = true;
    e->failures = 0;
    e->why = "the DTLS handshake is complete";
    /* The server speaks last: a client that is done has been heard. */
    if (e->is_client)
        session_drop(e);
    else
        e->forget_ms = now + DTLS_LINGER_MS;
    timer_set(e, now);
    e->env.secure(e->env.arg, &y);
    secret_wipe(&y, sizeof(y));
}

static void on_verdict(struct keying_engine *e, int verdict, uint64_t now)
{
    if (verdict == CRYPTO_DTLS_DONE) {
        on_done(e, now);
        return;
    }
    if (verdict == CRYPTO_DTLS_FAILED)
        on_broken(e, now);
    timer_set(e, now);
}

/* --- beginning --------------------------------------------------------------------------------- */

static bool session_begin(struct keying_engine *e)
{
    struct crypto_dtls_config cfg = {
        .is_client = e->is_client,
        .suite_count = e->s.suite_count,
        .send = e->env.send,
        .arg = e->env.arg,
    };
    memcpy(cfg.suites, e->s.suites, sizeof(cfg.suites));
    struct crypto_dtls *dtls = keying_dtls_local(e->env.local, e->s.self.digest);
    session_drop(e);
    return dtls && crypto_dtls_session_new(dtls, &cfg, &e->session) == 0;
}

static void client_begin(struct keying_engine *e, uint64_t now)
{
    e->again_ms = 0;
    if (!session_begin(e)) {
        e->again_ms = now + pause_ms(e->failures++);
        e->why = "a DTLS handshake could not be begun";
        timer_set(e, now);
        return;
    }
    on_verdict(e, crypto_dtls_session_start(e->session), now);
}

int dtls_engine_start(const struct keying_engine_env *env, const struct keying_state *s,
                      enum keying_component c, uint64_t now_ms, struct keying_engine **ret)
{
    if (!keying_dtls_local(env->local, s->dtls.self.digest) ||
        s->dtls.suite_count > CRYPTO_DTLS_PROFILES ||
        s->dtls.remote.count > DTLS_FINGERPRINTS_MAX ||
        s->dtls.remote.hash >= CRYPTO_DTLS_HASH_COUNT)
        return -ESTALE;
    struct keying_engine *e = calloc(1, sizeof(*e));
    if (!e)
        return -ENOMEM;
    e->env = *env;
    e->s = s->dtls;
    e->is_client = s->dtls.setup == DTLS_SETUP_ACTIVE;
    e->why = e->is_client ? "the peer has not answered the DTLS handshake"
                          : "the peer has not begun the DTLS handshake";
    crypto_random(e->cookie, sizeof(e->cookie));
    *ret = e;
    if (e->is_client && s->done[c] != s->wanted)
        client_begin(e, now_ms);
    return 0;
}

struct keying_engine *dtls_engine_free(struct keying_engine *e)
{
    if (e) {
        crypto_dtls_session_free(e->session);
        free(e);
    }
    return NULL;
}

/* --- what comes -------------------------------------------------------------------------------- */

static void say_verify(struct keying_engine *e, const struct dtls_peek *p)
{
    uint8_t out[DTLS_VERIFY_LEN];
    struct buf b = buf_over(out, sizeof(out));
    dtls_put_verify(&b, p->sequence, e->cookie);
    e->env.send(e->env.arg, out, b.n);
}

static void on_hello(struct keying_engine *e, struct slice packet, const struct dtls_peek *p,
                     uint64_t now)
{
    if (p->cookie.n != DTLS_COOKIE_LEN || !secret_eq(p->cookie.p, e->cookie, DTLS_COOKIE_LEN)) {
        say_verify(e, p);
        return;
    }
    if (e->session && memcmp(p->random.p, e->random, DTLS_RANDOM_LEN) == 0) {
        on_verdict(e, crypto_dtls_session_feed(e->session, packet), now);
        return;
    }
    if (!session_begin(e)) {
        e->why = "a DTLS handshake could not be begun";
        return;
    }
    memcpy(e->random, p->random.p, DTLS_RANDOM_LEN);
    on_verdict(e, crypto_dtls_session_accept(e->session, packet), now);
}

/* Not believed, but worth telling where the handshake never ends. RFC 5246 s.7.2. */
static void note_alert(struct keying_engine *e, uint8_t alert)
{
    switch (alert) {
    case 40: /* handshake_failure */
    case 71: /* insufficient_security */
        e->why = "the peer has no DTLS cipher or SRTP profile in common with us";
        break;
    case 42: /* bad_certificate */
    case 43:
    case 46: /* certificate_unknown */
    case 48: /* unknown_ca */
    case 51: /* decrypt_error */
        e->why = "the peer does not accept our DTLS certificate";
        break;
    case 70: /* protocol_version */
        e->why = "the peer does not speak DTLS 1.2";
        break;
    case 0: /* close_notify */
        break;
    default:
        e->why = "the peer broke off the DTLS handshake";
    }
}

void dtls_engine_packet(struct keying_engine *e, struct slice packet, uint64_t now_ms)
{
    struct dtls_peek p = {0};
    enum dtls_content content = dtls_peek(packet, &p);
    if (e->over || content == DTLS_CONTENT_NONE)
        return;
    if (content == DTLS_CONTENT_ALERT) {
        if (!e->done)
            note_alert(e, p.alert);
        return;
    }
    if (content == DTLS_CONTENT_HELLO) {
        if (!e->is_client)
            on_hello(e, packet, &p, now_ms);
        return;
    }
    if (e->session)
        on_verdict(e, crypto_dtls_session_feed(e->session, packet), now_ms);
}

void dtls_engine_expired(struct keying_engine *e, uint64_t now_ms)
{
    if (e->over)
        return;
    if (e->forget_ms && now_ms >= e->forget_ms)
        session_drop(e);
    if (e->again_ms && now_ms >= e->again_ms) {
        client_begin(e, now_ms);
        return;
    }
    if (e->session && !e->done)
        on_verdict(e, crypto_dtls_session_expired(e->session), now_ms);
    else
        timer_set(e, now_ms);
}

const char *dtls_engine_state(const struct keying_engine *e)
{
    return e->why;
}
