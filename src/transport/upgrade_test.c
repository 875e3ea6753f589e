#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "transport/upgrade.h"

/* The key and its answer of RFC 6455 s.1.3. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define HEAD(line, more) line "\r\nHost: sotto.example:8443\r\n" more "\r\n"
#define WS "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: " KEY "\r\n"
#define V13 "Sec-WebSocket-Version: 13\r\n"
#define SIP "Sec-WebSocket-Protocol: chat, sip\r\n"
#define GET "GET /ws HTTP/1.1"

static int verdict(const char *head)
{
    struct upgrade_request q;

    return upgrade_read(slice_from_str(head), &q);
}

static void test_verdicts(void **state)
{
    static const struct {
        const char *head;
        enum upgrade_verdict verdict;
    } rows[] = {
        {HEAD(GET, WS V13 SIP), UPGRADE_ACCEPT},
        {HEAD(GET, WS V13 SIP "Origin: https://sotto.example\r\n"), UPGRADE_ACCEPT},
        {HEAD(GET, WS V13 "sec-websocket-protocol: a\r\nSEC-WEBSOCKET-PROTOCOL: sip\r\n"),
         UPGRADE_ACCEPT},
        {HEAD(GET, "upgrade: WebSocket\r\nconnection: UPGRADE\r\nSec-WebSocket-Key: " KEY
                   "\r\n" V13 SIP),
         UPGRADE_ACCEPT},
        /* someone else's */
        {HEAD(GET, ""), UPGRADE_NOT_ASKED},
        {HEAD("POST /api HTTP/1.1", "Content-Length: 3\r\n"), UPGRADE_NOT_ASKED},
        {HEAD(GET, "Upgrade: h2c\r\nConnection: Upgrade\r\n"), UPGRADE_NOT_ASKED},
        {HEAD(GET, "Upgrade: websocket\r\n" V13 SIP), UPGRADE_NOT_ASKED},
        /* refused */
        {HEAD(GET, WS V13), UPGRADE_NO_SUBPROTOCOL},
        {HEAD(GET, WS V13 "Sec-WebSocket-Protocol: SIP, sipx\r\n"), UPGRADE_NO_SUBPROTOCOL},
        {HEAD(GET, WS SIP), UPGRADE_BAD_VERSION},
        {HEAD(GET, WS SIP "Sec-WebSocket-Version: 8\r\n"), UPGRADE_BAD_VERSION},
        {HEAD("POST /ws HTTP/1.1", WS V13 SIP), UPGRADE_BAD_METHOD},
        {HEAD(GET, "Upgrade: websocket\r\nConnection: Upgrade\r\n" V13 SIP), UPGRADE_BAD_KEY},
        {HEAD(GET,
              "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: c2hvcnQ=\r\n" V13
                  SIP),
         UPGRADE_BAD_KEY},
        {HEAD(GET, "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Key: ????????????????????????\r\n" V13 SIP),
         UPGRADE_BAD_KEY},
        /* not to be believed */
        {"GET /ws HTTP/1.1\r\n" WS V13 SIP "\r\n", UPGRADE_BAD_REQUEST},
        {HEAD(GET, "Host: other\r\n" WS V13 SIP), UPGRADE_BAD_REQUEST},
        {HEAD(GET, WS V13 V13 SIP), UPGRADE_BAD_REQUEST},
        {HEAD(GET, WS WS V13 SIP), UPGRADE_BAD_REQUEST},
        {HEAD("GET /ws HTTP/1.0", WS V13 SIP), UPGRADE_BAD_REQUEST},
        {HEAD("GET /ws", WS V13 SIP), UPGRADE_BAD_REQUEST},
        {HEAD("GET  HTTP/1.1", WS V13 SIP), UPGRADE_BAD_REQUEST},
        {HEAD("GET /w\ts HTTP/1.1", WS V13 SIP), UPGRADE_BAD_REQUEST},
        {HEAD(GET, "Upgrade : websocket\r\n"), UPGRADE_BAD_REQUEST},
        {HEAD("OPTIONS sip:a SIP/2.0", ""), UPGRADE_BAD_REQUEST},
        {"", UPGRADE_BAD_REQUEST},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (verdict(rows[i].head) != (int)rows[i].verdict)
            fail_msg("row %zu: %d for\n%s", i, verdict(rows[i].head), rows[i].head);
    }
}

static void test_what_is_read(void **state)
{
    struct upgrade_request q;

    (void)state;
    assert_int_equal(
        upgrade_read(SLICE_LIT(HEAD(GET, WS V13 SIP "Origin: https://a.example\r\n")), &q),
        UPGRADE_ACCEPT);
    assert_true(slice_eq_str(q.target, "/ws"));
    assert_true(slice_eq_str(q.host, "sotto.example:8443"));
    assert_true(slice_eq_str(q.origin, "https://a.example"));
    assert_true(slice_eq_str(q.key, KEY));
}

