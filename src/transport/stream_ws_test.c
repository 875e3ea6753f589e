/* SIP over WebSocket: a client made of bytes against our server, and two transports of ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "transport/testkit.h"

#include "base/log.h"
#include "transport/internal.h"

#define UPGRADE                                                              \
    "GET /ws HTTP/1.1\r\nHost: sotto.example\r\nUpgrade: websocket\r\n"      \
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n"
#define ACCEPTED                                                                    \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"                    \
    "Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" \
    "Sec-WebSocket-Protocol: sip\r\n\r\n"

static const struct addr *ws(const struct kit *k)
{
    return &k->addr[TRANSPORT_WS];
}

/* A masked frame with a mask of zeros, which is one, too. */
static void put_frame(int fd, uint8_t bits, const char *p, size_t n)
{
    char head[8] = {(char)bits, (char)(0x80 | (n < 126 ? n : 126))};
    size_t head_n = 2;

    if (n >= 126) {
        head[head_n++] = (char)(n >> 8);
        head[head_n++] = (char)n;
    }
    kit_put(fd, head, head_n + 4);
    kit_put(fd, p, n);
}

#define PUT_FRAME(fd, bits, lit) put_frame((fd), (bits), (lit), sizeof(lit) - 1)

static void expect(struct kit *k, int fd, const char *want, size_t n)
{
    char got[8192];
    size_t have = 0;

    KIT_PUMP(k, kit_get(fd, got, sizeof(got), &have) && have >= n);
    assert_int_equal(have, n);
    assert_memory_equal(got, want, n);
}

#define EXPECT(k, fd, lit) expect((k), (fd), (lit), sizeof(lit) - 1)

static int opened(struct kit *k)
{
    int fd = kit_dial(ws(k));

    KIT_PUT(fd, UPGRADE "\r\n");
    EXPECT(k, fd, ACCEPTED);
    return fd;
}

static void expect_closed(struct kit *k, int fd, const char *word)
{
    char c[256];
    ssize_t n;

    KIT_PUMP(k, k->closed == 1);
    if (!strstr(k->reason, word))
        fail_msg("closed for: %s", k->reason);
    while ((n = recv(fd, c, sizeof(c), MSG_DONTWAIT)) > 0)
        ;
    assert_true(n == 0 || errno != EAGAIN);
    close(fd);
    kit_free(k);
}

static void test_messages(void **state)
{
    struct kit *k = kit_new(NULL);
    int fd = opened(k);
    static char answer[] = "\x81\x7e\x00?" KIT_ANSWER;

    (void)state;
    answer[3] = (char)(sizeof(KIT_ANSWER) - 1);
    k->answer = true;
    PUT_FRAME(fd, 0x81, KIT_OPTIONS);
    KIT_PUMP(k, k->msgs == 1);
    expect(k, fd, answer, sizeof(answer) - 1);
    assert_int_equal(k->flow.kind, TRANSPORT_WS);
    assert_int_equal(k->last_n, sizeof(KIT_OPTIONS) - 1);
    /* Pings and the CRLFs of RFC 5626 in between, and a message in pieces. */
    PUT_FRAME(fd, 0x01, "OPTIONS sip:a@example.org SIP/2.0\r\n");
    PUT_FRAME(fd, 0x89, "there?");
    EXPECT(k, fd, "\x8a\x06there?");
    PUT_FRAME(fd, 0x80,
              "Via: SIP/2.0/WS a.invalid;branch=z9hG4bK1\r\nFrom: <sip:b@example.org>;tag=1\r\n"
              "To: <sip:a@example.org>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n"); /* no length */
    KIT_PUMP(k, k->msgs == 2);
    expect(k, fd, answer, sizeof(answer) - 1);
    PUT_FRAME(fd, 0x81, "\r\n\r\n");
    EXPECT(k, fd, "\x81\x02\r\n");
    PUT_FRAME(fd, 0x81, "\r\n");
    PUT_FRAME(fd, 0x82, KIT_OPTIONS);
    KIT_PUMP(k, k->msgs == 3);
    expect(k, fd, answer, sizeof(answer) - 1);
    PUT_FRAME(fd, 0x88, "\x03\xe8");
    EXPECT(k, fd, "\x88\x02\x03\xe8");
    expect_closed(k, fd, "closed the WebSocket");
}

