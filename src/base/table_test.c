#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/table.h"

#define MANY 5000

struct item {
    char key[16];
    bool seen;
};

static struct slice key_of(const void *object)
{
    return slice_from_str(((const struct item *)object)->key);
}

static struct item *find(const struct table *t, const char *name)
{
    const struct table_key k = table_key(slice_from_str(name));
    return table_find(t, &k);
}

static void put(struct table *t, struct item *i)
{
    const struct table_key k = table_key(slice_from_str(i->key));
    int r = table_put(t, &k, i);
    assert_int_equal(r, 0);
}

static void take_out(struct table *t, const struct item *i)
{
    const struct table_key k = table_key(slice_from_str(i->key));
    table_remove(t, &k, i);
}

static struct item *items_new(void)
{
    struct item *items = calloc(MANY, sizeof(*items));
    assert_non_null(items);
    for (int i = 0; i < MANY; i++)
        (void)snprintf(items[i].key, sizeof(items[i].key), "k%d", i);
    return items;
}

static void put_find_remove_over_growth(void **state)
{
    (void)state;
    struct item *items = items_new();
    struct table t;
    size_t seen = 0;
    assert_int_equal(table_init(&t, 1, key_of), 0);
    assert_null(find(&t, "k0"));
    for (int i = 0; i < MANY; i++)
        put(&t, &items[i]);
    assert_int_equal(t.count, MANY);
    for (int i = 0; i < MANY; i++)
        assert_ptr_equal(find(&t, items[i].key), &items[i]);
    assert_null(find(&t, "k5000"));
    for (int i = 0; i < MANY; i += 2)
        take_out(&t, &items[i]);
    for (int i = 0; i < MANY; i++)
        assert_ptr_equal(find(&t, items[i].key), i % 2 ? &items[i] : NULL);
    TABLE_FOR_EACH(struct item, it, &t)
    {
        assert_false(it->seen);
        it->seen = true;
        seen++;
    }
    assert_int_equal(seen, MANY / 2);
    for (int i = 1; i < MANY; i += 2)
        take_out(&t, &items[i]);
    assert_int_equal(t.count, 0);
    table_fini(&t);
    free(items);
}

/* Whoever has left must not be in the way of those who come. */
static void coming_and_going_does_not_grow_it(void **state)
{
    (void)state;
    struct item *items = items_new();
    struct table t;
    assert_int_equal(table_init(&t, 64, key_of), 0);
    for (int i = 0; i < MANY; i++) {
        put(&t, &items[i]);
        if (i >= 20)
            take_out(&t, &items[i - 20]);
    }
    assert_int_equal(t.count, 20);
    assert_int_equal(t.mask, 63);
    for (int i = MANY - 20; i < MANY; i++)
        assert_ptr_equal(find(&t, items[i].key), &items[i]);
    table_clear(&t);
    assert_null(find(&t, items[MANY - 1].key));
    table_fini(&t);
    free(items);
}

static void replaced_and_guessed(void **state)
{
    (void)state;
    struct item a = {.key = "same"}, b = {.key = "same"};
    const struct table_key k = table_key(SLICE_LIT("same")), other = table_key(SLICE_LIT("other"));
    struct table t;
    assert_int_equal(table_init(&t, 1, key_of), 0);
    put(&t, &a);
    table_prefetch(&t, k.hash);
    assert_ptr_equal(table_guess(&t, k.hash), &a);
    assert_null(table_guess(&t, other.hash));
    table_replace(&t, &k, &a, &b);
    assert_ptr_equal(table_find(&t, &k), &b);
    assert_int_equal(t.count, 1);
    table_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_find_remove_over_growth),
        cmocka_unit_test(coming_and_going_does_not_grow_it),
        cmocka_unit_test(replaced_and_guessed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
