/* The signal role: SIP from the socket to the call. Its layers are wired here: struct
 * signal_role owns one of each, bottom up, and lets go of them top down. */
#include "app/role.h"

#include <unistd.h>

struct signal_process {
    struct role *role;
    struct ipc_chan *peers[ROLE_COUNT]; /* by enum role_kind; NULL: that role is not there now */
};

static void on_peer_msg(void *arg, uint32_t type, const void *payload, size_t n, const int *fds,
                        size_t fd_count)
{
    (void)arg;
    (void)type;
    (void)payload;
    (void)n;
    for (size_t i = 0; i < fd_count; i++)
        close(fds[i]);
}

static void on_peer_closed(void *arg)
{
    struct ipc_chan **peer = arg;
    *peer = ipc_chan_free(*peer); /* a new one comes with its next life */
}

static void on_peer(void *arg, enum role_kind who, uint32_t restarts, int fd)
{
    struct signal_process *s = arg;
    struct ipc_chan **peer = &s->peers[who];
    *peer = ipc_chan_free(*peer);
    int r = ipc_chan_new(s->role->loop, fd, on_peer_msg, on_peer_closed, peer, peer);
    log_event(r < 0 ? LOG_ERROR : LOG_DEBUG, "peer", LOG_STR("role", role_name(who)),
              LOG_I("restarts", restarts), LOG_ERRNO(r));
}

static int on_start(void *arg, struct role *r)
{
    struct signal_process *s = arg;
    s->role = r;
    for (size_t i = 0; i < r->held_count; i++) { /* of no use to this life */
        role_unhold(r, r->held[i].tag);
        close(r->held[i].fd);
    }
    return 0;
}

static void on_reload(void *arg, const struct app_config *old)
{
    (void)arg;
    (void)old;
}

static void on_stop(void *arg)
{
    struct signal_process *s = arg;
    for (size_t i = 0; i < ROLE_COUNT; i++)
        s->peers[i] = ipc_chan_free(s->peers[i]);
}

static const struct role_ops ops = {
    .kind = ROLE_SIGNAL,
    .start = on_start,
    .peer = on_peer,
    .reload = on_reload,
    .stop = on_stop,
};

int signal_role_main(void)
{
    static struct signal_process s;
    return role_main(&ops, &s);
}