/* Every cut of the opening and of what follows it at once. */
static void test_any_segments(void **state)
{
    static const char all[] = UPGRADE "\r\n\x89\x80\0\0\0\0\x81\x84\0\0\0\0\r\n\r\n";
    static const char want[] = ACCEPTED "\x8a\0\x81\x02\r\n";
    struct kit *k = kit_new(NULL);

    (void)state;
    for (size_t cut = 1; cut < sizeof(all) - 1; cut++) {
        int fd = kit_dial(ws(k));
        kit_put(fd, all, cut);
        kit_turn(k);
        kit_put(fd, all + cut, sizeof(all) - 1 - cut);
        expect(k, fd, want, sizeof(want) - 1);
        close(fd);
        KIT_PUMP(k, k->closed == cut);
    }
    kit_free(k);
}

/* --- who may not ------------------------------------------------------------------------------- */

static bool allows(void *arg, struct slice origin, struct slice host)
{
    (void)arg;
    return slice_eq_str(origin, "https://friend.example:1") && slice_eq_str(host, "friend.example");
}

static void with_friends(struct transport_config *cfg)
{
    cfg->cb.origin = allows;
}

static void run_opening(const char *request, const char *status)
{
    struct kit *k = kit_new(with_friends);
    int fd = kit_dial(ws(k));
    char got[2048] = "";
    size_t have = 0;

    kit_put(fd, request, strlen(request));
    KIT_PUMP(k, kit_get(fd, got, sizeof(got) - 1, &have) && have > 12);
    if (strncmp(got + 9, status, 3) != 0)
        fail_msg("wanted %s, got\n%s\nfor\n%s", status, got, request);
    if (strcmp(status, "101") != 0)
        KIT_PUMP(k, k->closed == 1 && k->holds == 0);
    close(fd);
    kit_free(k);
}

static void test_openings(void **state)
{
    static const struct {
        const char *request, *status;
    } rows[] = {
        {UPGRADE "\r\n", "101"}, /* no browser */
        {UPGRADE "Origin: https://127.0.0.1:8443\r\n\r\n", "101"},
        {UPGRADE "Origin: http://127.0.0.1\r\n\r\n", "101"},
        {UPGRADE "Origin: https://localhost\r\n\r\n", "101"},
        {UPGRADE "Origin: https://friend.example:1\r\n\r\n", "101"},
        {UPGRADE "Origin: https://friend.example\r\n\r\n", "403"},
        {UPGRADE "Origin: https://evil.example\r\n\r\n", "403"},
        {UPGRADE "Origin: https://127.0.0.2\r\n\r\n", "403"},
        {UPGRADE "Origin: null\r\n\r\n", "403"},
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "426"},
        {"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", "426"},
        {"GET / HTTP/1.1\nHost: a\n\n", "400"},
        {"REGISTER sip:a SIP/2.0\r\n\r\n", "400"},
    };

    (void)state;
    log_set_level(LOG_ERROR);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        run_opening(rows[i].request, rows[i].status);
}

static void test_head_limit(void **state)
{
    static char head[TRANSPORT_HEAD_MAX + 1];

    (void)state;
    for (unsigned past = 0; past <= 1; past++) {
        size_t n = TRANSPORT_HEAD_MAX + past, at = sizeof(UPGRADE "X-Y: ") - 1;
        memcpy(head, UPGRADE "X-Y: ", at);
        memset(head + at, 'x', n - at);
        memcpy(head + n - 4, "\r\n\r\n", 4);
        struct kit *k = kit_new(NULL);
        int fd = kit_dial(ws(k));
        char got[16];
        size_t have = 0;
        kit_put(fd, head, n);
        KIT_PUMP(k, kit_get(fd, got, 12, &have) && have == 12);
        assert_memory_equal(got + 9, past ? "400" : "101", 3);
        close(fd);
        kit_free(k);
    }
}

