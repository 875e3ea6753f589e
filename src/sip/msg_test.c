#include "sip/hdr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define S(text) slice_from_str(text)

#define HEAD                                                                               \
    "Via: SIP/2.0/UDP 192.0.2.1:5070;rport;branch=z9hG4bK1, SIP/2.0/TCP p.example.org\r\n" \
    "v: SIP/2.0/UDP q.example.org;branch=z9hG4bK2\r\n"                                     \
    "From: \"A\" <sip:a@example.org>;tag=1\r\n"                                            \
    "To: sip:b@example.org\r\n"                                                            \
    "Call-ID: c@192.0.2.1\r\n"                                                             \
    "CSeq: 1 INVITE\r\n"
#define LINE "INVITE sip:b@example.org SIP/2.0\r\n"

static struct sip_msg msg, again;

static void expect(const char *text, int verdict, const char *error)
{
    int r = sip_msg_parse(S(text), &msg);

    if (r != verdict)
        fail_msg("verdict %d (%s) for: %s", r, msg.error ? msg.error : "none", text);
    if (error)
        assert_string_equal(msg.error, error);
    else
        assert_null(msg.error);
}

static void the_parts_of_a_request(void **state)
{
    (void)state;
    expect("\r\n\r\n" LINE HEAD "Content-Length: 3\r\n\r\nabcdef", SIP_PARSE_OK, NULL);
    assert_true(msg.is_request && msg.method == SIP_INVITE && msg.cseq == 1);
    assert_true(slice_eq_str(msg.ruri.user, "b") && slice_eq_str(msg.body, "abc"));
    assert_true(slice_eq_str(msg.via.host, "192.0.2.1") && msg.via.port == 5070 && msg.via.rport);
    assert_true(slice_eq_str(msg.via.branch, "z9hG4bK1"));
    assert_true(slice_eq_str(msg.from_tag, "1") && msg.to_tag.n == 0);
    assert_true(slice_eq_str(msg.call_id, "c@192.0.2.1"));
    assert_true(msg.raw.n == msg.head.n + 3 && slice_ends_with_nocase(msg.head, S("\r\n\r\n")));
    assert_true(msg.has_content_length && msg.content_length == 3);
    expect(LINE HEAD "\r\nrest", SIP_PARSE_OK, NULL);
    assert_true(slice_eq_str(msg.body, "rest") && !msg.has_content_length);
    expect(LINE HEAD "\r\n leading space", SIP_PARSE_OK, NULL);
    assert_true(slice_eq_str(msg.body, " leading space"));
}

static void the_parts_of_a_response(void **state)
{
    (void)state;
    expect("sip/2.0 486 Busy  Here\r\n" HEAD "\r\n", SIP_PARSE_OK, NULL);
    assert_true(!msg.is_request && msg.status == 486 && msg.method == SIP_INVITE);
    assert_true(slice_eq_str(msg.reason, "Busy  Here"));
    expect("SIP/2.0 200\r\n" HEAD "\r\n", SIP_PARSE_OK, NULL);
    assert_false(sip_msg_can_answer(&msg));
    expect("SIP/2.0 99 x\r\n" HEAD "\r\n", SIP_PARSE_BAD,
           "the status code is not a number from 100 to 699");
    expect("SIP/2.0 700 x\r\n" HEAD "\r\n", SIP_PARSE_BAD,
           "the status code is not a number from 100 to 699");
    expect("SIP/3.0 200 OK\r\n" HEAD "\r\n", SIP_PARSE_BAD_VERSION, "the version is not SIP/2.0");
}

