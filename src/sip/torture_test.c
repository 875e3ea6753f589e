/* The messages of RFC 4475 (SIP) and RFC 5118 (IPv6), and what a server makes of each: the
 * parser's verdict, the status that the request gets in the end, and, where a higher layer gives
 * that answer, the fact that it will find in the message. */
#include "sip/digest.h"
#include "sip/hdr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define FOLDER "tests/corpus/sip-msg/"

static char text[SIP_MSG_MAX + 1];
static struct sip_msg msg, again;

static struct slice load(const char *name)
{
    char path[256];

    (void)snprintf(path, sizeof(path), FOLDER "%s", name);
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s is not there", path);
    size_t n = fread(text, 1, sizeof(text), f);
    (void)fclose(f);
    return slice_from(text, n);
}

/* --- facts --- */

static bool unknown_scheme(const struct sip_msg *m)
{
    return m->ruri.scheme == SIP_SCHEME_OTHER;
}

static bool to_is_no_sip(const struct sip_msg *m)
{
    return m->to.uri.scheme == SIP_SCHEME_OTHER;
}

static bool requires_unknown(const struct sip_msg *m)
{
    return sip_msg_list_has(m, SIP_HDR_REQUIRE, "nothingsupportsthiseither");
}

static bool unknown_body(const struct sip_msg *m)
{
    return sip_media_type_is(sip_msg_value(m, SIP_HDR_CONTENT_TYPE), "application/unknownformat");
}

static bool unknown_auth(const struct sip_msg *m)
{
    struct sip_digest_credentials c;
    return sip_digest_credentials_parse(sip_msg_value(m, SIP_HDR_AUTHORIZATION), &c) ==
           SIP_DIGEST_OTHER_SCHEME;
}

static bool accepts_no_sdp(const struct sip_msg *m)
{
    return sip_msg_hdr(m, SIP_HDR_ACCEPT) &&
           !sip_msg_list_has(m, SIP_HDR_ACCEPT, "application/sdp");
}

static bool unknown_method(const struct sip_msg *m)
{
    return m->method == SIP_METHOD_OTHER;
}

static bool no_hops_left(const struct sip_msg *m)
{
    uint32_t v;
    return sip_max_forwards_parse(sip_msg_value(m, SIP_HDR_MAX_FORWARDS), &v) == 0 && v == 0;
}

static int first_contact(const struct sip_msg *m, struct sip_contact *ret)
{
    struct sip_list_iter it = {0};
    struct slice element;

    if (!sip_msg_list_next(m, SIP_HDR_CONTACT, &it, &element))
        return SIP_PARSE_BAD;
    return sip_contact_parse(element, ret);
}

static bool bad_contact(const struct sip_msg *m)
{
    struct sip_contact c;
    return first_contact(m, &c) == SIP_PARSE_BAD;
}

static bool contact_param_of_header(const struct sip_msg *m)
{
    struct sip_contact c;
    return first_contact(m, &c) == 0 && slice_eq_str(c.addr.params, "unknownparam") &&
           c.addr.uri.params.n == 0;
}

static bool contact_param_of_uri(const struct sip_msg *m)
{
    struct sip_contact c;
    return first_contact(m, &c) == 0 && slice_eq_str(c.addr.uri.params, "unknownparam") &&
           c.addr.params.n == 0;
}

static bool contact_with_route(const struct sip_msg *m)
{
    struct sip_contact c;
    return first_contact(m, &c) == 0 &&
           slice_eq_str(c.addr.uri.headers, "Route=%3Csip:sip.example.com%3E");
}

static bool branch_is_cookie_only(const struct sip_msg *m)
{
    return slice_eq_str(m->via.branch, "z9hG4bK");
}

static bool no_branch(const struct sip_msg *m)
{
    return m->via.branch.n == 0 && m->to.uri.params.n == 0 &&
           slice_eq_str(m->to.params, "user=phone");
}

static bool wsinv(const struct sip_msg *m)
{
    struct sip_list_iter it = {0};
    struct slice e;
    struct sip_via via[3];
    struct sip_contact c;
    uint32_t hops;

    for (int i = 0; i < 3; i++) {
        if (!sip_msg_list_next(m, SIP_HDR_VIA, &it, &e) || sip_via_parse(e, &via[i]) != 0)
            return false;
    }
    return !sip_msg_list_next(m, SIP_HDR_VIA, &it, &e) &&
           slice_eq_str(via[0].branch, "390skdjuw") &&
           slice_eq_str(via[1].host, "spindle.example.com") &&
           slice_eq_str(via[2].transport, "UDP") && slice_eq_str(via[2].branch, "z9hG4bK30239") &&
           slice_eq_str(m->to_tag, "1918181833n") && slice_eq_str(m->from_tag, "98asjd8") &&
           m->cseq == 9 && first_contact(m, &c) == 0 && c.q == 330 &&
           sip_max_forwards_parse(sip_msg_value(m, SIP_HDR_MAX_FORWARDS), &hops) == 0 &&
           hops == 68 && slice_eq_str(m->from.display, "\"J Rosenberg \\\\\\\"\"") &&
           slice_eq_str(sip_msg_value(m, SIP_HDR_SUBJECT), "") && m->body.n == 150;
}