static void test_bad_frames(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *code, *word;
    } rows[] = {
        {"\x81\x02hi", 4, "\x03\xea", "not masked"},
        {"\xc1\x80\0\0\0\0", 6, "\x03\xea", "reserved"},
        {"\x82\xff\x80\0\0\0\0\0\0\0", 10, "\x03\xea", "breaks the protocol"},
        {"\x82\xff\x40\0\0\0\0\0\0\0\0\0\0\0x", 15, "\x03\xf1", "too large"},
        {"\x81\x81\0\0\0\0\xff", 7, "\x03\xef", "UTF-8"},
        {"\x81\x83\0\0\0\0abc", 9, "\x03\xe9", "not SIP"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct kit *k = kit_new(NULL);
        int fd = opened(k);
        char want[4] = "\x88\x02";
        kit_put(fd, rows[i].bytes, rows[i].n);
        memcpy(want + 2, rows[i].code, 2);
        expect(k, fd, want, 4);
        expect_closed(k, fd, rows[i].word);
    }
}

/* --- time -------------------------------------------------------------------------------------- */

static void test_no_request(void **state)
{
    struct kit *k = kit_new(NULL);
    int fd = kit_dial(ws(k));

    (void)state;
    KIT_PUT(fd, "GET ");
    kit_turn(k);
    loop_advance(k->loop, TRANSPORT_UPGRADE_MS - 1);
    KIT_PUT(fd, "/"); /* a byte now and then does not help */
    kit_turn(k);
    assert_int_equal(k->closed, 0);
    loop_advance(k->loop, 1);
    expect_closed(k, fd, "no request");
}

static void test_pings(void **state)
{
    struct kit *k = kit_new(NULL);
    int fd = opened(k);

    (void)state;
    for (int i = 0; i < 10; i++) { /* longer than TRANSPORT_SILENT_MS: a pong is a sign of life */
        loop_advance(k->loop, TRANSPORT_WS_PING_MS);
        EXPECT(k, fd, "\x89\0");
        PUT_FRAME(fd, 0x8a, "");
        kit_turn(k);
    }
    assert_int_equal(k->closed, 0);
    loop_advance(k->loop, TRANSPORT_WS_UNANSWERED * TRANSPORT_WS_PING_MS);
    EXPECT(k, fd, "\x89\0\x89\0");
    loop_advance(k->loop, TRANSPORT_WS_PING_MS - 1);
    assert_int_equal(k->closed, 0);
    loop_advance(k->loop, 1);
    expect_closed(k, fd, "answers no ping");
}

static void test_unfinished_message(void **state)
{
    struct kit *k = kit_new(NULL);
    int fd = opened(k);

    (void)state;
    PUT_FRAME(fd, 0x01, "OPTIONS ");
    kit_turn(k);
    loop_advance(k->loop, TRANSPORT_UNFINISHED_MS - 1);
    PUT_FRAME(fd, 0x00, "s"); /* neither pieces nor pings are progress */
    PUT_FRAME(fd, 0x89, "");
    kit_turn(k);
    assert_int_equal(k->closed, 0);
    loop_advance(k->loop, 1);
    expect_closed(k, fd, "not finished");
}

/* --- plain HTTP, handed on ---------------------------------------------------------------------- */

static int handed_fd = -1;
static bool hand_taken;

static int take_http(void *arg, int fd, const struct addr *remote, const struct addr *local,
                     bool secure)
{
    (void)arg;
    (void)local;
    assert_true(addr_is_loopback(remote) && !secure);
    handed_fd = hand_taken ? dup(fd) : -1;
    return hand_taken ? 0 : -EPIPE;
}

static void with_http(struct transport_config *cfg)
{
    static struct transport_listener l[TRANSPORT_KIND_COUNT];

    memcpy(l, cfg->listeners, sizeof(l));
    l[TRANSPORT_WS].http = true;
    cfg->listeners = l;
    cfg->cb.http = take_http;
}

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

