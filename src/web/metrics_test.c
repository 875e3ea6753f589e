#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "web/metrics.h"

static char text[METRICS_MAX + 1];

static void put(const char *signal, const char *roles, const char *certs)
{
    json_t *j[3] = {signal ? json_loads(signal, 0, NULL) : NULL,
                    roles ? json_loads(roles, 0, NULL) : NULL,
                    certs ? json_loads(certs, 0, NULL) : NULL};
    struct buf b = buf_over(text, METRICS_MAX);

    metrics_put(&b, j[0], j[1], j[2]);
    assert_false(b.overflow);
    text[b.n] = '\0';
    for (size_t i = 0; i < 3; i++)
        json_decref(j[i]);
}

static void test_all(void **state)
{
    (void)state;
    put("{\"calls\":3,\"calls_running\":[],\"calls_ended\":[{\"caller\":\"sdes\",\"callee\":"
        "\"dtls\","
        "\"calls\":7}],\"calls_refused\":1,\"registrations\":5,\"connections\":{\"tls\":2,\"wss\":"
        "4},"
        "\"accepted\":9,\"handshakes_failed\":{\"cipher\":6},\"srtp_auth_failures\":8,"
        "\"srtp_replayed\":0,\"clear_dropped\":0,\"keying_failed\":[{\"keying\":\"dtls\","
        "\"reason\":\"peer\",\"count\":11}]}",
        "[{\"role\":\"media\",\"restarts\":2,\"path\":\"xdp\",\"overflowed\":3,\"xdp\":{\"in\":12,"
        "\"out\":13}},{\"role\":\"media\",\"restarts\":0,\"worker\":0,\"path\":\"xdp\","
        "\"overflowed\":4},"
        "{\"role\":\"media\",\"restarts\":3,\"worker\":1}]",
        "{\"server\":{\"not_after\":\"2030-01-02T03:04:05Z\"},\"domains\":[{\"domain\":\"a\\\"b\","
        "\"not_after\":\"2030-01-02T03:04:05Z\"}]}");
    static const char *const lines[] = {
        "\nsotto_up 1\n",
        "\nsotto_calls 3\n",
        "\nsotto_calls_total{caller_keying=\"sdes\",callee_keying=\"dtls\"} 7\n",
        "\nsotto_registrations 5\n",
        "\nsotto_connections{transport=\"wss\"} 4\n",
        "\nsotto_tls_handshake_failures_total{reason=\"cipher\"} 6\n",
        "\nsotto_srtp_auth_failures_total 8\n",
        "\nsotto_media_keying_failures_total{keying=\"dtls\",reason=\"peer\"} 11\n",
        "\nsotto_role_restarts_total{role=\"media\"} 2\n",
        "\nsotto_role_restarts_total{role=\"media\",worker=\"0\"} 0\n",
        "\nsotto_role_restarts_total{role=\"media\",worker=\"1\"} 3\n",
        "\nsotto_media_path{path=\"xdp\"} 1\n# ",
        "\nsotto_media_overflowed_total 7\n",
        "\nsotto_media_xdp_packets_total{direction=\"out\"} 13\n",
        "\nsotto_certificate_expiry_timestamp_seconds{certificate=\"server\"} 1893553445\n",
        "\nsotto_certificate_expiry_timestamp_seconds{certificate=\"a\\\"b\"} 1893553445\n"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        if (!strstr(text, lines[i]))
            fail_msg("%s is not in\n%s", lines[i], text);
    }
}

static void test_what_is_not_to_be_had(void **state)
{
    (void)state;
    put(NULL, NULL, NULL);
    assert_non_null(strstr(text, "\nsotto_up 0\n"));
    assert_null(strstr(text, "sotto_calls"));
    put("{}", "{}", "{\"server\":{\"not_after\":\"soon\"}}");
    assert_null(strstr(text, "certificate="));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_what_is_not_to_be_had),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
