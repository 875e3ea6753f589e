/* The media role: the process around media/role.h, or one of several. It has no way to a file and knows of no one but
 * signalling, whose channel may come and go: media flows without it. MIKEY's certificate and key come
 * by descriptors; without them MIKEY has no certificates, and nothing else changes. */
#include "app/role.h"

#include <stdlib.h>
#include <unistd.h>

#include "app/media_way.h"
#include "base/secret.h"
#include "media/role.h"

struct media_process {
    struct role *role;
    struct media_role *media;
};

/* --- MIKEY's certificate --- */

#define PEM_MAX 16384
enum { PEM_COUNT = 3 };

/* -EBADF: there is none. */
static int identify(struct media_process *p)
{
    static const enum role_fd slots[PEM_COUNT] = {ROLE_FD_MIKEY_CERT, ROLE_FD_MIKEY_KEY,
                                                  ROLE_FD_CA_CERT};
    struct slice pem[PEM_COUNT];
    char *room = malloc(PEM_COUNT * PEM_MAX);
    int s = room ? 0 : -ENOMEM;

    for (size_t i = 0; s == 0 && i < PEM_COUNT; i++) {
        size_t n = 0;
        s = role_read_fd(p->role->fds[slots[i]], room + i * PEM_MAX, PEM_MAX, &n);
        pem[i] = slice_from(room + i * PEM_MAX, n);
    }
    if (s == 0)
        s = media_role_identify(p->media, pem[0], pem[1], pem[2]);
    if (room)
        secret_wipe(room, PEM_COUNT * PEM_MAX);
    free(room);
    return s;
}

static void identify_and_say(struct media_process *p)
{
    int s = identify(p);
    if (s < 0 && s != -EBADF)
        log_event(LOG_ERROR, "mikey_certificate_unusable", LOG_STR("file", "tls/mikey.crt"),
                  LOG_ERRNO(s));
}

/* --- life --- */

static int on_start(void *arg, struct role *r)
{
    struct media_process *p = arg;
    const struct media_config all = media_way_config(&r->cfg, r->workers);
    struct media_config cfg = media_config_of_worker(&all, r->worker);
    const struct media_role_ops media_ops = {role_hold, role_unhold, r};
    p->role = r;
    if (r->media_shared.fd[MEDIA_SHARED_PORTS] >= 0)
        cfg.shared = &r->media_shared;
    cfg.seen_fd = r->fds[ROLE_FD_MEDIA_SEEN];
    if (r->media_xdp.memory >= 0)
        cfg.xdp = &r->media_xdp;
    int s = media_role_new(r->loop, &cfg, r->fds[ROLE_FD_MEDIA_STATE], r->fds[ROLE_FD_MEDIA_STATS],
                           &media_ops, &p->media);
    if (s < 0)
        return s;
    identify_and_say(p);
    for (size_t i = 0; i < r->held_count; i++)
        media_role_held(p->media, r->held[i].tag, r->held[i].fd);
    s = media_role_start(p->media);
    if (s == 0 && r->restarts)
        log_event(LOG_INFO, "media_resumed", LOG_I("endpoints", media_role_endpoints(p->media)),
                  LOG_I("sockets", r->held_count));
    return s;
}

static void on_peer(void *arg, const struct role_peer *who, int fd)
{
    struct media_process *p = arg;
    if (who->role != ROLE_SIGNAL) {
        close(fd);
        return;
    }
    int s = media_role_attach(p->media, fd);
    if (s < 0)
        log_event(LOG_ERROR, "peer_refused", LOG_STR("role", role_name(ROLE_SIGNAL)), LOG_ERRNO(s));
}

static void on_reload(void *arg, const struct app_config *old)
{
    (void)old; /* nothing of [media] changes without a restart */
    identify_and_say(arg);
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
