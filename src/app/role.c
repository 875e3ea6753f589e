#include "app/role.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/heap.h"
#include "app/exit.h"
#include "app/sandbox.h"

#define CHANNEL_FD 3
#define ALIVE_MS 1000
#define SHUTDOWN_TICK_MS 200

static void role_end(struct role *r, int status)
{
    r->status = status;
    loop_stop(r->loop);
}

static void say(struct role *r, uint32_t type, const void *p, size_t n)
{
    /* A supervisor that does not read for 4 MiB has gone, and its end of the channel with it. */
    int s = r->supervisor ? ipc_send(r->supervisor, type, p, n, NULL, 0) : -EPIPE;
    if (s < 0 && s != -EPIPE)
        log_event(LOG_ERROR, "supervisor_unreachable", LOG_ERRNO(s));
}

/* --- descriptors and configuration --- */

static void fd_replace(int *at, int fd)
{
    if (*at >= 0)
        close(*at);
    *at = fd;
}

/* Where the descriptor belongs; NULL: nowhere. */
static int *fd_place(struct role *r, uint8_t slot, uint8_t index)
{
    if (slot < ROLE_FD_SINGLE_COUNT)
        return &r->fds[slot];
    if (slot == ROLE_FD_MEDIA_SHARED)
        return index < MEDIA_SHARED_COUNT ? &r->media_shared.fd[index] : NULL;
    if (slot == ROLE_FD_MEDIA_XDP && index > 0)
        return index <= MEDIA_XDP_SOCKETS_MAX ? &r->media_xdp.socket[index - 1] : NULL;
    if (slot == ROLE_FD_MEDIA_XDP)
        return &r->media_xdp.memory;
    if (index >= CONFIG_LISTEN_MAX)
        return NULL;
    if (slot == ROLE_FD_SIP_LISTEN)
        return &r->sip_listen[index];
    return slot == ROLE_FD_WEB_LISTEN ? &r->web_listen[index] : NULL;
}

/* Takes the descriptors. */
static int take_start(struct role *r, const void *payload, size_t n, const int *fds,
                      size_t fd_count)
{
    struct role_start s = {0};
    bool whole = n == sizeof(s);
    if (whole)
        memcpy(&s, payload, n);
    whole = whole && s.role == (uint32_t)r->ops->kind && s.fd_count == fd_count;
    for (size_t i = 0; i < fd_count; i++) {
        int *at = whole ? fd_place(r, s.fds[i].slot, s.fds[i].index) : NULL;
        if (at)
            fd_replace(at, fds[i]);
        else
            close(fds[i]);
    }
    r->restarts = s.restarts;
    r->worker = s.worker;
    r->workers = s.workers;
    return whole ? 0 : -EPROTO;
}

static int config_take(struct role *r)
{
    void *p;
    int s = ipc_memfd_map(r->fds[ROLE_FD_CONFIG], sizeof(r->cfg), false, &p);
    if (s < 0)
        return s;
    memcpy(&r->cfg, p, sizeof(r->cfg));
    munmap(p, sizeof(r->cfg));
    if (r->ops->kind == ROLE_MEDIA && r->workers > 1)
        snprintf(r->name, sizeof(r->name), "%s.%u", role_name(ROLE_MEDIA), r->worker);
    log_setup(r->name, (enum log_level)r->cfg.log_level, (enum log_format)r->cfg.log_format);
    return 0;
}

int role_read_fd(int fd, void *dst, size_t cap, size_t *ret_n)
{
    size_t n = 0;
    for (;;) {
        char past;
        bool full = n == cap;
        ssize_t got =
            full ? pread(fd, &past, 1, (off_t)n) : pread(fd, (char *)dst + n, cap - n, (off_t)n);
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        if (full)
            return -EMSGSIZE;
        n += (size_t)got;
    }
    *ret_n = n;
    return 0;
}

/* --- messages --- */

static void on_start(struct role *r, const void *p, size_t n, const int *fds, size_t fd_count)
{
    int s = take_start(r, p, n, fds, fd_count);
    if (s == 0)
        s = config_take(r);
    if (s < 0) {
        log_event(LOG_ERROR, "role_start_failed", LOG_ERRNO(s));
        role_end(r, EXIT_STATUS_FAILED);
    }
}

static void on_held(struct role *r, const void *p, size_t n, const int *fds, size_t fd_count)
{
    uint64_t tag;
    if (n != sizeof(tag) || fd_count != 1 || r->started || r->held_count >= IPC_HELD_MAX)
        goto refuse;
    if ((r->held_count & (r->held_count - 1)) == 0) { /* at powers of two */
        size_t cap = r->held_count ? r->held_count * 2 : 1;
        struct role_held_fd *held = realloc(r->held, cap * sizeof(*held));
        if (!held)
            goto refuse;
        r->held = held;
    }
    memcpy(&tag, p, sizeof(tag));
    r->held[r->held_count++] = (struct role_held_fd){tag, fds[0]};
    return;
refuse:
    for (size_t i = 0; i < fd_count; i++)
        close(fds[i]);
}