static int handed(struct kit *k)
{
    int fd = kit_dial(ws(k));

    hand_taken = true;
    handed_fd = -1;
    KIT_PUT(fd, GET);
    KIT_PUMP(k, handed_fd >= 0);
    expect(k, handed_fd, GET, sizeof(GET) - 1);
    return fd;
}

static void test_http_is_handed_on(void **state)
{
    struct kit *k = kit_new(with_http);
    int fd = handed(k);

    (void)state;
    KIT_PUT(handed_fd, "HTTP/1.1 200 OK\r\n\r\n");
    EXPECT(k, fd, "HTTP/1.1 200 OK\r\n\r\n");
    KIT_PUT(fd, UPGRADE "\r\n"); /* a second request: nobody here looks at it */
    EXPECT(k, handed_fd, UPGRADE "\r\n");
    assert_int_equal(k->holds, 0);
    KIT_PUT(handed_fd, "bye");
    close(handed_fd);
    EXPECT(k, fd, "bye");
    expect_closed(k, fd, "answered");

    k = kit_new(with_http);
    fd = handed(k);
    close(fd); /* the client leaves: the other end is told */
    KIT_PUMP(k, recv(handed_fd, &(char){0}, 1, MSG_DONTWAIT) == 0);
    close(handed_fd);
    kit_free(k);
}

static void test_http_is_refused(void **state)
{
    struct kit *k = kit_new(with_http);
    int fd = kit_dial(ws(k));
    char got[1024] = "";
    size_t have = 0;

    (void)state;
    hand_taken = false;
    KIT_PUT(fd, GET);
    KIT_PUMP(k, kit_get(fd, got, sizeof(got) - 1, &have) && have > 12);
    assert_memory_equal(got, "HTTP/1.1 503", 12);
    expect_closed(k, fd, "try again");
}

static void test_http_idle(void **state)
{
    struct kit *k = kit_new(with_http);
    int fd = handed(k);

    (void)state;
    loop_advance(k->loop, TRANSPORT_PIPE_IDLE_MS - 1);
    assert_int_equal(k->closed, 0);
    loop_advance(k->loop, 1);
    close(handed_fd);
    expect_closed(k, fd, "too long");
}

