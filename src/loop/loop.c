/* A wake-up is: wait, read the clock, descriptors, timers that are due, deferrals. Callbacks may
 * delete anything. What is pending is therefore never held in a local variable across a callback:
 *  - the batch of epoll events is in the loop, and loop_fd_del strikes its descriptor out of it;
 *  - due timers and running deferrals are moved to a list head of the loop and taken from it one
 *    by one; cancelling unlinks them from there. */
#include "loop/loop.h"

#include <assert.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/heap.h"
#include "base/log.h"
#include "loop/wheel.h"

#define BATCH 256
#define VIRTUAL_EPOCH 1700000000u
#define NS_PER_MS 1000000u
#define NS_PER_S 1000000000u

struct loop {
    int epoll;
    int urgent; /* another epoll, of the urgent ones; -1: there are none */
    bool is_virtual;
    bool stop;
    uint64_t now;
    uint64_t woke_ns;   /* now, exactly */
    uint64_t gather_ns; /* from then on; 0: the next wake-up is not put off */
    uint64_t start;     /* virtual: now at the beginning */
    struct list due;
    struct list deferred;
    struct list running; /* deferrals of this wake-up */
    int batch_at, batch_n;
    struct epoll_event batch[BATCH];
    struct loop_wheel wheel;
};

uint64_t loop_clock_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail for this clock */
    return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static uint64_t clock_ms(void)
{
    return loop_clock_ns() / NS_PER_MS;
}

static int loop_make(bool is_virtual, uint64_t now, struct loop **ret)
{
    struct loop *l = calloc(1, sizeof(*l));
    if (!l)
        return -ENOMEM;
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll < 0) {
        int r = -errno;
        free(l);
        return r;
    }
    l->urgent = -1;
    l->is_virtual = is_virtual;
    l->now = l->start = now;
    list_init(&l->due);
    list_init(&l->deferred);
    list_init(&l->running);
    loop_wheel_init(&l->wheel, now);
    *ret = l;
    return 0;
}

int loop_new(struct loop **ret)
{
    return loop_make(false, clock_ms(), ret);
}

int loop_new_virtual(uint64_t now_ms, struct loop **ret)
{
    return loop_make(true, now_ms, ret);
}

static void list_release(struct list *head)
{
    while (!list_is_empty(head))
        list_remove(head->next);
}

struct loop *loop_free(struct loop *l)
{
    if (!l)
        return NULL;
    /* Owners may be freed after the loop: their timers and deferrals must not point into it. */
    loop_wheel_fini(&l->wheel);
    list_release(&l->due);
    list_release(&l->deferred);
    list_release(&l->running);
    close(l->epoll);
    if (l->urgent >= 0)
        close(l->urgent);
    free(l);
    return NULL;
}

uint64_t loop_now(const struct loop *l)
{
    return l->now;
}

uint64_t loop_unix_now(const struct loop *l)
{
    if (l->is_virtual)
        return VIRTUAL_EPOCH + (l->now - l->start) / 1000;
    struct timespec ts;
    (void)clock_gettime(CLOCK_REALTIME_COARSE, &ts);
    return (uint64_t)ts.tv_sec;
}

/* --- descriptors --- */

static bool fd_is_in(const struct loop_fd *f)
{
    return f->fn && f->fd >= 0;
}

int loop_fd_add(struct loop *l, struct loop_fd *f, int fd, uint32_t events,
                void (*fn)(void *arg, uint32_t events), void *arg)
{
    struct epoll_event ev = {.events = events, .data = {.ptr = f}};
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
        return -errno;
    *f = (struct loop_fd){fd, events, false, fn, arg};
    return 0;
}

int loop_fd_urge(struct loop *l, struct loop_fd *f)
{
    struct epoll_event ev = {.events = EPOLLIN};
    if (l->urgent < 0)
        l->urgent = epoll_create1(EPOLL_CLOEXEC);
    if (l->urgent < 0 || epoll_ctl(l->urgent, EPOLL_CTL_ADD, f->fd, &ev) < 0)
        return -errno;
    f->urgent = true;
    return 0;
}

int loop_fd_set(struct loop *l, struct loop_fd *f, uint32_t events)
{
    if (f->events == events)
        return 0;
    struct epoll_event ev = {.events = events, .data = {.ptr = f}};
    if (epoll_ctl(l->epoll, EPOLL_CTL_MOD, f->fd, &ev) < 0)
        return -errno;
    f->events = events;
    return 0;
}

void loop_fd_del(struct loop *l, struct loop_fd *f)
{
    if (!fd_is_in(f))
        return;
    /* Fails only where the owner closed the descriptor first, which took it out already. */
    (void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, f->fd, NULL);
    if (f->urgent)
        (void)epoll_ctl(l->urgent, EPOLL_CTL_DEL, f->fd, NULL);
    for (int i = l->batch_at; i < l->batch_n; i++) {
        if (l->batch[i].data.ptr == f)
            l->batch[i].data.ptr = NULL;
    }
    f->fd = -1;
    f->fn = NULL;
}

static void batch_run(struct loop *l, int n)
{
    l->batch_n = n;
    for (l->batch_at = 0; l->batch_at < l->batch_n;) {
        const struct epoll_event *ev = &l->batch[l->batch_at++];
        struct loop_fd *f = ev->data.ptr;
        if (l->batch_at < l->batch_n) /* the next one's is brought nearer meanwhile */
            __builtin_prefetch(l->batch[l->batch_at].data.ptr);
        if (f)
            f->fn(f->arg, ev->events);
    }
    l->batch_n = 0;
}