static void on_held_end(struct role *r)
{
    if (r->started)
        return;
    int s = sandbox_enter(r->ops->kind, &r->cfg);
    if (s == 0)
        s = r->ops->start(r->arg, r);
    free(r->held);
    r->held = NULL;
    r->held_count = 0;
    if (s == 0) {
        r->started = true;
        s = sandbox_seal(r->ops->kind);
    }
    if (s != 0) {
        if (s < 0)
            log_event(LOG_ERROR, "role_start_failed", LOG_ERRNO(s));
        role_end(r, s > 0 ? s : EXIT_STATUS_FAILED);
        return;
    }
    say(r, ROLE_MSG_READY, NULL, 0);
}

static void on_reload(struct role *r, const void *p, size_t n, const int *fds, size_t fd_count)
{
    struct app_config old = r->cfg;
    uint32_t restarts = r->restarts;
    int s = take_start(r, p, n, fds, fd_count);
    r->restarts = restarts;
    if (s == 0)
        s = config_take(r);
    if (s < 0)
        log_event(LOG_ERROR, "reload_failed", LOG_ERRNO(s));
    else if (r->started)
        r->ops->reload(r->arg, &old);
}

static void on_peer(struct role *r, const void *p, size_t n, const int *fds, size_t fd_count)
{
    struct role_peer peer;
    if (n != sizeof(peer) || fd_count != 1 || !r->started) {
        for (size_t i = 0; i < fd_count; i++)
            close(fds[i]);
        return;
    }
    memcpy(&peer, p, sizeof(peer));
    r->ops->peer(r->arg, &peer, fds[0]);
}

static void on_shutdown_tick(void *arg)
{
    struct role *r = arg;
    uint32_t left = r->ops->calls_left ? r->ops->calls_left(r->arg) : 0;
    say(r, ROLE_MSG_SHUTDOWN_STATE, &left, sizeof(left));
    loop_timer_set(r->loop, &r->shutdown_tick, SHUTDOWN_TICK_MS);
}

static void on_shutdown(struct role *r)
{
    if (r->shutting_down || !r->started)
        return;
    r->shutting_down = true;
    if (r->ops->shutdown)
        r->ops->shutdown(r->arg);
    on_shutdown_tick(r);
}

static void on_answer(struct role *r, uint32_t type, const void *p, size_t n)
{
    if (type == ROLE_MSG_STATUS && r->ops->status && n % sizeof(struct role_status) == 0)
        r->ops->status(r->arg, p, n / sizeof(struct role_status));
    if (type == ROLE_MSG_DONE && r->ops->done && n == sizeof(struct role_done))
        r->ops->done(r->arg, p);
}

static void on_log_level(const void *p, size_t n)
{
    uint32_t level;
    if (n == sizeof(level)) {
        memcpy(&level, p, sizeof(level));
        log_set_level((enum log_level)level);
    }
}

static void on_msg(void *arg, uint32_t type, const void *p, size_t n, const int *fds,
                   size_t fd_count)
{
    struct role *r = arg;
    switch ((enum role_msg_type)type) {
    case ROLE_MSG_START:
        on_start(r, p, n, fds, fd_count);
        return;
    case ROLE_MSG_HELD:
        on_held(r, p, n, fds, fd_count);
        return;
    case ROLE_MSG_RELOAD:
        on_reload(r, p, n, fds, fd_count);
        return;
    case ROLE_MSG_PEER:
        on_peer(r, p, n, fds, fd_count);
        return;
    case ROLE_MSG_HELD_END:
        on_held_end(r);
        break;
    case ROLE_MSG_SHUTDOWN:
        on_shutdown(r);
        break;
    case ROLE_MSG_LOG_LEVEL:
        on_log_level(p, n);
        break;
    case ROLE_MSG_STATUS:
    case ROLE_MSG_DONE:
        on_answer(r, type, p, n);
        break;
    case ROLE_MSG_READY: /* not for us */
    case ROLE_MSG_HOLD:
    case ROLE_MSG_UNHOLD:
    case ROLE_MSG_SHUTDOWN_STATE:
    case ROLE_MSG_ALIVE:
    case ROLE_MSG_GET_STATUS:
    case ROLE_MSG_DO_RELOAD:
    case ROLE_MSG_DO_LOG_LEVEL:
    case ROLE_MSG_ADMIN:
    case ROLE_MSG_ADMIN_REPLY:
        break;
    }
    for (size_t i = 0; i < fd_count; i++)
        close(fds[i]);
}

