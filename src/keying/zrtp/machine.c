/* The driver of the machine: one function takes every event through the table, then sends, sets
 * the timer and calls out; nothing is called while a state is half changed. */
#include "keying/zrtp/machine.h"

#include <assert.h>

#include "crypto/hash.h"

static const zrtp_act_fn acts[ZRTP_ACT_COUNT] = {
    [ZRTP_ACT_IGNORE] = zrtp_act_ignore,
    [ZRTP_ACT_DROP] = zrtp_act_drop,
    [ZRTP_ACT_START] = zrtp_act_start,
    [ZRTP_ACT_HEAR] = zrtp_act_hear,
    [ZRTP_ACT_REHEAR] = zrtp_act_rehear,
    [ZRTP_ACT_ACKED] = zrtp_act_acked,
    [ZRTP_ACT_RESEND] = zrtp_act_resend,
    [ZRTP_ACT_EXPIRE] = zrtp_act_expire,
    [ZRTP_ACT_FOUND] = zrtp_act_found,
    [ZRTP_ACT_COMMIT] = zrtp_act_commit,
    [ZRTP_ACT_ANSWER] = zrtp_act_answer,
    [ZRTP_ACT_CONTEND] = zrtp_act_contend,
    [ZRTP_ACT_REPEAT] = zrtp_act_repeat,
    [ZRTP_ACT_DHPART1] = zrtp_act_dhpart1,
    [ZRTP_ACT_DHPART2] = zrtp_act_dhpart2,
    [ZRTP_ACT_CONFIRM1] = zrtp_act_confirm1,
    [ZRTP_ACT_CONFIRM1B] = zrtp_act_confirm1b,
    [ZRTP_ACT_CONFIRM2] = zrtp_act_confirm2,
    [ZRTP_ACT_DONE] = zrtp_act_done,
    [ZRTP_ACT_ACK2] = zrtp_act_ack2,
    [ZRTP_ACT_ERROR] = zrtp_act_error,
    [ZRTP_ACT_ERROR_LATE] = zrtp_act_error_late,
    [ZRTP_ACT_ERROR_DONE] = zrtp_act_error_done,
    [ZRTP_ACT_RELAY] = zrtp_act_relay,
    [ZRTP_ACT_RELAYED] = zrtp_act_relayed,
    [ZRTP_ACT_SAS] = zrtp_act_sas,
    [ZRTP_ACT_GOCLEAR] = zrtp_act_goclear,
    [ZRTP_ACT_CLEAR] = zrtp_act_clear,
    [ZRTP_ACT_RECLEAR] = zrtp_act_reclear,
    [ZRTP_ACT_CLEARED] = zrtp_act_cleared,
    [ZRTP_ACT_PING] = zrtp_act_ping,
};

static const char *const state_names[ZRTP_STATE_COUNT] = {
    [ZRTP_IDLE] = "idle",
    [ZRTP_DISCOVER] = "discover",
    [ZRTP_HEARD] = "heard",
    [ZRTP_ACKED] = "acked",
    [ZRTP_READY] = "ready",
    [ZRTP_COMMITTED] = "committed",
    [ZRTP_WAIT_DHPART2] = "wait-dhpart2",
    [ZRTP_WAIT_CONFIRM1] = "wait-confirm1",
    [ZRTP_WAIT_CONFIRM2] = "wait-confirm2",
    [ZRTP_WAIT_CONF2ACK] = "wait-conf2ack",
    [ZRTP_SECURE] = "secure",
    [ZRTP_RELAYING] = "relaying",
    [ZRTP_CLEARING] = "clearing",
    [ZRTP_CLEAR] = "clear",
    [ZRTP_FAILING] = "failing",
    [ZRTP_FAILED] = "failed",
};

const char zrtp_out_of_order[] = "a ZRTP message came out of order";

/* --- what actions use --------------------------------------------------------------------------- */

enum zrtp_outcome zrtp_drop(struct zrtp *z, const char *why)
{
    z->dropped = z->last_dropped = why;
    return ZRTP_STAY;
}

