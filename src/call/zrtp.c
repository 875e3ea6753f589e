#include "call/zrtp.h"

#include "base/log.h"
#include "base/secret.h"
#include "call/leg.h"

_Static_assert(MEDIA_ZID_LEN == STORE_ZID_LEN && MEDIA_ZRTP_SECRETS == STORE_ZRTP_SECRETS,
               "the same on the channel and in the store");

static void find(struct call_core *core, struct media_client *mc, struct media_zrtp *z)
{
    struct store_zrtp kept = {0};

    memcpy(kept.zid, z->zid, sizeof(kept.zid));
    int r = core->cfg.zrtp_find(core->cfg.arg, &kept);
    if (r < 0) {
        /* No answer: the exchange fails by name. "Nothing is kept" would be a lie that makes a
         * stranger out of a friend. */
        log_event(LOG_ERROR, "zrtp_secrets_not_read", LOG_ERRNO(r), LOG_ID("call", z->call));
        return;
    }
    z->verified = kept.verified;
    for (size_t i = 0; i < MEDIA_ZRTP_SECRETS; i++) {
        z->has[i] = kept.secret[i].n == MEDIA_ZRTP_SECRET_LEN;
        memcpy(z->secret[i], kept.secret[i].b, MEDIA_ZRTP_SECRET_LEN);
    }
    secret_wipe(&kept, sizeof(kept));
    media_client_zrtp_found(mc, z);
}

static void save(struct call_core *core, const struct media_zrtp *z)
{
    struct store_zrtp kept = {
        .verified = z->verified != 0,
        .updated = loop_unix_now(core->cfg.loop),
    };

    memcpy(kept.zid, z->zid, sizeof(kept.zid));
    for (size_t i = 0; i < MEDIA_ZRTP_SECRETS; i++) {
        kept.secret[i].n = z->has[i] ? MEDIA_ZRTP_SECRET_LEN : 0;
        memcpy(kept.secret[i].b, z->secret[i], MEDIA_ZRTP_SECRET_LEN);
    }
    int r = core->cfg.zrtp_save(core->cfg.arg, &kept);
    secret_wipe(&kept, sizeof(kept));
    if (r < 0)
        log_event(LOG_ERROR, "zrtp_secrets_not_kept", LOG_ERRNO(r), LOG_ID("call", z->call));
}

static void on_zrtp(void *arg, struct media_client *mc, uint32_t type, struct media_zrtp *z)
{
    struct call_core *core = arg;

    if (type == MEDIA_MSG_ZRTP_FIND)
        find(core, mc, z);
    else
        save(core, z);
}

void zrtp_init(struct call_core *core)
{
    struct media_zrtp_id id;

    if (!core->cfg.zrtp_find || !core->cfg.zrtp_save)
        return;
    memcpy(id.zid, core->cfg.zid, sizeof(id.zid));
    for (uint32_t w = 0; w < core->workers; w++)
        media_client_zrtp(core->media[w], &id, on_zrtp);
}
