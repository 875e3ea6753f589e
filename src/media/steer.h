/* The shared way's descriptors. They are made by who may (the supervisor, before it starts the media
 * role) and kept as long as the server lives: a role that is killed leaves its datagrams in the
 * sockets' queues, and the next life takes them from there.
 *
 * It takes CAP_BPF, CAP_NET_ADMIN and CAP_NET_RAW (root has them) and Linux 5.9. A range that other
 * programs use is refused: steering comes before bound sockets, so it would take their datagrams. */
#ifndef SOTTO_MEDIA_STEER_H
#define SOTTO_MEDIA_STEER_H

#include "media/role.h"
#include "media/steer_prog.h"

#define MEDIA_STEER_WHY_MAX 320

struct media_steer {
    struct media_shared shared[MEDIA_WORKERS_MAX]; /* what each worker gets */
    struct media_steer_prog prog;
    uint32_t taken; /* ports of the range that other programs have: left out */
};

/* For all workers, of which each has sockets of its own: one program steers to all of them.
 * 0; MEDIA_STEER_UNABLE with a reason, as the end of a sentence. `insist`: not refused because the
 * kernel may give ports of the range to other programs. */
void media_steer_init(struct media_steer *s); /* closed */
enum { MEDIA_STEER_UNABLE = 1 };
int media_steer_open(const struct media_config *cfg, bool insist, struct media_steer *ret,
                     char why[MEDIA_STEER_WHY_MAX]) MUST_CHECK;
void media_steer_close(struct media_steer *s); /* no-op on one that is closed */
/* Datagrams that came when the sockets' queues were full. */
uint64_t media_steer_lost(const struct media_shared *s);

/* steer_claim.c: servers of one network namespace tell each other, by a name that goes with the
 * process, which ports are theirs and whether they steer.
 * 0; MEDIA_STEER_UNABLE with a reason: another one's ports overlap, and one of both steers. */
int media_steer_claim(const struct media_config *cfg, bool steers, int *ret_fd,
                      char why[MEDIA_STEER_WHY_MAX]) MUST_CHECK;
/* Of the ports min .. max, how many the kernel may give to any program (net.ipv4.ip_local_port_range
 * without ip_local_reserved_ports). */
uint32_t media_steer_ephemeral(uint16_t min, uint16_t max);
/* Marks ports that have a UDP socket; returns how many. */
uint32_t media_steer_mark_taken(struct media_steer_port *ports, uint16_t first, uint32_t n);

#endif
