/* Frames over memory: what makes a message, what breaks the protocol, in any segments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sip/msg.h"
#include "transport/limits.h"
#include "transport/ws.h"

/* One frame as a client sends it; `len`: 7 bits of length or the marks 126 and 127. */
struct frame {
    uint8_t bits, len;
    bool unmasked;
    uint64_t announced; /* behind the marks */
    const char *payload;
    size_t n;
};

static size_t put(uint8_t *p, const struct frame *f)
{
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    size_t n = 0, ext = f->len == 126 ? 2 : f->len == 127 ? 8 : 0;

    p[n++] = f->bits;
    p[n++] = (uint8_t)(f->len | (f->unmasked ? 0 : 0x80));
    for (size_t i = 0; i < ext; i++)
        p[n++] = (uint8_t)(f->announced >> (8 * (ext - 1 - i)));
    for (size_t i = 0; i < 4 && !f->unmasked; i++)
        p[n++] = mask[i];
    for (size_t i = 0; i < f->n; i++)
        p[n++] = (uint8_t)(f->payload[i] ^ (f->unmasked ? 0 : mask[i & 3]));
    return n;
}

#define PLAIN(b, lit)                                                               \
    {                                                                               \
        .bits = (b), .len = sizeof(lit) - 1, .payload = (lit), .n = sizeof(lit) - 1 \
    }

/* A connection: bytes go in as they come, with the rest of before in front. */
struct end {
    struct ws *w;
    struct ws_reader r;
    uint8_t kept[2 * SIP_MSG_MAX];
    size_t kept_n;
    char said[4096]; /* "message:abc|ping:x|" */
    size_t messages;
    size_t last_n;
    uint16_t code;
};

static struct end *end_new(void)
{
    struct end *e = calloc(1, sizeof(*e));

    assert_non_null(e);
    assert_int_equal(ws_new(&e->w), 0);
    return e;
}

static void end_free(struct end *e)
{
    ws_free(e->w);
    free(e);
}

static void note(struct end *e, const char *what, struct slice data)
{
    size_t n = strlen(e->said);

    (void)snprintf(e->said + n, sizeof(e->said) - n, "%s:" SLICE_FMT "|", what,
                   SLICE_ARG(slice_take(data, 40)));
}

static int feed(struct end *e, const uint8_t *p, size_t n)
{
    uint8_t *buf = malloc(e->kept_n + n + 1);
    struct ws_item item;
    int v;

    assert_non_null(buf);
    memcpy(buf, e->kept, e->kept_n);
    memcpy(buf + e->kept_n, p, n);
    ws_begin(e->w, &e->r, true, buf, e->r.message_n, e->kept_n + n);
    while ((v = ws_next(e->w, &item)) < WS_MORE) {
        static const char *const names[] = {"message", "ping", "pong", "close"};
        note(e, names[v], item.data);
        e->messages += v == WS_IS_MESSAGE;
        e->last_n = item.data.n;
        e->code = item.code;
    }
    if (v == WS_BAD)
        e->code = item.code;
    else
        e->kept_n = ws_rest(e->w);
    assert_true(e->kept_n <= sizeof(e->kept));
    memcpy(e->kept, buf, e->kept_n);
    free(buf);
    return v;
}

static const struct frame mixed[] = {
    PLAIN(0x81, "one"),      PLAIN(0x82, "\xff\xfe"), /* binary need not be UTF-8 */
    PLAIN(0x01, "tw"),       PLAIN(0x89, "are you there"),
    PLAIN(0x00, ""),         PLAIN(0x8a, ""),
    PLAIN(0x80, "o"),        PLAIN(0x81, ""),
    PLAIN(0x88, "\x03\xe9"),
};
#define MIXED \
    "message:one|message:\xff\xfe|ping:are you there|pong:|message:two|message:|close:\x03\xe9|"