static void start_lines(void **state)
{
    static const struct {
        const char *line;
        int verdict;
    } rows[] = {
        {"OPTIONS sip:h sip/2.0", SIP_PARSE_OK},
        {"OPTIONS sip:h SIP/2.1", SIP_PARSE_BAD_VERSION},
        {"OPTIONS sip:h SIP/20", SIP_PARSE_BAD},
        {"OPTIONS sip:h SIP/2.0x", SIP_PARSE_BAD},
        {"OPTIONS sip:h SIP/2.0 ", SIP_PARSE_BAD},
        {"OPTIONS  SIP/2.0", SIP_PARSE_BAD},
        {"OPTIONS SIP/2.0", SIP_PARSE_BAD},
        {" OPTIONS sip:h SIP/2.0", SIP_PARSE_BAD},
        {"OPT(IONS sip:h SIP/2.0", SIP_PARSE_BAD},
        {"OPTIONS sip:h?a=b SIP/2.0", SIP_PARSE_BAD},
        {"OPTIONS\tsip:h\tSIP/2.0", SIP_PARSE_BAD},
        {"GET / HTTP/1.1", SIP_PARSE_NOT_SIP},
        {"OPTIONS sip:h", SIP_PARSE_NOT_SIP},
        {"hello", SIP_PARSE_NOT_SIP},
        {"SIP/2.0", SIP_PARSE_BAD},
        {"SIP/", SIP_PARSE_BAD},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[512];
        (void)snprintf(text, sizeof(text),
                       "%s\r\nVia: SIP/2.0/UDP h\r\nf: sip:a@h;tag=1\r\nt: sip:b@h\r\ni: c\r\n"
                       "CSeq: 1 OPTIONS\r\n\r\n",
                       rows[i].line);
        int r = sip_msg_parse(S(text), &msg);
        if (r != rows[i].verdict)
            fail_msg("verdict %d (%s): %s", r, msg.error ? msg.error : "none", rows[i].line);
    }
}

static void each_fault_has_its_sentence(void **state)
{
    (void)state;
    expect(LINE HEAD "CSeq: 1 INVITE\r\n\r\n", SIP_PARSE_BAD,
           "a header that may come once came twice");
    expect(LINE HEAD "Max-Forwards: 70\r\nmax-forwards: 70\r\n\r\n", SIP_PARSE_BAD,
           "a header that may come once came twice");
    expect(LINE HEAD "l: 0\r\nContent-Length: 0\r\n\r\n", SIP_PARSE_BAD,
           "a header that may come once came twice");
    expect(LINE HEAD "l: -1\r\n\r\n", SIP_PARSE_BAD, "Content-Length is not a number");
    expect(LINE HEAD "l: 4294967296\r\n\r\n", SIP_PARSE_BAD, "Content-Length is not a number");
    expect(LINE HEAD "l: \r\n\r\n", SIP_PARSE_BAD, "Content-Length is not a number");
    expect(LINE HEAD "l: 1\r\n\r\n", SIP_PARSE_BAD, "the body is shorter than Content-Length says");
    expect(LINE HEAD "no colon\r\n\r\n", SIP_PARSE_BAD,
           "a header line does not start with a name and ':'");
    expect(LINE HEAD ": x\r\n\r\n", SIP_PARSE_BAD,
           "a header line does not start with a name and ':'");
    expect(LINE " X: fold of nothing\r\n" HEAD "\r\n", SIP_PARSE_BAD,
           "a header line does not start with a name and ':'");
    expect(LINE HEAD "X: a\nY: b\r\n\r\n", SIP_PARSE_BAD, "a CR or LF stands alone in the headers");
    expect(LINE HEAD "X: a\rY: b\r\n\r\n", SIP_PARSE_BAD, "a CR or LF stands alone in the headers");
    expect(LINE HEAD, SIP_PARSE_BAD, "the headers do not end with a blank line");
    expect("INVITE sip:b@h SIP/2.0\n\n", SIP_PARSE_BAD, "the start line does not end with CRLF");
    expect("OPTIONS sip:b@h SIP/2.0\r\n" HEAD "\r\n", SIP_PARSE_BAD,
           "the method of CSeq is not that of the request");
    expect("INVITE sip:b@ SIP/2.0\r\n" HEAD "\r\n", SIP_PARSE_BAD, "the Request-URI is malformed");
    assert_int_equal(msg.ruri.scheme, SIP_SCHEME_OTHER);
    assert_true(slice_eq_str(msg.ruri.raw, "sip:b@") && msg.ruri.host.n == 0);
    assert_true(sip_msg_can_answer(&msg));
    expect("INVITE sip:b@h?x=y SIP/2.0\r\n" HEAD "\r\n", SIP_PARSE_BAD,
           "the Request-URI holds headers");
}

