/* The AF_XDP way: on the interfaces that are named, datagrams to open media ports go from the driver to
 * memory of ours, and frames of ours go to the driver, past the kernel's stack. It lies over the shared
 * way (steer.h), whose array of open ports it looks into: what the program there lets pass (other
 * interfaces, fragments, options, VLANs, ports at all addresses, queues without a socket) comes by
 * the shared socket, and what cannot leave by a frame leaves by the raw socket.
 *
 *   xdp_prog.c  which frames: the program
 *   xdp_open.c  made by who may, before the role (Linux 6.4): sockets, their memory, the program attached to
 *               the interfaces as long as the server lives
 *   xdp_ring.c  the rings that the kernel shares with us
 *   xdp.c       the role's part: in, out, and what a next life finds
 *
 * Sockets and memory are the supervisor's. A role that is killed leaves what came in the rings, and
 * every frame has its place for its next life; see struct media_xdp_lane. */
#ifndef SOTTO_MEDIA_XDP_H
#define SOTTO_MEDIA_XDP_H

#include <assert.h>
#include <net/if.h>

#include "media/frame.h"
#include "media/steer.h"

#define MEDIA_XDP_CHUNK 2048u /* memory for a frame; the kernel wants 256 of it for itself */
#define MEDIA_XDP_FRAME_MAX (MEDIA_XDP_CHUNK - 256u)
/* Frames that may wait, of all sockets: a wake-up may be late by 100 ms (the role is killed and starts
 * again), at 100,000 packets a second. */
#define MEDIA_XDP_IN 16384u
#define MEDIA_XDP_OUT 2048u /* under way, of each interface */
/* Larger datagrams, headers of IP included, leave by the raw socket: the kernel knows what paths take,
 * and every path takes so much of IPv6 (RFC 8200 s.5). */
#define MEDIA_XDP_PACKET_MAX 1280u

/* One socket: one receive queue of an interface. The first one of an interface sends, too.
 *
 * Frames go in a circle: filled in for the kernel, come, read, filled in again; and: sent, done, sent
 * again. So two sums stand whatever happens, and a life that ended between two stores is repaired
 * by them:
 *   fill.producer = rx.consumer + in_frames; tx.producer = done.consumer + out_used */
struct media_xdp_lane {
    uint32_t interface; /* its index, of the system */
    uint32_t number;    /* … and ours, from 0 */
    uint32_t queue;
    uint32_t in_frames, out_frames; /* powers of 2; out_frames 0: does not send */
    uint32_t out_used;              /* frames that have been sent once */
    uint32_t packet_max;            /* bytes of IP */
    uint8_t mac[FRAME_MAC];
    uint64_t at;      /* of its frames in the memory */
    uint64_t in, out; /* packets; for people */
};

struct media_xdp_head {
    uint32_t lanes;
    uint32_t interfaces;
    struct media_xdp_lane lane[MEDIA_XDP_SOCKETS_MAX];
};
#define MEDIA_XDP_HEAD 4096u
static_assert(sizeof(struct media_xdp_head) <= MEDIA_XDP_HEAD, "frames lie behind");

/* --- xdp_prog.c --- */

struct media_xdp_filter {
    int ports; /* the array of struct media_steer_port */
    uint16_t first_port;
    uint32_t port_count;
    int sockets; /* a map of AF_XDP sockets, by queue */
    uint8_t mac[FRAME_MAC];
};
/* A descriptor. As media_steer_prog_load. */
int media_xdp_prog_load(const struct media_xdp_filter *f) MUST_CHECK;

/* --- xdp_open.c --- */

struct media_xdp_interface {
    char name[IF_NAMESIZE];
    bool native; /* in the driver; else in the kernel's generic place */
    uint32_t queues;
    int link; /* -1: none */
};

struct media_xdp {
    struct media_xdp_fds fds; /* what the role gets */
    size_t count;
    struct media_xdp_interface at[MEDIA_XDP_INTERFACES_MAX];
    struct media_xdp_head *head; /* the role writes there, too: nothing in it steers us */
    size_t size;
    uint32_t lanes;
};

void media_xdp_init(struct media_xdp *x);
/* names: as in the settings, "eth0, eth1". 0; MEDIA_STEER_UNABLE with a reason. */
int media_xdp_open(const char *names, const struct media_config *cfg, const struct media_steer *s,
                   struct media_xdp *ret, char why[MEDIA_STEER_WHY_MAX]) MUST_CHECK;
void media_xdp_close(struct media_xdp *x); /* no-op on one that is closed */
/* Datagrams that came when there was no room. */
uint64_t media_xdp_lost(const struct media_xdp *x);
/* Packets that came and left this way. */
void media_xdp_counts(const struct media_xdp *x, uint64_t *ret_in, uint64_t *ret_out);

#endif