enum zrtp_outcome zrtp_break(struct zrtp *z, uint32_t code, const char *why)
{
    z->error_code = code;
    z->failure = why;
    return ZRTP_BREAK;
}

void zrtp_say(struct zrtp *z, struct slice message)
{
    assert(z->out_n < ZRTP_OUT_MAX && message.n <= sizeof(z->out[0].b));
    struct zrtp_out *o = &z->out[z->out_n++];

    o->n = (uint16_t)message.n;
    memcpy(o->b, message.p, message.n);
}

void zrtp_say_kind(struct zrtp *z, enum zrtp_kind k)
{
    struct zrtp_msg m = {.kind = k};
    struct zrtp_blob blob;

    zrtp_write(&m, NULL, &blob);
    zrtp_say(z, zrtp_blob_slice(&blob));
}

void zrtp_keep(struct zrtp_blob *blob, struct slice message)
{
    assert(message.n <= sizeof(blob->b));
    blob->n = (uint16_t)message.n;
    memmove(blob->b, message.p, message.n);
}

void zrtp_insist(struct zrtp *z, struct slice message)
{
    zrtp_say(z, message);
    zrtp_keep(&z->last, message);
    z->interval = ZRTP_T2_MS;
    z->cap = ZRTP_T2_CAP_MS;
    z->count = ZRTP_T2_COUNT;
    z->sent = 0;
    z->due = z->now + z->interval;
}

void zrtp_hush(struct zrtp *z)
{
    z->due = 0;
}

void zrtp_guard(struct zrtp *z, uint32_t ms)
{
    z->due = z->now + ms;
}

bool zrtp_is_initiator(const struct zrtp *z)
{
    return z->role == ZRTP_INITIATOR;
}

enum zrtp_role zrtp_peer_role(const struct zrtp *z)
{
    return zrtp_is_initiator(z) ? ZRTP_RESPONDER : ZRTP_INITIATOR;
}

enum crypto_digest_kind zrtp_digest(const struct zrtp *z)
{
    return zrtp_digest_of(z->choice.of[ZRTP_HASH]);
}

/* The chain and its MACs are SHA-256 whatever was negotiated (s.9). */
static void chain_mac(struct slice message, const uint8_t key[ZRTP_IMAGE_LEN],
                      uint8_t ret[CRYPTO_SHA256_LEN])
{
    struct slice part = slice_take(message, message.n - ZRTP_MAC_LEN);

    crypto_hmac_sha256(slice_from(key, ZRTP_IMAGE_LEN), &part, 1, ret);
}

bool zrtp_mac_holds(struct slice message, const uint8_t key[ZRTP_IMAGE_LEN])
{
    uint8_t mac[CRYPTO_SHA256_LEN];

    chain_mac(message, key, mac);
    return secret_eq(mac, message.p + message.n - ZRTP_MAC_LEN, ZRTP_MAC_LEN);
}

void zrtp_write(const struct zrtp_msg *m, const uint8_t key[ZRTP_IMAGE_LEN], struct zrtp_blob *blob)
{
    struct buf b = buf_over(blob->b, sizeof(blob->b));
    uint8_t mac[CRYPTO_SHA256_LEN];

    zrtp_msg_print(m, &b);
    assert(!b.overflow);
    blob->n = (uint16_t)b.n;
    if (!zrtp_msg_has_mac(m->kind))
        return;
    chain_mac(zrtp_blob_slice(blob), key, mac);
    memcpy(blob->b + blob->n - ZRTP_MAC_LEN, mac, ZRTP_MAC_LEN);
}

/* --- the driver ---------------------------------------------------------------------------------- */

static void begin(struct zrtp *z, uint64_t now)
{
    z->now = now;
    z->out_n = 0;
    z->dropped = z->failure = NULL;
    z->error_code = 0;
    z->news = ZRTP_NEWS_NONE;
    z->save = z->ask = false;
}

