#include "app/sandbox.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "app/exit.h"
#include "app/landlock.h"
#include "app/privileges.h"
#include "base/log.h"

#define PATHS_MAX 24

/* --- what each role keeps --- */

// clang-format off
static const char *const calls_common[] = {
    "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "lseek", "close",
    "close_range", "fstat", "newfstatat", "fcntl", "dup", "dup2", "dup3", "ftruncate", "memfd_create",
    "munmap", "mremap", "madvise", "brk", "membarrier", "futex", "futex_time64",
    "set_robust_list", "get_robust_list", "set_tid_address", "rseq", "sched_yield",
    "sched_getaffinity", "sched_setaffinity", "getcpu", "exit", "exit_group", "restart_syscall",
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "tgkill",
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
    "getrandom", "getpid", "getppid", "gettid", "getuid", "geteuid", "getgid", "getegid",
    "uname", "sysinfo", "getrusage", "getrlimit", "prlimit64",
    "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd2",
    "timerfd_create", "timerfd_settime", "timerfd_gettime", "poll", "ppoll", "select", "pselect6",
    "recvmsg", "recvmmsg", "recvfrom", "sendmsg", "sendmmsg", "sendto", "shutdown",
    "getsockname", "getpeername", "getsockopt", "setsockopt", "bind", "connect", "socketpair",
    NULL};

static const char *const calls_streams[] = {"accept", "accept4", "listen", "pipe2", NULL};

static const char *const calls_files[] = {
    "open", "openat", "access", "faccessat", "faccessat2", "stat", "lstat", "statx", "statfs", "fstatfs", "readlink", "readlinkat", "getcwd", "getdents64", "umask",
    "unlink", "unlinkat", "rename", "renameat", "renameat2", "link", "linkat", "mkdir", "mkdirat", "rmdir",
    "chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat", "utimensat",
    "fsync", "fdatasync", "sync_file_range", "flock", "truncate", "fallocate", "fadvise64",
    "copy_file_range", "sendfile", NULL};

/* What a library may try and must do without: refused, not punished. */
static const char *const calls_refused[] = {
    "open", "openat", "openat2", "access", "faccessat", "faccessat2", "stat", "lstat",
    "statx", "readlink", "readlinkat", NULL};

static const int families_ip[] = {AF_INET, AF_INET6, 0};
static const int families_lookup[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, 0};

/* "": the data folder. */
static const struct landlock_path paths_signal[] = {
    {"", true}, {"/etc/resolv.conf", false}, {"/run/systemd/resolve", false}, {"/etc/hosts", false},
    {"/etc/nsswitch.conf", false}, {"/etc/host.conf", false}, {"/etc/services", false},
    {"/etc/ssl", false}, {"/etc/pki", false}, {"/usr/lib/ssl", false},
    {"/usr/share/ca-certificates", false}, {"/usr/local/share/ca-certificates", false},
    {"/etc/localtime", false}, {"/usr/share/zoneinfo", false},
    {"/dev/urandom", false}, {"/dev/null", true}};
static const struct landlock_path paths_web[] = {
    {"", true}, {"/etc/ssl", false}, {"/usr/lib/ssl", false},
    {"/etc/localtime", false}, {"/usr/share/zoneinfo", false},
    {"/dev/urandom", false}, {"/dev/null", true}};

static const struct sandbox_rules {
    const char *const *calls[4]; /* the last one NULL */
    const char *const *refused;
    const int *families; /* of new sockets; ends with 0 */
    const struct landlock_path *paths;
    size_t path_count;
} rules[ROLE_COUNT] = {
    [ROLE_SIGNAL] = {{calls_common, calls_streams, calls_files}, NULL, families_lookup,
                     paths_signal, ARRAY_LEN(paths_signal)},
    [ROLE_MEDIA] = {{calls_common}, calls_refused, families_ip, NULL, 0},
    [ROLE_WEB] = {{calls_common, calls_streams, calls_files}, NULL, families_lookup,
                  paths_web, ARRAY_LEN(paths_web)},
};
// clang-format on

