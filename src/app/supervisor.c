#include "app/supervisor.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/exit.h"
#include "app/identity.h"
#include "app/notify.h"
#include "app/proc.h"
#include "app/state.h"
#include "base/secret.h"

#define LEAVE_MS 2000 /* for roles to end by themselves */
#define DAY_MS (24u * 3600 * 1000)
#define HELD_SPARE 64 /* descriptors a role may hold besides its connections or ports */

#define PROCS_MAX (2 + MEDIA_WORKERS_MAX) /* signal, media's workers, web */

enum supervisor_state { SUP_STARTING, SUP_RUNNING, SUP_STOPPING, SUP_LEAVING };

struct supervisor {
    struct supervisor_options options;
    enum supervisor_state state;
    struct app_config cfg;
    struct state shared;
    struct loop *loop;
    struct loop_fd signals;
    struct loop_timer grace, leave, watchdog, daily;
    struct proc procs[PROCS_MAX];
    size_t proc_count;
    uint32_t watchdog_ms;
    uint32_t calls_left;
    uint64_t since;
    int status;
};

#define EACH_PROC(p, s) for (struct proc *p = (s)->procs; p < (s)->procs + (s)->proc_count; p++)

static void leave(struct supervisor *s, uint32_t ms);

/* A message to a role is lost only with the role, which is then started anew with all it needs. */
static void tell(struct proc *p, uint32_t type, const void *payload, size_t n, const int *fds,
                 size_t fd_count)
{
    int r = p->chan ? ipc_send(p->chan, type, payload, n, fds, fd_count) : -EPIPE;
    if (r == 0 || r == -EPIPE)
        return;
    log_event(LOG_ERROR, "role_not_told", LOG_STR("role", p->name), LOG_ERRNO(r));
    proc_event(p, PROC_EVENT_LOST);
}

/* --- starting roles --- */

static void on_fill_start(void *arg, struct proc *p, struct role_start *ret, int *ret_fds)
{
    struct supervisor *s = arg;
    state_fill_start(&s->shared, p->kind, p->worker, false, ret, ret_fds);
}

static void peers_connect(struct proc *a, struct proc *b)
{
    int fds[2];
    if (!a->up || !b->up || !a->chan || !b->chan)
        return;
    int r = ipc_pair(fds);
    if (r < 0) { /* no descriptors left: a new life of that role tries again */
        log_event(LOG_ERROR, "roles_not_connected", LOG_ERRNO(r));
        proc_event(a, PROC_EVENT_LOST);
        return;
    }
    struct role_peer to_a = {b->kind, b->restarts, b->worker};
    struct role_peer to_b = {a->kind, a->restarts, a->worker};
    tell(a, ROLE_MSG_PEER, &to_a, sizeof(to_a), &fds[0], 1);
    tell(b, ROLE_MSG_PEER, &to_b, sizeof(to_b), &fds[1], 1);
    close(fds[0]);
    close(fds[1]);
}

static void on_up(void *arg, struct proc *p)
{
    struct supervisor *s = arg;
    EACH_PROC(q, s)
    { /* signal with each of the others */
        if (p != q && (p->kind == ROLE_SIGNAL || q->kind == ROLE_SIGNAL))
            peers_connect(p, q);
    }
    if (s->state == SUP_STOPPING) /* it has not heard of it yet */
        tell(p, ROLE_MSG_SHUTDOWN, NULL, 0, NULL, 0);
}

static void announce_ready(struct supervisor *s)
{
    s->state = SUP_RUNNING;
    log_event(LOG_INFO, "ready", LOG_I("pid", getpid()));
    if (s->shared.first_start)
        hello_print(&s->cfg);
    if (s->shared.first_start || s->shared.admin_password[0])
        hello_print_console(&s->cfg, s->shared.admin_password);
    secret_wipe(s->shared.admin_password, sizeof(s->shared.admin_password));
    if (puts("ready") == EOF || fflush(stdout) == EOF)
        log_event(LOG_WARN, "stdout_closed", LOG_ERRNO(errno));
    notify_send("READY=1\nSTATUS=Calls can be taken.\nMAINPID=%d\n", (int)getpid());
}

