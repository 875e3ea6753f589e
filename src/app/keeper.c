#include "app/keeper.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/exit.h"
#include "app/kept.h"
#include "app/notify.h"
#include "base/secret.h"

#define HELD_SPARE 64 /* descriptors a role may hold besides its connections or ports */

/* One supervisor's life, as the keeper sees it. */
struct life {
    struct kept *kept;
    struct loop *loop;
    struct ipc_chan *chan; /* NULL: it has closed its end, or is dead */
    struct loop_fd signals;
    pid_t pid;
    bool ended;
    int status; /* of waitpid */
};

/* --- what is kept --- */

static void fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void role_forget(struct kept_role *r)
{
    fd_close(&r->chan);
    fd_close(&r->pidfd);
    r->pid = 0;
    r->is_ready = false;
}

void kept_close(struct kept *k)
{
    for (size_t i = 0; i < k->role_count; i++) {
        if (k->roles[i].pid)
            role_forget(&k->roles[i]);
        k->roles[i].held = ipc_held_free(k->roles[i].held);
    }
    k->role_count = 0;
    state_close(&k->shared);
}

static int role_add(struct kept *k, struct proc_id id, uint32_t held)
{
    struct kept_role *r = &k->roles[k->role_count];
    *r = (struct kept_role){.id = id, .chan = -1, .pidfd = -1};
    int s = ipc_held_new(held + HELD_SPARE, &r->held);
    k->role_count += s == 0;
    return s;
}

static int roles_add(struct kept *k, const struct app_config *c)
{
    const uint32_t workers = k->shared.media.workers;
    /* RTP and RTCP, with ICE of both IP versions. */
    const uint32_t held = 4 * media_way_endpoints(c, workers) / workers;
    int r = role_add(k, (struct proc_id){.kind = ROLE_SIGNAL}, c->max_connections);
    for (uint32_t w = 0; r == 0 && w < workers; w++)
        r = role_add(k, (struct proc_id){ROLE_MEDIA, w, workers}, held);
    return r == 0 ? role_add(k, (struct proc_id){.kind = ROLE_WEB}, 0) : r;
}

/* Descriptors held for roles are the supervisor's too, and the keeper's. */
static void limits_raise(const struct app_config *c)
{
    struct rlimit l;
    uint64_t wanted = c->max_connections + 2ull * role_endpoints(c) + 256;
    if (getrlimit(RLIMIT_NOFILE, &l) < 0)
        return;
    l.rlim_cur = l.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_max < wanted)
        log_event(LOG_WARN, "few_descriptors", LOG_I("allowed", l.rlim_max),
                  LOG_I("wanted", wanted), LOG_STR("mend", "raise LimitNOFILE or lower [limits]"));
}

static int kept_open(struct kept *k, const struct supervisor_options *o)
{
    static struct app_config c; /* large; from here on what state_open shares is in force */
    char path[CONFIG_PATH_MAX], why[STATE_WHY_MAX] = "";
    *k = (struct kept){.watchdog_ms = notify_watchdog_ms()};
    state_init(&k->shared);
    int r = serve_config_load(o, &c, path);
    if (r != 0)
        return r;
    log_setup("supervisor", (enum log_level)c.log_level, (enum log_format)c.log_format);
    limits_raise(&c);
    r = state_open(&k->shared, &c, why);
    if (r > 0)
        fprintf(stderr, "sotto: %s\n", why);
    return r == 0 ? roles_add(k, &c) : r;
}

/* --- what the supervisor says: takes the descriptors, or leaves them at -1 for the caller to close --- */

static void on_role(struct kept *k, const void *payload, int *fds)
{
    struct keep_role told;
    memcpy(&told, payload, sizeof(told));
    if (told.index >= k->role_count)
        return;
    struct kept_role *r = &k->roles[told.index];
    role_forget(r);
    r->pid = told.pid;
    r->since = told.since;
    r->restarts = told.restarts;
    r->chan = fds[0];
    r->pidfd = fds[1];
    fds[0] = fds[1] = -1;
}

