#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "ipc/ipc.h"
#include "media/bpf.h"
#include "media/xdp.h"
#include "media/xdp_ring.h"

#define OUT_BUFFER (4 << 20) /* the kernel's copies of what is under way */
#define BUSY_MS 1000
#define BUSY_PAUSE_MS 10
#define DONE_MIN 64 /* the kernel wants that ring even where nothing is sent */

PRINTF_LIKE(2, 3) static int unable(char why[MEDIA_STEER_WHY_MAX], const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(why, MEDIA_STEER_WHY_MAX, fmt, ap);
    va_end(ap);
    return MEDIA_STEER_UNABLE;
}

static int unable_errno(char why[MEDIA_STEER_WHY_MAX], const char *name, int r)
{
    if (r == -EPERM || r == -EACCES)
        return unable(why, "%s: it takes root, or CAP_BPF, CAP_NET_ADMIN and CAP_NET_RAW", name);
    if (r == -EAFNOSUPPORT || r == -ENOSYS || r == -EOPNOTSUPP)
        return unable(why, "%s: this kernel or its driver has no AF_XDP as needed (Linux 6.4 can)",
                      name);
    if (r == -ENOBUFS || r == -ENOMEM)
        return unable(why, "%s: no memory that stays in place (LimitMEMLOCK, ulimit -l)", name);
    if (r == -EBUSY || r == -EEXIST)
        return unable(why, "%s: another program has its XDP place or its queues", name);
    return unable(why, "%s: %s", name, log_strerror(r));
}

/* --- what the interface is --- */

static int ask(const char *name, unsigned long what, struct ifreq *ret)
{
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    snprintf(ret->ifr_name, sizeof(ret->ifr_name), "%s", name);
    int r = ioctl(fd, what, ret) < 0 ? -errno : 0;
    close(fd);
    return r;
}

/* Drivers that do not say have one. */
static uint32_t queues_of(const char *name)
{
    struct ethtool_channels ch = {.cmd = ETHTOOL_GCHANNELS};
    struct ifreq q = {.ifr_data = (void *)&ch};
    uint32_t n = ask(name, SIOCETHTOOL, &q) == 0 ? ch.combined_count + ch.rx_count : 1;
    return n ? n : 1;
}

/* Drivers take the tag out of a frame, so that it would look like one of the interface's own. */
static bool has_vlans(const char *name)
{
    char line[256];
    bool found = false;
    FILE *f = fopen("/proc/self/net/vlan/config", "re");
    while (f && !found && fgets(line, sizeof(line), f)) { /* "eth0.5  | 5  | eth0" */
        struct slice s = slice_trim(slice_from_str(line));
        slice_cut(&s, '|');
        slice_cut(&s, '|');
        found = slice_eq(slice_trim(s), slice_from_str(name));
    }
    if (f)
        fclose(f);
    return found;
}

static int interface_look(const char *name, struct media_xdp_interface *i,
                          struct media_xdp_lane *lane, char why[MEDIA_STEER_WHY_MAX])
{
    struct ifreq index = {0}, mac = {0}, mtu = {0};
    int r = ask(name, SIOCGIFINDEX, &index);
    if (r == -ENODEV)
        return unable(why, "there is no interface `%s`", name);
    if (r == 0)
        r = ask(name, SIOCGIFHWADDR, &mac);
    if (r == 0)
        r = ask(name, SIOCGIFMTU, &mtu);
    if (r < 0)
        return unable_errno(why, name, r);
    if (mac.ifr_hwaddr.sa_family != ARPHRD_ETHER)
        return unable(why, "%s: no Ethernet", name);
    if (has_vlans(name))
        return unable(why, "%s: it carries VLANs, whose frames look like its own", name);
    snprintf(i->name, sizeof(i->name), "%s", name);
    i->queues = queues_of(name);
    lane->interface = (uint32_t)index.ifr_ifindex;
    lane->packet_max =
        mtu.ifr_mtu < (int)MEDIA_XDP_PACKET_MAX ? (uint32_t)mtu.ifr_mtu : MEDIA_XDP_PACKET_MAX;
    memcpy(lane->mac, mac.ifr_hwaddr.sa_data, FRAME_MAC);
    return 0;
}

