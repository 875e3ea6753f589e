#include "app/cores.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#define GROUPS "/sys/fs/cgroup" /* where control groups are mounted (v2) */

static bool read_text(const char *path, char *text, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, cap - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* "QUOTA PERIOD", microseconds; "max PERIOD": no limit. */
uint32_t cores_of_quota(struct slice cpu_max)
{
    struct slice rest = slice_trim(cpu_max), quota = slice_cut(&rest, ' ');
    uint32_t of, in;
    if (slice_to_u32(quota, &of) < 0 || slice_to_u32(slice_trim(rest), &in) < 0 || !of || !in)
        return 0;
    return of / in + (of % in != 0);
}

/* Of this group and those it is in. */
static uint32_t cores_of_path(const char *root, const char *path)
{
    char file[PATH_MAX], text[64];
    uint32_t least = 0;
    size_t n = strlen(path);
    for (;;) {
        while (n && path[n - 1] == '/')
            n--;
        int len = snprintf(file, sizeof(file), "%s%.*s/cpu.max", root, (int)n, path);
        uint32_t here = len > 0 && (size_t)len < sizeof(file) && read_text(file, text, sizeof(text))
                            ? cores_of_quota(slice_from_str(text))
                            : 0;
        least = here && (!least || here < least) ? here : least;
        if (!n)
            return least;
        while (n && path[n - 1] != '/')
            n--;
    }
}

/* By the line "0::PATH". */
uint32_t cores_of_groups(const char *root, struct slice groups)
{
    char path[PATH_MAX];
    while (groups.n) {
        struct slice line = slice_cut(&groups, '\n');
        if (slice_starts_with(line, SLICE_LIT("0::")) &&
            slice_to_str(slice_skip(line, 3), path, sizeof(path)))
            return cores_of_path(root, path);
    }
    return 0;
}

static uint32_t granted(void)
{
    char text[4096];
    if (!read_text("/proc/self/cgroup", text, sizeof(text)))
        return 0;
    return cores_of_groups(GROUPS, slice_from_str(text));
}

uint32_t cores_count(void)
{
    cpu_set_t set;
    int mine = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    uint32_t n = mine > 0 ? (uint32_t)mine : 1, share = granted();
    return share && share < n ? share : n;
}