/* Without each of the five, and with each of them broken. */
static void the_five_are_needed(void **state)
{
    static const struct {
        const char *via, *from, *to, *call_id, *cseq, *error;
        bool answer;
    } rows[] = {
        {"", "f: sip:a@h\r\n", "t: sip:b@h\r\n", "i: c\r\n", "CSeq: 1 INVITE\r\n",
         "there is no Via", false},
        {"v: SIP/2.0/UDP\r\n", "f: sip:a@h\r\n", "t: sip:b@h\r\n", "i: c\r\n", "CSeq: 1 INVITE\r\n",
         "the top Via is malformed", false},
        {"v: SIP/2.0/UDP h\r\n", "", "t: sip:b@h\r\n", "i: c\r\n", "CSeq: 1 INVITE\r\n",
         "there is no From", false},
        {"v: SIP/2.0/UDP h\r\n", "f: *\r\n", "t: sip:b@h\r\n", "i: c\r\n", "CSeq: 1 INVITE\r\n",
         "From is malformed", true},
        {"v: SIP/2.0/UDP h\r\n", "f: sip:a@h\r\n", "", "i: c\r\n", "CSeq: 1 INVITE\r\n",
         "there is no To", false},
        {"v: SIP/2.0/UDP h\r\n", "f: sip:a@h\r\n", "t: <sip:b@h\r\n", "i: c\r\n",
         "CSeq: 1 INVITE\r\n", "To is malformed", true},
        {"v: SIP/2.0/UDP h\r\n", "f: sip:a@h\r\n", "t: sip:b@h\r\n", "", "CSeq: 1 INVITE\r\n",
         "there is no Call-ID", false},
        {"v: SIP/2.0/UDP h\r\n", "f: sip:a@h\r\n", "t: sip:b@h\r\n", "i: a b\r\n",
         "CSeq: 1 INVITE\r\n", "Call-ID is malformed", false},
        {"v: SIP/2.0/UDP h\r\n", "f: sip:a@h\r\n", "t: sip:b@h\r\n", "i: c\r\n", "",
         "there is no CSeq", false},
        {"v: SIP/2.0/UDP h\r\n", "f: sip:a@h\r\n", "t: sip:b@h\r\n", "i: c\r\n",
         "CSeq: -1 INVITE\r\n", "CSeq is not a number below 2^31 and a method", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[512];
        (void)snprintf(text, sizeof(text), LINE "%s%s%s%s%s\r\n", rows[i].via, rows[i].from,
                       rows[i].to, rows[i].call_id, rows[i].cseq);
        expect(text, SIP_PARSE_BAD, rows[i].error);
        assert_int_equal(sip_msg_can_answer(&msg), rows[i].answer);
    }
    expect("ACK sip:b@h SIP/2.0\r\n" HEAD "\r\n", SIP_PARSE_BAD,
           "the method of CSeq is not that of the request");
    assert_false(sip_msg_can_answer(&msg));
}

/* --- limits --- */

static char big[SIP_MSG_MAX + 2];

/* LINE HEAD, `headers` lines in all, one of them `line` bytes long, a blank line, and the body
 * that makes it `total` bytes. */
static struct slice grown(int headers, size_t line, size_t total)
{
    struct buf b = buf_over(big, sizeof(big));

    BUF_PUT_LIT(&b, LINE HEAD);
    for (int i = 6; i < headers; i++)
        BUF_PUT_LIT(&b, "Z: y\r\n");
    if (line) {
        BUF_PUT_LIT(&b, "Z: a\r\n ");
        for (size_t n = 7; n < line; n++)
            buf_put_char(&b, 'b');
        BUF_PUT_LIT(&b, "\r\n");
    }
    BUF_PUT_LIT(&b, "\r\n");
    while (b.n < total && !b.overflow)
        buf_put_char(&b, '.');
    assert_false(b.overflow);
    return buf_slice(&b);
}

static void limits_hold_at_and_past(void **state)
{
    (void)state;
    assert_int_equal(sip_msg_parse(grown(SIP_HDR_MAX, 0, 0), &msg), SIP_PARSE_OK);
    assert_int_equal(msg.hdr_count, SIP_HDR_MAX);
    assert_int_equal(sip_msg_parse(grown(SIP_HDR_MAX + 1, 0, 0), &msg), SIP_PARSE_BAD);
    assert_string_equal(msg.error, "there are too many headers");
    assert_true(sip_msg_can_answer(&msg));

    assert_int_equal(sip_msg_parse(grown(6, SIP_LINE_MAX, 0), &msg), SIP_PARSE_OK);
    assert_int_equal(sip_msg_parse(grown(6, SIP_LINE_MAX + 1, 0), &msg), SIP_PARSE_BAD);
    assert_string_equal(msg.error, "a header is too long");

    assert_int_equal(sip_msg_parse(grown(6, 0, SIP_MSG_MAX), &msg), SIP_PARSE_OK);
    assert_int_equal(sip_msg_parse(grown(6, 0, SIP_MSG_MAX + 1), &msg), SIP_PARSE_BAD);
    assert_string_equal(msg.error, "the message is too long");
    assert_false(sip_msg_can_answer(&msg));
    assert_null(sip_msg_hdr(&msg, SIP_HDR_VIA));
}

/* A head of exactly n bytes, in lines below their own limit. */
static struct slice head_of(size_t n)
{
    struct buf b = buf_over(big, sizeof(big));

    BUF_PUT_LIT(&b, LINE HEAD "l: 0\r\n");
    while (b.n < n - 2) {
        size_t line = n - 2 - b.n;
        line = line > 8000 ? 4000 : line;
        BUF_PUT_LIT(&b, "Z: ");
        for (size_t i = 5; i < line; i++)
            buf_put_char(&b, 'b');
        BUF_PUT_LIT(&b, "\r\n");
    }
    BUF_PUT_LIT(&b, "\r\n");
    assert_int_equal(b.n, n);
    return buf_slice(&b);
}

static void the_head_has_a_limit(void **state)
{
    size_t skip, n;

    (void)state;
    assert_int_equal(sip_msg_parse(head_of(SIP_HEAD_MAX), &msg), SIP_PARSE_OK);
    assert_int_equal(sip_msg_frame(head_of(SIP_HEAD_MAX), &skip, &n), SIP_FRAME_OK);
    assert_int_equal(n, SIP_HEAD_MAX);
    assert_int_equal(sip_msg_parse(head_of(SIP_HEAD_MAX + 1), &msg), SIP_PARSE_BAD);
    assert_string_equal(msg.error, "the head is too long");
    assert_int_equal(sip_msg_frame(head_of(SIP_HEAD_MAX + 1), &skip, &n), SIP_FRAME_TOO_LARGE);
    assert_int_equal(sip_msg_frame(slice_take(head_of(SIP_HEAD_MAX + 1), SIP_HEAD_MAX), &skip, &n),
                     SIP_FRAME_MORE);
}

static void the_start_line_has_a_limit(void **state)
{
    (void)state;
    for (size_t n = SIP_LINE_MAX; n <= SIP_LINE_MAX + 1; n++) {
        struct buf b = buf_over(big, sizeof(big));
        BUF_PUT_LIT(&b, "INVITE sip:");
        while (b.n < n - 8)
            buf_put_char(&b, 'h');
        BUF_PUT_LIT(&b, " SIP/2.0\r\n" HEAD "\r\n");
        assert_int_equal(sip_msg_parse(buf_slice(&b), &msg),
                         n == SIP_LINE_MAX ? SIP_PARSE_OK : SIP_PARSE_BAD);
    }
}

/* --- framing --- */

static void framing(void **state)
{
    static const struct {
        const char *text;
        int verdict;
        size_t skip, n;
    } rows[] = {
        {"", SIP_FRAME_MORE, 0, 0},
        {"\r\n\r\n", SIP_FRAME_MORE, 0, 0},
        {"\r", SIP_FRAME_MORE, 0, 0},
        {"A\r\nl: 3\r\n\r\nabcdef", SIP_FRAME_OK, 0, 14},
        {"\r\n\r\nA\r\ncontent-LENGTH\t:\r\n 3 \r\n\r\nabc", SIP_FRAME_OK, 4, 31},
        {"A\r\nl: 3\r\n\r\nab", SIP_FRAME_MORE, 0, 0},
        {"A\r\nl: 3\r\n", SIP_FRAME_MORE, 0, 0},
        {"A\r\nX: l: 3\r\n\r\n", SIP_FRAME_BAD, 0, 0},
        {"A\r\n\r\n", SIP_FRAME_BAD, 0, 0},
        {"A\r\nl: 3\r\nContent-Length: 3\r\n\r\nabc", SIP_FRAME_BAD, 0, 0},
        {"A\r\nl: x\r\n\r\n", SIP_FRAME_BAD, 0, 0},
        {"A\r\nl: -1\r\n\r\n", SIP_FRAME_BAD, 0, 0},
        {"A\r\nl: 4294967295\r\n\r\n", SIP_FRAME_TOO_LARGE, 0, 0},
        {"A\r\nl: 65520\r\n\r\n", SIP_FRAME_MORE, 0, 0}, /* 15 + 65520 = SIP_MSG_MAX */
        {"A\r\nl: 65521\r\n\r\n", SIP_FRAME_TOO_LARGE, 0, 0},
        {"A\nl: 3\n\nabc", SIP_FRAME_BAD, 0, 0},
        {"A\r\nX: y\rl: 3\r\n\r\nabc", SIP_FRAME_BAD, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t skip = 0, n = 0;
        int r = sip_msg_frame(S(rows[i].text), &skip, &n);
        if (r != rows[i].verdict || skip != rows[i].skip || n != rows[i].n)
            fail_msg("%d %zu %zu: %s", r, skip, n, rows[i].text);
    }
}

/* --- looking up --- */

static void headers_and_lists(void **state)
{
    struct sip_list_iter it = {0};
    struct slice e;
    static const char *const allowed[] = {"INVITE", "\"a,b\"", "<x,y>;z", "BYE"};

    (void)state;
    expect(LINE HEAD "Allow: INVITE,, \"a,b\" ,\r\n <x,y>;z\r\nX-One: 1\r\nALLOW:\r\nx-two: 2\r\n"
                     "allow : BYE\r\nk: timer , 100rel\r\nX-ONE: 3\r\n\r\n",
           SIP_PARSE_OK, NULL);
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
        assert_true(sip_msg_list_next(&msg, SIP_HDR_ALLOW, &it, &e));
        assert_true(slice_eq_str(e, allowed[i]));
    }
    assert_false(sip_msg_list_next(&msg, SIP_HDR_ALLOW, &it, &e));
    assert_false(sip_msg_list_next(&msg, SIP_HDR_ALLOW, &it, &e));
    assert_true(sip_msg_list_has(&msg, SIP_HDR_SUPPORTED, "100REL"));
    assert_false(sip_msg_list_has(&msg, SIP_HDR_SUPPORTED, "100"));
    assert_false(sip_msg_list_has(&msg, SIP_HDR_REQUIRE, "timer"));
    assert_true(slice_eq_str(sip_msg_hdr_named(&msg, S("x-TWO"))->value, "2"));
    assert_null(sip_msg_hdr_named(&msg, S("x-three")));
    assert_true(sip_msg_hdr_named(&msg, S("supported")) == sip_msg_hdr(&msg, SIP_HDR_SUPPORTED));
    assert_false(sip_msg_value(&msg, SIP_HDR_DATE).p);
    it = (struct sip_list_iter){0};
    assert_true(sip_msg_list_next(&msg, SIP_HDR_VIA, &it, &e));
    assert_true(sip_msg_list_next(&msg, SIP_HDR_VIA, &it, &e));
    assert_true(slice_eq_str(e, "SIP/2.0/TCP p.example.org"));
    assert_true(sip_msg_list_next(&msg, SIP_HDR_VIA, &it, &e));
    assert_false(sip_msg_list_next(&msg, SIP_HDR_VIA, &it, &e));
}

static void names_go_both_ways(void **state)
{
    static const char compact[] = "bceefiklmorstuvx";

    (void)state;
    for (int id = SIP_HDR_OTHER + 1; id < SIP_HDR_ID_COUNT; id++) {
        char name[32];
        struct slice s = S(sip_hdr_name((enum sip_hdr_id)id));
        assert_int_equal(sip_hdr_id_from(s), id);
        for (size_t i = 0; i < s.n; i++)
            name[i] = (char)(s.p[i] ^ (s.p[i] == '-' ? 0 : 0x20));
        assert_int_equal(sip_hdr_id_from(slice_from(name, s.n)), id);
        name[s.n - 1] = '-';
        assert_int_equal(sip_hdr_id_from(slice_from(name, s.n)), SIP_HDR_OTHER);
        name[0] = '\r';
        assert_int_equal(sip_hdr_id_from(slice_from(name, s.n)), SIP_HDR_OTHER);
    }
    for (const char *c = compact; *c; c++)
        assert_int_not_equal(sip_hdr_id_from(slice_from(c, 1)), SIP_HDR_OTHER);
    assert_int_equal(sip_hdr_id_from(S("z")), SIP_HDR_OTHER);
    assert_int_equal(sip_hdr_id_from(S("")), SIP_HDR_OTHER);
    assert_int_equal(sip_hdr_id_from(S("Content\rLength")), SIP_HDR_OTHER);
    assert_int_equal(sip_hdr_id_from(S("X-An-Unusually-Long-Header-Name")), SIP_HDR_OTHER);
    assert_null(sip_hdr_name(SIP_HDR_OTHER));
    for (int m = 0; m < SIP_METHOD_OTHER; m++)
        assert_int_equal(sip_method_from(S(sip_method_name((enum sip_method)m))), m);
    assert_int_equal(sip_method_from(S("invite")), SIP_METHOD_OTHER);
    assert_int_equal(sip_method_from(S("INVITEE")), SIP_METHOD_OTHER);
    assert_int_equal(sip_method_from(S("SUBSCRIBESUBSCRIBE")), SIP_METHOD_OTHER);
    assert_string_equal(sip_reason_phrase(486), "Busy Here");
    assert_string_equal(sip_reason_phrase(499), "Request Failed");
    assert_string_equal(sip_reason_phrase(99), "Unknown");
    assert_string_equal(sip_reason_phrase(700), "Unknown");
}

/* --- printing --- */

static char out[4096];

static const char *printed_reply(const char *request, const struct sip_reply *r)
{
    struct buf b = buf_over(out, sizeof(out));

    expect(request, SIP_PARSE_OK, NULL);
    sip_put_reply_head(&b, &msg, r);
    buf_put_char(&b, '\0');
    assert_false(b.overflow);
    return out;
}

#define REST "From: \"A\" <sip:a@example.org>;tag=1\r\nTo: sip:b@example.org"
#define REST2 "\r\nCall-ID: c@192.0.2.1\r\nCSeq: 1 INVITE\r\n"

static void heads_of_replies(void **state)
{
    struct sip_reply r = {.status = 180,
                          .to_tag = S("t"),
                          .received = S("198.51.100.7"),
                          .rport = 4096,
                          .copy_rr = true};

    (void)state;
    assert_string_equal(
        printed_reply(LINE HEAD "Timestamp: 5\r\nRecord-Route: <sip:p;lr>\r\n <x>\r\n\r\n", &r),
        "SIP/2.0 180 Ringing\r\n"
        "Via: SIP/2.0/UDP 192.0.2.1:5070;rport=4096;branch=z9hG4bK1;received=198.51.100.7\r\n"
        "Via: SIP/2.0/TCP p.example.org\r\n"
        "Via: SIP/2.0/UDP q.example.org;branch=z9hG4bK2\r\n" REST ";tag=t" REST2
        "Record-Route: <sip:p;lr> <x>\r\n");
    r = (struct sip_reply){.status = 100, .to_tag = S("t"), .reason = S("Wait\r\nX: y")};
    assert_string_equal(printed_reply(LINE HEAD "Timestamp: 5\r\n\r\n", &r),
                        "SIP/2.0 100 WaitX: y\r\n"
                        "Via: SIP/2.0/UDP 192.0.2.1:5070;rport;branch=z9hG4bK1\r\n"
                        "Via: SIP/2.0/TCP p.example.org\r\n"
                        "Via: SIP/2.0/UDP q.example.org;branch=z9hG4bK2\r\n" REST REST2
                        "Timestamp: 5\r\n");
}

/* What a client writes about its own address is not believed. */
static void received_and_rport_are_ours(void **state)
{
    struct sip_reply r = {.status = 200, .received = S("203.0.113.9"), .rport = 9};
    const char *got =
        printed_reply("BYE sip:b@h SIP/2.0\r\n"
                      "Via: SIP/2.0/UDP h : 5070;received=1.2.3.4;rport=77 ; x=\"\r\n y\"\r\n"
                      "f: sip:a@h;tag=1\r\nt: sip:b@h;tag=2\r\ni: c\r\n"
                      "CSeq: 1 BYE\r\n\r\n",
                      &r);

    (void)state;
    assert_string_equal(got, "SIP/2.0 200 OK\r\n"
                             "Via: SIP/2.0/UDP h:5070;rport=9;x=\" y\";received=203.0.113.9\r\n"
                             "From: sip:a@h;tag=1\r\nTo: sip:b@h;tag=2\r\nCall-ID: c\r\n"
                             "CSeq: 1 BYE\r\n");
    r.received = SLICE_NONE;
    got = printed_reply("BYE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h;rport=77;a\r\n"
                        "f: sip:a@h;tag=1\r\nt: sip:b@h;tag=2\r\ni: c\r\nCSeq: 1 BYE\r\n\r\n",
                        &r);
    assert_non_null(strstr(got, "Via: SIP/2.0/UDP h;rport=9;a\r\n"));
}

static void a_message_survives_printing(void **state)
{
    static const char *const texts[] = {
        LINE HEAD "X-Y : a\r\n  b\r\n\tc\r\nSubject:\r\nl: 3\r\n\r\nabc",
        "SIP/2.0 200 OK\r\n" HEAD "\r\nbody without a length",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct buf b = buf_over(out, sizeof(out));
        expect(texts[i], SIP_PARSE_OK, NULL);
        sip_msg_print(&b, &msg);
        assert_int_equal(sip_msg_parse(buf_slice(&b), &again), SIP_PARSE_OK);
        assert_int_equal(again.hdr_count, msg.hdr_count);
        for (int k = 0; k < msg.hdr_count; k++)
            assert_int_equal(again.hdrs[k].id, msg.hdrs[k].id);
        assert_true(slice_eq(again.body, msg.body) && slice_eq(again.call_id, msg.call_id));
        assert_true(again.status == msg.status && again.cseq == msg.cseq);
    }
    expect(texts[0], SIP_PARSE_OK, NULL);
    struct buf small = buf_over(out, 40);
    sip_msg_print(&small, &msg);
    assert_true(small.overflow && small.n <= 40);
}

static void bodies_are_printed_with_their_length(void **state)
{
    struct buf b = buf_over(out, sizeof(out));

    (void)state;
    sip_put_hdr(&b, SIP_HDR_CONTACT, S("<sip:a@h>\r\nInjected: x"));
    sip_put_body(&b, "application/sdp", S("v=0\r\n"));
    assert_true(slice_eq_str(buf_slice(&b), "Contact: <sip:a@h>Injected: x\r\n"
                                            "Content-Type: application/sdp\r\n"
                                            "Content-Length: 5\r\n\r\nv=0\r\n"));
    b = buf_over(out, sizeof(out));
    sip_put_body(&b, NULL, SLICE_NONE);
    assert_true(slice_eq_str(buf_slice(&b), "Content-Length: 0\r\n\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_of_a_request),
        cmocka_unit_test(the_parts_of_a_response),
        cmocka_unit_test(start_lines),
        cmocka_unit_test(each_fault_has_its_sentence),
        cmocka_unit_test(the_five_are_needed),
        cmocka_unit_test(limits_hold_at_and_past),
        cmocka_unit_test(the_head_has_a_limit),
        cmocka_unit_test(the_start_line_has_a_limit),
        cmocka_unit_test(framing),
        cmocka_unit_test(headers_and_lists),
        cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(heads_of_replies),
        cmocka_unit_test(received_and_rport_are_ours),
        cmocka_unit_test(a_message_survives_printing),
        cmocka_unit_test(bodies_are_printed_with_their_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
