/* Kill and go on: the role is another process, killed with -9 while media flows; the next one gets
 * the same memfds and the held sockets. */
#include "media/rig.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <cmocka.h>
#include <sys/wait.h>

#include "ipc/hold.h"
#include "ipc/role_msg.h"

struct process {
    struct rig g;
    pid_t pid;
    struct ipc_chan *supervisor;
    bool ready;
};

/* --- the child --- */

static void child_hold(void *arg, uint64_t tag, int fd)
{
    RIG_EQ(ipc_hold(arg, tag, fd), 0);
}

static void child_unhold(void *arg, uint64_t tag)
{
    RIG_EQ(ipc_unhold(arg, tag), 0);
}

static void child_msg(void *arg, uint32_t type, const void *payload, size_t n, const int *fds,
                      size_t fd_count)
{
    (void)arg, (void)type, (void)payload, (void)n, (void)fds, (void)fd_count;
}

static void child_closed(void *arg)
{
    (void)arg;
    _exit(0);
}

static void child_run(struct rig *g, int supervisor, int signalling)
{
    struct loop *l;
    struct ipc_chan *sup;
    struct media_role *role;
    RIG_EQ(loop_new(&l), 0);
    RIG_EQ(ipc_chan_new(l, supervisor, child_msg, child_closed, NULL, &sup), 0);
    const struct media_role_ops ops = {.hold = child_hold, .unhold = child_unhold, .arg = sup};
    RIG_EQ(media_role_new(l, &g->cfg, g->state_fd, g->stats_fd, &ops, &role), 0);
    for (size_t i = 0; i < RIG_HELD_MAX; i++) {
        if (g->held[i].fd >= 0)
            media_role_held(role, g->held[i].tag, g->held[i].fd);
    }
    RIG_EQ(media_role_start(role), 0);
    RIG_EQ(media_role_attach(role, signalling), 0);
    RIG_EQ(ipc_send(sup, ROLE_MSG_READY, NULL, 0, NULL, 0), 0);
    RIG_EQ(loop_run(l), 0);
    _exit(0);
}

/* --- the parent: supervisor, signalling and phones --- */

static void on_supervisor_msg(void *arg, uint32_t type, const void *payload, size_t n,
                              const int *fds, size_t fd_count)
{
    struct process *p = arg;
    uint64_t tag = 0;
    if (n == sizeof(tag))
        memcpy(&tag, payload, n);
    if (type == ROLE_MSG_HOLD) {
        RIG_EQ(fd_count, 1);
        rig_hold(&p->g, tag, fds[0]);
        close(fds[0]);
    } else if (type == ROLE_MSG_UNHOLD) {
        rig_unhold(&p->g, tag);
    } else if (type == ROLE_MSG_READY) {
        p->ready = true;
    }
}

static void on_supervisor_closed(void *arg)
{
    struct process *p = arg;
    p->supervisor = ipc_chan_free(p->supervisor);
}

static void process_start(struct process *p)
{
    int sup[2], sig[2];
    RIG_EQ(ipc_pair(sup), 0);
    RIG_EQ(ipc_pair(sig), 0);
    p->ready = false;
    p->pid = fork();
    RIG(p->pid >= 0);
    if (p->pid == 0) {
        close(sup[0]);
        close(sig[0]);
        child_run(&p->g, sup[1], sig[1]);
    }
    close(sup[1]);
    close(sig[1]);
    ipc_chan_free(p->g.chan);
    ipc_chan_free(p->supervisor);
    RIG_EQ(
        ipc_chan_new(p->g.loop, sup[0], on_supervisor_msg, on_supervisor_closed, p, &p->supervisor),
        0);
    RIG_EQ(ipc_chan_new(p->g.loop, sig[0], rig_on_msg, rig_on_closed, &p->g, &p->g.chan), 0);
    for (int i = 0; i < 20 && !p->ready; i++)
        RIG_EQ(loop_once(p->g.loop, 1000), 0);
    RIG(p->ready);
}