static bool intmeth(const struct sip_msg *m)
{
    return m->method == SIP_METHOD_OTHER && slice_eq_str(m->ruri.host, "example.com") &&
           slice_eq_str(m->ruri.user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*") &&
           slice_eq_str(m->from_tag, "_token~1'+`*%!-.");
}

static bool esc01(const struct sip_msg *m)
{
    struct sip_contact c;
    struct slice v;
    char user[64];
    struct buf b = buf_over(user, sizeof(user));

    sip_put_aor(&b, &m->ruri);
    return slice_eq_str(buf_slice(&b), "sips:user@example.com@example.net") &&
           first_contact(m, &c) == 0 && sip_param_find(c.addr.uri.params, "n%61me", &v) &&
           slice_eq_str(v, "v%61lue%25%34%31");
}

static bool two_nul_users(const struct sip_msg *m)
{
    struct sip_list_iter it = {0};
    struct slice e;
    struct sip_addr a, b;

    return sip_msg_list_next(m, SIP_HDR_CONTACT, &it, &e) && sip_addr_parse(e, &a) == 0 &&
           sip_msg_list_next(m, SIP_HDR_CONTACT, &it, &e) && sip_addr_parse(e, &b) == 0 &&
           !sip_uri_eq(&a.uri, &b.uri);
}

static bool esc02(const struct sip_msg *m)
{
    struct sip_list_iter it = {0};
    struct slice e;
    int contacts = 0;

    while (sip_msg_list_next(m, SIP_HDR_CONTACT, &it, &e))
        contacts++;
    return m->method == SIP_METHOD_OTHER && contacts == 2; /* an escaped name is another name */
}

static bool display_without_space(const struct sip_msg *m)
{
    return slice_eq_str(m->from.display, "caller");
}

static bool longreq(const struct sip_msg *m)
{
    struct sip_list_iter it = {0};
    struct slice e;
    int vias = 0;

    while (sip_msg_list_next(m, SIP_HDR_VIA, &it, &e))
        vias++;
    return vias == 36 && slice_eq_str(m->via.host, "sip33.example.com");
}

static bool body_cut(const struct sip_msg *m)
{
    return m->method == SIP_REGISTER && m->body.n == 0 && m->raw.n < strlen(text);
}

static bool semicolon_in_user(const struct sip_msg *m)
{
    return slice_eq_str(m->ruri.user, "user;par=u%40example.net") && m->ruri.params.n == 0;
}

static bool five_transports(const struct sip_msg *m)
{
    struct sip_list_iter it = {0};
    struct slice e;
    struct sip_via via;
    int n = 0;

    while (sip_msg_list_next(m, SIP_HDR_VIA, &it, &e))
        n += sip_via_parse(e, &via) == 0;
    return n == 5 && slice_eq_str(via.transport, "TCP");
}

static bool multipart(const struct sip_msg *m)
{
    struct slice type = sip_msg_value(m, SIP_HDR_CONTENT_TYPE), part;

    return sip_body_find(type, m->body, "text/plain", &part) == 0 && slice_eq_str(part, "Hello") &&
           sip_body_find(type, m->body, "application/octet-stream", &part) == 0 && part.n == 600 &&
           sip_body_find(type, m->body, "application/sdp", &part) == 0 && !part.p;
}

static bool utf8_reason(const struct sip_msg *m)
{
    return m->status == 200 && slice_starts_with(m->reason, SLICE_LIT("= 2**3 * 5**2 "));
}

static bool empty_reason(const struct sip_msg *m)
{
    return m->status == 100 && m->reason.n == 0;
}

static bool commas_in_display(const struct sip_msg *m)
{
    return slice_eq_str(m->from.display, "Bell, Alexander");
}

static bool spaces_in_brackets(const struct sip_msg *m)
{
    return slice_eq_str(m->to.uri.raw, "sip:t.watson@example.org");
}

static bool broadcast_via(const struct sip_msg *m)
{
    return sip_msg_hdr_next(m, sip_msg_hdr(m, SIP_HDR_VIA)) != NULL; /* not for a UAC: dropped */
}

static bool ruri_host_10_no_port(const struct sip_msg *m)
{
    return slice_eq_str(m->ruri.host, "[2001:db8::10]") && m->ruri.port == 0;
}

static bool port_in_brackets(const struct sip_msg *m)
{
    return slice_eq_str(m->ruri.host, "[2001:db8::10:5070]") && m->ruri.port == 0;
}

static bool port_outside(const struct sip_msg *m)
{
    return slice_eq_str(m->ruri.host, "[2001:db8::10]") && m->ruri.port == 5070;
}

static bool received_delimited(const struct sip_msg *m)
{
    return slice_eq_str(m->via.received, "[2001:db8::9:255]");
}

static bool received_bare(const struct sip_msg *m)
{
    return slice_eq_str(m->via.received, "2001:db8::9:255");
}

static bool via_port_6050(const struct sip_msg *m)
{
    return slice_eq_str(m->via.host, "[2001:db8::9:1]") && m->via.port == 6050;
}

static bool mapped(const struct sip_msg *m)
{
    struct sip_contact c;
    return slice_eq_str(m->via.host, "[::ffff:192.0.2.10]") && first_contact(m, &c) == 0 &&
           slice_eq_str(c.addr.uri.host, "[::ffff:192.0.2.2]");
}

static bool three_colons(const struct sip_msg *m)
{
    return slice_eq_str(m->ruri.host, "[2001:db8:::192.0.2.1]");
}

/* Status 0: no answer (a response, or nothing to answer to). */
struct torture {
    const char *file;
    int verdict;
    int status;
    bool (*fact)(const struct sip_msg *m);
};

// clang-format off
static const struct torture rows[] = {
    /* RFC 4475 s.3.1.1: valid */
    {"4475-wsinv",      SIP_PARSE_OK,  200, wsinv},
    {"4475-intmeth",    SIP_PARSE_OK,  405, intmeth},
    {"4475-esc01",      SIP_PARSE_OK,  200, esc01},
    {"4475-escnull",    SIP_PARSE_OK,  200, two_nul_users},
    {"4475-esc02",      SIP_PARSE_OK,  405, esc02},
    {"4475-lwsdisp",    SIP_PARSE_OK,  200, display_without_space},
    {"4475-longreq",    SIP_PARSE_OK,  200, longreq},
    {"4475-dblreq",     SIP_PARSE_OK,  200, body_cut},
    {"4475-semiuri",    SIP_PARSE_OK,  200, semicolon_in_user},
    {"4475-transports", SIP_PARSE_OK,  200, five_transports},
    {"4475-mpart01",    SIP_PARSE_OK,  200, multipart},
    {"4475-unreason",   SIP_PARSE_OK,    0, utf8_reason},
    {"4475-noreason",   SIP_PARSE_OK,    0, empty_reason},
    /* s.3.1.2: invalid */
    {"4475-badinv01",   SIP_PARSE_BAD,   0, NULL}, /* not even the Via can be read: no way back */
    {"4475-clerr",      SIP_PARSE_BAD, 400, NULL},
    {"4475-ncl",        SIP_PARSE_BAD, 400, NULL},
    {"4475-scalar02",   SIP_PARSE_BAD, 400, NULL},
    {"4475-scalarlg",   SIP_PARSE_BAD,   0, NULL},
    {"4475-quotbal",    SIP_PARSE_BAD, 400, NULL},
    {"4475-ltgtruri",   SIP_PARSE_BAD, 400, NULL},
    {"4475-lwsruri",    SIP_PARSE_BAD, 400, NULL},
    {"4475-lwsstart",   SIP_PARSE_BAD, 400, NULL},
    {"4475-trws",       SIP_PARSE_BAD, 400, NULL},
    {"4475-escruri",    SIP_PARSE_BAD, 400, NULL},
    {"4475-baddate",    SIP_PARSE_OK,  200, NULL}, /* nothing here depends on Date: not looked at */
    {"4475-regbadct",   SIP_PARSE_OK,  400, bad_contact},
    {"4475-badaspec",   SIP_PARSE_OK,  200, spaces_in_brackets}, /* leniently */
    {"4475-baddn",      SIP_PARSE_OK,  200, commas_in_display},  /* leniently */
    {"4475-badvers",    SIP_PARSE_BAD_VERSION, 505, NULL},
    {"4475-mismatch01", SIP_PARSE_BAD, 400, NULL},
    {"4475-mismatch02", SIP_PARSE_BAD, 400, unknown_method},
    {"4475-bigcode",    SIP_PARSE_BAD,   0, NULL},
    /* s.3.2: transactions */
    {"4475-badbranch",  SIP_PARSE_OK,  400, branch_is_cookie_only},
    /* s.3.3: applications */
    {"4475-insuf",      SIP_PARSE_BAD,   0, NULL}, /* nothing to put into From, To, Call-ID */
    {"4475-unkscm",     SIP_PARSE_OK,  416, unknown_scheme},
    {"4475-novelsc",    SIP_PARSE_OK,  416, unknown_scheme},
    {"4475-unksm2",     SIP_PARSE_OK,  400, to_is_no_sip},
    {"4475-bext01",     SIP_PARSE_OK,  420, requires_unknown},
    {"4475-invut",      SIP_PARSE_OK,  415, unknown_body},
    {"4475-regaut01",   SIP_PARSE_OK,  401, unknown_auth},
    {"4475-multi01",    SIP_PARSE_BAD, 400, NULL},
    {"4475-mcl01",      SIP_PARSE_BAD, 400, NULL},
    {"4475-bcast",      SIP_PARSE_OK,    0, broadcast_via},
    {"4475-zeromf",     SIP_PARSE_OK,  483, no_hops_left},
    {"4475-cparam01",   SIP_PARSE_OK,  200, contact_param_of_header},
    {"4475-cparam02",   SIP_PARSE_OK,  200, contact_param_of_uri},
    {"4475-regescrt",   SIP_PARSE_OK,  200, contact_with_route},
    {"4475-sdp01",      SIP_PARSE_OK,  406, accepts_no_sdp},
    /* s.3.4: RFC 2543 */
    {"4475-inv2543",    SIP_PARSE_OK,  200, no_branch},
    /* RFC 5118 s.4 */
    {"5118-ipv6-good",                     SIP_PARSE_OK,  200, ruri_host_10_no_port},
    {"5118-ipv6-bad",                      SIP_PARSE_BAD, 400, NULL},
    {"5118-port-ambiguous",                SIP_PARSE_OK,  200, port_in_brackets},
    {"5118-port-unambiguous",              SIP_PARSE_OK,  200, port_outside},
    {"5118-via-received-param-with-delim", SIP_PARSE_OK,  200, received_delimited},
    {"5118-via-received-param-no-delim",   SIP_PARSE_OK,  200, received_bare},
    {"5118-ipv6-in-sdp",                   SIP_PARSE_OK,  200, ruri_host_10_no_port},
    {"5118-mult-ip-in-header",             SIP_PARSE_OK,  200, via_port_6050},
    {"5118-mult-ip-in-sdp",                SIP_PARSE_OK,  200, ruri_host_10_no_port},
    {"5118-ipv4-mapped-ipv6",              SIP_PARSE_OK,  200, mapped},
    {"5118-ipv6-bug-abnf-3-colons",        SIP_PARSE_OK,  200, three_colons},
};
// clang-format on

static void every_message_gets_its_verdict(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct torture *t = &rows[i];
        int verdict = sip_msg_parse(load(t->file), &msg);
        if (verdict != t->verdict)
            fail_msg("%s: verdict %d, expected %d (%s)", t->file, verdict, t->verdict,
                     msg.error ? msg.error : "no error");
        if (t->fact && !t->fact(&msg))
            fail_msg("%s: the fact does not hold", t->file);
        if ((verdict == SIP_PARSE_OK) != (msg.error == NULL))
            fail_msg("%s: a verdict and its sentence come together", t->file);
        if (sip_msg_can_answer(&msg) != (t->status != 0))
            fail_msg("%s: can be answered: %d", t->file, sip_msg_can_answer(&msg));
    }
}