static void on_role_ready(struct kept *k, const void *payload, int *fds)
{
    (void)fds;
    uint32_t index;
    memcpy(&index, payload, sizeof(index));
    if (index < k->role_count)
        k->roles[index].is_ready = true;
}

static void on_role_gone(struct kept *k, const void *payload, int *fds)
{
    (void)fds;
    uint32_t index;
    memcpy(&index, payload, sizeof(index));
    if (index < k->role_count) {
        role_forget(&k->roles[index]);
        k->roles[index].restarts++;
    }
}

static void on_hold(struct kept *k, const void *payload, int *fds)
{
    struct keep_hold h;
    memcpy(&h, payload, sizeof(h));
    if (h.index >= k->role_count)
        return;
    int r = ipc_held_put(k->roles[h.index].held, h.tag, fds[0]);
    fds[0] = -1;
    if (r < 0)
        log_event(LOG_WARN, "not_kept", LOG_ERRNO(r));
}

static void on_unhold(struct kept *k, const void *payload, int *fds)
{
    (void)fds;
    struct keep_hold h;
    memcpy(&h, payload, sizeof(h));
    if (h.index < k->role_count)
        ipc_held_drop(k->roles[h.index].held, h.tag);
}

static void on_slot(struct kept *k, const void *payload, int *fds)
{
    uint32_t slot;
    memcpy(&slot, payload, sizeof(slot));
    if (!state_is_reloaded(slot))
        return;
    state_replace(&k->shared, slot, fds[0]);
    fds[0] = -1;
}

static void on_announced(struct kept *k, const void *payload, int *fds)
{
    (void)payload;
    (void)fds;
    k->is_announced = true;
    secret_wipe(k->shared.admin_password, sizeof(k->shared.admin_password));
}

static const struct {
    uint32_t type;
    size_t n, fd_count;
    void (*fn)(struct kept *k, const void *payload, int *fds);
} messages[] = {
    {KEEP_MSG_ROLE, sizeof(struct keep_role), 2, on_role},
    {KEEP_MSG_ROLE_READY, sizeof(uint32_t), 0, on_role_ready},
    {KEEP_MSG_ROLE_GONE, sizeof(uint32_t), 0, on_role_gone},
    {KEEP_MSG_HOLD, sizeof(struct keep_hold), 1, on_hold},
    {KEEP_MSG_UNHOLD, sizeof(struct keep_hold), 0, on_unhold},
    {KEEP_MSG_SLOT, sizeof(uint32_t), 1, on_slot},
    {KEEP_MSG_ANNOUNCED, 0, 0, on_announced},
};

static void on_msg(void *arg, uint32_t type, const void *payload, size_t n, const int *fds,
                   size_t fd_count)
{
    struct life *l = arg;
    int ours[IPC_FD_MAX];
    for (size_t i = 0; i < fd_count; i++)
        ours[i] = fds[i];
    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        if (messages[i].type == type && messages[i].n == n && messages[i].fd_count == fd_count)
            messages[i].fn(l->kept, payload, ours);
    }
    for (size_t i = 0; i < fd_count; i++)
        fd_close(&ours[i]);
}

static void on_closed(void *arg)
{
    struct life *l = arg;
    l->chan = ipc_chan_free(l->chan);
}

/* --- one life --- */

/* Roles whose supervisor has died are ours to bury. */
static void on_child(struct life *l)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        if (pid != l->pid)
            continue;
        l->ended = true;
        l->status = status;
        if (l->chan) /* its last words count */
            ipc_drain(l->chan);
        loop_stop(l->loop);
    }
}

static void forward(struct life *l, uint32_t signo)
{
    l->kept->is_stopping |= signo != SIGHUP;
    if (l->chan && ipc_send(l->chan, KEEP_MSG_SIGNAL, &signo, sizeof(signo), NULL, 0) < 0)
        log_event(LOG_WARN, "signal_not_forwarded", LOG_I("signal", signo));
}

static void on_signal(void *arg, uint32_t events)
{
    (void)events;
    struct life *l = arg;
    struct signalfd_siginfo info;
    while (read(l->signals.fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD)
            on_child(l);
        else
            forward(l, info.ssi_signo);
    }
}

