/* The program that steers datagrams to the media role's sockets, by the bpf(2) system call alone: no
 * compiler, no library. It is of type sk_lookup: the kernel runs it in the network namespace for each
 * datagram that no connected socket takes, before it looks for a bound one.
 *
 *   a UDP datagram, its port within the range -> that port's entry -> open for this IP version and at
 *   this address -> the socket that the entry names; in all other cases as if it were not there.
 *
 * The entries are an array in shared memory: who has it mapped opens a port by writing, without a
 * system call. */
#ifndef SOTTO_MEDIA_STEER_PROG_H
#define SOTTO_MEDIA_STEER_PROG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* An entry of the array. */
struct media_steer_port {
    uint8_t open[2];   /* 1: for IPv4; for IPv6. Written last when a port is opened. */
    uint8_t any[2];    /* 1: bound to all its addresses */
    uint32_t socket;   /* which one of the sockets: IPv4's; IPv6's is the next */
    uint32_t taken;    /* 1: another program's when the server was started; not for the kernel */
    uint32_t addr4;    /* in network order */
    uint32_t addr6[4]; /* … */
};

/* Which of the sockets: each worker has one of each IP version. */
static inline uint32_t media_steer_socket(uint32_t worker, bool is6)
{
    return 2 * worker + is6;
}

struct media_steer_prog {
    int ports, sockets, link; /* descriptors; -1: none */
};

/* All of them, attached to this process's network namespace. -EPERM: it takes CAP_BPF and
 * CAP_NET_ADMIN; -ENOSYS, -EINVAL: the kernel has no such thing (Linux 5.9 has). */
int media_steer_prog_load(uint16_t first_port, uint32_t ports, uint32_t sockets,
                          struct media_steer_prog *ret) MUST_CHECK;
/* Datagrams for entries with this number go to fd, a bound UDP socket. */
int media_steer_prog_set(const struct media_steer_prog *p, uint32_t socket, int fd) MUST_CHECK;
void media_steer_prog_close(struct media_steer_prog *p);

#endif
