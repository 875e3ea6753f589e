/* Discovery (RFC 6189 s.4.1) and who begins (s.4.2). */
#include "crypto/hash.h"
#include "keying/zrtp/machine.h"

enum zrtp_outcome zrtp_act_start(struct zrtp *z)
{
    struct slice hello = zrtp_blob_slice(&z->hello);

    zrtp_insist(z, hello);
    z->interval = ZRTP_T1_MS;
    z->cap = ZRTP_T1_CAP_MS;
    z->count = z->cfg.hello_count ? z->cfg.hello_count : ZRTP_T1_COUNT;
    z->due = z->now + z->interval;
    return ZRTP_GO;
}

/* s.8.1: what signalling announced is what must come. */
static bool is_announced(const struct zrtp *z)
{
    uint8_t hash[CRYPTO_SHA256_LEN];

    if (!z->cfg.has_peer_hash)
        return true;
    crypto_sha256(&z->message, 1, hash);
    return secret_eq(hash, z->cfg.peer_hash, sizeof(hash));
}

enum zrtp_outcome zrtp_act_hear(struct zrtp *z)
{
    const struct zrtp_hello *h = &z->msg->hello;

    if (!is_announced(z)) {
        z->hash_differs = true;
        return zrtp_drop(z, "a ZRTP Hello differs from the hash in the peer's description");
    }
    /* s.4.1.1: 1.1x is one protocol; a later peer will come down to it */
    int version = memcmp(h->version, "1.1", 3);
    if (version > 0)
        return zrtp_drop(z, "the peer speaks a later version of ZRTP");
    if (version < 0)
        return zrtp_break(z, 0x30, "the peer speaks an old version of ZRTP");
    if (memcmp(h->zid, z->cfg.zid, ZRTP_ZID_LEN) == 0)
        return zrtp_break(z, 0x90, "the peer has our own ZRTP identifier");
    z->peer = *h;
    memcpy(z->peer_h[3], h->h3, ZRTP_IMAGE_LEN);
    zrtp_keep(&z->peer_hello, z->message);
    zrtp_say_kind(z, ZRTP_HELLOACK);
    z->ask = true;
    if (z->state == ZRTP_ACKED)
        zrtp_guard(z, ZRTP_READY_MS);
    return ZRTP_GO;
}

enum zrtp_outcome zrtp_act_rehear(struct zrtp *z)
{
    if (!slice_eq(z->message, zrtp_blob_slice(&z->peer_hello)))
        return zrtp_drop(z, "a second ZRTP Hello differs from the first");
    zrtp_say_kind(z, ZRTP_HELLOACK);
    return ZRTP_STAY;
}

enum zrtp_outcome zrtp_act_acked(struct zrtp *z)
{
    zrtp_guard(z, ZRTP_READY_MS);
    return ZRTP_GO;
}

enum zrtp_outcome zrtp_act_found(struct zrtp *z)
{
    (void)z; /* EV_COMMIT follows in READY */
    return ZRTP_STAY;
}
