#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "loop/loop.h"

struct probe {
    struct loop *l;
    struct loop_timer t;
    uint64_t ran_at;
    int ran;
    int again; /* times to set itself again */
    uint64_t again_ms;
    struct loop_timer *kill;
};

static void probe_ran(void *arg)
{
    struct probe *p = arg;
    p->ran++;
    p->ran_at = loop_now(p->l);
    if (p->again-- > 0)
        loop_timer_set(p->l, &p->t, p->again_ms);
    if (p->kill)
        loop_timer_cancel(p->l, p->kill);
}

static void probe_init(struct probe *p, struct loop *l)
{
    *p = (struct probe){.l = l};
    loop_timer_init(&p->t, probe_ran, p);
}

static struct loop *virtual_at(uint64_t now)
{
    struct loop *l;
    assert_int_equal(loop_new_virtual(now, &l), 0);
    return l;
}

static void timer_runs_once_and_at_its_time(void **state)
{
    (void)state;
    struct loop *l = virtual_at(5000);
    struct probe p;
    probe_init(&p, l);
    assert_false(loop_timer_is_armed(&p.t));
    loop_timer_set(l, &p.t, 500);
    assert_true(loop_timer_is_armed(&p.t));
    loop_advance(l, 499);
    assert_int_equal(p.ran, 0);
    loop_advance(l, 1);
    assert_int_equal(p.ran, 1);
    assert_int_equal(p.ran_at, 5500);
    assert_false(loop_timer_is_armed(&p.t));
    loop_advance(l, 100000);
    assert_int_equal(p.ran, 1);
    assert_int_equal(loop_now(l), 105500);
    assert_int_equal(loop_unix_now(l), 1700000100);
    loop_free(l);
}

static void timer_set_again_moves(void **state)
{
    (void)state;
    struct loop *l = virtual_at(0);
    struct probe p;
    probe_init(&p, l);
    loop_timer_set(l, &p.t, 10);
    loop_timer_set(l, &p.t, 10000);
    loop_advance(l, 9999);
    assert_int_equal(p.ran, 0);
    loop_timer_set(l, &p.t, 3);
    loop_advance(l, 3);
    assert_int_equal(p.ran, 1);
    loop_timer_cancel(l, &p.t);
    loop_timer_cancel(l, &p.t);
    loop_free(l);
}

static void timer_sets_itself_within_its_callback(void **state)
{
    (void)state;
    struct loop *l = virtual_at(63);
    struct probe p;
    probe_init(&p, l);
    p.again = 9;
    p.again_ms = 100;
    loop_timer_set(l, &p.t, 100);
    loop_advance(l, 1000);
    assert_int_equal(p.ran, 10);
    assert_int_equal(p.ran_at, 1063);
    p.again = 3;
    p.again_ms = 0; /* not in the same tick */
    loop_timer_set(l, &p.t, 0);
    loop_advance(l, 2);
    assert_int_equal(p.ran, 12);
    loop_advance(l, 100);
    assert_int_equal(p.ran, 14);
    loop_free(l);
}

static void timers_of_one_tick_run_in_order_and_may_cancel_each_other(void **state)
{
    (void)state;
    struct loop *l = virtual_at(1);
    struct probe p[4];
    for (int i = 0; i < 4; i++) {
        probe_init(&p[i], l);
        loop_timer_set(l, &p[i].t, 77);
    }
    p[0].kill = &p[2].t;
    p[1].kill = &p[3].t;
    loop_advance(l, 77);
    assert_int_equal(p[0].ran, 1);
    assert_int_equal(p[1].ran, 1);
    assert_int_equal(p[2].ran, 0);
    assert_int_equal(p[3].ran, 0);
    assert_false(loop_timer_is_armed(&p[3].t));
    loop_free(l);
}

struct doomed {
    struct loop_timer t;
    struct doomed **other;
    struct loop *l;
};

static void doomed_ran(void *arg)
{
    struct doomed *d = arg;
    struct doomed *other = *d->other;
    if (other) {
        loop_timer_cancel(d->l, &other->t);
        free(other);
        *d->other = NULL;
    }
    /* The other one's pointer to us is dead with it. */
    free(d);
}

static void timer_callback_frees_its_own_object_and_a_pending_one(void **state)
{
    (void)state;
    struct loop *l = virtual_at(1);
    struct doomed *d[2];
    for (int i = 0; i < 2; i++) {
        d[i] = malloc(sizeof(*d[i]));
        *d[i] = (struct doomed){.other = &d[1 - i], .l = l};
        loop_timer_init(&d[i]->t, doomed_ran, d[i]);
        loop_timer_set(l, &d[i]->t, 5);
    }
    loop_advance(l, 10);
    assert_null(d[1]);
    loop_free(l);
}

