#include "call/workers.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "call/snapshot.h"

int workers_open(struct call_core *core, media_event_fn *on_event)
{
    const struct call_config *cfg = &core->cfg;
    if (cfg->media_workers < 1 || cfg->media_workers > MEDIA_WORKERS_MAX)
        return -EINVAL;
    for (; core->workers < cfg->media_workers; core->workers++) {
        int r = media_client_new(cfg->loop, cfg->media_room, on_event, core,
                                 &core->media[core->workers]);
        if (r < 0)
            return r;
    }
    return 0;
}

void workers_close(struct call_core *core)
{
    for (; core->workers > 0; core->workers--)
        core->media[core->workers - 1] = media_client_free(core->media[core->workers - 1]);
}

/* The lower the better; then endpoints count. */
static unsigned rank_of(const struct media_client *mc)
{
    return media_client_has_room(mc) ? !media_client_is_up(mc) : 2;
}

uint8_t workers_pick(const struct call_core *core)
{
    uint8_t best = 0;
    for (uint8_t w = 1; w < core->workers; w++) {
        const struct media_client *mc = core->media[w], *than = core->media[best];
        unsigned a = rank_of(mc), b = rank_of(than);
        if (a < b || (a == b && media_client_endpoints(mc) < media_client_endpoints(than)))
            best = w;
    }
    return best;
}

bool workers_move(struct call *c)
{
    uint8_t to = workers_pick(c->core);
    if (to == c->worker || !media_client_has_room(c->core->media[to]))
        return false;
    LIST_FOR_EACH(n, &c->legs)
    {
        if (!leg_media_is_empty(&CONTAINER_OF(n, struct leg, node)->media))
            return false;
    }
    c->worker = to;
    return true;
}

void workers_sweep(struct call_core *core)
{
    for (uint32_t w = 0; w < core->workers; w++)
        core->sweep_due[w] = true;
}

int call_core_attach_media(struct call_core *core, uint32_t worker, int fd)
{
    size_t n = 0;
    if (worker >= core->workers) {
        close(fd);
        return -EPROTO;
    }
    /* NULL: streams of lost calls end by their own timeout. */
    uint64_t *standing = core->sweep_due[worker] ? snapshot_endpoints(core, worker, &n) : NULL;
    core->sweep_due[worker] = false;
    int r = media_client_attach(core->media[worker], fd, standing, n);
    free(standing);
    return r;
}