/* All interfaces first: frames are shared out among their queues. */
static int interfaces_look(const char *names, struct media_xdp *x,
                           struct media_xdp_lane lanes[MEDIA_XDP_INTERFACES_MAX],
                           char why[MEDIA_STEER_WHY_MAX])
{
    struct slice rest = slice_from_str(names);
    uint32_t queues = 0;
    while (rest.n) {
        char name[IF_NAMESIZE];
        struct slice s = slice_trim(slice_cut(&rest, ','));
        if (x->count == MEDIA_XDP_INTERFACES_MAX || !slice_to_str(s, name, sizeof(name)))
            return unable(why, "at most %u interfaces", MEDIA_XDP_INTERFACES_MAX);
        int r = interface_look(name, &x->at[x->count], &lanes[x->count], why);
        if (r != 0)
            return r;
        queues += x->at[x->count++].queues;
    }
    if (queues > MEDIA_XDP_SOCKETS_MAX)
        return unable(
            why,
            "%s has, or all have, %u receive queues of which %u can be served (ethtool -L "
            "%s combined %u)",
            x->at[0].name, queues, MEDIA_XDP_SOCKETS_MAX, x->at[0].name,
            MEDIA_XDP_SOCKETS_MAX / (uint32_t)x->count);
    return queues ? 0 : unable(why, "no interface is named");
}

/* --- memory and sockets --- */

static int memory_make(struct media_xdp *x, const struct media_xdp_lane *lanes)
{
    struct media_xdp_head head = {.interfaces = (uint32_t)x->count};
    uint64_t at = MEDIA_XDP_HEAD;
    uint32_t queues = 0, share = MEDIA_XDP_IN;
    for (size_t i = 0; i < x->count; i++)
        queues += x->at[i].queues;
    while (share * queues > MEDIA_XDP_IN)
        share /= 2;
    for (uint32_t i = 0; i < x->count; i++) {
        for (uint32_t q = 0; q < x->at[i].queues; q++) {
            struct media_xdp_lane *l = &head.lane[head.lanes++];
            *l = lanes[i];
            l->number = i;
            l->queue = q;
            l->in_frames = share;
            l->out_frames = q == 0 ? MEDIA_XDP_OUT : 0;
            l->at = at;
            at += (uint64_t)(l->in_frames + l->out_frames) * MEDIA_XDP_CHUNK;
        }
    }
    void *p = NULL;
    int r = ipc_memfd_new("sotto-frames", at, &x->fds.memory);
    if (r == 0)
        r = ipc_memfd_map(x->fds.memory, at, true, &p);
    if (r != 0)
        return r;
    x->head = p;
    x->size = at;
    x->lanes = head.lanes;
    *x->head = head;
    return 0;
}

static int set_ring(int fd, int what, uint32_t entries)
{
    return setsockopt(fd, SOL_XDP, what, &entries, sizeof(entries)) < 0 ? -errno : 0;
}

/* All frames to come in are the kernel's. */
static int fill(int fd, const struct media_xdp_lane *l)
{
    struct media_xdp_ring ring;
    int r = media_xdp_ring_map(fd, MEDIA_XDP_FILL, l->in_frames, &ring);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < l->in_frames; i++)
        *media_xdp_addr(&ring, i) = (uint64_t)i * MEDIA_XDP_CHUNK;
    media_xdp_store(ring.producer, l->in_frames);
    media_xdp_ring_unmap(&ring);
    return 0;
}

/* A server that has just ended may still have the queue: the kernel lets go of it later. */
static int bind_queue(int fd, const struct media_xdp_lane *l)
{
    const struct sockaddr_xdp at = {.sxdp_family = AF_XDP,
                                    .sxdp_flags = XDP_COPY | XDP_USE_NEED_WAKEUP,
                                    .sxdp_ifindex = l->interface,
                                    .sxdp_queue_id = l->queue};
    const struct timespec pause = {0, BUSY_PAUSE_MS * 1000000};
    for (int ms = 0;; ms += BUSY_PAUSE_MS) {
        if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
            return 0;
        if (errno != EBUSY || ms >= BUSY_MS)
            return -errno;
        (void)nanosleep(&pause, NULL);
    }
}

/* Before Linux 6.4 nobody can map the rings of a socket that is bound: not the role, and not its
 * next life. */
static int takes_over(int fd, const struct media_xdp_lane *l)
{
    struct media_xdp_ring ring;
    int r = media_xdp_ring_map(fd, MEDIA_XDP_FILL, l->in_frames, &ring);
    if (r == 0)
        media_xdp_ring_unmap(&ring);
    return r == -EINVAL ? -ENOSYS : r;
}

static int socket_make(const struct media_xdp *x, const struct media_xdp_lane *l, int *ret)
{
    const struct xdp_umem_reg frames = {.addr = (uintptr_t)x->head + l->at,
                                        .len = (uint64_t)(l->in_frames + l->out_frames) *
                                               MEDIA_XDP_CHUNK,
                                        .chunk_size = MEDIA_XDP_CHUNK};
    int size = OUT_BUFFER;
    int fd = *ret = socket(AF_XDP, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int r = setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &frames, sizeof(frames)) < 0 ? -errno : 0;
    if (r == 0)
        r = set_ring(fd, XDP_UMEM_FILL_RING, l->in_frames);
    if (r == 0)
        r = set_ring(fd, XDP_UMEM_COMPLETION_RING, l->out_frames ? l->out_frames : DONE_MIN);
    if (r == 0)
        r = set_ring(fd, XDP_RX_RING, l->in_frames);
    if (r == 0 && l->out_frames)
        r = set_ring(fd, XDP_TX_RING, l->out_frames);
    if (r == 0)
        r = fill(fd, l);
    if (r == 0)
        r = bind_queue(fd, l);
    if (r == 0)
        r = takes_over(fd, l);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
    return r;
}