static void process_kill(struct process *p)
{
    RIG_EQ(kill(p->pid, SIGKILL), 0);
    RIG_EQ(waitpid(p->pid, NULL, 0), p->pid);
}

static void process_init(struct process *p)
{
    memset(p, 0, sizeof(*p));
    rig_memory(&p->g);
    p->g.wait_ms = 2000;
    RIG_EQ(loop_new(&p->g.loop), 0);
    rig_steer(&p->g);
    process_start(p);
}

static void process_fini(struct process *p)
{
    process_kill(p);
    p->supervisor = ipc_chan_free(p->supervisor);
    rig_fini(&p->g);
}

/* Sends one and waits for it on the other side. */
static void wait_passes(struct phone *from, struct phone *to)
{
    struct pollfd pfd = {.fd = to->rtp, .events = POLLIN};
    uint8_t pkt[256];
    uint32_t n = phone_make_rtp(from, pkt, 1);
    phone_put(from, pkt, n);
    for (;;) {
        assert_int_equal(poll(&pfd, 1, 5000), 1);
        RIG_EQ(phone_hear(to), 1);
        if (to->hdr.seq == (uint16_t)(from->index - 1))
            return;
    }
}

static void test_killed_while_media_flows(void **state)
{
    (void)state;
    static struct process p;
    static struct phone a, b;
    process_init(&p);
    phone_init(&a, &p.g, 7, 0, PROTECTION_REQUIRED);
    phone_init(&b, &p.g, 7, 1, PROTECTION_REQUIRED);
    a.index = 65400; /* the wrap comes in between */
    rig_call(&a, &b, &a.policy, &b.policy);
    RIG_EQ(rig_held_count(&p.g), rig_sockets_of(&p.g, 2));
    uint64_t id = a.endpoint;
    for (int life = 0; life < 8; life++) {
        for (int i = 0; i < 10; i++) {
            wait_passes(&a, &b);
            wait_passes(&b, &a);
        }
        /* A burst, of which the role handles as much as it can before it dies. */
        for (int i = 0; i < 20; i++) {
            uint8_t pkt[256];
            uint32_t n = phone_make_rtp(&a, pkt, 2);
            phone_put(&a, pkt, n);
            if (i == 3 + 2 * life)
                process_kill(&p);
        }
        process_start(&p);
    }
    wait_passes(&a, &b);
    /* What lay in the sockets was not lost either. */
    RIG(rig_stats(&p.g, a.endpoint)->rx_packets > 8 * 12);
    RIG_EQ(rig_stats(&p.g, a.endpoint)->rx_auth_failures, 0);
    /* Signalling asks again and gets the same endpoint, still encrypted. */
    struct media_request rq = phone_request(&a, MEDIA_OP_OPEN);
    RIG(rig_request(&p.g, &rq, SLICE_NONE)->endpoint == id);
    RIG(p.g.reply.protection.established);
    RIG_EQ(addr_port(&p.g.reply.local_rtp), addr_port(&a.server));
    RIG_EQ(phone_offers(&a, 0, &a.policy, NULL), 0);
    wait_passes(&a, &b);
    wait_passes(&b, &a);
    RIG_EQ(rig_held_count(&p.g), rig_sockets_of(&p.g, 2));
    phone_fini(&a);
    phone_fini(&b);
    process_fini(&p);
}

