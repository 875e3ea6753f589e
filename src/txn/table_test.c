#include "txn/priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* --- the tables --- */

static void every_cell_is_written_out(void **state)
{
    (void)state;
    for (int invite = 0; invite < 2; invite++) {
        for (int s = 0; s < CLIENT_STATE_COUNT; s++) {
            for (int in = 0; in < CLIENT_IN_COUNT; in++) {
                const struct txn_cell *c = &txn_client_table[invite][s][in];
                assert_int_not_equal(c->act, CLIENT_ACT_HOLE);
                assert_true(c->act < CLIENT_ACT_COUNT && c->next < CLIENT_STATE_COUNT);
                /* Nothing comes back from the end, and nothing impossible moves. */
                if (s == CLIENT_TERMINATED || c->act == CLIENT_ACT_NEVER)
                    assert_int_equal(c->next, s);
                /* Who is told of a failure is at the end. */
                if (c->act == CLIENT_ACT_TIMEOUT || c->act == CLIENT_ACT_ERROR)
                    assert_int_equal(c->next, CLIENT_TERMINATED);
            }
            /* No state lasts without something that ends it. */
            if (s != CLIENT_TERMINATED && (invite || s != CLIENT_ACCEPTED))
                assert_int_not_equal(txn_client_entry[invite][s].life, TXN_LIFE_OFF);
        }
        for (int s = 0; s < SERVER_STATE_COUNT; s++) {
            for (int in = 0; in < SERVER_IN_COUNT; in++) {
                const struct txn_cell *c = &txn_server_table[invite][s][in];
                assert_int_not_equal(c->act, SERVER_ACT_HOLE);
                assert_true(c->act < SERVER_ACT_COUNT && c->next < SERVER_STATE_COUNT);
                if (s == SERVER_TERMINATED || c->act == SERVER_ACT_NEVER)
                    assert_int_equal(c->next, s);
                if (c->act == SERVER_ACT_TIMEOUT)
                    assert_int_equal(c->next, SERVER_TERMINATED);
            }
        }
    }
}

/* Where a timer does not run, its input is impossible; where it runs, it has an effect. */
static void timers_and_cells_agree(void **state)
{
    (void)state;
    for (int invite = 0; invite < 2; invite++) {
        for (int s = 0; s < CLIENT_STATE_COUNT; s++) {
            const struct txn_entry *e = &txn_client_entry[invite][s];
            const struct txn_cell *row = txn_client_table[invite][s];
            assert_int_equal(e->retry == TXN_RETRY_OFF,
                             row[CLIENT_IN_RETRY].act == CLIENT_ACT_NEVER);
            assert_int_equal(e->life == TXN_LIFE_OFF, row[CLIENT_IN_LIFE].act == CLIENT_ACT_NEVER);
        }
        for (int s = 0; s < SERVER_STATE_COUNT; s++) {
            const struct txn_entry *e = &txn_server_entry[invite][s];
            const struct txn_cell *row = txn_server_table[invite][s];
            assert_int_equal(e->retry == TXN_RETRY_OFF,
                             row[SERVER_IN_RETRY].act == SERVER_ACT_NEVER);
            assert_int_equal(e->life == TXN_LIFE_OFF, row[SERVER_IN_LIFE].act == SERVER_ACT_NEVER);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_is_written_out),
        cmocka_unit_test(timers_and_cells_agree),
    };
    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