/* --- timers --- */

void loop_timer_init(struct loop_timer *t, void (*fn)(void *arg), void *arg)
{
    list_init(&t->node);
    t->due = 0;
    t->fn = fn;
    t->arg = arg;
}

bool loop_timer_is_armed(const struct loop_timer *t)
{
    return t->node.next && !list_is_empty(&t->node);
}

void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t delay_ms)
{
    if (loop_timer_is_armed(t))
        loop_wheel_remove(&l->wheel, t);
    if (delay_ms > LOOP_WHEEL_END / 2)
        delay_ms = LOOP_WHEEL_END / 2;
    /* The real clock was cut to whole milliseconds: one more, or it could run early. Never in the
     * tick that runs now: a timer that sets itself to 0 must not hold up the loop. */
    uint64_t more = l->is_virtual ? delay_ms == 0 : 1;
    t->due = l->now + delay_ms + more;
    loop_wheel_insert(&l->wheel, t);
}

void loop_timer_cancel(struct loop *l, struct loop_timer *t)
{
    if (loop_timer_is_armed(t))
        loop_wheel_remove(&l->wheel, t);
}

static void timers_run(struct loop *l)
{
    loop_wheel_advance(&l->wheel, l->now, &l->due);
    while (!list_is_empty(&l->due)) {
        struct loop_timer *t = CONTAINER_OF(l->due.next, struct loop_timer, node);
        list_remove(&t->node);
        t->fn(t->arg);
    }
}

/* --- deferrals --- */

void loop_defer_init(struct loop_defer *d, void (*fn)(void *arg), void *arg)
{
    list_init(&d->node);
    d->fn = fn;
    d->arg = arg;
}

void loop_defer_add(struct loop *l, struct loop_defer *d)
{
    if (list_is_empty(&d->node))
        list_push_back(&l->deferred, &d->node);
}

void loop_defer_cancel(struct loop_defer *d)
{
    if (d->node.next)
        list_remove(&d->node);
}

/* What a deferral defers waits for the next wake-up, which then comes at once. */
static void deferrals_run(struct loop *l)
{
    while (!list_is_empty(&l->deferred)) {
        struct list *n = l->deferred.next;
        list_remove(n);
        list_push_back(&l->running, n);
    }
    while (!list_is_empty(&l->running)) {
        struct loop_defer *d = CONTAINER_OF(l->running.next, struct loop_defer, node);
        list_remove(&d->node);
        d->fn(d->arg);
    }
}

static void deferrals_settle(struct loop *l)
{
    while (!list_is_empty(&l->deferred))
        deferrals_run(l);
}

/* --- wake-ups --- */

static int wait_ms(const struct loop *l, int max_wait_ms)
{
    if (!list_is_empty(&l->deferred))
        return 0;
    if (l->is_virtual)
        return max_wait_ms;
    uint64_t next = loop_wheel_next(&l->wheel);
    if (next == UINT64_MAX)
        return max_wait_ms;
    uint64_t now = clock_ms();
    uint64_t wait = next > now ? next - now : 0;
    if (max_wait_ms >= 0 && wait > (uint64_t)max_wait_ms)
        return max_wait_ms;
    return wait > INT_MAX ? INT_MAX : (int)wait;
}

void loop_gather(struct loop *l, uint64_t ns)
{
    l->gather_ns = ns;
}

bool loop_gathers(const struct loop *l)
{
    return l->gather_ns > 0;
}

/* Asks neither the kernel nor a clock where nothing is put off. */
static void gather_wait(struct loop *l)
{
    uint64_t end = l->woke_ns + l->gather_ns;
    bool puts_off = l->gather_ns > 0 && !l->is_virtual && list_is_empty(&l->deferred);
    l->gather_ns = 0;
    if (!puts_off)
        return;
    uint64_t now = loop_clock_ns(), due = loop_wheel_next(&l->wheel);
    if (due < end / NS_PER_MS)
        end = due * NS_PER_MS;
    if (end <= now)
        return;
    const struct timespec left = {(time_t)((end - now) / NS_PER_S), (long)((end - now) % NS_PER_S)};
    struct pollfd urgent = {l->urgent, POLLIN, 0}; /* -1 is none */
    (void)ppoll(&urgent, 1, &left, NULL);          /* where it fails, nothing is put off */
}

int loop_once(struct loop *l, int max_wait_ms)
{
    gather_wait(l);
    int n = epoll_wait(l->epoll, l->batch, BATCH, wait_ms(l, max_wait_ms));
    if (n < 0) {
        if (errno != EINTR)
            return -errno;
        n = 0;
    }
    if (!l->is_virtual) {
        l->woke_ns = loop_clock_ns();
        l->now = l->woke_ns / NS_PER_MS;
    }
    batch_run(l, n);
    timers_run(l);
    deferrals_run(l);
    log_flush();
    heap_present();
    return 0;
}

int loop_run(struct loop *l)
{
    int r = 0;
    while (!l->stop && r == 0)
        r = loop_once(l, -1);
    l->stop = false;
    return r;
}

void loop_stop(struct loop *l)
{
    l->stop = true;
}

void loop_advance(struct loop *l, uint64_t ms)
{
    assert(l->is_virtual);
    uint64_t end = l->now + ms;
    deferrals_settle(l);
    for (uint64_t next = loop_wheel_next(&l->wheel); next <= end;
         next = loop_wheel_next(&l->wheel)) {
        l->now = next;
        timers_run(l);
        deferrals_settle(l);
    }
    l->now = end;
    timers_run(l);
    deferrals_settle(l);
}
