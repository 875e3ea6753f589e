#include "app/media_way.h"

#include <stdio.h>
#include <unistd.h>

#include "app/cores.h"
#include "app/exit.h"
#include "app/role_fds.h"
#include "base/log.h"

#define CORES_PER_WORKER 2 /* the other one is signalling's, and the kernel's */

uint32_t media_way_workers(const struct app_config *c, uint32_t cores)
{
    uint32_t n = cores / CORES_PER_WORKER;
    uint32_t fit = (c->ports.max - c->ports.min + 1) / MEDIA_WORKER_PORTS_MIN;
    if (c->media_workers)
        return c->media_workers;
    if (config_wants_xdp(c))
        return 1;
    n = n < MEDIA_WORKERS_MAX ? n : MEDIA_WORKERS_MAX;
    n = n < fit ? n : fit;
    return n ? n : 1;
}

struct media_config media_way_config(const struct app_config *c, uint32_t workers)
{
    struct media_config m = media_config_default;
    m.max_endpoints = role_endpoints(c);
    m.port_min = (uint16_t)c->ports.min;
    m.port_max = (uint16_t)c->ports.max;
    m.rtp_timeout_ms = c->rtp_timeout_s * 1000;
    m.gather_ms = c->gather_ms;
    m.bind4 = c->media_bind.v4;
    m.bind6 = c->media_bind.v6;
    m.advertise4 = c->media_advertise.v4;
    m.advertise6 = c->media_advertise.v6;
    m.workers = workers;
    return m;
}

uint32_t media_way_endpoints(const struct app_config *c, uint32_t workers)
{
    const struct media_config all = media_way_config(c, workers);
    return workers * media_config_of_worker(&all, 0).max_endpoints;
}

void media_way_init(struct media_way *w)
{
    *w = (struct media_way){.claim_fd = -1, .workers = 1};
    media_steer_init(&w->steer);
    media_xdp_init(&w->xdp);
}

static int try_shared(const struct media_config *m, bool insist, struct media_way *w,
                      char why[MEDIA_STEER_WHY_MAX])
{
    int r = media_steer_claim(m, true, &w->claim_fd, why);
    if (r == 0)
        r = media_steer_open(m, insist, &w->steer, why);
    if (r == 0) {
        w->is_shared = true;
        return 0;
    }
    if (w->claim_fd >= 0)
        close(w->claim_fd);
    w->claim_fd = -1;
    return r;
}

/* Over the shared way, if that is there. */
static int try_xdp(const struct app_config *c, const struct media_config *m, struct media_way *w,
                   char why[MEDIA_STEER_WHY_MAX])
{
    if (!w->is_shared || !config_wants_xdp(c))
        return 0;
    int r = media_xdp_open(c->xdp_interface, m, &w->steer, &w->xdp, why);
    w->is_xdp = r == 0;
    return r;
}

/* Media flows that way too, but not where another server takes datagrams away. */
static int fall_back(const struct media_config *m, struct media_way *w)
{
    char why[MEDIA_STEER_WHY_MAX];
    int r = media_steer_claim(m, false, &w->claim_fd, why);
    if (r > 0)
        log_event(LOG_ERROR, "media_ports_overlap", LOG_STR("why", why));
    return r < 0 ? r : 0;
}

static void say_path(const struct app_config *c, const struct media_way *w, const char *why)
{
    if (!w->is_shared) {
        log_event(LOG_INFO, "media_path", LOG_STR("path", "streams"), LOG_STR("why", why));
        return;
    }
    if (!w->is_xdp && c->xdp_interface[0] && c->media_path == CONFIG_MEDIA_AUTO)
        log_event(LOG_WARN, "media_path", LOG_STR("path", "shared"),
                  LOG_I("port_min", c->ports.min), LOG_I("port_max", c->ports.max),
                  LOG_STR("why_not_xdp", why));
    else
        log_event(LOG_INFO, "media_path", LOG_STR("path", w->is_xdp ? "xdp" : "shared"),
                  LOG_I("port_min", c->ports.min), LOG_I("port_max", c->ports.max));
    for (size_t i = 0; i < w->xdp.count; i++)
        log_event(LOG_INFO, "media_xdp", LOG_STR("interface", w->xdp.at[i].name),
                  LOG_STR("mode", w->xdp.at[i].native ? "native" : "generic"),
                  LOG_I("queues", w->xdp.at[i].queues));
}

static void say(const struct app_config *c, const struct media_way *w, const char *why)
{
    say_path(c, w, why);
    if (!w->is_shared)
        return;
    uint32_t ephemeral = media_steer_ephemeral((uint16_t)c->ports.min, (uint16_t)c->ports.max);
    if (w->steer.taken)
        log_event(LOG_WARN, "media_ports_taken", LOG_I("ports", w->steer.taken),
                  LOG_STR("means", "other programs have UDP sockets there; calls get others"));
    if (ephemeral) /* only where shared was asked for by name */
        log_event(LOG_WARN, "media_ports_ephemeral", LOG_I("ports", ephemeral),
                  LOG_STR("means", "the kernel may give them to other programs, whose datagrams "
                                   "calls then take"),
                  LOG_STR("mend", "name them in net.ipv4.ip_local_reserved_ports"));
}

int media_way_open(const struct app_config *c, struct media_way *ret, char *why, size_t why_max)
{
    char reason[MEDIA_STEER_WHY_MAX] = "so says [media] path";
    struct media_way w;
    media_way_init(&w);
    w.workers = media_way_workers(c, cores_count());
    const struct media_config m = media_way_config(c, w.workers);
    int r = MEDIA_STEER_UNABLE;
    bool insist = c->media_path == CONFIG_MEDIA_SHARED || c->media_path == CONFIG_MEDIA_XDP;
    if (c->media_path != CONFIG_MEDIA_STREAMS)
        r = try_shared(&m, insist, &w, reason);
    if (r == 0)
        r = try_xdp(c, &m, &w, reason);
    if (r > 0 && insist) {
        media_way_close(&w);
        snprintf(why, why_max, "[media] path = %s cannot be had: %s",
                 c->media_path == CONFIG_MEDIA_XDP ? "xdp" : "shared", reason);
        return EXIT_STATUS_CONFIG;
    }
    if (r > 0 && w.is_shared)
        r = 0;
    if (r > 0)
        r = fall_back(&m, &w);
    if (r < 0)
        return r;
    say(c, &w, reason);
    if (w.workers > 1)
        log_event(LOG_INFO, "media_workers", LOG_I("workers", w.workers));
    *ret = w;
    return 0;
}

uint64_t media_way_lost(const struct media_way *w, uint32_t worker)
{
    return media_steer_lost(&w->steer.shared[worker]) + media_xdp_lost(&w->xdp);
}

void media_way_close(struct media_way *w)
{
    media_xdp_close(&w->xdp);
    media_steer_close(&w->steer);
    if (w->claim_fd >= 0)
        close(w->claim_fd);
    w->claim_fd = -1;
}
