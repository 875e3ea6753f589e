/* The media role: the process around media/role.h. It has no way to a file and knows of no one but
 * signalling, whose channel may come and go: media flows without it. */
#include "app/role.h"

#include <unistd.h>

#include "app/media_way.h"
#include "media/role.h"

struct media_process {
    struct role *role;
    struct media_role *media;
};

static int on_start(void *arg, struct role *r)
{
    struct media_process *p = arg;
    struct media_config cfg = media_way_config(&r->cfg);
    const struct media_role_ops media_ops = {role_hold, role_unhold, r};
    p->role = r;
    if (r->media_shared.fd[MEDIA_SHARED_PORTS] >= 0)
        cfg.shared = &r->media_shared;
    int s = media_role_new(r->loop, &cfg, r->fds[ROLE_FD_MEDIA_STATE], r->fds[ROLE_FD_MEDIA_STATS],
                           &media_ops, &p->media);
    if (s < 0)
        return s;
    for (size_t i = 0; i < r->held_count; i++)
        media_role_held(p->media, r->held[i].tag, r->held[i].fd);
    s = media_role_start(p->media);
    if (s == 0 && r->restarts)
        log_event(LOG_INFO, "media_resumed", LOG_I("endpoints", media_role_endpoints(p->media)),
                  LOG_I("sockets", r->held_count));
    return s;
}

static void on_peer(void *arg, enum role_kind who, uint32_t restarts, int fd)
{
    (void)restarts;
    struct media_process *p = arg;
    if (who != ROLE_SIGNAL) {
        close(fd);
        return;
    }
    int s = media_role_attach(p->media, fd);
    if (s < 0)
        log_event(LOG_ERROR, "peer_refused", LOG_STR("role", role_name(who)), LOG_ERRNO(s));
}

static void on_reload(void *arg, const struct app_config *old)
{
    (void)arg; /* nothing of [media] changes without a restart */
    (void)old;
}

static void on_stop(void *arg)
{
    struct media_process *p = arg;
    p->media = media_role_free(p->media);
}

static const struct role_ops ops = {
    .kind = ROLE_MEDIA,
    .start = on_start,
    .peer = on_peer,
    .reload = on_reload,
    .stop = on_stop,
};

int media_role_main(void)
{
    static struct media_process p;
    return role_main(&ops, &p);
}