static void flush(struct zrtp *z)
{
    uint8_t packet[ZRTP_PACKET_HEADER + ZRTP_DHPART_MAX + ZRTP_PACKET_CRC];

    for (size_t i = 0; i < z->out_n; i++) {
        struct zrtp_packet p = {
            .seq = z->seq++,
            .ssrc = z->cfg.ssrc,
            .message = slice_from(z->out[i].b, z->out[i].n),
        };
        z->env->send(z->env->arg, packet, zrtp_packet_print(&p, packet));
    }
    z->out_n = 0;
}

/* Nothing of a failed agreement may be used by anyone. */
static void forget(struct zrtp *z)
{
    zrtp_keys_wipe(&z->keys);
    secret_wipe(&z->result, sizeof(z->result));
    z->dh = crypto_dh_free(z->dh);
}

static void break_off(struct zrtp *z)
{
    struct zrtp_msg m = {.kind = ZRTP_ERROR, .error = z->error_code};
    struct zrtp_blob blob;

    forget(z);
    z->news = ZRTP_NEWS_NONE;
    z->save = false;
    zrtp_hush(z);
    z->state = z->error_code ? ZRTP_FAILING : ZRTP_FAILED;
    if (z->error_code) {
        z->out_n = 0;
        zrtp_write(&m, NULL, &blob);
        zrtp_insist(z, zrtp_blob_slice(&blob));
    }
}

static void step(struct zrtp *z, unsigned event)
{
    const struct zrtp_cell *cell = &zrtp_table[z->state][event];

    switch (acts[cell->act](z)) {
    case ZRTP_STAY:
        break;
    case ZRTP_GO:
        z->state = cell->next;
        break;
    case ZRTP_GO_FAST:
        z->state = ZRTP_WAIT_CONFIRM2;
        break;
    case ZRTP_BREAK:
        break_off(z);
        break;
    }
}

/* Secrets are asked for once the acknowledgement is on its way; an answer at once may let us begin. */
static bool may_begin(struct zrtp *z)
{
    if (z->ask) {
        z->ask = false;
        z->secrets_known = !z->env->find || z->env->find(z->env->arg, z->peer.zid, &z->secrets);
        z->secrets.of[ZRTP_AUX] = z->cfg.aux;
    }
    return z->state == ZRTP_READY && z->secrets_known && !z->cfg.is_passive;
}

static void report(struct zrtp *z)
{
    const struct zrtp_env *env = z->env;

    if (z->due != z->told) {
        z->told = z->due;
        env->timer(env->arg, z->due);
    }
    if (z->save && env->save)
        env->save(env->arg, z->peer.zid, &z->secrets);
    if (z->dropped && env->dropped)
        env->dropped(env->arg, z->dropped);
    if (z->failure)
        env->failed(env->arg, z->failure);
    else if (z->news == ZRTP_NEWS_SECURE)
        env->secure(env->arg, &z->result);
    else if (z->news == ZRTP_NEWS_CHANGED && env->changed)
        env->changed(env->arg, &z->result);
    else if (z->news == ZRTP_NEWS_CLEARED && env->cleared)
        env->cleared(env->arg);
}

static void handle(struct zrtp *z, unsigned event, uint64_t now)
{
    begin(z, now);
    step(z, event);
    flush(z);
    if (may_begin(z)) {
        step(z, ZRTP_EV_COMMIT);
        flush(z);
    }
    report(z);
}

/* --- retransmission (s.6) ------------------------------------------------------------------------ */

static const char *silence(const struct zrtp *z)
{
    if (z->hash_differs)
        return "the peer's ZRTP Hello is not the one that its description announced";
    if (z->state == ZRTP_DISCOVER)
        return "the peer does not answer ZRTP";
    return z->last_dropped ? z->last_dropped : "the peer stopped answering in the ZRTP exchange";
}

