#include "app/listen.h"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/exit.h"

#define BACKLOG 4096
#define UDP_BUFFER (4 << 20)

static void say_why(char why[LISTEN_WHY_MAX], const struct config_listen *l, int e)
{
    char at[ADDR_STR_MAX];
    bool udp = l->kind == TRANSPORT_UDP;
    const char *proto = udp ? "udp" : "tcp";
    unsigned port = addr_port(&l->addr);
    addr_str(&l->addr, at);
    if (e == EADDRINUSE)
        snprintf(
            why, LISTEN_WHY_MAX,
            "port %u/%s is taken: cannot listen on %s because another program does; `ss -H%snp "
            "'sport = :%u'` names it",
            port, proto, at, udp ? "lu" : "lt", port);
    else if (e == EACCES)
        snprintf(why, LISTEN_WHY_MAX,
                 "port %u/%s may only be taken by root or with CAP_NET_BIND_SERVICE", port, proto);
    else if (e == EADDRNOTAVAIL || e == EAFNOSUPPORT)
        snprintf(why, LISTEN_WHY_MAX,
                 "cannot listen on %s: this machine does not have the address; `ip address` shows "
                 "those it has",
                 at);
    else
        snprintf(why, LISTEN_WHY_MAX, "cannot listen on %s (%s): %s", at, proto, log_strerror(e));
}

static int socket_bind(const struct config_listen *l, int fd)
{
    const int one = 1, size = UDP_BUFFER;
    bool udp = l->kind == TRANSPORT_UDP;
    /* Each family by itself, as the settings name them. */
    if (addr_family(&l->addr) == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0)
        return -errno;
    /* For TCP: not to wait for old connections in TIME_WAIT. For UDP it would let two servers take
     * one port. */
    if (!udp && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
        return -errno;
    if (udp) /* as much as the machine allows */
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    if (bind(fd, &l->addr.sa, addr_len(&l->addr)) < 0)
        return -errno;
    return !udp && listen(fd, BACKLOG) < 0 ? -errno : 0;
}

static int listen_one(const struct config_listen *l, int *ret_fd)
{
    int type = l->kind == TRANSPORT_UDP ? SOCK_DGRAM : SOCK_STREAM;
    int fd = socket(addr_family(&l->addr), type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    int r = socket_bind(l, fd);
    if (r < 0) {
        close(fd);
        return r;
    }
    struct addr bound;
    socklen_t n = sizeof(bound);
    if (getsockname(fd, &bound.sa, &n) == 0)
        log_event(LOG_INFO, "listening", LOG_STR("kind", config_listen_kind_name(l->kind)),
                  LOG_A("at", &bound));
    *ret_fd = fd;
    return 0;
}

int listen_open(const struct config_listeners *l, char why[LISTEN_WHY_MAX],
                int ret_fds[CONFIG_LISTEN_MAX])
{
    int fds[CONFIG_LISTEN_MAX];
    uint32_t opened = 0;
    for (uint32_t i = 0; i < CONFIG_LISTEN_MAX; i++)
        fds[i] = -1;
    for (uint32_t i = 0; i < l->count; i++) {
        int r = listen_one(&l->at[i], &fds[i]);
        opened += r == 0;
        if (r == 0 || (l->is_default && (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL)))
            continue;
        say_why(why, &l->at[i], -r);
        listen_close(fds);
        return r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT ? EXIT_STATUS_CONFIG : EXIT_STATUS_TAKEN;
    }
    if (l->count && !opened) {
        say_why(why, &l->at[0], EADDRNOTAVAIL);
        return EXIT_STATUS_CONFIG;
    }
    memcpy(ret_fds, fds, sizeof(fds));
    return 0;
}

int listen_control(const char *data, char why[LISTEN_WHY_MAX], int *ret_fd)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int n = snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/control.sock", data);
    if (n < 0 || (size_t)n >= sizeof(sa.sun_path)) {
        snprintf(why, LISTEN_WHY_MAX,
                 "the path %.300s/control.sock is too long for a socket: at most "
                 "%zu characters; choose a shorter data folder",
                 data, sizeof(sa.sun_path) - 1);
        return EXIT_STATUS_CONFIG;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    /* The lock on the folder says that no other server is there: the socket is a dead one's. */
    (void)unlink(sa.sun_path);
    mode_t before = umask(0177);
    int r = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 64) < 0 ? errno : 0;
    umask(before);
    if (r) {
        snprintf(why, LISTEN_WHY_MAX, "cannot listen on %s: %s", sa.sun_path, log_strerror(r));
        close(fd);
        return EXIT_STATUS_TAKEN;
    }
    *ret_fd = fd;
    return 0;
}

void listen_close(int fds[CONFIG_LISTEN_MAX])
{
    for (uint32_t i = 0; i < CONFIG_LISTEN_MAX; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
        fds[i] = -1;
    }
}
