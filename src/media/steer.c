#include "media/steer.h"

#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "media/datagram.h"

/* A wake-up of the role may be late by some 100 ms (it is killed and starts again): at 100,000 packets
 * a second. The kernel doubles the figure and counts some 800 bytes for a packet. */
#define IN_BUFFER (16 << 20)
#define OUT_BUFFER (4 << 20)

static int set_int(int fd, int level, int name, int v)
{
    return setsockopt(fd, level, name, &v, sizeof(v)) < 0 ? -errno : 0;
}

/* Beyond the machine's limit where we may; else as much as the machine allows. */
static void buffer_set(int fd, int name, int force_name, int size)
{
    if (set_int(fd, SOL_SOCKET, force_name, size) < 0)
        (void)set_int(fd, SOL_SOCKET, name, size);
}

/* Bound within the range, so that `ss -lun` shows who has it; at the first port that is free. */
static int in_bind(int fd, const struct addr *at, uint16_t min, uint16_t max)
{
    struct addr a = *at;
    for (uint32_t port = min; port <= max; port++) {
        addr_set_port(&a, (uint16_t)port);
        if (bind(fd, &a.sa, addr_len(&a)) == 0)
            return 0;
        if (errno != EADDRINUSE)
            return -errno;
    }
    return -EADDRINUSE;
}

static int in_open(const struct media_config *cfg, int family, int *ret)
{
    struct addr at = family == AF_INET6 ? cfg->bind6 : cfg->bind4;
    if (addr_family(&at) == 0)
        at.sa.sa_family = (sa_family_t)family; /* all zeros else: any */
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    buffer_set(fd, SO_RCVBUF, SO_RCVBUFFORCE, IN_BUFFER);
    int r = family == AF_INET6 ? set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) : 0;
    if (r == 0)
        r = family == AF_INET6 ? set_int(fd, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, 1)
                               : set_int(fd, IPPROTO_IP, IP_RECVORIGDSTADDR, 1);
    if (r == 0)
        r = in_bind(fd, &at, cfg->port_min, cfg->port_max);
    if (r < 0) {
        close(fd);
        return r;
    }
    *ret = fd;
    return 0;
}

/* A raw socket hears every datagram of its protocol, as a copy. It is for sending alone: connected to
 * an address that nothing comes from, and behind a filter that takes nothing. */
static int out_deafen(int fd, int family)
{
    static struct sock_filter nothing = {BPF_RET | BPF_K, 0, 0, 0};
    const struct sock_fprog filter = {1, &nothing};
    struct addr a;
    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0)
        return -errno;
    const char *nobody = family == AF_INET6 ? "::1" : "127.255.255.254";
    int r = addr_parse(slice_from_str(nobody), 0, &a);
    if (r == 0 && family == AF_INET6)
        (void)bind(fd, &a.sa, addr_len(&a));
    if (r == 0) /* without lo the filter has to do */
        (void)connect(fd, &a.sa, addr_len(&a));
    return r;
}

/* The kernel makes the IP header, the UDP header is ours. Headers all of our own (IPPROTO_RAW) would
 * cost a new route for each packet to this link (Linux 6.18), and larger packets would not be cut. */
static int out_open(int family, int *ret)
{
    int fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
    if (fd < 0)
        return -errno;
    int r = out_deafen(fd, family);
    if (r < 0) {
        close(fd);
        return r;
    }
    buffer_set(fd, SO_SNDBUF, SO_SNDBUFFORCE, OUT_BUFFER);
    if (family == AF_INET6)
        (void)set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, DATAGRAM_TOS_EF);
    else
        (void)set_int(fd, IPPROTO_IP, IP_TOS, DATAGRAM_TOS_EF);
    *ret = fd;
    return 0;
}

/* One IP version; a machine without it is fine. */
static int family_open(const struct media_config *cfg, int family, struct media_steer *s)
{
    bool is6 = family == AF_INET6;
    struct media_shared *of = &s->shared[cfg->worker];
    int *out = &of->fd[is6 ? MEDIA_SHARED_OUT6 : MEDIA_SHARED_OUT4];
    int *in = &of->fd[is6 ? MEDIA_SHARED_IN6 : MEDIA_SHARED_IN4];
    int r = out_open(family, out);
    if (r == 0)
        r = in_open(cfg, family, in);
    if (r == 0)
        return media_steer_prog_set(&s->prog, media_steer_socket(cfg->worker, is6), *in);
    if (r != -EAFNOSUPPORT && r != -EADDRNOTAVAIL)
        return r;
    if (*out >= 0)
        close(*out);
    *out = -1;
    return 0;
}