enum zrtp_outcome zrtp_act_resend(struct zrtp *z)
{
    if (z->sent >= z->count) {
        zrtp_hush(z);
        if (z->state < ZRTP_SECURE)
            return zrtp_break(z, 0, silence(z));
        zrtp_drop(z, "the peer did not acknowledge a ZRTP message");
        return ZRTP_GO;
    }
    z->sent++;
    z->interval = z->interval * 2 < z->cap ? z->interval * 2 : z->cap;
    if (z->state <= ZRTP_HEARD && z->sent >= ZRTP_T1_COUNT)
        z->interval = ZRTP_SLOW_HELLO_MS;
    z->due = z->now + z->interval;
    zrtp_say(z, zrtp_blob_slice(&z->last));
    return ZRTP_STAY;
}

enum zrtp_outcome zrtp_act_expire(struct zrtp *z)
{
    zrtp_hush(z);
    if (z->state == ZRTP_READY && !z->secrets_known)
        return zrtp_break(z, 0, "the store of retained secrets did not answer");
    return zrtp_break(z, 0, silence(z));
}

enum zrtp_outcome zrtp_act_ignore(struct zrtp *z)
{
    (void)z;
    return ZRTP_STAY;
}

enum zrtp_outcome zrtp_act_drop(struct zrtp *z)
{
    z->dropped = zrtp_out_of_order; /* tells less than what came before it */
    return ZRTP_STAY;
}

enum zrtp_outcome zrtp_act_repeat(struct zrtp *z)
{
    const struct zrtp_blob *theirs =
        z->msg->kind == ZRTP_COMMIT ? &z->commit : &z->dhpart[ZRTP_INITIATOR];

    if (!slice_eq(z->message, zrtp_blob_slice(theirs)))
        return zrtp_drop(z, "a ZRTP message came twice with different content");
    zrtp_say(z, zrtp_blob_slice(&z->last));
    return ZRTP_STAY;
}

/* --- what others call ---------------------------------------------------------------------------- */

static void chain_from(const uint8_t h0[ZRTP_IMAGE_LEN], uint8_t h[4][ZRTP_IMAGE_LEN])
{
    memcpy(h[0], h0, ZRTP_IMAGE_LEN);
    for (int i = 1; i < 4; i++) {
        struct slice image = slice_from(h[i - 1], ZRTP_IMAGE_LEN);
        crypto_sha256(&image, 1, h[i]);
    }
}

void zrtp_hello_write(const struct zrtp_config *cfg, uint8_t h[4][ZRTP_IMAGE_LEN],
                      struct zrtp_blob *blob)
{
    struct zrtp_msg m = {.kind = ZRTP_HELLO};

    chain_from(cfg->h0, h);
    memcpy(m.hello.version, "1.10", ZRTP_VERSION_LEN);
    memcpy(m.hello.client, "sotto           ", ZRTP_CLIENT_LEN);
    memcpy(m.hello.h3, h[3], ZRTP_IMAGE_LEN);
    memcpy(m.hello.zid, cfg->zid, ZRTP_ZID_LEN);
    m.hello.is_mitm = cfg->is_mitm;
    m.hello.is_passive = cfg->is_passive;
    m.hello.lists = cfg->lists;
    zrtp_write(&m, h[2], blob);
}

void zrtp_hello_hash(const struct zrtp_config *cfg, char ret[ZRTP_HASH_TEXT_LEN + 1])
{
    uint8_t h[4][ZRTP_IMAGE_LEN], hash[CRYPTO_SHA256_LEN];
    struct zrtp_blob hello;
    struct buf b = buf_over(ret, ZRTP_HASH_TEXT_LEN);

    zrtp_hello_write(cfg, h, &hello);
    struct slice message = zrtp_blob_slice(&hello);
    crypto_sha256(&message, 1, hash);
    buf_put_hex(&b, hash, sizeof(hash));
    ret[ZRTP_HASH_TEXT_LEN] = '\0';
    secret_wipe(h, sizeof(h));
}

int zrtp_new(const struct zrtp_config *cfg, const struct zrtp_env *env, struct zrtp **ret)
{
    struct zrtp *z = calloc(1, sizeof(*z));

    if (!z)
        return -ENOMEM;
    z->cfg = *cfg;
    z->env = env;
    zrtp_hello_write(cfg, z->h, &z->hello);
    crypto_random(&z->seq, sizeof(z->seq));
    z->seq &= 0x7fff; /* bzrtp drops what comes after a wrap for late */
    *ret = z;
    return 0;
}