static void on_closed(void *arg)
{
    struct role *r = arg;
    r->supervisor = ipc_chan_free(r->supervisor);
    loop_stop(r->loop);
}

/* --- requests --- */

void role_hold(void *role, uint64_t tag, int fd)
{
    struct role *r = role;
    int s = r->supervisor ? ipc_hold(r->supervisor, tag, fd) : -EPIPE;
    if (s < 0 && s != -EPIPE)
        log_event(LOG_WARN, "descriptor_not_held", LOG_ERRNO(s));
}

void role_unhold(void *role, uint64_t tag)
{
    struct role *r = role;
    int s = r->supervisor ? ipc_unhold(r->supervisor, tag) : -EPIPE;
    if (s < 0 && s != -EPIPE)
        log_event(LOG_WARN, "descriptor_not_unheld", LOG_ERRNO(s));
}

static int ask(struct role *r, uint32_t type, const void *p, size_t n)
{
    return r->supervisor ? ipc_send(r->supervisor, type, p, n, NULL, 0) : -EPIPE;
}

int role_get_status(struct role *r)
{
    return ask(r, ROLE_MSG_GET_STATUS, NULL, 0);
}

int role_do_reload(struct role *r)
{
    return ask(r, ROLE_MSG_DO_RELOAD, NULL, 0);
}

int role_do_log_level(struct role *r, enum log_level level)
{
    uint32_t v = level;
    return ask(r, ROLE_MSG_DO_LOG_LEVEL, &v, sizeof(v));
}

/* --- the process --- */

static void on_alive(void *arg)
{
    struct role *r = arg;
    say(r, ROLE_MSG_ALIVE, NULL, 0);
    loop_timer_set(r->loop, &r->alive, ALIVE_MS);
}

/* The last lines before a fault are those that tell most. The fault itself is raised again. */
static void on_fault(int sig)
{
    (void)sig;
    log_flush();
}

static void faults_watch(void)
{
    static const int faults[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    const struct sigaction ours = {.sa_handler = on_fault, .sa_flags = (int)SA_RESETHAND};
    struct sigaction was;
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        /* A sanitizer's own handler stays. */
        if (sigaction(faults[i], NULL, &was) == 0 && was.sa_handler == SIG_DFL)
            (void)sigaction(faults[i], &ours, NULL);
    }
}

/* The supervisor decides when a role ends, by closing the channel: a Ctrl-C at the terminal or a
 * kill of the process group must not take the calls with it. */
static void signals_setup(void)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
        (void)signal(ignored[i], SIG_IGN);
    faults_watch();
}

static int role_init(struct role *r, const struct role_ops *ops, void *arg)
{
    *r = (struct role){.ops = ops, .arg = arg};
    snprintf(r->name, sizeof(r->name), "%s", role_name(ops->kind));
    for (size_t i = 0; i < ARRAY_LEN(r->fds); i++)
        r->fds[i] = -1;
    for (size_t i = 0; i < CONFIG_LISTEN_MAX; i++)
        r->sip_listen[i] = r->web_listen[i] = -1;
    for (size_t i = 0; i < MEDIA_SHARED_COUNT; i++)
        r->media_shared.fd[i] = -1;
    r->media_xdp.memory = -1;
    for (size_t i = 0; i < MEDIA_XDP_SOCKETS_MAX; i++)
        r->media_xdp.socket[i] = -1;
    loop_timer_init(&r->alive, on_alive, r);
    loop_timer_init(&r->shutdown_tick, on_shutdown_tick, r);
    int s = loop_new(&r->loop);
    if (s < 0)
        return s;
    if (fcntl(CHANNEL_FD, F_SETFD, FD_CLOEXEC) < 0)
        return -errno;
    return ipc_chan_new(r->loop, CHANNEL_FD, on_msg, on_closed, r, &r->supervisor);
}

int role_main(const struct role_ops *ops, void *arg)
{
    struct role r;
    log_setup(role_name(ops->kind), LOG_INFO, LOG_FORMAT_KV);
    signals_setup();
    heap_init();
    int s = role_init(&r, ops, arg);
    if (s == 0) {
        on_alive(&r);
        log_hold(true);
        s = loop_run(r.loop);
        log_hold(false);
    }
    if (s < 0) {
        log_event(LOG_ERROR, "role_failed", LOG_ERRNO(s));
        r.status = EXIT_STATUS_FAILED;
    }
    if (r.started)
        ops->stop(arg);
    loop_timer_cancel(r.loop, &r.alive);
    loop_timer_cancel(r.loop, &r.shutdown_tick);
    r.supervisor = ipc_chan_free(r.supervisor);
    loop_free(r.loop);
    return r.status;
}