static void on_ready(void *arg, struct proc *p)
{
    struct supervisor *s = arg;
    log_event(LOG_INFO, "role_ready", LOG_STR("role", p->name), LOG_I("pid", p->pid),
              LOG_I("restarts", p->restarts));
    bool all = true;
    EACH_PROC(q, s)
    all = all && q->state == PROC_READY;
    if (all && s->state == SUP_STARTING)
        announce_ready(s);
}

static bool on_exit_role(void *arg, struct proc *p, int status)
{
    struct supervisor *s = arg;
    const char *role = p->name;
    bool leaving = s->state == SUP_LEAVING;
    enum log_level level = leaving ? LOG_INFO : LOG_ERROR;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    if (WIFSIGNALED(status))
        log_event(level, "role_killed", LOG_STR("role", role), LOG_I("signal", WTERMSIG(status)),
                  LOG_STR("name", sigabbrev_np(WTERMSIG(status))), LOG_I("restarts", p->restarts));
    else
        log_event(level, "role_ended", LOG_STR("role", role), LOG_I("status", code),
                  LOG_I("restarts", p->restarts));
    /* What an administrator has to mend does not get better by trying again. */
    if (!p->was_ready && code >= EXIT_STATUS_USAGE && code <= EXIT_STATUS_STORE) {
        s->status = code;
        leave(s, LEAVE_MS);
        leaving = true;
    }
    return !leaving;
}

/* --- leaving --- */

static void on_leave_timeout(void *arg)
{
    struct supervisor *s = arg;
    EACH_PROC(p, s)
    {
        if (p->pid)
            (void)kill(p->pid, SIGKILL);
    }
}

static void leave_when_empty(struct supervisor *s)
{
    EACH_PROC(p, s)
    {
        if (p->pid)
            return;
    }
    loop_stop(s->loop);
}

static void leave(struct supervisor *s, uint32_t ms)
{
    s->state = SUP_LEAVING;
    loop_timer_cancel(s->loop, &s->grace);
    loop_timer_set(s->loop, &s->leave, ms);
    EACH_PROC(p, s)
    proc_dismiss(p);
}

static void on_grace_over(void *arg)
{
    struct supervisor *s = arg;
    if (s->calls_left == UINT32_MAX) /* without grace there is no time to ask */
        log_event(LOG_WARN, "leaving", LOG_STR("calls_cut", "unknown"));
    else
        log_event(LOG_WARN, "leaving", LOG_I("calls_cut", s->calls_left));
    leave(s, LEAVE_MS);
}

static void on_term(struct supervisor *s)
{
    if (s->state == SUP_LEAVING || s->state == SUP_STOPPING || s->state == SUP_STARTING) {
        log_event(LOG_INFO, "leaving_at_once");
        leave(s, LEAVE_MS);
        return;
    }
    s->state = SUP_STOPPING;
    s->calls_left = UINT32_MAX; /* not known yet */
    log_event(LOG_INFO, "stopping", LOG_I("grace_s", s->cfg.shutdown_grace_s));
    notify_send("STOPPING=1\nSTATUS=Waiting for calls to end.\n");
    loop_timer_set(s->loop, &s->grace, (uint64_t)s->cfg.shutdown_grace_s * 1000);
    EACH_PROC(p, s)
    tell(p, ROLE_MSG_SHUTDOWN, NULL, 0, NULL, 0);
}

static void on_shutdown_state(struct supervisor *s, struct proc *p, const void *payload)
{
    uint32_t left;
    memcpy(&left, payload, sizeof(left));
    if (s->state != SUP_STOPPING || p->kind != ROLE_SIGNAL)
        return;
    if (left != s->calls_left) {
        log_event(LOG_INFO, "calls_left", LOG_I("calls", left));
        notify_send("STATUS=Waiting for %u calls to end.\n", left);
    }
    s->calls_left = left;
    if (left == 0)
        leave(s, LEAVE_MS);
}