static void test_answers(void **state)
{
    char text[1024];
    struct buf b = buf_over(text, sizeof(text) - 1);

    (void)state;
    upgrade_put_accept(&b, SLICE_LIT(KEY));
    text[b.n] = '\0';
    assert_non_null(strstr(text, "HTTP/1.1 101 "));
    assert_non_null(strstr(text, "Sec-WebSocket-Accept: " ACCEPT "\r\n"));
    assert_non_null(strstr(text, "Sec-WebSocket-Protocol: sip\r\n"));
    for (int v = UPGRADE_NOT_ASKED; v < UPGRADE_VERDICT_COUNT; v++) {
        b = buf_over(text, sizeof(text) - 1);
        upgrade_put_refusal(&b, (enum upgrade_verdict)v);
        assert_false(b.overflow);
        text[b.n] = '\0';
        const char *body = strstr(text, "\r\n\r\n");
        assert_non_null(body);
        assert_int_equal(strtoul(strstr(text, "Content-Length: ") + 16, NULL, 10),
                         strlen(body + 4));
        assert_non_null(strstr(body, upgrade_text((enum upgrade_verdict)v)));
    }
    b = buf_over(text, sizeof(text) - 1);
    upgrade_put_refusal(&b, UPGRADE_BAD_VERSION);
    text[b.n] = '\0';
    assert_non_null(strstr(text, " 426 "));
    assert_non_null(strstr(text, "Sec-WebSocket-Version: 13\r\n"));
}

static void test_origins(void **state)
{
    struct upgrade_origin o;

    (void)state;
    assert_true(upgrade_origin_parse(SLICE_LIT("https://a.example:8443"), &o));
    assert_true(o.secure && slice_eq_str(o.host, "a.example"));
    assert_true(upgrade_origin_parse(SLICE_LIT("http://[::1]:80"), &o));
    assert_true(!o.secure && slice_eq_str(o.host, "[::1]"));
    assert_true(upgrade_origin_parse(SLICE_LIT("HTTPS://a"), &o));
    assert_false(upgrade_origin_parse(SLICE_LIT("null"), &o));
    assert_false(upgrade_origin_parse(SLICE_LIT("https://"), &o));
    assert_false(upgrade_origin_parse(SLICE_LIT("file://"), &o));
    assert_false(upgrade_origin_parse(SLICE_NONE, &o));
}

#define RESPONSE(status, more) \
    "HTTP/1.1 " status "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" more "\r\n"
#define GOOD "Sec-WebSocket-Accept: " ACCEPT "\r\n"
#define CHOSEN "Sec-WebSocket-Protocol: sip\r\n"

static void test_client(void **state)
{
    static const struct {
        const char *head, *why; /* why: NULL: accepted */
    } rows[] = {
        {RESPONSE("101 Switching Protocols", GOOD CHOSEN), NULL},
        {RESPONSE("404 Not Found", ""), "does not take SIP"},
        {RESPONSE("101 x", CHOSEN), "does not belong"},
        {RESPONSE("101 x", "Sec-WebSocket-Accept: AAAA\r\n" CHOSEN), "does not belong"},
        {RESPONSE("101 x", GOOD CHOSEN CHOSEN), "does not belong"},
        {RESPONSE("101 x", GOOD), "not asked for"},
        {RESPONSE("101 x", GOOD "Sec-WebSocket-Protocol: chat\r\n"), "not asked for"},
        {RESPONSE("101 x", GOOD CHOSEN "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
         "not asked for"},
        {"SIP/2.0 200 OK\r\n\r\n", "no HTTP/1.1"},
    };
    char text[512];
    struct buf b = buf_over(text, sizeof(text));

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *why = NULL;
        bool ok = upgrade_is_accepted(slice_from_str(rows[i].head), KEY, &why);
        assert_int_equal(ok, rows[i].why == NULL);
        assert_true(ok || strstr(why, rows[i].why));
    }
    /* What the client asks, the server takes. */
    upgrade_put_request(&b, SLICE_LIT("a:1"), SLICE_LIT("/ws"), KEY);
    struct upgrade_request q;
    assert_int_equal(upgrade_read(buf_slice(&b), &q), UPGRADE_ACCEPT);
    assert_true(slice_eq_str(q.host, "a:1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts), cmocka_unit_test(test_what_is_read),
        cmocka_unit_test(test_answers),  cmocka_unit_test(test_origins),
        cmocka_unit_test(test_client),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