static int worker_open(const struct media_config *all, uint32_t worker, struct media_steer *s)
{
    const struct media_config cfg = media_config_of_worker(all, worker);
    struct media_shared *of = &s->shared[worker];
    int r = family_open(&cfg, AF_INET, s);
    if (r == 0)
        r = family_open(&cfg, AF_INET6, s);
    if (r == 0 && of->fd[MEDIA_SHARED_IN4] < 0 && of->fd[MEDIA_SHARED_IN6] < 0)
        r = -EADDRNOTAVAIL;
    of->fd[MEDIA_SHARED_PORTS] = s->prog.ports;
    return r;
}

static int mark_taken(const struct media_config *cfg, struct media_steer *s)
{
    uint32_t n = cfg->port_max - cfg->port_min + 1u;
    size_t size = n * sizeof(struct media_steer_port);
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, s->prog.ports, 0);
    if (p == MAP_FAILED)
        return -errno;
    s->taken = media_steer_mark_taken(p, cfg->port_min, n);
    munmap(p, size);
    return 0;
}

static int unable(int r, char why[MEDIA_STEER_WHY_MAX])
{
    if (r == -EPERM || r == -EACCES)
        snprintf(why, MEDIA_STEER_WHY_MAX,
                 "it takes root, or CAP_BPF, CAP_NET_ADMIN and CAP_NET_RAW (and no container that "
                 "keeps bpf(2) away)");
    else if (r == -ENOSYS || r == -EINVAL)
        snprintf(why, MEDIA_STEER_WHY_MAX, "this kernel cannot steer datagrams (Linux 5.9 can)");
    else
        snprintf(why, MEDIA_STEER_WHY_MAX, "%s", log_strerror(r));
    return MEDIA_STEER_UNABLE;
}

static int check_ephemeral(const struct media_config *cfg, bool insist,
                           char why[MEDIA_STEER_WHY_MAX])
{
    uint32_t n = media_steer_ephemeral(cfg->port_min, cfg->port_max);
    if (n == 0 || insist)
        return 0;
    snprintf(why, MEDIA_STEER_WHY_MAX,
             "the kernel may give %u ports of %u-%u to other programs "
             "(net.ipv4.ip_local_port_range); choose other [media] ports, or name them in "
             "net.ipv4.ip_local_reserved_ports",
             n, cfg->port_min, cfg->port_max);
    return MEDIA_STEER_UNABLE;
}

void media_steer_init(struct media_steer *s)
{
    *s = (struct media_steer){.prog = {-1, -1, -1}};
    for (size_t w = 0; w < MEDIA_WORKERS_MAX; w++) {
        for (size_t i = 0; i < MEDIA_SHARED_COUNT; i++)
            s->shared[w].fd[i] = -1;
    }
}

int media_steer_open(const struct media_config *cfg, bool insist, struct media_steer *ret,
                     char why[MEDIA_STEER_WHY_MAX])
{
    struct media_steer s;
    uint32_t workers = cfg->workers ? cfg->workers : 1;
    media_steer_init(&s);
    if (cfg->port_max < cfg->port_min || workers > MEDIA_WORKERS_MAX)
        return -EINVAL;
    if (check_ephemeral(cfg, insist, why) != 0)
        return MEDIA_STEER_UNABLE;
    int r = media_steer_prog_load(cfg->port_min, cfg->port_max - cfg->port_min + 1u,
                                  media_steer_socket(workers, false), &s.prog);
    if (r == 0)
        r = mark_taken(cfg, &s); /* before any socket of ours is there */
    for (uint32_t w = 0; r == 0 && w < workers; w++)
        r = worker_open(cfg, w, &s);
    if (r < 0) {
        media_steer_close(&s);
        return unable(r, why);
    }
    *ret = s;
    return 0;
}

static void shared_close(struct media_shared *s)
{
    s->fd[MEDIA_SHARED_PORTS] = -1; /* the program's */
    for (size_t i = 0; i < MEDIA_SHARED_COUNT; i++) {
        if (s->fd[i] >= 0)
            close(s->fd[i]);
        s->fd[i] = -1;
    }
}

void media_steer_close(struct media_steer *s)
{
    for (size_t w = 0; w < MEDIA_WORKERS_MAX; w++)
        shared_close(&s->shared[w]);
    media_steer_prog_close(&s->prog);
}

uint64_t media_steer_lost(const struct media_shared *s)
{
    uint64_t lost = 0;
    for (size_t i = MEDIA_SHARED_IN4; i < MEDIA_SHARED_COUNT; i++) {
        uint32_t info[SK_MEMINFO_VARS];
        socklen_t n = sizeof(info);
        if (s->fd[i] >= 0 && getsockopt(s->fd[i], SOL_SOCKET, SO_MEMINFO, info, &n) == 0 &&
            n >= sizeof(info[0]) * (SK_MEMINFO_DROPS + 1))
            lost += info[SK_MEMINFO_DROPS];
    }
    return lost;
}