static void test_any_segments(void **state)
{
    uint8_t bytes[512];
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(mixed); i++)
        n += put(bytes + n, &mixed[i]);
    for (size_t step = 1; step <= n; step++) {
        struct end *e = end_new();
        for (size_t at = 0; at < n; at += step)
            assert_int_equal(feed(e, bytes + at, n - at < step ? n - at : step), WS_MORE);
        assert_string_equal(e->said, MIXED);
        assert_int_equal(e->kept_n, 0);
        assert_int_equal(e->r.opcode, 0);
        assert_int_equal(e->code, 1001);
        end_free(e);
    }
}

static void test_what_breaks_the_protocol(void **state)
{
    static char text[200];
    static const struct {
        struct frame f[2];
        uint16_t code;
    } rows[] = {
        {{{.bits = 0x81, .len = 1, .unmasked = true, .payload = "x", .n = 1}}, 1002},
        {{PLAIN(0xc1, "x")}, 1002}, /* a reserved bit: compression was not agreed on */
        {{PLAIN(0x91, "x")}, 1002},
        {{PLAIN(0x83, "x")}, 1002}, /* unknown kinds */
        {{PLAIN(0x8b, "x")}, 1002},
        {{PLAIN(0x80, "x")}, 1002},                   /* goes on with nothing */
        {{PLAIN(0x01, "x"), PLAIN(0x81, "y")}, 1002}, /* begins within another */
        {{PLAIN(0x09, "x")}, 1002},                   /* control frames are whole */
        {{{.bits = 0x89, .len = 126, .announced = 126, .payload = text, .n = 126}}, 1002},
        {{{.bits = 0x82, .len = 127, .announced = 1ull << 63, .payload = "x", .n = 1}}, 1002},
        {{{.bits = 0x82, .len = 127, .announced = UINT64_MAX, .payload = "x", .n = 1}}, 1002},
        {{{.bits = 0x82, .len = 127, .announced = 1ull << 62, .payload = "x", .n = 1}}, 1009},
        {{{.bits = 0x82, .len = 127, .announced = SIP_MSG_MAX + 1, .payload = "x", .n = 1}}, 1009},
        {{{.bits = 0x82, .len = 126, .announced = 5, .payload = "xxxxx", .n = 5}}, 1002},
        {{{.bits = 0x82, .len = 127, .announced = 130, .payload = text, .n = 130}}, 1002},
        {{PLAIN(0x81, "\xff")}, 1007},
        {{PLAIN(0x01, "\xe2\x82"), PLAIN(0x80, "x")}, 1007},
        {{PLAIN(0x88, "\x03")}, 1002},     /* half a code */
        {{PLAIN(0x88, "\x03\xed")}, 1002}, /* 1005 is never sent */
        {{PLAIN(0x88, "\x00\x01")}, 1002},
        {{PLAIN(0x88, "\x03\xe8\xff")}, 1007},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct end *e = end_new();
        uint8_t bytes[512];
        size_t n = put(bytes, &rows[i].f[0]);
        if (rows[i].f[1].bits)
            n += put(bytes + n, &rows[i].f[1]);
        if (feed(e, bytes, n) != WS_BAD || e->code != rows[i].code)
            fail_msg("row %zu: code %u, said %s", i, e->code, e->said);
        end_free(e);
    }
}

static void test_size_limit(void **state)
{
    static char text[SIP_MSG_MAX + 1];
    static uint8_t bytes[2 * SIP_MSG_MAX];

    (void)state;
    memset(text, 'x', sizeof(text));
    for (unsigned past = 0; past <= 1; past++) {
        struct frame whole = {
            .bits = 0x81, .len = 126, .announced = SIP_MSG_MAX, .payload = text, .n = SIP_MSG_MAX};
        struct frame one = PLAIN(0x01, "y"), rest = whole;
        struct end *e = end_new();
        assert_int_equal(feed(e, bytes, put(bytes, &whole)), WS_MORE);
        assert_int_equal(e->last_n, SIP_MSG_MAX);
        /* The same in two pieces: the sum counts. */
        rest.bits = 0x80;
        rest.n = SIP_MSG_MAX - 1 + past;
        rest.announced = rest.n;
        assert_int_equal(feed(e, bytes, put(bytes, &one)), WS_MORE);
        int v = feed(e, bytes, put(bytes, &rest));
        assert_int_equal(v, past ? WS_BAD : WS_MORE);
        assert_int_equal(e->messages, past ? 1 : 2);
        assert_true(!past || e->code == 1009);
        end_free(e);
    }
}

