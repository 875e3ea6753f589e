#include "media/rig.h"

struct two {
    struct rig g;
    struct phone a, b;
};

static void two_init(struct two *t, enum protection_policy a, enum protection_policy b)
{
    rig_init(&t->g);
    phone_init(&t->a, &t->g, 7, 0, a);
    phone_init(&t->b, &t->g, 7, 1, b);
    rig_call(&t->a, &t->b, &t->a.policy, &t->b.policy);
}

static void two_fini(struct two *t)
{
    phone_fini(&t->a);
    phone_fini(&t->b);
    rig_fini(&t->g);
}

static void test_sdes_to_sdes(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    assert_non_null(t.a.rx);
    assert_non_null(t.b.rx);
    for (int i = 0; i < 5; i++) {
        assert_passes(&t.a, &t.b);
        assert_passes(&t.b, &t.a);
    }
    const struct media_stats *st = rig_stats(&t.g, t.a.endpoint);
    assert_int_equal(st->rx_packets, 5);
    assert_int_equal(st->tx_packets, 5);
    assert_int_equal(st->rx_lost, 0);
    assert_string_equal(st->codec, "PCMA");
    assert_true(st->protection.established);
    assert_int_equal(st->protection.keying, KEYING_SDES);
    two_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sdes_to_sdes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