/* --- the program --- */

/* In the driver where that can be. */
static int attach(int prog, uint32_t interface, bool *ret_native)
{
    int r = media_bpf_link(prog, interface, BPF_XDP, XDP_FLAGS_DRV_MODE);
    *ret_native = r >= 0;
    if (r == -EBUSY || r == -EEXIST || r == -EPERM)
        return r;
    return r < 0 ? media_bpf_link(prog, interface, BPF_XDP, XDP_FLAGS_SKB_MODE) : r;
}

static int interface_open(struct media_xdp *x, size_t number, struct media_xdp_filter *f)
{
    struct media_xdp_interface *i = &x->at[number];
    uint32_t interface = 0;
    int prog = -1, r = 0;
    f->sockets = media_bpf_map_new(BPF_MAP_TYPE_XSKMAP, sizeof(int), i->queues, 0);
    if (f->sockets < 0)
        return f->sockets;
    for (uint32_t n = 0; n < x->lanes && r == 0; n++) {
        const struct media_xdp_lane *l = &x->head->lane[n];
        int *fd = &x->fds.socket[n];
        if (l->number != number)
            continue;
        interface = l->interface;
        memcpy(f->mac, l->mac, FRAME_MAC);
        r = socket_make(x, l, fd);
        if (r == 0)
            r = media_bpf_map_set(f->sockets, l->queue, fd);
    }
    if (r == 0)
        r = prog = media_xdp_prog_load(f);
    if (r >= 0)
        r = i->link = attach(prog, interface, &i->native);
    if (prog >= 0)
        close(prog); /* the link keeps it, and it the map */
    close(f->sockets);
    return r < 0 ? r : 0;
}

/* --- the whole --- */

void media_xdp_init(struct media_xdp *x)
{
    *x = (struct media_xdp){.fds.memory = -1};
    for (size_t i = 0; i < MEDIA_XDP_SOCKETS_MAX; i++)
        x->fds.socket[i] = -1;
    for (size_t i = 0; i < MEDIA_XDP_INTERFACES_MAX; i++)
        x->at[i].link = -1;
}

int media_xdp_open(const char *names, const struct media_config *cfg, const struct media_steer *s,
                   struct media_xdp *ret, char why[MEDIA_STEER_WHY_MAX])
{
    struct media_xdp_filter f = {.ports = s->prog.ports,
                                 .first_port = cfg->port_min,
                                 .port_count = cfg->port_max - cfg->port_min + 1u};
    struct media_xdp_lane lanes[MEDIA_XDP_INTERFACES_MAX] = {0};
    struct media_xdp x;
    media_xdp_init(&x);
    int r = interfaces_look(names, &x, lanes, why);
    if (r != 0)
        return r;
    r = memory_make(&x, lanes);
    for (size_t i = 0; i < x.count && r == 0; i++) {
        r = interface_open(&x, i, &f);
        if (r < 0)
            r = unable_errno(why, x.at[i].name, r);
    }
    if (r != 0) {
        media_xdp_close(&x);
        return r < 0 ? unable_errno(why, names, r) : r;
    }
    *ret = x;
    return 0;
}

static void close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void media_xdp_close(struct media_xdp *x)
{
    for (size_t i = 0; i < x->count; i++)
        close_one(&x->at[i].link);
    for (size_t i = 0; i < MEDIA_XDP_SOCKETS_MAX; i++)
        close_one(&x->fds.socket[i]);
    if (x->head)
        munmap(x->head, x->size);
    x->head = NULL;
    x->lanes = 0;
    close_one(&x->fds.memory);
}

uint64_t media_xdp_lost(const struct media_xdp *x)
{
    uint64_t lost = 0;
    for (uint32_t i = 0; i < x->lanes; i++) {
        struct xdp_statistics st;
        socklen_t n = sizeof(st);
        if (getsockopt(x->fds.socket[i], SOL_XDP, XDP_STATISTICS, &st, &n) == 0)
            lost += st.rx_dropped + st.rx_ring_full;
    }
    return lost;
}

void media_xdp_counts(const struct media_xdp *x, uint64_t *ret_in, uint64_t *ret_out)
{
    *ret_in = *ret_out = 0;
    for (uint32_t i = 0; i < x->lanes; i++) {
        *ret_in += __atomic_load_n(&x->head->lane[i].in, __ATOMIC_RELAXED);
        *ret_out += __atomic_load_n(&x->head->lane[i].out, __ATOMIC_RELAXED);
    }
}