/* --- reload --- */

static int reload(struct supervisor *s, char why[STATE_WHY_MAX])
{
    struct app_config c;
    struct config_report waits;
    char path[CONFIG_PATH_MAX];
    int r = serve_config_load(&s->options, &c, path);
    if (r != 0) {
        snprintf(why, STATE_WHY_MAX, "the settings are wrong; the log says where");
        return -EINVAL;
    }
    memcpy(c.data, s->cfg.data, sizeof(c.data));
    config_keep_fixed(&c, &s->cfg, &waits);
    if (waits.count)
        log_event(LOG_WARN, "needs_restart", LOG_STR("settings", waits.text));
    r = state_reload(&s->shared, &c, why);
    if (r != 0)
        return r < 0 ? r : -EINVAL;
    s->cfg = c;
    log_set_level((enum log_level)c.log_level);
    EACH_PROC(p, s)
    {
        struct role_start start;
        int fds[ROLE_FDS_MAX];
        state_fill_start(&s->shared, p->kind, p->worker, true, &start, fds);
        tell(p, ROLE_MSG_RELOAD, &start, sizeof(start), fds, start.fd_count);
    }
    return 0;
}

static int reload_and_say(struct supervisor *s, char why[STATE_WHY_MAX])
{
    *why = '\0';
    notify_send("RELOADING=1\nMONOTONIC_USEC=%llu\n", (unsigned long long)notify_monotonic_us());
    int r = reload(s, why);
    if (r == 0)
        log_event(LOG_INFO, "reloaded");
    else
        log_event(LOG_ERROR, "reload_refused", LOG_STR("why", why),
                  LOG_STR("then", "the old settings stay in force"));
    notify_send("READY=1\n");
    return r;
}

/* --- what roles say --- */

static struct role_status status_of(const struct supervisor *s, const struct proc *p)
{
    const struct media_way *way = &s->shared.media;
    struct role_status st = {.role = p->kind,
                             .pid = (uint32_t)p->pid,
                             .restarts = p->restarts,
                             .is_ready = p->state == PROC_READY,
                             .since = p->since};
    if (p->kind == ROLE_MEDIA) {
        st.is_shared = way->is_shared;
        st.worker = p->worker;
        st.is_xdp = way->is_xdp;
        st.overflowed = media_way_lost(way, p->worker);
        media_xdp_counts(&way->xdp, &st.xdp_in, &st.xdp_out);
    }
    return st;
}

static void on_get_status(struct supervisor *s, struct proc *p, const void *payload)
{
    (void)payload;
    struct role_status all[1 + PROCS_MAX] = {
        {.role = ROLE_SUPERVISOR, .pid = (uint32_t)getpid(), .is_ready = 1, .since = s->since}};
    size_t n = 1;
    EACH_PROC(q, s)
    all[n++] = status_of(s, q);
    tell(p, ROLE_MSG_STATUS, all, n * sizeof(all[0]), NULL, 0);
}

static void on_do_reload(struct supervisor *s, struct proc *p, const void *payload)
{
    (void)payload;
    char why[STATE_WHY_MAX];
    struct role_done d = {.type = ROLE_MSG_DO_RELOAD, .result = reload_and_say(s, why)};
    snprintf(d.why, sizeof(d.why), "%.*s", (int)sizeof(d.why) - 1, why);
    tell(p, ROLE_MSG_DONE, &d, sizeof(d), NULL, 0);
}