/* What can be answered gets an answer that parses. */
static void every_answer_parses(void **state)
{
    static char out[SIP_MSG_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf b = buf_over(out, sizeof(out));
        struct sip_reply r = {.status = 486, .to_tag = SLICE_LIT("ours"), .copy_rr = true};
        int verdict = sip_msg_parse(load(rows[i].file), &msg);
        if (verdict != SIP_PARSE_OK || !sip_msg_can_answer(&msg))
            continue;
        sip_put_reply_head(&b, &msg, &r);
        sip_put_body(&b, NULL, SLICE_NONE);
        assert_false(b.overflow);
        if (sip_msg_parse(buf_slice(&b), &again) != SIP_PARSE_OK)
            fail_msg("%s: %s", rows[i].file, again.error);
        assert_int_equal(again.status, 486);
        assert_int_equal(again.method, msg.method);
        assert_true(again.to_tag.n > 0);
    }
}

/* A stream of valid messages falls apart exactly as it was put together. */
static void frames_are_found_on_a_stream(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct slice in = load(rows[i].file);
        size_t skip, n;
        if (sip_msg_parse(in, &msg) != SIP_PARSE_OK)
            continue;
        assert_int_equal(sip_msg_frame(in, &skip, &n), SIP_FRAME_OK);
        assert_int_equal(skip, 0);
        assert_int_equal(n, msg.raw.n);
        for (size_t cut = 0; cut < n; cut += 7)
            assert_int_equal(sip_msg_frame(slice_take(in, cut), &skip, &n), SIP_FRAME_MORE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_gets_its_verdict),
        cmocka_unit_test(every_answer_parses),
        cmocka_unit_test(frames_are_found_on_a_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
