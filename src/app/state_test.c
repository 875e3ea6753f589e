#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "app/state.h"

/* Descriptors that need not exist: 100 + slot, listeners 200 and 300 + index. */
static void fake(struct state *s)
{
    state_init(s);
    for (int i = 0; i < ROLE_FD_SINGLE_COUNT; i++)
        s->fds[i] = 100 + i;
    s->stats_ro = 190;
    for (int i = 0; i < CONFIG_LISTEN_MAX; i++) {
        s->sip[i] = 200 + i;
        s->web[i] = i < CONFIG_WEB_LISTEN_MAX ? 300 + i : -1;
    }
    s->sip[1] = -1; /* a family that the machine lacks */
}

static unsigned slots_of(enum role_kind role, bool reload, int *ret_stats)
{
    struct state s;
    struct role_start start;
    int fds[ROLE_FDS_MAX];
    unsigned got = 0;
    fake(&s);
    state_fill_start(&s, role, reload, &start, fds);
    assert_int_equal(start.role, role);
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
             BIT(MIKEY_KEY),
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_role_gets_what_it_needs_and_no_key_besides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
