/* What rig.h stands on: assertions, and which way in and out its roles have, with the network namespaces
 * that it takes. */
#ifndef SOTTO_MEDIA_RIG_WAY_H
#define SOTTO_MEDIA_RIG_WAY_H

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "media/role.h"
#include "media/steer.h"
#include "media/xdp.h"

/* Not cmocka's: the bench and the killed child have none. */
#define RIG(cond)                                                                \
    do {                                                                         \
        if (!(cond)) {                                                           \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond); \
            abort();                                                             \
        }                                                                        \
    } while (0)
#define RIG_EQ(got, want)                                                                       \
    do {                                                                                        \
        long long got_ = (long long)(got), want_ = (long long)(want);                           \
        if (got_ != want_) {                                                                    \
            fprintf(stderr, "%s:%d (%d): %s is %lld, not %lld\n", __FILE__, __LINE__, rig_line, \
                    #got, got_, want_);                                                         \
            abort();                                                                            \
        }                                                                                       \
    } while (0)

#define RIG_UNUSED __attribute__((unused))

static RIG_UNUSED int rig_line; /* of the test that is asserting, for messages */

/* --- one socket for all ports --- */

static RIG_UNUSED bool rig_is_shared, rig_steer_not;

/* From here on rigs have the shared way, in a network namespace of their own: what other tests and
 * programs of this machine have bound is not to be steered away from them. False, with the reason
 * printed: not here. */
static RIG_UNUSED bool rig_go_shared(void)
{
    struct media_config cfg = media_config_default;
    struct media_steer s;
    struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    char why[MEDIA_STEER_WHY_MAX] = "no network namespace of its own for the test";
    bool ok = unshare(CLONE_NEWNET) == 0;
    if (ok) {
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        RIG_EQ(ioctl(fd, SIOCSIFFLAGS, &up), 0);
        close(fd);
        ok = media_steer_open(&cfg, true, &s, why) == 0;
    }
    if (ok)
        media_steer_close(&s);
    else
        printf("[  SKIPPED ] the shared way: %s\n", why);
    return rig_is_shared = ok;
}

/* --- phones in a network of their own --- */

#define RIG_NET4 "10.99.1."
#define RIG_NET6 "fd99::"
#define RIG_INTERFACE "rig0"

/* Namespaces, joined by a veth pair; -1: all are on loopback. */
static RIG_UNUSED struct {
    int server, phones;
} rig_net = {-1, -1};
static RIG_UNUSED bool rig_is_xdp;
static RIG_UNUSED const char *rig_interfaces = RIG_INTERFACE; /* of the AF_XDP way */

RIG_UNUSED PRINTF_LIKE(1, 2) static bool rig_shell(const char *fmt, ...)
{
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    return n > 0 && (size_t)n < sizeof(line) && system(line) == 0;
}

/* An end of the pair, in the namespace that we are in; host: "1" or "2". */
static RIG_UNUSED bool rig_end(const char *interface, const char *host)
{
    return rig_shell("ip link set lo up && ip address add " RIG_NET4 "%s/24 dev %s && "
                     "ip address add " RIG_NET6 "%s/64 dev %s nodad && ip link set %s up",
                     host, interface, host, interface, interface);
}

/* As rig_go_shared, and phones are at the other end of a cable. */
static RIG_UNUSED bool rig_go_apart(void)
{
    bool ok = unshare(CLONE_NEWNET) == 0;
    rig_net.phones = ok ? open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC) : -1;
    ok = ok && rig_go_shared();
    rig_net.server = ok ? open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC) : -1;
    ok = ok &&
         rig_shell("ip link add " RIG_INTERFACE " type veth peer name rig1 netns /proc/%d/fd/%d",
                   (int)getpid(), rig_net.phones);
    ok = ok && rig_end(RIG_INTERFACE, "1") && setns(rig_net.phones, CLONE_NEWNET) == 0 &&
         rig_end("rig1", "2") && setns(rig_net.server, CLONE_NEWNET) == 0;
    if (!ok)
        printf("[  SKIPPED ] no pair of network namespaces, or no `ip`\n");
    return ok;
}

/* … and past the kernel's stack. */
static RIG_UNUSED bool rig_go_xdp(void)
{
    struct media_config cfg = media_config_default;
    struct media_steer s;
    struct media_xdp x;
    char why[MEDIA_STEER_WHY_MAX] = "";
    if (!rig_go_apart())
        return false;
    RIG_EQ(media_steer_open(&cfg, true, &s, why), 0);
    rig_is_xdp = media_xdp_open(RIG_INTERFACE, &cfg, &s, &x, why) == 0;
    if (rig_is_xdp)
        media_xdp_close(&x);
    else
        printf("[  SKIPPED ] the AF_XDP way: %s\n", why);
    media_steer_close(&s);
    return rig_is_xdp;
}

/* The same tests on both ways: what main returns. */
#define RIG_RUN_BOTH_WAYS(tests)                                                  \
    (cmocka_run_group_tests_name("a socket for each port", (tests), NULL, NULL) + \
     (rig_go_shared() ? cmocka_run_group_tests_name("shared", (tests), NULL, NULL) : 0))

#endif
