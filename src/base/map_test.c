#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/map.h"

struct item {
    struct map_node node;
    char key[16];
    int v;
};

static void put_find_remove_over_growth(void **state)
{
    (void)state;
    static struct item items[5000];
    struct map m;
    assert_int_equal(map_init(&m, 4), 0);
    for (int i = 0; i < 5000; i++) {
        snprintf(items[i].key, sizeof(items[i].key), "k%d", i);
        items[i].v = i;
        map_put(&m, &items[i].node, slice_from_str(items[i].key));
    }
    assert_int_equal(m.count, 5000);
    for (int i = 0; i < 5000; i++) {
        struct map_node *n = map_find(&m, slice_from_str(items[i].key));
        assert_ptr_equal(n, &items[i].node);
    }
    for (int i = 0; i < 5000; i += 2)
        map_remove(&m, &items[i].node);
    assert_null(map_find(&m, SLICE_LIT("k0")));
    assert_non_null(map_find(&m, SLICE_LIT("k1")));
    int seen = 0;
    MAP_FOR_EACH(n, &m)
    {
        seen++;
        map_remove(&m, n);
    }
    assert_int_equal(seen, 2500);
    assert_int_equal(m.count, 0);
    map_fini(&m);
}

static void equal_keys_come_last_put_first(void **state)
{
    (void)state;
    struct item a = {.v = 1}, b = {.v = 2}, fill[64];
    struct map m;
    assert_int_equal(map_init(&m, 1), 0);
    map_put(&m, &a.node, SLICE_LIT("x"));
    map_put(&m, &b.node, SLICE_LIT("x"));
    for (size_t i = 0; i < ARRAY_LEN(fill); i++) { /* grows the table between */
        snprintf(fill[i].key, sizeof(fill[i].key), "f%zu", i);
        map_put(&m, &fill[i].node, slice_from_str(fill[i].key));
    }
    struct map_node *n = map_find(&m, SLICE_LIT("x"));
    assert_ptr_equal(n, &b.node);
    n = map_find_next(n);
    assert_ptr_equal(n, &a.node);
    assert_null(map_find_next(n));
    map_fini(&m);
}

/* SipHash-1-3 of the bytes 0..14 under the key 0..15. */
static void siphash_is_siphash(void **state)
{
    (void)state;
    uint8_t key[16], in[15];
    for (uint8_t i = 0; i < 16; i++)
        key[i] = i;
    for (uint8_t i = 0; i < 15; i++)
        in[i] = i;
    assert_int_equal(map_siphash13(key, slice_from(in, 0)), 0xabac0158050fc4dcull);
    assert_true(map_siphash13(key, slice_from(in, 15)) != map_siphash13(key, slice_from(in, 14)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_find_remove_over_growth),
        cmocka_unit_test(equal_keys_come_last_put_first),
        cmocka_unit_test(siphash_is_siphash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