static void test_pieces_limit(void **state)
{
    (void)state;
    for (unsigned past = 0; past <= 1; past++) {
        struct end *e = end_new();
        struct frame f = PLAIN(0x01, "");
        uint8_t bytes[64] = {0};
        int v = WS_MORE;
        for (unsigned i = 0; i < TRANSPORT_WS_FRAGMENTS - 1 + past; i++) {
            assert_int_equal(feed(e, bytes, put(bytes, &f)), WS_MORE);
            f.bits = 0x00;
        }
        f.bits = 0x80;
        v = feed(e, bytes, put(bytes, &f));
        assert_int_equal(v, past ? WS_BAD : WS_MORE);
        assert_int_equal(e->messages, past ? 0 : 1);
        end_free(e);
    }
}

/* What one side writes, the other reads; a client's bytes are masked on the wire. */
static void test_both_sides(void **state)
{
    static const size_t sizes[] = {0, 1, 125, 126, 5000, SIP_MSG_MAX};
    static char text[SIP_MSG_MAX], wire[SIP_MSG_MAX + WS_HEAD_MAX];
    struct ws *w;

    (void)state;
    assert_int_equal(ws_new(&w), 0);
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + i % 26);
    for (size_t i = 0; i < 2 * ARRAY_LEN(sizes); i++) {
        bool client = i & 1;
        struct slice data = slice_from(text, sizes[i / 2]);
        struct buf b = buf_over(wire, sizeof(wire));
        struct ws_reader r = {0};
        struct ws_item item;
        ws_put(w, &b, WS_TEXT, client, data);
        assert_false(b.overflow);
        assert_int_equal(((uint8_t)wire[1] & 0x80) != 0, client);
        ws_begin(w, &r, client, (uint8_t *)wire, 0, b.n);
        assert_int_equal(ws_next(w, &item), WS_IS_MESSAGE);
        if (!slice_eq(item.data, data))
            fail_msg("size %zu client %d got %zu", data.n, client, item.data.n);
        assert_int_equal(ws_next(w, &item), WS_MORE);
        assert_int_equal(ws_rest(w), 0);
    }
    struct buf b = buf_over(wire, 5); /* one byte less than it takes */
    ws_put(w, &b, WS_TEXT, false, SLICE_LIT("four"));
    assert_true(b.overflow && b.n == 0);
    ws_free(w);
}

static void test_utf8(void **state)
{
    static const char *const good[] = {"",
                                       "plain",
                                       "\xc3\xa4",
                                       "\xe2\x82\xac",
                                       "\xf0\x9f\x93\x9e",
                                       "eight or more bytes \xc2\x80 and on",
                                       "\xf4\x8f\xbf\xbf",
                                       "\xed\x9f\xbf"};
    static const char *const bad[] = {"\x80",
                                      "\xc3",
                                      "\xc0\x80",
                                      "\xe0\x80\x80",
                                      "\xed\xa0\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xf8\x88\x80\x80\x80",
                                      "\xe2\x82",
                                      "12345678\xff",
                                      "\xc3\x28"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(ws_is_utf8(slice_from_str(good[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(ws_is_utf8(slice_from_str(bad[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_segments), cmocka_unit_test(test_what_breaks_the_protocol),
        cmocka_unit_test(test_size_limit),   cmocka_unit_test(test_pieces_limit),
        cmocka_unit_test(test_both_sides),   cmocka_unit_test(test_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
