#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "web/session.h"

static struct addr from(const char *host)
{
    struct addr a;
    assert_int_equal(addr_parse(slice_from_str(host), 1, &a), 0);
    return a;
}

static struct sessions *fresh(void)
{
    struct sessions *s;
    assert_int_equal(sessions_new(&s), 0);
    return s;
}

static struct slice token_of(const char *t)
{
    return slice_from(t, SESSION_TOKEN_LEN);
}

static void test_life(void **state)
{
    struct sessions *s = fresh();
    char a[SESSION_TOKEN_LEN + 1], b[SESSION_TOKEN_LEN + 1];

    (void)state;
    session_make(s, "anna", true, 1000, a);
    session_make(s, "bert", false, 1000, b);
    assert_string_not_equal(a, b);
    assert_string_equal(session_find(s, token_of(a), 1000)->name, "anna");
    assert_true(session_find(s, token_of(a), 1000)->must_change);
    assert_null(session_find(s, slice_from(a, SESSION_TOKEN_LEN - 1), 1000));
    assert_null(session_find(s, SLICE_NONE, 1000));
    a[0] = a[0] == '0' ? '1' : '0';
    assert_null(session_find(s, token_of(a), 1000));
    /* Idle for as long as allowed, and one longer. */
    uint64_t t = 1000 + SESSION_IDLE_MS;
    assert_non_null(session_find(s, token_of(b), t));
    assert_null(session_find(s, token_of(b), t + SESSION_IDLE_MS + 1));
    /* Used all the time, it ends all the same. */
    session_make(s, "bert", false, 1000, b);
    for (t = 1000; t <= 1000 + SESSION_LIFE_MS; t += SESSION_IDLE_MS)
        assert_non_null(session_find(s, token_of(b), t));
    assert_null(session_find(s, token_of(b), 1001 + SESSION_LIFE_MS));
    sessions_free(s);
}

static void test_ends(void **state)
{
    struct sessions *s = fresh();
    char a[2][SESSION_TOKEN_LEN + 1], b[SESSION_TOKEN_LEN + 1];

    (void)state;
    session_make(s, "anna", false, 0, a[0]);
    session_make(s, "anna", false, 0, a[1]);
    session_make(s, "bert", false, 0, b);
    session_end_all(s, "anna", session_find(s, token_of(a[1]), 0));
    assert_null(session_find(s, token_of(a[0]), 0));
    assert_non_null(session_find(s, token_of(a[1]), 0));
    assert_non_null(session_find(s, token_of(b), 0));
    session_end(session_find(s, token_of(b), 0));
    assert_null(session_find(s, token_of(b), 0));
    sessions_free(s);
}

static void test_limit(void **state)
{
    struct sessions *s = fresh();
    static char t[SESSION_MAX + 1][SESSION_TOKEN_LEN + 1];

    (void)state;
    for (size_t i = 0; i < SESSION_MAX; i++)
        session_make(s, "anna", false, 100 + i, t[i]);
    for (size_t i = 0; i < SESSION_MAX; i++)
        assert_non_null(session_find(s, token_of(t[i]), 1000 + i));
    session_make(s, "bert", false, 2000, t[SESSION_MAX]);
    assert_null(session_find(s, token_of(t[0]), 2000)); /* idle for longest */
    assert_non_null(session_find(s, token_of(t[1]), 2000));
    assert_non_null(session_find(s, token_of(t[SESSION_MAX]), 2000));
    sessions_free(s);
}

static void test_guessing(void **state)
{
    struct sessions *s = fresh();
    struct addr a = from("192.0.2.1"), other = from("192.0.2.2");
    struct addr v6 = from("2001:db8::1"), v6_too = from("2001:db8::2");

    (void)state;
    for (int i = 0; i < SESSION_TRIES; i++) {
        assert_int_equal(session_wait_ms(s, &a, 5), 0);
        session_tried(s, &a, false, 5);
    }
    assert_int_equal(session_wait_ms(s, &a, 5), SESSION_WAIT_MS);
    assert_int_equal(session_wait_ms(s, &other, 5), 0);
    uint64_t now = 5 + SESSION_WAIT_MS;
    assert_int_equal(session_wait_ms(s, &a, now), 0);
    session_tried(s, &a, false, now);
    assert_int_equal(session_wait_ms(s, &a, now), 2 * SESSION_WAIT_MS);
    for (int i = 0; i < 20; i++)
        session_tried(s, &a, false, now);
    assert_int_equal(session_wait_ms(s, &a, now), SESSION_WAIT_MAX_MS);
    session_tried(s, &a, true, now);
    assert_int_equal(session_wait_ms(s, &a, now), 0);
    for (int i = 0; i < SESSION_TRIES; i++)
        session_tried(s, &v6, false, now);
    assert_true(session_wait_ms(s, &v6_too, now) > 0); /* the same /64 */
    sessions_free(s);
}

/* A source that floods with addresses makes others be forgotten, the oldest first; no more. */
static void test_many_sources(void **state)
{
    struct sessions *s = fresh();
    struct addr a = from("192.0.2.1");

    (void)state;
    for (int i = 0; i < SESSION_TRIES; i++)
        session_tried(s, &a, false, 100000);
    for (uint32_t i = 0; i < SESSION_SOURCES - 1; i++) {
        struct addr o = {.in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000000 + i)}};
        session_tried(s, &o, false, 100001 + i);
    }
    assert_true(session_wait_ms(s, &a, 100000) > 0);
    struct addr one_more = from("10.99.99.99");
    session_tried(s, &one_more, false, 200000);
    assert_int_equal(session_wait_ms(s, &a, 100000), 0);
    sessions_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),         cmocka_unit_test(test_ends),
        cmocka_unit_test(test_limit),        cmocka_unit_test(test_guessing),
        cmocka_unit_test(test_many_sources),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
