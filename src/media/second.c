/* With ICE an endpoint is at addresses of both IP versions where the server has both, under the same
 * port numbers: the peer's checks choose. The first place is that of m= and c=, as without ICE; the
 * second one is in the row behind the slots, so that the next life finds it. Over the shared way it is
 * one more address that is steered here; per stream it is two more sockets. Where it cannot be had
 * (another program has the port, the machine lacks the address), ICE goes on with the first alone. */
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "media/worker.h"

static_assert((uint64_t)MEDIA_WORKERS_MAX * MEDIA_ENDPOINTS_MAX <= MEDIA_TAG_SECOND >> 1,
              "the tag's bit is free");

static struct media_place *place_of(const struct media_endpoint *e)
{
    return &e->role->state.second[media_slot_of(e)];
}

static uint64_t tag_of(const struct media_endpoint *e, bool rtcp)
{
    return media_tag(e->id, rtcp) | MEDIA_TAG_SECOND;
}

/* --- sockets of its own --- */

static void on_rtp(void *arg, uint32_t events)
{
    struct media_endpoint *e = arg;
    (void)events;
    media_socket_receive(e, e->second->rtp.fd, false);
}

static void on_rtcp(void *arg, uint32_t events)
{
    struct media_endpoint *e = arg;
    (void)events;
    media_socket_receive(e, e->second->rtcp.fd, true);
}

/* Takes fd. */
static int add(struct media_endpoint *e, bool rtcp, int fd)
{
    struct loop_fd *f = rtcp ? &e->second->rtcp : &e->second->rtp;
    int r = loop_fd_add(e->role->loop, f, fd, EPOLLIN, rtcp ? on_rtcp : on_rtp, e);
    if (r < 0)
        close(fd);
    return r;
}

/* What is not there yet. */
static int sockets_open(struct media_endpoint *e)
{
    int r = 0;
    for (unsigned rtcp = 0; rtcp < 2 && r == 0; rtcp++) {
        int fd;
        if ((rtcp ? &e->second->rtcp : &e->second->rtp)->fd >= 0)
            continue;
        r = media_ports_bind(&place_of(e)->bound, (uint16_t)(e->s->port + rtcp), &fd);
        if (r < 0)
            return r;
        e->role->ops.hold(e->role->ops.arg, tag_of(e, rtcp), fd);
        r = add(e, rtcp, fd);
    }
    return r;
}

static void socket_close(struct media_endpoint *e, struct loop_fd *f)
{
    int fd = f->fd;
    if (fd < 0)
        return;
    loop_fd_del(e->role->loop, f);
    close(fd);
}

/* --- life --- */

static bool begin(struct media_endpoint *e)
{
    e->second = calloc(1, sizeof(*e->second));
    if (e->second)
        e->second->rtp.fd = e->second->rtcp.fd = -1;
    return e->second != NULL;
}

static int ways_open(struct media_endpoint *e)
{
    if (!e->shared)
        return sockets_open(e);
    media_shared_second(e, &place_of(e)->bound, true);
    return 0;
}

/* False: there is none. */
static bool choose(const struct media_endpoint *e, const struct addr *other,
                   struct media_place *ret)
{
    const struct media_role *r = e->role;
    bool is6 = addr_family(&e->s->bound) != AF_INET6;
    bool named = addr_family(&r->cfg.bind4) != 0 || addr_family(&r->cfg.bind6) != 0;
    if (named)
        other = is6 ? &r->cfg.bind6 : &r->cfg.bind4;
    if (addr_family(other) != (is6 ? AF_INET6 : AF_INET) || addr_is_any(other))
        return false;
    media_place_make(r, other, ret);
    addr_set_port(&ret->bound, 0);
    return !e->shared || (media_shared_has(r->shared, &ret->bound, e->s->port) &&
                          media_shared_is_ours(r->shared, &ret->bound));
}

void media_second_open(struct media_endpoint *e, const struct addr *other)
{
    struct media_place at;
    if (e->second || e->s->bundle || !choose(e, other, &at) || !begin(e))
        return;
    *place_of(e) = at;
    atomic_signal_fence(memory_order_seq_cst); /* a killed process has none before it is written */
    e->s->has_second = true;
    int r = ways_open(e);
    if (r < 0) {
        media_second_close(e);
        log_event(LOG_INFO, "media_second_address_failed", LOG_ERRNO(r),
                  LOG_A("address", &at.bound), LOG_ID("call", e->s->call));
    }
}

void media_second_close(struct media_endpoint *e)
{
    struct media_role *r = e->role;
    if (!e->second)
        return;
    if (e->shared) {
        media_shared_second(e, &place_of(e)->bound, false);
    } else {
        r->ops.unhold(r->ops.arg, tag_of(e, false));
        r->ops.unhold(r->ops.arg, tag_of(e, true));
    }
    e->s->has_second = false;
    media_second_leave(e);
}

void media_second_leave(struct media_endpoint *e)
{
    if (!e->second)
        return;
    socket_close(e, &e->second->rtp);
    socket_close(e, &e->second->rtcp);
    free(e->second);
    e->second = NULL;
}

/* --- the next life --- */

void media_second_adopt(struct media_endpoint *e)
{
    if (e->s->has_second && begin(e) && e->shared)
        err_ignore(ways_open(e)); /* what is in between is steered here: cannot fail */
}

void media_second_held(struct media_endpoint *e, bool rtcp, int fd)
{
    bool wanted = e->second && !e->shared;
    if (!wanted)
        e->role->ops.unhold(e->role->ops.arg, tag_of(e, rtcp));
    if (!wanted || (rtcp ? &e->second->rtcp : &e->second->rtp)->fd >= 0) {
        close(fd);
        return;
    }
    err_ignore(add(e, rtcp, fd)); /* else it is opened again by start */
}

void media_second_start(struct media_endpoint *e)
{
    if (!e->s->has_second)
        return;
    if (!e->second && !begin(e)) {
        e->s->has_second = false;
        return;
    }
    if (ways_open(e) < 0)
        media_second_close(e);
}
