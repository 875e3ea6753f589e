#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/cores.h"

static void a_share_is_rounded_up(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t cores;
    } rows[] = {
        {"max 100000\n", 0},       {"200000 100000\n", 2}, {"150000 100000\n", 2},
        {"10000 100000\n", 1},     {"100000 50000", 2},    {"", 0},
        {"0 100000\n", 0},         {"100000\n", 0},        {"100000 0\n", 0},
        {"99999999999 100000", 0}, {"-1 100000", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (cores_of_quota(slice_from_str(rows[i].text)) != rows[i].cores)
            fail_msg("%s", rows[i].text);
    }
}

static char root[] = "/tmp/cores-XXXXXX";

static void group_make(const char *path, const char *cpu_max)
{
    char at[128];
    snprintf(at, sizeof(at), "%s%s", root, path);
    (void)mkdir(at, 0700);
    snprintf(at, sizeof(at), "%s%s/cpu.max", root, path);
    FILE *f = fopen(at, "w");
    assert_non_null(f);
    fputs(cpu_max, f);
    assert_int_equal(fclose(f), 0);
}

static void group_remove(const char *path)
{
    char at[128];
    snprintf(at, sizeof(at), "%s%s/cpu.max", root, path);
    assert_int_equal(unlink(at), 0);
    snprintf(at, sizeof(at), "%s%s", root, path);
    assert_int_equal(rmdir(at), 0);
}

static uint32_t granted(const char *groups)
{
    return cores_of_groups(root, slice_from_str(groups));
}

static void the_least_of_all_groups_counts(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(root));
    group_make("/a", "300000 100000\n");
    group_make("/a/b", "max 100000\n");
    group_make("/a/b/c", "800000 100000\n");
    assert_int_equal(granted("0::/a/b/c\n"), 3);
    assert_int_equal(granted("0::/a/b/c/\n"), 3);
    assert_int_equal(granted("0::/a/b/none\n"), 3);
    assert_int_equal(granted("9:name=systemd:/a\n1:cpu:/\n0::/a/b/c\n"), 3);
    assert_int_equal(granted("1:cpu:/a\n"), 0); /* the older kind alone */
    assert_int_equal(granted(""), 0);
    assert_int_equal(granted("0::/\n"), 0); /* the machine's has no such file */
    group_make("", "200000 100000\n");      /* a container's own has */
    assert_int_equal(granted("0::/\n"), 2);
    assert_int_equal(granted("0::/a/b/c\n"), 2);
    group_remove("/a/b/c");
    group_remove("/a/b");
    group_remove("/a");
    group_remove("");
}

static void there_is_always_one(void **state)
{
    (void)state;
    long all = sysconf(_SC_NPROCESSORS_CONF);
    assert_in_range(cores_count(), 1, (uintmax_t)all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_is_rounded_up),
        cmocka_unit_test(the_least_of_all_groups_counts),
        cmocka_unit_test(there_is_always_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