/* --- paths --- */

static int paths_limit(const struct sandbox_rules *r, const char *data)
{
    struct landlock_path paths[PATHS_MAX];
    size_t n = r->path_count < PATHS_MAX ? r->path_count : PATHS_MAX;
    for (size_t i = 0; i < n; i++) {
        paths[i] = r->paths[i];
        if (!*paths[i].path)
            paths[i].path = data;
    }
    int v = landlock_limit(paths, n);
    if (v == LANDLOCK_ABSENT)
        log_event(LOG_DEBUG, "landlock_absent",
                  LOG_STR("means", "files are kept off by rights only"));
    return v < 0 ? v : 0;
}

/* --- system calls --- */

/* In the handler's place the process is in an unknown state: no allocation, no locks. */
static void on_forbidden_call(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    char text[96];
    struct buf b = buf_over(text, sizeof(text));
    BUF_PUT_LIT(&b, "error sandbox forbidden_system_call number=");
    buf_put_u64(&b, (uint64_t)info->si_syscall);
    buf_put_char(&b, '\n');
    ssize_t n = write(STDERR_FILENO, b.p, b.n);
    (void)n;
    log_flush();
    _exit(EXIT_STATUS_FAILED);
}

static int calls_add(scmp_filter_ctx f, uint32_t action, const char *const *names)
{
    for (; *names; names++) {
        int nr = seccomp_syscall_resolve_name(*names);
        if (nr == __NR_SCMP_ERROR) /* newer than this libseccomp */
            continue;
        int r = seccomp_rule_add(f, action, nr, 0);
        if (r < 0 && r != -EEXIST && r != -EDOM) /* -EDOM: not on this machine's architecture */
            return r;
    }
    return 0;
}

/* Memory that can be written is never executed; threads, but no processes; names for threads. */
static int calls_add_narrowed(scmp_filter_ctx f)
{
    static const unsigned long ioctls[] = {FIONREAD, FIONBIO, TCGETS, SIOCGIFINDEX};
    int r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (r == 0)
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (r == 0)
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    if (r == 0) /* its flags are in memory, out of sight; glibc then takes clone */
        r = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (r == 0)
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                             SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0));
    for (size_t i = 0; i < ARRAY_LEN(ioctls) && r == 0; i++)
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                             SCMP_A1(SCMP_CMP_EQ, ioctls[i], 0));
    return r;
}

static int families_add(scmp_filter_ctx f, const int *families)
{
    int r = 0;
    for (; *families && r == 0; families++)
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                             SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)*families, 0));
    return r;
}

static int calls_limit(const struct sandbox_rules *rule)
{
    struct sigaction sa = {.sa_sigaction = on_forbidden_call, .sa_flags = SA_SIGINFO};
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_TRAP);
    if (!f)
        return -ENOMEM;
    int r = sigaction(SIGSYS, &sa, NULL) < 0 ? -errno : 0;
    for (size_t i = 0; rule->calls[i] && r == 0; i++)
        r = calls_add(f, SCMP_ACT_ALLOW, rule->calls[i]);
    if (r == 0 && rule->refused)
        r = calls_add(f, SCMP_ACT_ERRNO(EACCES), rule->refused);
    if (r == 0)
        r = calls_add_narrowed(f);
    if (r == 0)
        r = families_add(f, rule->families);
    if (r == 0)
        r = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
    if (r == 0) /* a binary tree: the list is long, and sendmmsg is not at its front */
        r = seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (r == 0)
        r = seccomp_load(f);
    seccomp_release(f);
    return r;
}

/* --- the whole --- */

int sandbox_enter(enum role_kind role, const struct app_config *c)
{
    if (!SANDBOX_BUILT)
        return 0;
    int r = privileges_drop(c);
    return r < 0 ? r : paths_limit(&rules[role], c->data);
}

int sandbox_seal(enum role_kind role)
{
    return SANDBOX_BUILT ? calls_limit(&rules[role]) : 0;
}
