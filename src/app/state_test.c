#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include "app/state.h"

/* Descriptors that need not exist: 100 + slot, listeners 200 and 300 + index. */
static void fake(struct state *s)
{
    state_init(s);
    for (int i = 0; i < ROLE_FD_SINGLE_COUNT; i++)
        s->fds[i] = 100 + i;
    s->stats_ro = 190;
    s->media.workers = 3;
    for (int w = 0; w < 3; w++) {
        s->media_state[w] = 400 + w;
        for (int i = 0; i < MEDIA_SHARED_COUNT; i++)
            s->media.steer.shared[w].fd[i] = 500 + 10 * w + i;
    }
    for (int i = 0; i < CONFIG_LISTEN_MAX; i++) {
        s->sip[i] = 200 + i;
        s->web[i] = i < CONFIG_WEB_LISTEN_MAX ? 300 + i : -1;
    }
    s->sip[1] = -1; /* a family that the machine lacks */
}

#define WORKER 2 /* of the media role, whose turn it is */

static unsigned slots_of(enum role_kind role, bool reload, int *ret_stats)
{
    struct state s;
    struct role_start start;
    int fds[ROLE_FDS_MAX];
    unsigned got = 0;
    fake(&s);
    state_fill_start(&s, role, role == ROLE_MEDIA ? WORKER : 0, reload, &start, fds);
    assert_int_equal(start.role, role);
    assert_int_equal(start.worker, role == ROLE_MEDIA ? WORKER : 0);
    assert_int_equal(start.workers, 3);
    assert_true(start.fd_count <= ROLE_FDS_MAX);
    *ret_stats = -1;
    for (uint32_t i = 0; i < start.fd_count; i++) {
        unsigned slot = start.fds[i].slot, index = start.fds[i].index;
        got |= 1u << slot;
        if (slot == ROLE_FD_MEDIA_STATS)
            *ret_stats = fds[i];
        else if (slot == ROLE_FD_SIP_LISTEN)
            assert_int_equal(fds[i], 200 + (int)index);
        else if (slot == ROLE_FD_WEB_LISTEN)
            assert_int_equal(fds[i], 300 + (int)index);
        else if (slot == ROLE_FD_MEDIA_STATE)
            assert_int_equal(fds[i], 400 + WORKER);
        else if (slot == ROLE_FD_MEDIA_SHARED)
            assert_int_equal(fds[i], 500 + 10 * WORKER + (int)index);
        else
            assert_int_equal(fds[i], 100 + (int)slot);
        assert_false(slot == ROLE_FD_SIP_LISTEN && index == 1);
    }
    return got;
}

#define BIT(slot) (1u << ROLE_FD_##slot)

static void each_role_gets_what_it_needs_and_no_key_besides(void **state)
{
    (void)state;
    static const struct {
        enum role_kind role;
        unsigned start, reload;
        int stats;
    } cases[] = {
        {ROLE_SIGNAL,
         BIT(CONFIG) | BIT(CONN_SLOTS) | BIT(CALL_STATE) | BIT(MEDIA_STATS) | BIT(CA_CERT) |
             BIT(SERVER_CERT) | BIT(SERVER_KEY) | BIT(DOMAIN_CERTS) | BIT(SEAL_KEY) |
             BIT(SIP_LISTEN) | BIT(WEB_LISTEN),
         BIT(CONFIG) | BIT(CA_CERT) | BIT(SERVER_CERT) | BIT(SERVER_KEY) | BIT(DOMAIN_CERTS), 190},
        {ROLE_MEDIA,
         BIT(CONFIG) | BIT(MEDIA_STATE) | BIT(MEDIA_STATS) | BIT(CA_CERT) | BIT(MIKEY_CERT) |
             BIT(MIKEY_KEY) | BIT(MEDIA_SHARED) | BIT(MEDIA_SEEN),
         BIT(CONFIG) | BIT(CA_CERT) | BIT(MIKEY_CERT) | BIT(MIKEY_KEY), 100 + ROLE_FD_MEDIA_STATS},
        {ROLE_WEB, BIT(CONFIG) | BIT(MEDIA_STATS) | BIT(CA_CERT) | BIT(SEAL_KEY) | BIT(CONTROL),
         BIT(CONFIG) | BIT(CA_CERT), 190},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int stats;
        assert_int_equal(slots_of(cases[i].role, false, &stats), cases[i].start);
        assert_int_equal(stats, cases[i].stats);
        assert_int_equal(slots_of(cases[i].role, true, &stats), cases[i].reload);
    }
}

