#include "txn/answers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct slice text_of(uint64_t i)
{
    static char text[2000];
    int n = snprintf(text, sizeof(text), "answer %llu %0*d", (unsigned long long)i,
                     (int)(i * 37 % 1500), 0);
    return slice_from(text, (size_t)n);
}

/* Some keys share their low bits: chains, and holes in the middle of them. */
static uint64_t key_of(uint64_t i)
{
    return i % 3 ? i * 0x9e3779b97f4a7c15u : i << 40 | 5;
}

static bool is_there(const struct txn_answers *a, uint64_t i)
{
    struct slice s;
    return txn_answers_find(a, key_of(i), &s) && slice_eq(s, text_of(i));
}

static void answers_leave_in_their_order(void **state)
{
    (void)state;
    struct txn_answers a;
    const uint64_t n = 5000, window = 700;
    assert_int_equal(txn_answers_init(&a), 0);
    assert_true(txn_answers_oldest(&a) == UINT64_MAX);
    for (uint64_t i = 1; i <= n; i++) {
        txn_answers_put(&a, key_of(i), i % 5 ? 0 : ~key_of(i), i, text_of(i));
        assert_true(is_there(&a, i));
        if (a.count > window)
            txn_answers_drop(&a);
        if (i % 97)
            continue;
        uint64_t first = txn_answers_oldest(&a);
        assert_int_equal(a.count, i - first + 1);
        for (uint64_t k = 1; k <= i; k++) {
            assert_true(is_there(&a, k) == (k >= first));
            assert_true(txn_answers_has(&a, ~key_of(k)) == (k >= first && k % 5 == 0));
        }
    }
    while (a.count)
        txn_answers_drop(&a);
    assert_int_equal(a.used, 0);
    assert_null(a.first);
    txn_answers_fini(&a);
}

static void one_larger_than_a_chunk_is_kept_too(void **state)
{
    (void)state;
    struct txn_answers a;
    struct slice s;
    char *big = malloc(200000);
    assert_non_null(big);
    memset(big, 'x', 200000);
    assert_int_equal(txn_answers_init(&a), 0);
    txn_answers_put(&a, 1, 0, 1, text_of(1));
    txn_answers_put(&a, 2, 0, 2, slice_from(big, 200000));
    txn_answers_put(&a, 3, 0, 3, SLICE_NONE);
    assert_true(txn_answers_find(&a, 2, &s));
    assert_int_equal(s.n, 200000);
    assert_true(txn_answers_find(&a, 3, &s));
    assert_int_equal(s.n, 0);
    txn_answers_drop(&a);
    txn_answers_drop(&a);
    assert_false(txn_answers_has(&a, 2));
    assert_true(txn_answers_has(&a, 3));
    free(big);
    txn_answers_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_leave_in_their_order),
        cmocka_unit_test(one_larger_than_a_chunk_is_kept_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
