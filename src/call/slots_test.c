/* Slots of several sizes in one memfd: memory only for what is used, nobody's page given back under
 * his feet, and found again by the next life. */
#include "call/slots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "call/call.h"
#include "ipc/ipc.h"

#define COUNT 200u

struct fixture {
    int fd;
    struct slots s;
};

static void begin(struct fixture *f)
{
    assert_int_equal(ipc_memfd_new("test", slots_size(COUNT), &f->fd), 0);
    assert_int_equal(slots_init(&f->s, f->fd, COUNT), 0);
}

static void again(struct fixture *f)
{
    slots_fini(&f->s);
    assert_int_equal(slots_init(&f->s, f->fd, COUNT), 0);
}

static void end(struct fixture *f)
{
    slots_fini(&f->s);
    close(f->fd);
}

static uint64_t memory_of(const struct fixture *f)
{
    struct stat st;
    assert_int_equal(fstat(f->fd, &st), 0);
    return (uint64_t)st.st_blocks * 512;
}

/* Taken, and filled with a byte. */
static uint32_t fill(struct fixture *f, size_t n, uint8_t with)
{
    uint32_t slot = slots_take(&f->s, n);
    assert_int_not_equal(slot, SLOT_NONE);
    assert_true(n <= slots_cap(&f->s, slot));
    assert_true(slots_is_best(&f->s, slot, n));
    for (size_t i = 0; i < slots_cap(&f->s, slot); i++)
        assert_int_equal(slots_at(&f->s, slot)[i], 0);
    memset(slots_at(&f->s, slot), with, n);
    return slot;
}

static void assert_filled(const struct fixture *f, uint32_t slot, size_t n, uint8_t with)
{
    for (size_t i = 0; i < slots_cap(&f->s, slot); i++)
        assert_int_equal(slots_at(&f->s, slot)[i], i < n ? with : 0);
}

static void drop(struct fixture *f, uint32_t slot)
{
    memset(slots_at(&f->s, slot), 0, slots_cap(&f->s, slot));
    slots_release(&f->s, slot);
}

static void test_the_smallest_that_fits(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    const size_t sizes[] = {1, 1280, 1281, 2048, 2305, 12289, CALL_SNAPSHOT_MAX};
    uint32_t slots[ARRAY_LEN(sizes)];
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        slots[i] = fill(&f, sizes[i], (uint8_t)(i + 1));
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        assert_filled(&f, slots[i], sizes[i], (uint8_t)(i + 1));
    assert_int_equal(slots_take(&f.s, CALL_SNAPSHOT_MAX + 1), SLOT_NONE);
    assert_false(slots_is_best(&f.s, slots[2], 1280));
    assert_false(slots_is_best(&f.s, slots[0], 1281));
    end(&f);
}

static void test_several_share_a_page(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    for (uint32_t i = 0; i < COUNT; i++)
        fill(&f, 1280, 1);
    assert_true(memory_of(&f) <= COUNT * 1280 + 4096);
    uint32_t slot = slots_take(&f.s, 1280); /* the next size */
    assert_int_equal(slots_cap(&f.s, slot), 1536);
    end(&f);
}

/* Every other one stays: what shares its pages goes, and it loses nothing. */
static void test_neighbours_keep_their_pages(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t slots[COUNT];
    begin(&f);
    for (uint32_t i = 0; i < COUNT; i++)
        slots[i] = fill(&f, 1500, (uint8_t)(i % 250 + 1));
    for (uint32_t i = 0; i < COUNT; i += 2)
        drop(&f, slots[i]);
    for (uint32_t i = 1; i < COUNT; i += 2)
        assert_filled(&f, slots[i], 1500, (uint8_t)(i % 250 + 1));
    for (uint32_t i = 1; i < COUNT; i += 2)
        drop(&f, slots[i]);
    assert_true(memory_of(&f) <= (COUNT / 32 + 2) * 2 * 4096);
    for (uint32_t i = 0; i < COUNT; i++) /* all of them are there again, and empty */
        slots[i] = fill(&f, 1500, 7);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_filled(&f, slots[i], 1500, 7);
    end(&f);
}

static void test_found_by_the_next_life(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t slots[COUNT], at = 0;
    size_t found = 0;
    begin(&f);
    for (uint32_t i = 0; i < COUNT; i++)
        slots[i] = fill(&f, i % 3 ? 1280 : 9000, (uint8_t)(i % 250 + 1));
    for (uint32_t i = 0; i < COUNT; i++) {
        if (i % 5)
            drop(&f, slots[i]);
    }
    again(&f);
    for (; (at = slots_next(&f.s, at)) != SLOT_NONE; at++) {
        if (slots_at(&f.s, at)[0] == 0)
            continue;
        slots_claim(&f.s, at);
        found++;
    }
    slots_settle(&f.s);
    assert_int_equal(found, COUNT / 5);
    uint64_t memory = memory_of(&f);
    for (uint32_t i = 0; i < COUNT; i += 5)
        assert_filled(&f, slots[i], i % 3 ? 1280 : 9000, (uint8_t)(i % 250 + 1));
    assert_true(memory <= COUNT / 5 * (12288 + 2 * 4096)); /* the rest has been given back */
    for (uint32_t i = 0; i < COUNT - COUNT / 5; i++)
        fill(&f, 1280, 0xee);
    for (uint32_t i = 0; i < COUNT; i += 5)
        assert_filled(&f, slots[i], i % 3 ? 1280 : 9000, (uint8_t)(i % 250 + 1));
    end(&f);
}

static void test_too_small(void **state)
{
    (void)state;
    struct slots s;
    int fd;
    assert_int_equal(ipc_memfd_new("test", slots_size(COUNT) - 1, &fd), 0);
    assert_int_equal(slots_init(&s, fd, COUNT), -EINVAL);
    slots_fini(&s);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_smallest_that_fits),
        cmocka_unit_test(test_several_share_a_page),
        cmocka_unit_test(test_neighbours_keep_their_pages),
        cmocka_unit_test(test_found_by_the_next_life),
        cmocka_unit_test(test_too_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
