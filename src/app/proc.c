#include "app/proc.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHANNEL_FD 3
#define HELD_AHEAD 8192 /* bytes of HELD messages queued at a time */

// clang-format off
const struct proc_step proc_steps[PROC_STATE_COUNT][PROC_EVENT_COUNT] = {
    /*                  DUE                              READY                         LOST                          HUNG                          EXITED */
    [PROC_DOWN] =     {{PROC_ACT_SPAWN, PROC_STARTING}, {PROC_ACT_NONE, PROC_DOWN},   {PROC_ACT_NONE, PROC_DOWN},   {PROC_ACT_NONE, PROC_DOWN},   {PROC_ACT_NONE, PROC_DOWN}},
    [PROC_STARTING] = {{PROC_ACT_NONE, PROC_STARTING},  {PROC_ACT_WORK, PROC_READY},  {PROC_ACT_KILL, PROC_DYING},  {PROC_ACT_KILL, PROC_DYING},  {PROC_ACT_BURY, PROC_DOWN}},
    [PROC_READY] =    {{PROC_ACT_NONE, PROC_READY},     {PROC_ACT_NONE, PROC_READY},  {PROC_ACT_KILL, PROC_DYING},  {PROC_ACT_KILL, PROC_DYING},  {PROC_ACT_BURY, PROC_DOWN}},
    [PROC_DYING] =    {{PROC_ACT_NONE, PROC_DYING},     {PROC_ACT_NONE, PROC_DYING},  {PROC_ACT_NONE, PROC_DYING},  {PROC_ACT_NONE, PROC_DYING},  {PROC_ACT_BURY, PROC_DOWN}},
};
// clang-format on

/* --- what it held --- */

/* Descriptors are sent as the socket takes them: a role may hold more than may be under way. */
static void send_held(void *arg)
{
    struct proc *p = arg;
    uint64_t tag;
    int fd;
    if (p->up || !p->chan)
        return;
    while (ipc_chan_queued(p->chan) < HELD_AHEAD) {
        int r;
        if (ipc_held_next(p->held, &tag, &fd)) {
            r = ipc_send(p->chan, ROLE_MSG_HELD, &tag, sizeof(tag), &fd, 1);
            if (r < 0 && r != -EPIPE) /* that one is lost to this life, no more */
                log_event(LOG_WARN, "held_not_sent", LOG_STR("role", p->name), LOG_ERRNO(r));
            continue;
        }
        r = ipc_send(p->chan, ROLE_MSG_HELD_END, NULL, 0, NULL, 0);
        p->up = true;
        if (r == 0)
            p->cb.on_up(p->cb.arg, p);
        return;
    }
}

static void take_held(struct proc *p, uint32_t type, const void *payload, size_t n, const int *fds,
                      size_t fd_count)
{
    uint64_t tag;
    bool hold = type == ROLE_MSG_HOLD;
    if (n != sizeof(tag) || fd_count != (hold ? 1 : 0)) {
        for (size_t i = 0; i < fd_count; i++)
            close(fds[i]);
        proc_event(p, PROC_EVENT_LOST);
        return;
    }
    memcpy(&tag, payload, sizeof(tag));
    if (!hold) {
        ipc_held_drop(p->held, tag);
        keep_unhold(p->keep, p->index, tag);
        return;
    }
    keep_hold(p->keep, p->index, tag, fds[0]);
    int r = ipc_held_put(p->held, tag, fds[0]);
    if (r < 0)
        log_event(LOG_WARN, "not_held", LOG_STR("role", p->name), LOG_ERRNO(r));
}

/* --- messages --- */

static void on_msg(void *arg, uint32_t type, const void *payload, size_t n, const int *fds,
                   size_t fd_count)
{
    struct proc *p = arg;
    if (p->state == PROC_READY)
        loop_timer_set(p->loop, &p->hang, PROC_HANG_MS);
    if (type == ROLE_MSG_HOLD || type == ROLE_MSG_UNHOLD)
        take_held(p, type, payload, n, fds, fd_count);
    else
        p->cb.on_msg(p->cb.arg, p, type, payload, n, fds, fd_count);
}

static void on_closed(void *arg)
{
    struct proc *p = arg;
    p->chan = ipc_chan_free(p->chan);
    proc_event(p, PROC_EVENT_LOST);
}

static void on_end(void *arg, uint32_t events);

/* --- birth --- */