static void on_do_log_level(struct supervisor *s, struct proc *p, const void *payload)
{
    uint32_t level;
    struct role_done d = {.type = ROLE_MSG_DO_LOG_LEVEL};
    memcpy(&level, payload, sizeof(level));
    if (level > LOG_DEBUG) {
        d.result = -EINVAL;
    } else {
        log_set_level((enum log_level)level);
        EACH_PROC(q, s)
        tell(q, ROLE_MSG_LOG_LEVEL, &level, sizeof(level), NULL, 0);
    }
    tell(p, ROLE_MSG_DONE, &d, sizeof(d), NULL, 0);
}

static void on_said_ready(struct supervisor *s, struct proc *p, const void *payload)
{
    (void)s;
    (void)payload;
    proc_event(p, PROC_EVENT_READY);
}

static void on_alive(struct supervisor *s, struct proc *p, const void *payload)
{
    (void)s; /* any message shows that it lives; proc has seen to that */
    (void)p;
    (void)payload;
}

#define FROM(role) (1u << (role))
#define FROM_ALL (FROM(ROLE_SIGNAL) | FROM(ROLE_MEDIA) | FROM(ROLE_WEB))

/* Who may say what, and how long it is. */
static const struct {
    uint32_t type;
    unsigned from;
    size_t n;
    void (*fn)(struct supervisor *s, struct proc *p, const void *payload);
} requests[] = {
    {ROLE_MSG_READY, FROM_ALL, 0, on_said_ready},
    {ROLE_MSG_ALIVE, FROM_ALL, 0, on_alive},
    {ROLE_MSG_SHUTDOWN_STATE, FROM_ALL, sizeof(uint32_t), on_shutdown_state},
    {ROLE_MSG_GET_STATUS, FROM(ROLE_SIGNAL) | FROM(ROLE_WEB), 0, on_get_status},
    {ROLE_MSG_DO_RELOAD, FROM(ROLE_WEB), 0, on_do_reload},
    {ROLE_MSG_DO_LOG_LEVEL, FROM(ROLE_WEB), sizeof(uint32_t), on_do_log_level},
};

static void on_msg(void *arg, struct proc *p, uint32_t type, const void *payload, size_t n,
                   const int *fds, size_t fd_count)
{
    struct supervisor *s = arg;
    for (size_t i = 0; i < fd_count; i++)
        close(fds[i]);
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        if (requests[i].type == type && (requests[i].from & FROM(p->kind)) && requests[i].n == n &&
            fd_count == 0) {
            requests[i].fn(s, p, payload);
            return;
        }
    }
    log_event(LOG_ERROR, "role_breaks_protocol", LOG_STR("role", p->name), LOG_I("type", type),
              LOG_I("length", n));
    proc_event(p, PROC_EVENT_LOST);
}

/* --- signals --- */

static void on_child(struct supervisor *s)
{
    EACH_PROC(p, s)
    proc_reap(p);
    if (s->state == SUP_LEAVING)
        leave_when_empty(s);
}

static void on_signal(void *arg, uint32_t events)
{
    (void)events;
    struct supervisor *s = arg;
    struct signalfd_siginfo info;
    char why[STATE_WHY_MAX];
    while (read(s->signals.fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        switch (info.ssi_signo) {
        case SIGCHLD:
            on_child(s);
            break;
        case SIGHUP:
            if (s->state == SUP_RUNNING || s->state == SUP_STARTING)
                (void)reload_and_say(s, why); /* said in the log */
            break;
        case SIGTERM:
        case SIGINT:
            on_term(s);
            break;
        }
    }
}

static int signals_open(struct supervisor *s)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    (void)signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : loop_fd_add(s->loop, &s->signals, fd, EPOLLIN, on_signal, s);
}

/* --- the whole --- */

/* A certificate near its end is renewed, and roles are given it. */
static void on_daily(void *arg)
{
    struct supervisor *s = arg;
    char why[STATE_WHY_MAX] = "";
    bool is_new = false;
    int r = identity_certs(&s->cfg, why, &is_new);
    if (r != 0)
        log_event(LOG_ERROR, "certificate", LOG_STR("says", why));
    else if (is_new)
        (void)reload_and_say(s, why); /* said in the log */
    loop_timer_set(s->loop, &s->daily, DAY_MS);
}