/* The keeper hears of those that some role is given anew. */
static void what_a_reload_replaces_is_told(void **state)
{
    (void)state;
    struct state s;
    unsigned any = 0, told = 0;
    int stats, pipe_fds[2];
    for (int role = ROLE_SIGNAL; role < ROLE_COUNT; role++)
        any |= slots_of((enum role_kind)role, true, &stats);
    for (unsigned slot = 0; slot < ROLE_FD_COUNT + 3; slot++)
        told |= (unsigned)state_is_reloaded(slot) << slot;
    assert_int_equal(told, any);
    state_init(&s);
    assert_int_equal(pipe(pipe_fds), 0);
    state_replace(&s, ROLE_FD_CONFIG, pipe_fds[0]);
    state_replace(&s, ROLE_FD_CONFIG, pipe_fds[1]);
    assert_int_equal(s.fds[ROLE_FD_CONFIG], pipe_fds[1]);
    assert_int_equal(close(pipe_fds[0]), -1); /* the old one was closed */
    state_close(&s);
    assert_int_equal(close(pipe_fds[1]), -1);
}

/* One for two cores, as far as the ports go. */
static void auto_is_a_worker_for_two_cores(void **state)
{
    (void)state;
    static const struct {
        uint32_t set, cores, ports, wanted;
    } cases[] = {
        {0, 1, 10000, 1}, {0, 2, 10000, 1}, {0, 3, 10000, 1},   {0, 4, 10000, 2},
        {0, 9, 10000, 4}, {0, 9, 1000, 3},  {0, 9, 100, 1},     {0, 64, 10000, 16},
        {1, 9, 100, 1},   {3, 1, 10000, 3}, {16, 1, 10000, 16},
    };
    static struct app_config c;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        config_init(&c);
        c.media_workers = cases[i].set;
        c.ports.max = c.ports.min + cases[i].ports - 1;
        assert_int_equal(media_way_workers(&c, cases[i].cores), cases[i].wanted);
    }
    config_init(&c);
    snprintf(c.xdp_interface, sizeof(c.xdp_interface), "eth0"); /* whose queues one worker has */
    assert_int_equal(media_way_workers(&c, 64), 1);
}

/* No port and no endpoint is two workers'; a call's worth is lost to rounding at most. */
static void workers_have_shares(void **state)
{
    (void)state;
    static struct app_config c;
    config_init(&c);
    for (uint32_t n = 1; n <= MEDIA_WORKERS_MAX; n++) {
        const struct media_config all = media_way_config(&c, n);
        uint32_t port = c.ports.min, endpoint = 0;
        for (uint32_t w = 0; w < n; w++) {
            const struct media_config of = media_config_of_worker(&all, w);
            assert_int_equal(of.port_min, port);
            assert_int_equal(of.first_endpoint, endpoint);
            assert_int_equal(of.steered_min, c.ports.min);
            port = of.port_max + 1u;
            endpoint += of.max_endpoints;
        }
        assert_int_equal(port, c.ports.max + 1);
        assert_int_equal(endpoint, media_way_endpoints(&c, n));
        assert_in_range(endpoint, role_endpoints(&c), role_endpoints(&c) + n - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auto_is_a_worker_for_two_cores),
        cmocka_unit_test(workers_have_shares),
        cmocka_unit_test(each_role_gets_what_it_needs_and_no_key_besides),
        cmocka_unit_test(what_a_reload_replaces_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
