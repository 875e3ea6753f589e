#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "app/proc.h"

/* Every cell, as a sentence. */
static void all_cells_of_the_table(void **state)
{
    (void)state;
    for (int st = 0; st < PROC_STATE_COUNT; st++) {
        for (int ev = 0; ev < PROC_EVENT_COUNT; ev++) {
            const struct proc_step *s = &proc_steps[st][ev];
            bool alive = st == PROC_STARTING || st == PROC_READY;
            enum proc_action act = PROC_ACT_NONE;
            enum proc_state next = (enum proc_state)st;
            if (ev == PROC_EVENT_DUE && st == PROC_DOWN) {
                act = PROC_ACT_SPAWN;
                next = PROC_STARTING;
            }
            if (ev == PROC_EVENT_READY && st == PROC_STARTING) {
                act = PROC_ACT_WORK;
                next = PROC_READY;
            }
            if ((ev == PROC_EVENT_LOST || ev == PROC_EVENT_HUNG) && alive) {
                act = PROC_ACT_KILL;
                next = PROC_DYING;
            }
            if (ev == PROC_EVENT_EXITED && st != PROC_DOWN) {
                act = PROC_ACT_BURY;
                next = PROC_DOWN;
            }
            assert_int_equal(s->action, act);
            assert_int_equal(s->next, next);
        }
    }
}

static void the_fifth_death_in_ten_seconds_waits(void **state)
{
    (void)state;
    struct proc p = {0};
    for (uint64_t i = 0; i < PROC_DEATHS_MAX - 1; i++)
        assert_int_equal(proc_pause_ms(&p, 1000 + i), 0);
    assert_int_equal(proc_pause_ms(&p, 1000 + PROC_DEATHS_MS), PROC_PAUSE_MS);
    assert_int_equal(proc_pause_ms(&p, 1002 + PROC_DEATHS_MS), 0); /* the fifth last is too old */
    assert_int_equal(proc_pause_ms(&p, 1002 + PROC_DEATHS_MS), PROC_PAUSE_MS);
    struct proc q = {0};
    for (uint64_t i = 0; i < 100; i++) /* never more than four in ten seconds */
        assert_int_equal(proc_pause_ms(&q, i * 2501), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_cells_of_the_table),
        cmocka_unit_test(the_fifth_death_in_ten_seconds_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