/* Either side may be slower than the other: nothing is lost, and not much is held. */
static void run_slow(bool to_web)
{
    enum { TOTAL = 4 << 20, CHUNK = 50000 };
    static char out[CHUNK], in[1 << 16];
    struct kit *k = kit_new(with_http);
    int fd = handed(k);
    int from = to_web ? fd : handed_fd, to = to_web ? handed_fd : fd;
    size_t sent = 0, got = 0, waits = 0;

    while (got < TOTAL) {
        size_t n = TOTAL - sent < CHUNK ? TOTAL - sent : CHUNK;
        for (size_t i = 0; i < n; i++)
            out[i] = (char)('a' + (sent + i) % 23);
        ssize_t r = n ? send(from, out, n, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
        sent += r > 0 ? (size_t)r : 0;
        assert_int_equal(loop_once(k->loop, 0), 0);
        if (r > 0 && ++waits < 1000) /* as much as the way takes, before anything is read */
            continue;
        r = recv(to, in, sizeof(in), MSG_DONTWAIT);
        for (ssize_t i = 0; i < r; i++, got++)
            assert_int_equal(in[i], 'a' + (int)(got % 23));
    }
    assert_int_equal(k->closed, 0);
    close(handed_fd);
    close(fd);
    kit_free(k);
}

static void test_http_slow_sides(void **state)
{
    (void)state;
    run_slow(true);
    run_slow(false);
}

static void test_http_limit(void **state)
{
    struct kit *k = kit_new(with_http);
    int fd[2] = {handed(k), -1};

    (void)state;
    /* The kit has 64 connections, the limit is above: so the count is moved instead. */
    k->t->pipes += TRANSPORT_PIPES_MAX - 2;
    fd[1] = handed(k);
    int refused = kit_dial(ws(k));
    char got[13] = "";
    size_t have = 0;
    KIT_PUT(refused, GET);
    KIT_PUMP(k, kit_get(refused, got, 12, &have) && have == 12);
    assert_string_equal(got, "HTTP/1.1 503");
    k->t->pipes -= TRANSPORT_PIPES_MAX - 2;
    close(refused);
    close(fd[0]);
    close(fd[1]);
    kit_free(k);
}

/* --- both sides ours --------------------------------------------------------------------------- */

static void run_both(enum transport_kind kind)
{
    static char big[SIP_MSG_MAX];
    struct kit *client = kit_new(NULL); /* connects to itself, as tls_test does */
    struct transport_flow f;
    char text[256];
    struct buf b = buf_over(text, sizeof(text) - 1);
    size_t body = sizeof(big) - (sizeof(KIT_MSG("MESSAGE", "", "00000")) - 1);

    client->answer = true;
    assert_int_equal(
        transport_connect(client->t, kind, &client->addr[kind],
                          kind == TRANSPORT_WSS ? SLICE_LIT("example.org") : SLICE_NONE, &f),
        0);
    assert_int_equal(transport_send(client->t, &f, SLICE_LIT(KIT_OPTIONS)), 0); /* waits */
    KIT_PUMP(client, client->msgs == 2); /* the request, and its answer to the answerer */
    client->answer = false;
    int head = snprintf(big, sizeof(big), KIT_MSG("MESSAGE", "", "%05zu"), body);
    memset(big + head, 'x', body);
    assert_int_equal(transport_send(client->t, &f, slice_from(big, sizeof(big))), 0);
    KIT_PUMP(client, client->last_n == sizeof(big));
    transport_put_via(&b, client->t, &f, SLICE_LIT("z9hG4bKx"));
    BUF_PUT_LIT(&b, " ");
    transport_put_contact_uri(&b, client->t, &f, SLICE_LIT("bob"));
    text[b.n] = '\0';
    assert_non_null(strstr(text, kind == TRANSPORT_WSS ? "Via: SIP/2.0/WSS " : "Via: SIP/2.0/WS "));
    assert_non_null(strstr(text, ";transport=ws"));
    assert_null(strstr(text, ";transport=wss"));
    transport_close(client->t, f.conn, "done");
    KIT_PUMP(client, client->closed == 2);
    kit_free(client);
}

static void test_both_sides(void **state)
{
    (void)state;
    run_both(TRANSPORT_WS);
    run_both(TRANSPORT_WSS);
}

/* A server that is none for WebSockets. */
static void test_client_is_refused(void **state)
{
    static const char *const answers[] = {"HTTP/1.1 404 Not Found\r\n\r\n",
                                          "HTTP/1.1 101 x\r\n\r\n", "SIP/2.0 200 OK\n"};
    struct kit *k = kit_new(NULL);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct addr a = kit_loopback();
        struct transport_flow f;
        char got[1024];
        size_t have = 0;
        int listener = kit_bind(SOCK_STREAM, &a), fd = -1;
        assert_int_equal(transport_connect(k->t, TRANSPORT_WS, &a, SLICE_LIT("a.example"), &f), 0);
        KIT_PUMP(k, (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
        KIT_PUMP(k, kit_get(fd, got, sizeof(got) - 1, &have) && have > 100);
        got[have] = '\0';
        assert_non_null(strstr(got, "Host: a.example:"));
        kit_put(fd, answers[i], strlen(answers[i]));
        KIT_PUMP(k, k->closed == i + 1);
        assert_non_null(strstr(k->reason, "server"));
        close(fd);
        close(listener);
    }
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_any_segments),
        cmocka_unit_test(test_openings),
        cmocka_unit_test(test_head_limit),
        cmocka_unit_test(test_bad_frames),
        cmocka_unit_test(test_no_request),
        cmocka_unit_test(test_pings),
        cmocka_unit_test(test_unfinished_message),
        cmocka_unit_test(test_http_is_handed_on),
        cmocka_unit_test(test_http_is_refused),
        cmocka_unit_test(test_http_idle),
        cmocka_unit_test(test_http_slow_sides),
        cmocka_unit_test(test_http_limit),
        cmocka_unit_test(test_both_sides),
        cmocka_unit_test(test_client_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
