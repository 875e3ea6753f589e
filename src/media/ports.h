/* The port range: which pairs (even RTP, odd RTCP above it; RFC 3550 s.11) are ours, and their
 * sockets. A pair is counted as used for all local addresses: what signalling, firewalls and
 * logs show is then unambiguous. */
#ifndef SOTTO_MEDIA_PORTS_H
#define SOTTO_MEDIA_PORTS_H

#include "base/addr.h"

struct media_ports {
    uint16_t first; /* even */
    uint16_t pairs;
    uint16_t used;
    uint64_t *bitmap;
};

struct media_sockets {
    int rtp, rtcp;
    uint16_t port; /* of RTP */
};

/* -EINVAL: not one pair lies in the range. -ENOMEM. */
int media_ports_init(struct media_ports *p, uint16_t min, uint16_t max) MUST_CHECK;
void media_ports_fini(struct media_ports *p);
/* The share of one of `workers` (at least 1): whole pairs, as many for each, what is left over for the
 * last; a share without a pair is what media_ports_init refuses. */
void media_ports_share(uint16_t min, uint16_t max, uint32_t worker, uint32_t workers,
                       uint16_t *ret_min, uint16_t *ret_max);

/* Binds a free pair at `local` (its port is ignored), starting at a random place: ports that can be
 * guessed invite spoofed packets. -EADDRINUSE: all are taken; otherwise what socket() or bind() said
 * (-EADDRNOTAVAIL, -EMFILE, …). */
int media_ports_take(struct media_ports *p, const struct addr *local,
                     struct media_sockets *ret) MUST_CHECK;
/* One given pair, after a restart. Outside the range (the configuration has changed) is fine. */
int media_ports_take_at(struct media_ports *p, const struct addr *local, uint16_t port,
                        struct media_sockets *ret) MUST_CHECK;
/* A free pair, without sockets. */
int media_ports_pick(struct media_ports *p, uint16_t *ret_port) MUST_CHECK;
/* One socket, bound as those of a pair are. */
int media_ports_bind(const struct addr *local, uint16_t port, int *ret_fd) MUST_CHECK;
/* The pair has sockets already (held ones), or belongs to somebody else. */
void media_ports_mark(struct media_ports *p, uint16_t port);
void media_ports_release(struct media_ports *p, uint16_t port);

#endif
