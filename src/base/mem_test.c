/* Arena, buffer, list, secret: the small ones in one file. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/secret.h"

static void arena_reuses_its_blocks(void **state)
{
    (void)state;
    struct arena *a = arena_new(1024);
    char *first = arena_alloc(a, 100);
    assert_int_equal((uintptr_t)first % 16, 0);
    memset(first, 'x', 100);
    assert_non_null(arena_alloc(a, 4000)); /* larger than a block */
    assert_null(arena_alloc(a, ARENA_LIMIT + 1));
    arena_reset(a);
    assert_non_null(arena_alloc(a, 4000));
    char *again = arena_alloc(a, 100);
    assert_int_equal(again[0], 0); /* zeroed, though the memory was used before */
    struct slice s = arena_dup(a, SLICE_LIT("abc"));
    assert_true(slice_eq_str(s, "abc"));
    assert_null(arena_free(a));
    assert_null(arena_free(NULL));
}

static void buf_overflow_stays(void **state)
{
    (void)state;
    char mem[5];
    struct buf b = buf_over(mem, sizeof(mem));
    buf_put_str(&b, "abcd");
    assert_false(b.overflow);
    buf_put_u64(&b, 10);
    assert_true(b.overflow);
    assert_int_equal(b.n, 4);
    buf_put_char(&b, 'e');
    assert_int_equal(b.n, 4);
    struct buf c = buf_over(mem, sizeof(mem));
    buf_printf(&c, "%d", 1234);
    assert_false(c.overflow);
    struct buf d = buf_over(mem, sizeof(mem));
    buf_printf(&d, "%d", 12345); /* no room for printf's NUL: the safe side */
    assert_true(d.overflow);
    struct buf e = buf_over(mem, sizeof(mem));
    buf_put_hex(&e, "\x0f\xa0", 2);
    assert_true(slice_eq_str(buf_slice(&e), "0fa0"));
}

struct item {
    int v;
    struct list node;
};

static void list_keeps_order(void **state)
{
    (void)state;
    struct list head;
    struct item i[3] = {{.v = 1}, {.v = 2}, {.v = 3}};
    list_init(&head);
    list_push_back(&head, &i[1].node);
    list_push_back(&head, &i[2].node);
    list_push_front(&head, &i[0].node);
    int want = 1;
    LIST_FOR_EACH(n, &head)
    {
        assert_int_equal(CONTAINER_OF(n, struct item, node)->v, want++);
        list_remove(n);
        list_remove(n);
    }
    assert_true(list_is_empty(&head));
}

static void secret_bounds(void **state)
{
    (void)state;
    struct secret s = {0};
    uint8_t big[SECRET_CAP + 1] = {0};
    assert_int_equal(secret_set(&s, big, SECRET_CAP), 0);
    assert_int_equal(secret_set(&s, big, SECRET_CAP + 1), -EMSGSIZE);
    assert_true(secret_eq("abc", "abc", 3));
    assert_false(secret_eq("abc", "abd", 3));
    secret_fini(&s);
    assert_int_equal(s.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_reuses_its_blocks),
        cmocka_unit_test(buf_overflow_stays),
        cmocka_unit_test(list_keeps_order),
        cmocka_unit_test(secret_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