struct zrtp *zrtp_free(struct zrtp *z)
{
    if (z) {
        crypto_dh_free(z->dh);
        secret_wipe(z, sizeof(*z));
        free(z);
    }
    return NULL;
}

void zrtp_start(struct zrtp *z, uint64_t now_ms)
{
    handle(z, ZRTP_EV_START, now_ms);
}

void zrtp_packet(struct zrtp *z, struct slice packet, uint64_t now_ms)
{
    struct zrtp_packet p;
    struct zrtp_msg m;
    int r = zrtp_packet_parse(packet, &p);
    const char *why = zrtp_packet_why((enum zrtp_packet_verdict)r);

    if (r == ZRTP_PACKET_OK) {
        r = zrtp_msg_parse(p.message, &m);
        why = zrtp_msg_why((enum zrtp_msg_verdict)r);
    }
    if (r != 0) {
        begin(z, now_ms);
        zrtp_drop(z, why);
        report(z);
        return;
    }
    z->message = p.message;
    z->parsed = m;
    z->msg = &z->parsed;
    z->ssrc = p.ssrc;
    handle(z, m.kind, now_ms);
}

void zrtp_expired(struct zrtp *z, uint64_t now_ms)
{
    if (z->due == 0 || now_ms < z->due)
        return;
    z->told = 0;
    handle(z, ZRTP_EV_TIMER, now_ms);
}

void zrtp_found(struct zrtp *z, const struct zrtp_secrets *s, uint64_t now_ms)
{
    if (z->secrets_known || z->peer_hello.n == 0)
        return;
    z->secrets = *s;
    z->secrets.of[ZRTP_AUX] = z->cfg.aux;
    z->secrets_known = true;
    handle(z, ZRTP_EV_FOUND, now_ms);
}

void zrtp_media_seen(struct zrtp *z, uint64_t now_ms)
{
    if (z->state == ZRTP_WAIT_CONF2ACK)
        handle(z, ZRTP_EV_MEDIA, now_ms);
}

bool zrtp_is_secure(const struct zrtp *z)
{
    return z->state >= ZRTP_WAIT_CONF2ACK && z->state <= ZRTP_CLEARING;
}

const char *zrtp_state_name(const struct zrtp *z)
{
    return state_names[z->state];
}

void zrtp_sas_verified(struct zrtp *z, bool verified)
{
    if (!zrtp_is_secure(z) || !z->result.sas[0])
        return;
    begin(z, z->now);
    z->secrets.verified = verified;
    z->result.sas_verified = verified;
    if (verified)
        z->save_later = false;
    /* before the Conf2ACK the secrets have not turned yet, and are saved when they do */
    z->save = z->state >= ZRTP_SECURE && !z->save_later && z->peer_confirm.expiry != 0;
    z->news = ZRTP_NEWS_CHANGED;
    report(z);
}

void zrtp_enroll(struct zrtp *z)
{
    if (!zrtp_is_secure(z) || !z->result.enroll_offered)
        return;
    begin(z, z->now);
    zrtp_pbx_secret(&z->keys, &z->secrets.of[ZRTP_PBX]);
    z->save = true;
    report(z);
}

bool zrtp_relay_sas(struct zrtp *z, const struct zrtp_relay *relay, uint64_t now_ms)
{
    if ((z->state != ZRTP_SECURE && z->state != ZRTP_RELAYING) || !z->cfg.is_mitm)
        return false;
    z->relay = *relay;
    handle(z, ZRTP_EV_RELAY, now_ms);
    return true;
}

bool zrtp_go_clear(struct zrtp *z, uint64_t now_ms)
{
    if ((z->state != ZRTP_SECURE && z->state != ZRTP_RELAYING) || !z->cfg.allow_clear ||
        !z->peer_confirm.allow_clear)
        return false;
    handle(z, ZRTP_EV_GOCLEAR, now_ms);
    return true;
}
