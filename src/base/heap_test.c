#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/heap.h"

#define PAGE ((uintptr_t)4096)
#define PIECE 1000
#define PIECES 200

static bool is_present(uintptr_t at)
{
    unsigned char v = 0;
    assert_int_equal(mincore((void *)(at & ~(PAGE - 1)), PAGE, &v), 0);
    return v & 1;
}

static void what_the_heap_grew_by_is_there(void **state)
{
    (void)state;
    static void *pieces[PIECES];
    heap_init();
    uintptr_t before = (uintptr_t)sbrk(0);
    for (size_t i = 0; i < PIECES; i++) {
        pieces[i] = malloc(PIECE);
        assert_non_null(pieces[i]);
    }
    uintptr_t end = (uintptr_t)sbrk(0);
    if (end == before)
        skip();                           /* a malloc without that heap: a sanitizer's */
    assert_false(is_present(end - PAGE)); /* room that malloc has not written to */
    heap_present();
    for (uintptr_t at = (before + PAGE - 1) & ~(PAGE - 1); at < end; at += PAGE)
        assert_true(is_present(at));
    heap_present(); /* again: nothing to do */
    for (size_t i = 0; i < PIECES; i++)
        free(pieces[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_the_heap_grew_by_is_there)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
