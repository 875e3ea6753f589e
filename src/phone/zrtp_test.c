#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <unistd.h>

#include "phone/zrtp.h"

static char path[64];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof(path), "/tmp/sotto-zrtp-test.%d", (int)getpid());
    (void)unlink(path);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(path);
    return 0;
}

static void secrets_outlive_the_program(void **state)
{
    (void)state;
    struct phone_zrtp z = {0}, again = {0};
    struct zrtp_secrets s = {.verified = true}, back;
    const uint8_t peer[ZRTP_ZID_LEN] = "a peer's zi", other[ZRTP_ZID_LEN] = "another zid";
    char why[128] = "";

    assert_int_equal(phone_zrtp_open(&z, path, why, sizeof(why)), 0);
    memset(s.of[ZRTP_RS1].b, 0xa5, ZRTP_SECRET_LEN);
    s.of[ZRTP_RS1].n = s.of[ZRTP_PBX].n = ZRTP_SECRET_LEN;
    assert_int_equal(phone_zrtp_save(&z, peer, &s), 0);
    assert_int_equal(phone_zrtp_open(&again, path, why, sizeof(why)), 0);
    assert_memory_equal(z.local.zid, again.local.zid, ZRTP_ZID_LEN);
    phone_zrtp_find(&again, peer, &back);
    assert_true(back.verified);
    assert_memory_equal(back.of[ZRTP_RS1].b, s.of[ZRTP_RS1].b, ZRTP_SECRET_LEN);
    assert_int_equal(back.of[ZRTP_RS2].n, 0);
    assert_int_equal(back.of[ZRTP_PBX].n, ZRTP_SECRET_LEN);
    phone_zrtp_find(&again, other, &back);
    assert_false(back.verified || back.of[ZRTP_RS1].n);
    phone_zrtp_close(&z);
    phone_zrtp_close(&again);
}

static void a_file_of_something_else_is_refused(void **state)
{
    (void)state;
#define OWN "own 000102030405060708090a0b\n"
#define PEER "peer 000102030405060708090a0b "
    static const char *const texts[] = {"",
                                        "hello\n",
                                        "own 1234\n",
                                        OWN "peer 00 verified - - -\n",
                                        PEER "verified - - -\n",
                                        OWN PEER "maybe - - -\n"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct phone_zrtp z = {0};
        char why[128] = "";
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        assert_true(fputs(texts[i], f) >= 0);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(phone_zrtp_open(&z, path, why, sizeof(why)), -EINVAL);
        assert_non_null(strstr(why, "not a file of ours"));
    }
}

static void peers_have_a_limit(void **state)
{
    (void)state;
    struct phone_zrtp z = {0};
    struct zrtp_secrets s = {.verified = true}, back;
    char why[128] = "";

    assert_int_equal(phone_zrtp_open(&z, NULL, why, sizeof(why)), 0);
    for (unsigned i = 0; i <= PHONE_ZRTP_PEERS_MAX; i++) {
        uint8_t zid[ZRTP_ZID_LEN] = {(uint8_t)i, (uint8_t)(i >> 8)};
        assert_int_equal(phone_zrtp_save(&z, zid, &s), 0);
        phone_zrtp_find(&z, zid, &back);
        assert_true(back.verified);
    }
    assert_int_equal(z.n, PHONE_ZRTP_PEERS_MAX);
    phone_zrtp_find(&z, (const uint8_t[ZRTP_ZID_LEN]){0}, &back);
    assert_false(back.verified); /* the oldest went */
    phone_zrtp_close(&z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(secrets_outlive_the_program, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_of_something_else_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(peers_have_a_limit, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
