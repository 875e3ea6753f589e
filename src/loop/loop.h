/* The event loop of one worker thread: descriptors (epoll, level-triggered), timers (a
 * hierarchical wheel of 1 ms ticks), and work deferred to the end of a wake-up, so that what one
 * wake-up brought is handled as a burst. Nothing here allocates after loop_new: descriptors,
 * timers and deferrals are embedded in their owners and must not move while they are in.
 *
 * Time is milliseconds of CLOCK_MONOTONIC, read once per wake-up. A virtual loop has a clock that
 * only loop_advance moves: tests never sleep. */
#ifndef SOTTO_LOOP_LOOP_H
#define SOTTO_LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"

struct loop;

struct loop_fd {
    int fd; /* -1: not in a loop */
    uint32_t events;
    bool urgent;
    void (*fn)(void *arg, uint32_t events); /* EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP */
    void *arg;
};

struct loop_timer {
    struct list node;
    uint64_t due;
    void (*fn)(void *arg);
    void *arg;
};

struct loop_defer {
    struct list node;
    void (*fn)(void *arg);
    void *arg;
};

int loop_new(struct loop **ret) MUST_CHECK;
int loop_new_virtual(uint64_t now_ms, struct loop **ret) MUST_CHECK;
struct loop *loop_free(struct loop *l);

uint64_t loop_now(const struct loop *l);      /* ms, as of this wake-up */
uint64_t loop_unix_now(const struct loop *l); /* seconds since 1970; the virtual clock starts at
                                                 1,700,000,000 */
uint64_t loop_clock_ns(void); /* CLOCK_MONOTONIC, read now: for what one tick is too coarse for */

/* Runs until loop_stop. -errno where epoll itself fails. */
int loop_run(struct loop *l) MUST_CHECK;
void loop_stop(struct loop *l);
/* One wake-up: waits at most `max_wait_ms` (-1: until something is due). Returns 0 or -errno. */
int loop_once(struct loop *l, int max_wait_ms) MUST_CHECK;
/* Virtual loops: moves the clock, running each timer at its own time, and deferrals. */
void loop_advance(struct loop *l, uint64_t ms);

/* Under load: the next wake-up waits until `ns` have passed since this one began, so that it brings a
 * burst and not a packet. It comes earlier where a timer is due or an urgent descriptor has something.
 * Virtual loops do not wait anyway. */
void loop_gather(struct loop *l, uint64_t ns);
bool loop_gathers(const struct loop *l); /* the next wake-up is put off */

/* fn may delete any descriptor, its own too. */
int loop_fd_add(struct loop *l, struct loop_fd *f, int fd, uint32_t events,
                void (*fn)(void *arg, uint32_t events), void *arg) MUST_CHECK;
int loop_fd_set(struct loop *l, struct loop_fd *f, uint32_t events) MUST_CHECK;
/* One that is in: loop_gather does not keep what comes to it waiting. */
int loop_fd_urge(struct loop *l, struct loop_fd *f) MUST_CHECK;
void loop_fd_del(struct loop *l, struct loop_fd *f); /* does not close; no-op when not in */

void loop_timer_init(struct loop_timer *t, void (*fn)(void *arg), void *arg);
/* (Re)arms; fn runs once, not before `delay_ms` have passed. */
void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t delay_ms);
void loop_timer_cancel(struct loop *l, struct loop_timer *t); /* no-op when not armed */
bool loop_timer_is_armed(const struct loop_timer *t);

void loop_defer_init(struct loop_defer *d, void (*fn)(void *arg), void *arg);
void loop_defer_add(struct loop *l, struct loop_defer *d); /* no-op when already in */
void loop_defer_cancel(struct loop_defer *d);

#endif