static void wheel_cascades_over_hours(void **state)
{
    (void)state;
    /* Starts just before a carry over several digits of the wheel. */
    static const uint64_t starts[] = {0, 63, 4095, 262143, (1u << 24) - 1, (1ull << 36) - 7};
    static const uint64_t delays[] = {
        1,     2,      63,      64,       65,       4095,    4096,     4097,
        32000, 262144, 3600000, 16777216, 86400000, 7200001, 1u << 30, (1ull << 37) + 3};
    for (size_t s = 0; s < ARRAY_LEN(starts); s++) {
        struct loop *l = virtual_at(starts[s]);
        struct probe p[ARRAY_LEN(delays)];
        for (size_t i = 0; i < ARRAY_LEN(delays); i++) {
            probe_init(&p[i], l);
            loop_timer_set(l, &p[i].t, delays[i]);
        }
        loop_advance(l, 1ull << 38);
        for (size_t i = 0; i < ARRAY_LEN(delays); i++) {
            assert_int_equal(p[i].ran, 1);
            assert_int_equal(p[i].ran_at, starts[s] + delays[i]);
        }
        loop_free(l);
    }
}

static void timer_beyond_the_wheels_end_is_clamped(void **state)
{
    (void)state;
    struct loop *l = virtual_at(1000);
    struct probe p;
    probe_init(&p, l);
    loop_timer_set(l, &p.t, UINT64_MAX);
    loop_advance(l, 1ull << 46);
    assert_int_equal(p.ran, 0);
    assert_true(loop_timer_is_armed(&p.t));
    loop_timer_cancel(l, &p.t);
    loop_free(l);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void hundred_thousand_timers_with_churn(void **state)
{
    (void)state;
    enum { N = 100000 };
    struct loop *l = virtual_at(12345);
    struct probe *p = calloc(N, sizeof(*p));
    uint64_t *due = calloc(N, sizeof(*due));
    uint32_t seed = 7;
    for (int i = 0; i < N; i++) {
        probe_init(&p[i], l);
        uint64_t d = 1 + next_random(&seed) % 400000;
        loop_timer_set(l, &p[i].t, d);
        due[i] = 12345 + d;
    }
    for (int round = 0; round < 20; round++) {
        loop_advance(l, 10000);
        for (int i = round; i < N; i += 20) {
            if (!loop_timer_is_armed(&p[i].t))
                continue;
            loop_timer_cancel(l, &p[i].t);
            due[i] = 0;
            if (i & 1) {
                uint64_t d = 1 + next_random(&seed) % 100000;
                loop_timer_set(l, &p[i].t, d);
                due[i] = loop_now(l) + d;
            }
        }
    }
    loop_advance(l, 1000000);
    for (int i = 0; i < N; i++) {
        assert_int_equal(p[i].ran, due[i] != 0);
        if (due[i])
            assert_int_equal(p[i].ran_at, due[i]);
    }
    free(p);
    free(due);
    loop_free(l);
}

static void what_is_armed_when_the_loop_goes_is_let_go(void **state)
{
    (void)state;
    struct loop *l = virtual_at(0);
    struct probe p;
    probe_init(&p, l);
    loop_timer_set(l, &p.t, 5);
    loop_free(l);
    assert_false(loop_timer_is_armed(&p.t));
    assert_null(loop_free(NULL));
}

/* --- deferrals --- */

struct dprobe {
    struct loop *l;
    struct loop_defer d;
    int ran, again;
    struct loop_defer *kill;
};

static void dprobe_ran(void *arg)
{
    struct dprobe *p = arg;
    p->ran++;
    if (p->again-- > 0)
        loop_defer_add(p->l, &p->d);
    if (p->kill)
        loop_defer_cancel(p->kill);
}

static void deferrals_run_once_and_cancel_each_other(void **state)
{
    (void)state;
    struct loop *l = virtual_at(0);
    struct dprobe p[3];
    for (int i = 0; i < 3; i++) {
        p[i] = (struct dprobe){.l = l};
        loop_defer_init(&p[i].d, dprobe_ran, &p[i]);
        loop_defer_add(l, &p[i].d);
        loop_defer_add(l, &p[i].d);
    }
    p[0].kill = &p[1].d;
    p[2].again = 2;
    assert_int_equal(loop_once(l, 0), 0);
    assert_int_equal(p[0].ran, 1);
    assert_int_equal(p[1].ran, 0);
    assert_int_equal(p[2].ran, 1);         /* the second time belongs to the next wake-up */
    assert_int_equal(loop_once(l, -1), 0); /* which does not wait */
    assert_int_equal(p[2].ran, 2);
    loop_advance(l, 0);
    assert_int_equal(p[2].ran, 3);
    loop_free(l);
}

struct burst {
    struct loop *l;
    struct loop_defer d;
    int items, items_at_flush;
};

static void burst_flush(void *arg)
{
    struct burst *b = arg;
    b->items_at_flush = b->items;
}

static void burst_item(void *arg)
{
    struct burst *b = arg;
    b->items++;
    loop_defer_add(b->l, &b->d);
}

static void deferrals_come_after_all_timers_of_the_wake_up(void **state)
{
    (void)state;
    struct loop *l = virtual_at(0);
    struct burst b = {.l = l};
    loop_defer_init(&b.d, burst_flush, &b);
    struct loop_timer t[5];
    for (int i = 0; i < 5; i++) {
        loop_timer_init(&t[i], burst_item, &b);
        loop_timer_set(l, &t[i], 3);
    }
    loop_advance(l, 3);
    assert_int_equal(b.items_at_flush, 5);
    loop_free(l);
}

/* --- descriptors --- */

struct fprobe {
    struct loop *l;
    struct loop_fd f;
    int pipe[2];
    int ran;
    uint32_t events;
    struct fprobe *kill;
    bool reuse; /* add the killed one's memory again under another descriptor */
};

static void fprobe_ran(void *arg, uint32_t events)
{
    struct fprobe *p = arg;
    p->ran++;
    p->events = events;
    if (p->kill) {
        struct fprobe *victim = p->kill;
        loop_fd_del(p->l, &victim->f);
        if (p->reuse)
            assert_int_equal(
                loop_fd_add(p->l, &victim->f, victim->pipe[1], EPOLLIN, fprobe_ran, victim), 0);
    }
}

static void fprobe_open(struct fprobe *p, struct loop *l)
{
    *p = (struct fprobe){.l = l, .f = {.fd = -1}};
    assert_int_equal(pipe(p->pipe), 0);
    assert_int_equal(loop_fd_add(l, &p->f, p->pipe[0], EPOLLIN, fprobe_ran, p), 0);
}

static void fprobe_close(struct fprobe *p)
{
    loop_fd_del(p->l, &p->f);
    loop_fd_del(p->l, &p->f);
    close(p->pipe[0]);
    close(p->pipe[1]);
}

static void descriptor_is_level_triggered_and_can_be_masked(void **state)
{
    (void)state;
    struct loop *l = virtual_at(0);
    struct fprobe p;
    fprobe_open(&p, l);
    assert_int_equal(loop_once(l, 0), 0);
    assert_int_equal(p.ran, 0);
    assert_int_equal(write(p.pipe[1], "x", 1), 1);
    assert_int_equal(loop_once(l, 0), 0);
    assert_int_equal(loop_once(l, 0), 0);
    assert_int_equal(p.ran, 2);
    assert_int_equal(loop_fd_set(l, &p.f, 0), 0);
    assert_int_equal(loop_once(l, 0), 0);
    assert_int_equal(p.ran, 2);
    assert_int_equal(loop_fd_set(l, &p.f, EPOLLIN), 0);
    assert_int_equal(loop_once(l, 0), 0);
    assert_int_equal(p.ran, 3);
    fprobe_close(&p);
    struct loop_fd bad = {.fd = -1};
    assert_int_equal(loop_fd_add(l, &bad, -1, EPOLLIN, fprobe_ran, &p), -EBADF);
    loop_fd_del(l, &bad);
    struct loop_fd zeroed = {0};
    loop_fd_del(l, &zeroed);
    loop_free(l);
}

static void descriptors_deleted_within_a_batch_are_not_called(void **state)
{
    (void)state;
    for (int reuse = 0; reuse < 2; reuse++) {
        struct loop *l = virtual_at(0);
        struct fprobe a, b;
        fprobe_open(&a, l);
        fprobe_open(&b, l);
        a.kill = &b;
        b.kill = &a;
        a.reuse = b.reuse = reuse;
        assert_int_equal(write(a.pipe[1], "x", 1), 1);
        assert_int_equal(write(b.pipe[1], "x", 1), 1);
        assert_int_equal(loop_once(l, 0), 0);
        assert_int_equal(a.ran + b.ran, 1); /* whichever came first struck out the other */
        fprobe_close(&a);
        fprobe_close(&b);
        loop_free(l);
    }
}

static void descriptor_deletes_itself(void **state)
{
    (void)state;
    struct loop *l = virtual_at(0);
    struct fprobe a;
    fprobe_open(&a, l);
    a.kill = &a;
    assert_int_equal(write(a.pipe[1], "x", 1), 1);
    assert_int_equal(loop_once(l, 0), 0);
    assert_int_equal(loop_once(l, 0), 0);
    assert_int_equal(a.ran, 1);
    assert_int_equal(a.f.fd, -1);
    fprobe_close(&a);
    loop_free(l);
}

static void stop_now(void *arg)
{
    loop_stop(arg);
}

static void real_loop_waits_for_its_timers(void **state)
{
    (void)state;
    struct loop *l;
    assert_int_equal(loop_new(&l), 0);
    uint64_t before = loop_clock_ns();
    assert_true(loop_unix_now(l) > 1700000000);
    struct loop_timer t;
    loop_timer_init(&t, stop_now, l);
    loop_timer_set(l, &t, 3);
    assert_int_equal(loop_run(l), 0);
    assert_true(loop_clock_ns() - before >= 3000000u);
    /* A stop before the run ends it at once, and only that one. */
    loop_stop(l);
    assert_int_equal(loop_run(l), 0);
    assert_int_equal(loop_once(l, 0), 0);
    loop_free(l);
}

/* --- gathering --- */

#define LONG_NS 60000000000u /* a test that waits for its end has failed */
#define SHORT_NS 5000000u

static void real_open(struct fprobe *p, struct loop **ret)
{
    assert_int_equal(loop_new(ret), 0);
    fprobe_open(p, *ret);
    assert_int_equal(write(p->pipe[1], "x", 1), 1);
}

static void gathering_puts_off_one_wake_up(void **state)
{
    (void)state;
    struct loop *l;
    struct fprobe p;
    real_open(&p, &l);
    uint64_t before = loop_clock_ns();
    assert_int_equal(loop_once(l, -1), 0);
    loop_gather(l, SHORT_NS);
    assert_true(loop_gathers(l));
    assert_int_equal(loop_once(l, -1), 0);
    assert_true(loop_clock_ns() - before >= SHORT_NS);
    assert_int_equal(p.ran, 2);
    assert_false(loop_gathers(l));
    fprobe_close(&p);
    loop_free(l);
}

static void gathering_ends_with_what_is_urgent(void **state)
{
    (void)state;
    struct loop *l;
    struct fprobe p, u;
    real_open(&p, &l);
    fprobe_open(&u, l);
    assert_int_equal(loop_fd_urge(l, &u.f), 0);
    assert_int_equal(loop_once(l, -1), 0);
    assert_int_equal(write(u.pipe[1], "x", 1), 1);
    uint64_t before = loop_clock_ns();
    loop_gather(l, LONG_NS);
    assert_int_equal(loop_once(l, -1), 0);
    assert_true(loop_clock_ns() - before < LONG_NS);
    assert_int_equal(u.ran, 1);
    fprobe_close(&u); /* and what is deleted is not urgent any more */
    loop_gather(l, SHORT_NS);
    assert_int_equal(loop_once(l, -1), 0);
    assert_int_equal(u.ran, 1);
    fprobe_close(&p);
    loop_free(l);
}

static void gathering_ends_with_a_timer_and_a_deferral(void **state)
{
    (void)state;
    struct loop *l;
    struct fprobe p;
    struct loop_timer t;
    struct dprobe d = {.again = 1};
    real_open(&p, &l);
    loop_timer_init(&t, stop_now, l);
    loop_timer_set(l, &t, 2);
    uint64_t before = loop_clock_ns();
    loop_gather(l, LONG_NS);
    while (loop_timer_is_armed(&t))
        assert_int_equal(loop_once(l, -1), 0);
    d.l = l;
    loop_defer_init(&d.d, dprobe_ran, &d);
    loop_defer_add(l, &d.d);
    loop_gather(l, LONG_NS);
    assert_int_equal(loop_once(l, -1), 0);
    assert_int_equal(d.ran, 1);
    assert_true(loop_clock_ns() - before < LONG_NS);
    fprobe_close(&p);
    loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timer_runs_once_and_at_its_time),
        cmocka_unit_test(timer_set_again_moves),
        cmocka_unit_test(timer_sets_itself_within_its_callback),
        cmocka_unit_test(timers_of_one_tick_run_in_order_and_may_cancel_each_other),
        cmocka_unit_test(timer_callback_frees_its_own_object_and_a_pending_one),
        cmocka_unit_test(wheel_cascades_over_hours),
        cmocka_unit_test(timer_beyond_the_wheels_end_is_clamped),
        cmocka_unit_test(hundred_thousand_timers_with_churn),
        cmocka_unit_test(what_is_armed_when_the_loop_goes_is_let_go),
        cmocka_unit_test(deferrals_run_once_and_cancel_each_other),
        cmocka_unit_test(deferrals_come_after_all_timers_of_the_wake_up),
        cmocka_unit_test(descriptor_is_level_triggered_and_can_be_masked),
        cmocka_unit_test(descriptors_deleted_within_a_batch_are_not_called),
        cmocka_unit_test(descriptor_deletes_itself),
        cmocka_unit_test(real_loop_waits_for_its_timers),
        cmocka_unit_test(gathering_puts_off_one_wake_up),
        cmocka_unit_test(gathering_ends_with_what_is_urgent),
        cmocka_unit_test(gathering_ends_with_a_timer_and_a_deferral),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