/* The tone goes on under its SSRC with the next sequence number. */
static void test_killed_while_it_sings(void **state)
{
    (void)state;
    static struct process p;
    static struct phone a;
    process_init(&p);
    phone_init(&a, &p.g, 7, 0, PROTECTION_REQUIRED);
    RIG_EQ(phone_offers(&a, MEDIA_OP_OPEN, &a.policy, NULL), 0);
    struct media_request rq = phone_request(&a, MEDIA_OP_CONNECT);
    rq.mode = MEDIA_MODE_TONE;
    RIG_EQ(rig_request(&p.g, &rq, SLICE_NONE)->status, 0);
    struct pollfd pfd = {.fd = a.rtp, .events = POLLIN};
    uint32_t ssrc = 0;
    uint16_t seq = 0;
    for (int i = 0; i < 12; i++) {
        if (i == 4 || i == 8) {
            process_kill(&p);
            process_start(&p);
        }
        assert_int_equal(poll(&pfd, 1, 5000), 1);
        RIG_EQ(phone_hear(&a), 1);
        RIG(i == 0 || a.hdr.ssrc == ssrc);
        RIG(i == 0 || (uint16_t)(a.hdr.seq - seq) <= 2); /* one may die with the process */
        ssrc = a.hdr.ssrc;
        seq = a.hdr.seq;
    }
    phone_fini(&a);
    process_fini(&p);
}

/* The supervisor has lost the sockets: the ports are opened again. */
static void test_sockets_not_held(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    assert_passes(&t.a, &t.b);
    t.g.role = media_role_free(t.g.role);
    for (size_t i = 0; i < RIG_HELD_MAX; i++) {
        if (t.g.held[i].fd >= 0)
            close(t.g.held[i].fd);
        t.g.held[i].fd = -1;
    }
    rig_start_role(&t.g);
    rig_attach(&t.g);
    assert_int_equal(rig_held_count(&t.g), rig_sockets_of(&t.g, 2));
    assert_passes(&t.a, &t.b);
    assert_passes(&t.b, &t.a);
    two_fini(&t);
}

/* Sockets of endpoints that are no more are given back. */
static void test_held_for_nothing(void **state)
{
    (void)state;
    static struct two t;
    struct addr a;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    t.g.role = media_role_free(t.g.role);
    int fd = phone_socket(&a);
    rig_hold(&t.g, 0x4200000002, fd);
    rig_hold(&t.g, UINT64_MAX, fd);
    close(fd);
    rig_start_role(&t.g);
    rig_attach(&t.g);
    assert_int_equal(rig_held_count(&t.g), rig_sockets_of(&t.g, 2));
    assert_int_equal(media_role_endpoints(t.g.role), 2);
    assert_passes(&t.b, &t.a);
    two_fini(&t);
}

/* A restart must not forget that the leg was clear, held, or under which policy. */
static void test_terms_outlive(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_OFF);
    assert_passes(&t.a, &t.b);
    t.g.role = media_role_free(t.g.role);
    rig_start_role(&t.g);
    rig_attach(&t.g);
    assert_passes(&t.a, &t.b);
    assert_passes(&t.b, &t.a);
    struct media_request rq = phone_request(&t.a, MEDIA_OP_REMOTE);
    rq.is_offer = true;
    rq.proto = MEDIA_PROTO_AVP;
    rq.policy.protection = PROTECTION_PREFERRED;
    assert_int_equal(rig_request(&t.g, &rq, SLICE_NONE)->status, MEDIA_STATUS_DOWNGRADE);
    two_fini(&t);
}

/* A life has the other way in and out: the calls of the life before go on at their ports. */
static void test_the_way_changes(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    for (int life = 0; life < 4; life++) {
        t.g.role = media_role_free(t.g.role);
        rig_steer_not = !rig_steer_not;
        if (t.g.cfg.shared)
            media_steer_close(&t.g.steer);
        t.g.cfg.shared = NULL;
        rig_start_role(&t.g); /* steers again where it may */
        rig_attach(&t.g);
        assert_int_equal(rig_held_count(&t.g), rig_sockets_of(&t.g, 2));
        assert_passes(&t.a, &t.b);
        assert_passes(&t.b, &t.a);
    }
    rig_steer_not = false;
    two_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_while_media_flows),
        cmocka_unit_test(test_killed_while_it_sings),
        cmocka_unit_test(test_sockets_not_held),
        cmocka_unit_test(test_held_for_nothing),
        cmocka_unit_test(test_terms_outlive),
        cmocka_unit_test(test_the_way_changes),
    };
    return RIG_RUN_BOTH_WAYS(tests);
}
