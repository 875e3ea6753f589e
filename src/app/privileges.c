#include "app/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPABILITY_MAX 63 /* the kernel answers EINVAL beyond its last one */

int privileges_account(const struct app_config *c, struct privileges_account *ret)
{
    struct stat st;
    struct privileges_account a;
    if (geteuid() != 0)
        return PRIVILEGES_STAY;
    const struct passwd *pw = getpwnam(c->user[0] ? c->user : "sotto");
    if (pw) {
        a = (struct privileges_account){pw->pw_uid, pw->pw_gid};
    } else if (c->user[0]) {
        return -ENOENT;
    } else {
        if (stat(c->data, &st) < 0)
            return -errno;
        a = (struct privileges_account){st.st_uid, st.st_gid};
    }
    if (c->group[0]) {
        const struct group *gr = getgrnam(c->group);
        if (!gr)
            return -ENOENT;
        a.gid = gr->gr_gid;
    }
    if (a.uid == 0)
        return PRIVILEGES_STAY;
    *ret = a;
    return PRIVILEGES_SWITCH;
}

static int account_switch(const struct privileges_account *a)
{
    if (setgroups(0, NULL) < 0 || setresgid(a->gid, a->gid, a->gid) < 0 ||
        setresuid(a->uid, a->uid, a->uid) < 0)
        return -errno;
    return 0;
}

static int capabilities_drop(void)
{
    /* Where we may not change the bounding set, no_new_privs makes it meaningless. */
    for (unsigned long cap = 0; cap <= CAPABILITY_MAX; cap++)
        (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
    return syscall(SYS_capset, &head, none) < 0 ? -errno : 0;
}

int privileges_drop_network(void)
{
    static const unsigned caps[] = {CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF};
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct has[_LINUX_CAPABILITY_U32S_3] = {0};
    if (syscall(SYS_capget, &head, has) < 0)
        return -errno;
    for (size_t i = 0; i < ARRAY_LEN(caps); i++) {
        struct __user_cap_data_struct *word = &has[CAP_TO_INDEX(caps[i])];
        (void)prctl(PR_CAPBSET_DROP, (unsigned long)caps[i], 0, 0, 0);
        word->effective &= ~CAP_TO_MASK(caps[i]);
        word->permitted &= ~CAP_TO_MASK(caps[i]);
        word->inheritable &= ~CAP_TO_MASK(caps[i]);
    }
    return syscall(SYS_capset, &head, has) < 0 ? -errno : 0;
}

int privileges_drop(const struct app_config *c)
{
    struct privileges_account a;
    int r = privileges_account(c, &a);
    if (r == PRIVILEGES_SWITCH) {
        /* The bounding set first: it takes a capability to lower it. */
        for (unsigned long cap = 0; cap <= CAPABILITY_MAX; cap++)
            (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
        r = account_switch(&a);
    }
    if (r < 0)
        return r;
    r = capabilities_drop();
    if (r < 0)
        return r;
    static const struct rlimit no_core = {0, 0};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
        setrlimit(RLIMIT_CORE, &no_core) < 0)
        return -errno;
    return 0;
}
