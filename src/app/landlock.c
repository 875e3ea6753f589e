#include "app/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the headers of some distributions. */
#define ACCESS_REFER (1ull << 13)    /* ABI 2 */
#define ACCESS_TRUNCATE (1ull << 14) /* ABI 3 */

#define ACCESS_READ_FILE LANDLOCK_ACCESS_FS_READ_FILE
#define ACCESS_READ (ACCESS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_WRITE_FILE LANDLOCK_ACCESS_FS_WRITE_FILE
#define ACCESS_ABI_1 ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1) /* the last one of ABI 1 */

static uint64_t access_known(long abi)
{
    uint64_t all = ACCESS_ABI_1;
    if (abi >= 2)
        all |= ACCESS_REFER;
    if (abi >= 3)
        all |= ACCESS_TRUNCATE;
    return all;
}

static int path_allow(int rules, const struct landlock_path *p, uint64_t known)
{
    int fd = open(p->path, O_PATH | O_CLOEXEC);
    if (fd < 0) /* not there, or not for this account: nothing to allow */
        return 0;
    struct stat st;
    int r = fstat(fd, &st) < 0 ? -errno : 0;
    uint64_t access = ACCESS_READ;
    if (p->writable) /* never to execute */
        access = known & ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE;
    if (r == 0 && !S_ISDIR(st.st_mode))
        access &= ACCESS_READ_FILE | ACCESS_WRITE_FILE | ACCESS_TRUNCATE;
    struct landlock_path_beneath_attr rule = {.allowed_access = access & known, .parent_fd = fd};
    if (r == 0 && syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
        r = -errno;
    close(fd);
    return r;
}

int landlock_limit(const struct landlock_path *paths, size_t n)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1)
        return LANDLOCK_ABSENT;
    struct landlock_ruleset_attr attr = {.handled_access_fs = access_known(abi)};
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
    if (rules < 0)
        return -errno;
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++)
        r = path_allow(rules, &paths[i], attr.handled_access_fs);
    if (r == 0 && syscall(SYS_landlock_restrict_self, rules, 0) < 0)
        r = -errno;
    close(rules);
    return r;
}