/* A supervisor that answers while a role is down would lull systemd: only with all roles ready. */
static void on_watchdog(void *arg)
{
    struct supervisor *s = arg;
    bool all = true;
    EACH_PROC(p, s)
    all = all && p->state == PROC_READY;
    if (all || s->state != SUP_RUNNING)
        notify_send("WATCHDOG=1\n");
    loop_timer_set(s->loop, &s->watchdog, s->watchdog_ms);
}

/* Descriptors held for roles are ours too. */
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

static int proc_add(struct supervisor *s, const struct proc_id *id, uint32_t held)
{
    const struct proc_cb cb = {s, on_fill_start, on_up, on_ready, on_msg, on_exit_role};
    return proc_init(&s->procs[s->proc_count++], id, s->loop, held + HELD_SPARE, &cb);
}

static int procs_init(struct supervisor *s)
{
    const uint32_t workers = s->shared.media.workers;
    /* RTP and RTCP, with ICE of both IP versions. */
    const uint32_t held = 4 * media_way_endpoints(&s->cfg, workers) / workers;
    int r = proc_add(s, &(struct proc_id){.kind = ROLE_SIGNAL}, s->cfg.max_connections);
    for (uint32_t w = 0; r == 0 && w < workers; w++)
        r = proc_add(s, &(struct proc_id){ROLE_MEDIA, w, workers}, held);
    return r == 0 ? proc_add(s, &(struct proc_id){.kind = ROLE_WEB}, 0) : r;
}

static int supervisor_open(struct supervisor *s)
{
    char why[STATE_WHY_MAX] = "";
    int r = loop_new(&s->loop);
    if (r < 0)
        return r;
    limits_raise(&s->cfg);
    r = state_open(&s->shared, &s->cfg, why);
    if (r > 0)
        fprintf(stderr, "sotto: %s\n", why);
    if (r == 0)
        r = signals_open(s);
    return r == 0 ? procs_init(s) : r;
}

static int supervisor_work(struct supervisor *s)
{
    loop_timer_init(&s->grace, on_grace_over, s);
    loop_timer_init(&s->leave, on_leave_timeout, s);
    loop_timer_init(&s->watchdog, on_watchdog, s);
    loop_timer_init(&s->daily, on_daily, s);
    loop_timer_set(s->loop, &s->daily, DAY_MS);
    s->since = loop_unix_now(s->loop);
    s->watchdog_ms = notify_watchdog_ms();
    if (s->watchdog_ms)
        loop_timer_set(s->loop, &s->watchdog, s->watchdog_ms);
    EACH_PROC(p, s)
    proc_start(p);
    return loop_run(s->loop);
}

static void supervisor_close(struct supervisor *s)
{
    EACH_PROC(p, s)
    proc_fini(p);
    if (s->signals.fd >= 0) {
        int fd = s->signals.fd;
        loop_fd_del(s->loop, &s->signals);
        close(fd);
    }
    state_close(&s->shared);
    s->loop = loop_free(s->loop);
}

int supervisor_run(const struct supervisor_options *o)
{
    static struct supervisor s; /* large, and one per process */
    char path[CONFIG_PATH_MAX];
    s = (struct supervisor){.options = *o, .signals.fd = -1};
    state_init(&s.shared);
    int r = serve_config_load(o, &s.cfg, path);
    if (r != 0)
        return r;
    log_setup("supervisor", (enum log_level)s.cfg.log_level, (enum log_format)s.cfg.log_format);
    r = supervisor_open(&s);
    if (r == 0)
        r = supervisor_work(&s);
    supervisor_close(&s);
    if (r < 0)
        log_event(LOG_ERROR, "server_failed", LOG_ERRNO(r));
    return r < 0 ? EXIT_STATUS_FAILED : r > 0 ? r : s.status;
}