static void signals_of_interest(sigset_t *ret)
{
    sigemptyset(ret);
    sigaddset(ret, SIGCHLD);
    sigaddset(ret, SIGHUP);
    sigaddset(ret, SIGTERM);
    sigaddset(ret, SIGINT);
}

static int life_open(struct life *l, int chan)
{
    sigset_t set;
    int r = loop_new(&l->loop);
    if (r < 0) {
        close(chan);
        return r;
    }
    r = ipc_chan_new(l->loop, chan, on_msg, on_closed, l, &l->chan);
    if (r < 0)
        return r;
    signals_of_interest(&set);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : loop_fd_add(l->loop, &l->signals, fd, EPOLLIN, on_signal, l);
}

/* Until the supervisor ends. Nothing of a loop is left afterwards for the next one to inherit. */
static int live(struct life *l, int chan)
{
    int r = life_open(l, chan);
    if (r == 0 && l->kept->is_stopping)
        forward(l, SIGTERM);
    while (r == 0 && !l->ended)
        r = loop_run(l->loop);
    int fd = l->signals.fd;
    if (l->loop)
        loop_fd_del(l->loop, &l->signals);
    fd_close(&fd);
    l->chan = ipc_chan_free(l->chan);
    l->loop = loop_free(l->loop);
    return r;
}

/* --- all of them --- */

/* How the server ends, or 0 where another supervisor is to go on. */
static int after(struct kept *k, const struct life *l, uint64_t lived_ms, uint32_t *shorts,
                 int *ret_status)
{
    if (WIFEXITED(l->status)) { /* it left in good order, or has said why not */
        *ret_status = WEXITSTATUS(l->status);
        return 1;
    }
    log_event(LOG_ERROR, "supervisor_killed", LOG_I("signal", WTERMSIG(l->status)),
              LOG_STR("name", sigabbrev_np(WTERMSIG(l->status))), LOG_I("restarts", k->lives));
    k->lives++;
    *shorts = lived_ms < KEEPER_SHORT_MS ? *shorts + 1 : 0;
    if (*shorts < KEEPER_SHORT_MAX)
        return 0;
    log_event(LOG_ERROR, "server_failed", LOG_STR("why", "the supervisor dies again and again"));
    *ret_status = EXIT_STATUS_FAILED;
    return 1;
}

static int signals_block(void)
{
    sigset_t set;
    signals_of_interest(&set);
    (void)signal(SIGPIPE, SIG_IGN);
    /* Orphans become ours, so that no zombie is left to an init that does not look. */
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        return -errno;
    return 0;
}

/* Supervisors one after the other; in each of them this returns too, with its exit status. */
static int keep(struct kept *k, const struct supervisor_options *o, int *ret_status)
{
    for (uint32_t shorts = 0;;) {
        int fds[2];
        uint64_t born = loop_clock_ns();
        int r = ipc_pair(fds);
        if (r < 0)
            return r;
        pid_t pid = fork();
        if (pid == 0) {
            close(fds[0]);
            *ret_status = supervisor_run(o, k, fds[1]);
            return 0;
        }
        close(fds[1]);
        if (pid < 0) {
            r = -errno;
            close(fds[0]);
            return r;
        }
        struct life l = {.kept = k, .pid = pid, .signals.fd = -1};
        log_set_role("keeper");
        r = live(&l, fds[0]);
        if (r < 0)
            return r;
        if (after(k, &l, (loop_clock_ns() - born) / 1000000, &shorts, ret_status))
            return 0;
    }
}

int keeper_run(const struct supervisor_options *o)
{
    static struct kept k; /* large, and one per process */
    int status = EXIT_STATUS_FAILED;
    int r = kept_open(&k, o);
    if (r == 0)
        r = signals_block();
    if (r == 0)
        r = keep(&k, o, &status);
    kept_close(&k);
    if (r < 0)
        log_event(LOG_ERROR, "server_failed", LOG_ERRNO(r));
    return r < 0 ? EXIT_STATUS_FAILED : r > 0 ? r : status;
}