/* Between fork and exec: only what may be called there. */
__attribute__((noreturn)) static void child_exec(int chan, struct proc *p)
{
    sigset_t none;
    /* The number is for people that look for the process. */
    char *argv[] = {(char *)(uintptr_t) "sotto", (char *)(uintptr_t) "role",
                    (char *)(uintptr_t)role_name(p->kind), p->number[0] ? p->number : NULL, NULL};
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (chan == CHANNEL_FD)
        (void)fcntl(chan, F_SETFD, 0);
    else if (dup2(chan, CHANNEL_FD) < 0)
        _exit(127);
    /* stdout is for the line `ready` alone. */
    if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        _exit(127);
    (void)close_range(CHANNEL_FD + 1, ~0u, 0); /* all of ours are close-on-exec anyway */
    execve("/proc/self/exe", argv, environ);
    _exit(127);
}

/* Takes both descriptors, also where it fails: then the process is killed, and p->pid is 0 where nobody will
 * see its end. */
static int watch(struct proc *p, pid_t pid, int pidfd, int chan)
{
    int r = loop_fd_add(p->loop, &p->end, pidfd, EPOLLIN, on_end, p);
    if (r < 0) {
        (void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
        close(pidfd);
        close(chan);
        return r;
    }
    p->pid = pid;
    p->pidfd = pidfd;
    return ipc_chan_new(p->loop, chan, on_msg, on_closed, p, &p->chan);
}

static int spawn(struct proc *p)
{
    int fds[2];
    int r = ipc_pair(fds);
    if (r < 0)
        return r;
    pid_t pid = fork();
    if (pid == 0)
        child_exec(fds[1], p);
    int pidfd = pid < 0 ? -1 : pidfd_open(pid, 0);
    r = pidfd < 0 ? -errno : 0;
    close(fds[1]);
    if (r == 0) {
        p->since = loop_unix_now(p->loop);
        p->is_adopted = false;
        const struct keep_role told = {p->index, pid, p->since, p->restarts};
        keep_role(p->keep, &told, fds[0], pidfd);
        r = watch(p, pid, pidfd, fds[0]);
    } else {
        close(fds[0]);
    }
    if (r < 0 && pid > 0 && !p->pid) { /* one that nobody would see the end of */
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
    }
    return r;
}

static int greet(struct proc *p)
{
    struct role_start s;
    int fds[ROLE_FDS_MAX];
    p->cb.fill_start(p->cb.arg, p, &s, fds);
    s.restarts = p->restarts;
    int r = ipc_send(p->chan, ROLE_MSG_START, &s, sizeof(s), fds, s.fd_count);
    if (r < 0)
        return r;
    ipc_held_rewind(p->held);
    ipc_chan_on_drained(p->chan, send_held);
    send_held(p);
    return 0;
}

static void act_spawn(struct proc *p)
{
    p->up = false;
    int r = spawn(p);
    if (r == 0)
        r = greet(p);
    if (r == 0) {
        loop_timer_set(p->loop, &p->hang, PROC_START_MS);
        return;
    }
    log_event(LOG_ERROR, "role_not_started", LOG_STR("role", p->name), LOG_ERRNO(r));
    if (p->pid) { /* reaped like any other */
        proc_event(p, PROC_EVENT_LOST);
        return;
    }
    p->state = PROC_DOWN;
    loop_timer_set(p->loop, &p->due, PROC_PAUSE_MS);
}

/* --- death --- */

uint32_t proc_pause_ms(struct proc *p, uint64_t now_ms)
{
    uint64_t *oldest = &p->deaths[p->death_count % PROC_DEATHS_MAX];
    bool often = p->death_count >= PROC_DEATHS_MAX - 1 &&
                 now_ms - p->deaths[(p->death_count + 1) % PROC_DEATHS_MAX] <= PROC_DEATHS_MS;
    *oldest = now_ms;
    p->death_count++;
    return often ? PROC_PAUSE_MS : 0;
}

/* The process has ended. */
static void forget(struct proc *p)
{
    loop_fd_del(p->loop, &p->end);
    close(p->pidfd);
    p->pidfd = -1;
    p->pid = 0;
    p->chan = ipc_chan_free(p->chan);
    keep_role_gone(p->keep, p->index);
}

static void act_bury(struct proc *p, int status)
{
    loop_timer_cancel(p->loop, &p->hang);
    forget(p);
    if (!p->cb.on_exit(p->cb.arg, p, status))
        return;
    p->restarts++;
    uint32_t pause = proc_pause_ms(p, loop_now(p->loop));
    if (pause)
        loop_timer_set(p->loop, &p->due, pause);
    else
        proc_event(p, PROC_EVENT_DUE);
}

/* The state changes first: what is called may bring the next event. */
static void step(struct proc *p, enum proc_event ev, int status)
{
    const struct proc_step *s = &proc_steps[p->state][ev];
    p->state = s->next;
    switch (s->action) {
    case PROC_ACT_NONE:
        break;
    case PROC_ACT_SPAWN:
        act_spawn(p);
        break;
    case PROC_ACT_WORK:
        p->was_ready = true;
        keep_role_ready(p->keep, p->index);
        loop_timer_set(p->loop, &p->hang, PROC_HANG_MS);
        p->cb.on_ready(p->cb.arg, p);
        break;
    case PROC_ACT_KILL:
        loop_timer_cancel(p->loop, &p->hang);
        proc_kill(p);
        break;
    case PROC_ACT_BURY:
        act_bury(p, status);
        break;
    }
}

void proc_event(struct proc *p, enum proc_event ev)
{
    step(p, ev, 0);
}

void proc_kill(struct proc *p)
{
    if (p->pidfd >= 0)
        (void)pidfd_send_signal(p->pidfd, SIGKILL, NULL, 0);
}

static void on_end(void *arg, uint32_t events)
{
    (void)events;
    struct proc *p = arg;
    int status = PROC_STATUS_UNKNOWN;
    if (p->chan) /* what it asked us to hold in its last moment counts */
        ipc_drain(p->chan);
    if (!p->is_adopted)
        (void)waitpid(p->pid, &status, 0);
    step(p, PROC_EVENT_EXITED, status);
}

/* --- life --- */

static void on_due(void *arg)
{
    proc_event(arg, PROC_EVENT_DUE);
}

static void on_hang(void *arg)
{
    struct proc *p = arg;
    log_event(LOG_ERROR, "role_hangs", LOG_STR("role", p->name), LOG_I("pid", p->pid));
    proc_event(p, PROC_EVENT_HUNG);
}

void proc_init(struct proc *p, struct kept *kept, uint32_t index, struct loop *l, struct keep *keep,
               const struct proc_cb *cb)
{
    struct kept_role *r = &kept->roles[index];
    *p = (struct proc){.kind = r->id.kind,
                       .worker = r->id.worker,
                       .state = PROC_DOWN,
                       .loop = l,
                       .cb = *cb,
                       .keep = keep,
                       .index = index,
                       .found = r,
                       .pidfd = -1,
                       .end.fd = -1,
                       .restarts = r->restarts,
                       .held = r->held};
    r->held = NULL;
    if (r->id.workers > 1)
        (void)snprintf(p->number, sizeof(p->number), "%u", r->id.worker);
    (void)snprintf(p->name, sizeof(p->name), "%s%s%s", role_name(p->kind), p->number[0] ? "." : "",
                   p->number);
    loop_timer_init(&p->due, on_due, p);
    loop_timer_init(&p->hang, on_hang, p);
}

void proc_fini(struct proc *p)
{
    if (!p->loop)
        return;
    loop_timer_cancel(p->loop, &p->due);
    loop_timer_cancel(p->loop, &p->hang);
    if (p->pid) {
        proc_kill(p);
        (void)poll(&(struct pollfd){p->pidfd, POLLIN, 0}, 1, -1);
        if (!p->is_adopted)
            (void)waitpid(p->pid, NULL, 0);
        forget(p);
    }
    p->held = ipc_held_free(p->held);
    *p = (struct proc){0};
}

/* One that was not ready has not got all that it needs, maybe: it is killed, and a new one started once it
 * is gone. */
static void adopt(struct proc *p)
{
    struct kept_role *r = p->found;
    p->is_adopted = true;
    p->since = r->since;
    p->was_ready = p->up = r->is_ready;
    p->state = r->is_ready ? PROC_READY : PROC_STARTING;
    if (!r->is_ready)
        (void)pidfd_send_signal(r->pidfd, SIGKILL, NULL, 0);
    int s = watch(p, r->pid, r->pidfd, r->chan);
    r->pid = 0;
    if (s == 0) {
        loop_timer_set(p->loop, &p->hang, PROC_HANG_MS);
        return;
    }
    log_event(LOG_ERROR, "role_not_adopted", LOG_STR("role", p->name), LOG_ERRNO(s));
    if (p->pid) {
        proc_event(p, PROC_EVENT_LOST);
        return;
    }
    p->state = PROC_DOWN;
    loop_timer_set(p->loop, &p->due, PROC_PAUSE_MS);
}

void proc_start(struct proc *p)
{
    if (p->found->pid)
        adopt(p);
    else
        proc_event(p, PROC_EVENT_DUE);
}

void proc_dismiss(struct proc *p)
{
    loop_timer_cancel(p->loop, &p->due);
    loop_timer_cancel(p->loop, &p->hang);
    p->chan = ipc_chan_free(p->chan);
}
