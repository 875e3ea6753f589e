#include "dialog/dialog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct text {
    char b[8192];
    struct sip_msg m;
};

static const struct sip_msg *parse(struct text *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static const struct sip_msg *parse(struct text *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(t->b, sizeof(t->b), fmt, ap);
    va_end(ap);
    assert_true(n > 0 && (size_t)n < sizeof(t->b));
    assert_int_equal(sip_msg_parse(slice_from(t->b, (size_t)n), &t->m), SIP_PARSE_OK);
    return &t->m;
}

static const struct sip_msg *invite(struct text *t, const char *more)
{
    return parse(t,
                 "INVITE sips:bob@b.example SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\n"
                 "From: \"Al \\\"x\\\"\"\r\n <sip:alice@a.example>;tag=at;x=y\r\n"
                 "To: sip:bob@b.example\r\nCall-ID: cid@a\r\nCSeq: 10 INVITE\r\n%s"
                 "Content-Length: 0\r\n\r\n",
                 more);
}

static const struct sip_msg *answer(struct text *t, int status, const char *tag, const char *more)
{
    return parse(t,
                 "SIP/2.0 %d X\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\n"
                 "From: <sip:alice@a.example>;tag=at\r\nTo: <sip:bob@b.example>%s%s\r\n"
                 "Call-ID: cid@a\r\nCSeq: 10 INVITE\r\n%sContent-Length: 0\r\n\r\n",
                 status, *tag ? ";tag=" : "", tag, more);
}

static const struct sip_msg *within(struct text *t, const char *method, unsigned cseq,
                                    const char *more)
{
    return parse(t,
                 "%s sip:us SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK2\r\n"
                 "From: <sip:alice@a.example>;tag=at\r\nTo: <sip:bob@b.example>;tag=bt\r\n"
                 "Call-ID: cid@a\r\nCSeq: %u %s\r\n%sContent-Length: 0\r\n\r\n",
                 method, cseq, method, more);
}

#define OWNED __attribute__((cleanup(dialog_fini))) struct dialog

static struct dialog uac(void)
{
    struct dialog d = {0};
    assert_int_equal(
        dialog_init_uac(&d, SLICE_LIT("cid@a"), SLICE_LIT("at"),
                        SLICE_LIT("\"Al\" <sip:alice@a.example>"), SLICE_LIT("<sip:bob@b.example>"),
                        SLICE_LIT("sip:bob@192.0.2.7:5061;transport=tls"), SLICE_NONE, 9),
        DIALOG_OK);
    return d;
}

static struct dialog uas(const char *more)
{
    struct text t;
    struct dialog d = {0};
    assert_int_equal(dialog_init_uas(&d, invite(&t, more), SLICE_LIT("bt")), DIALOG_OK);
    return d;
}

static const char *print(const struct dialog *d, const char *method, uint32_t cseq)
{
    static char out[8192];
    struct buf b = buf_over(out, sizeof(out) - 1);
    dialog_put_request(&b, d, slice_from_str(method), cseq, SLICE_LIT("Via: v\r\n"), 69);
    assert_false(b.overflow);
    out[b.n] = '\0';
    return out;
}

static void uac_prints_its_first_request(void **state)
{
    (void)state;
    OWNED d = uac();
    assert_int_equal(d.state, DIALOG_NONE);
    assert_string_equal(print(&d, "INVITE", dialog_next_cseq(&d)),
                        "INVITE sip:bob@192.0.2.7:5061;transport=tls SIP/2.0\r\nVia: v\r\n"
                        "Max-Forwards: 69\r\nFrom: \"Al\" <sip:alice@a.example>;tag=at\r\n"
                        "To: <sip:bob@b.example>\r\nCall-ID: cid@a\r\nCSeq: 10 INVITE\r\n");
    assert_true(slice_eq_str(dialog_next_hop(&d), "sip:bob@192.0.2.7:5061;transport=tls"));
}

static void uac_goes_from_early_to_confirmed(void **state)
{
    (void)state;
    struct text t;
    OWNED d = uac();
    assert_int_equal(dialog_uac_on_response(&d, answer(&t, 100, "", "")), DIALOG_NO_TAG);
    assert_int_equal(dialog_uac_on_response(&d, answer(&t, 180, "", "")), DIALOG_NO_TAG);
    assert_int_equal(dialog_uac_on_response(&d, answer(&t, 486, "bt", "")), DIALOG_NO_TAG);
    assert_int_equal(d.state, DIALOG_NONE);
    assert_int_equal(dialog_uac_on_response(&d, answer(&t, 180, "b1", "")), DIALOG_OK);
    assert_int_equal(d.state, DIALOG_EARLY);
    assert_true(dialog_is_same_remote_tag(&d, SLICE_LIT("b1")));
    assert_string_equal(d.remote_target, "sip:bob@192.0.2.7:5061;transport=tls");
    /* The 2xx takes everything anew, of another fork too. */
    assert_int_equal(dialog_uac_on_response(
                         &d, answer(&t, 200, "bt",
                                    "Record-Route: <sip:p1;lr>, \"x, <y>\" <sip:p2;lr>;z=1\r\n"
                                    "Record-Route: <sip:p3;lr>\r\n"
                                    "Contact: <sip:bob@c.example?h=1>;q=1\r\n")),
                     DIALOG_OK);
    assert_int_equal(d.state, DIALOG_CONFIRMED);
    assert_string_equal(d.remote_tag, "bt");
    assert_string_equal(d.remote_target, "sip:bob@c.example");
    assert_string_equal(d.routes, "<sip:p3;lr>,<sip:p2;lr>,<sip:p1;lr>");
    assert_true(slice_eq_str(dialog_next_hop(&d), "sip:p3;lr"));
    assert_string_equal(print(&d, "ACK", 10),
                        "ACK sip:bob@c.example SIP/2.0\r\nVia: v\r\nMax-Forwards: 69\r\n"
                        "Route: <sip:p3;lr>,<sip:p2;lr>,<sip:p1;lr>\r\n"
                        "From: \"Al\" <sip:alice@a.example>;tag=at\r\n"
                        "To: <sip:bob@b.example>;tag=bt\r\nCall-ID: cid@a\r\nCSeq: 10 ACK\r\n");
}

static void uac_needs_a_contact_in_the_2xx(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "Contact: *\r\n", "Contact: <tel:+123>\r\n",
                                      "Contact: <mailto:a@b>\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct text t;
        OWNED d = uac();
        struct dialog before = d;
        assert_int_equal(dialog_uac_on_response(&d, answer(&t, 200, "bt", bad[i])),
                         DIALOG_BAD_CONTACT);
        assert_memory_equal(&d, &before, sizeof(d)); /* untouched */
    }
}

static void rfc_2543_peers_have_no_tag(void **state)
{
    (void)state;
    struct text t;
    OWNED d = uac();
    assert_int_equal(dialog_uac_on_response(&d, answer(&t, 200, "", "Contact: <sip:b@h>\r\n")),
                     DIALOG_OK);
    assert_true(dialog_is_same_remote_tag(&d, SLICE_NONE));
    assert_false(dialog_is_same_remote_tag(&d, SLICE_LIT("x")));
}

static void uas_takes_the_request(void **state)
{
    (void)state;
    OWNED d = uas("Record-Route: <sip:p1;lr>\r\nRecord-Route: <sip:p2;lr>\r\n"
                  "Contact: <sip:alice@192.0.2.9:5062;transport=tls>\r\n");
    assert_int_equal(d.state, DIALOG_EARLY);
    assert_true(d.secure);
    assert_int_equal(d.remote_cseq, 10);
    assert_string_equal(print(&d, "BYE", dialog_next_cseq(&d)),
                        "BYE sip:alice@192.0.2.9:5062;transport=tls SIP/2.0\r\nVia: v\r\n"
                        "Max-Forwards: 69\r\nRoute: <sip:p1;lr>,<sip:p2;lr>\r\n"
                        "From: <sip:bob@b.example>;tag=bt\r\n"
                        "To: \"Al \\\"x\\\"\" <sip:alice@a.example>;tag=at\r\nCall-ID: cid@a\r\n"
                        "CSeq: 1 BYE\r\n");
    dialog_confirm(&d);
    assert_int_equal(d.state, DIALOG_CONFIRMED);
    dialog_terminate(&d);
    dialog_confirm(&d);
    assert_int_equal(d.state, DIALOG_TERMINATED);
}

static void uas_needs_contact_and_tag(void **state)
{
    (void)state;
    struct text t;
    OWNED d = {0};
    assert_int_equal(dialog_init_uas(&d, invite(&t, ""), SLICE_LIT("bt")), DIALOG_BAD_CONTACT);
    assert_int_equal(dialog_init_uas(&d, invite(&t, "Contact: <sip:a@h>\r\n"), SLICE_NONE),
                     DIALOG_NO_TAG);
    assert_int_equal(dialog_init_uas(&d, within(&t, "SUBSCRIBE", 3, ""), SLICE_LIT("bt")),
                     DIALOG_OK);
    assert_string_equal(d.remote_target, "sip:alice@a.example");
    assert_false(d.secure);
}

static void strict_routers_get_themselves_as_request_uri(void **state)
{
    (void)state;
    OWNED d = uas("Record-Route: <sip:old.example;x=1>, <sip:p2;lr>\r\n"
                  "Contact: <sip:alice@192.0.2.9>\r\n");
    assert_non_null(strstr(print(&d, "BYE", 1), "BYE sip:old.example;x=1 SIP/2.0\r\n"));
    assert_non_null(
        strstr(print(&d, "BYE", 1), "\r\nRoute: <sip:p2;lr>,<sip:alice@192.0.2.9>\r\n"));
    assert_true(slice_eq_str(dialog_next_hop(&d), "sip:old.example;x=1"));
    dialog_fini(&d);
    d = uas("Record-Route: <sip:old.example>\r\nContact: <sip:alice@192.0.2.9>\r\n");
    assert_non_null(strstr(print(&d, "BYE", 1), "\r\nRoute: <sip:alice@192.0.2.9>\r\n"));
}

static void requests_come_in_order(void **state)
{
    (void)state;
    struct text t;
    OWNED d = uas("Contact: <sip:alice@192.0.2.9>\r\n");
    assert_int_equal(dialog_on_request(&d, within(&t, "INFO", 9, "")), DIALOG_OLD_CSEQ);
    assert_int_equal(dialog_on_request(&d, within(&t, "ACK", 9, "")), DIALOG_OK);
    assert_int_equal(dialog_on_request(&d, within(&t, "CANCEL", 9, "")), DIALOG_OK);
    assert_int_equal(dialog_on_request(&d, within(&t, "INFO", 12, "")),
                     DIALOG_OK); /* gaps may be */
    assert_int_equal(dialog_on_request(&d, within(&t, "INFO", 11, "")), DIALOG_OLD_CSEQ);
    assert_int_equal(d.remote_cseq, 12);
    OWNED u = uac(); /* whose peer has sent nothing yet */
    assert_int_equal(dialog_on_request(&u, within(&t, "BYE", 0, "")), DIALOG_OK);
}

static void target_is_refreshed_by_some_methods_alone(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        bool refreshes;
    } rows[] = {{"INVITE", true}, {"UPDATE", true},  {"SUBSCRIBE", true}, {"NOTIFY", true},
                {"REFER", true},  {"INFO", false},   {"BYE", false},      {"MESSAGE", false},
                {"PRACK", false}, {"OPTIONS", false}};
    struct text t;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        OWNED d = uas("Contact: <sip:alice@old>\r\n");
        assert_int_equal(
            dialog_on_request(&d, within(&t, rows[i].method, 11, "Contact: <sip:alice@new>\r\n")),
            DIALOG_OK);
        assert_string_equal(d.remote_target, rows[i].refreshes ? "sip:alice@new" : "sip:alice@old");
    }
    OWNED d = uas("Contact: <sip:alice@old>\r\n");
    assert_int_equal(dialog_on_request(&d, within(&t, "INVITE", 11, "")), DIALOG_OK);
    assert_int_equal(dialog_on_request(&d, within(&t, "INVITE", 12, "Contact: *\r\n")),
                     DIALOG_BAD_CONTACT);
    assert_string_equal(d.remote_target, "sip:alice@old");
    assert_int_equal(dialog_on_response(&d, answer(&t, 200, "x", "Contact: <sip:alice@new>\r\n")),
                     DIALOG_OK);
    assert_string_equal(d.remote_target, "sip:alice@new");
    assert_int_equal(dialog_on_response(&d, answer(&t, 488, "x", "Contact: <sip:alice@old>\r\n")),
                     DIALOG_OK);
    assert_int_equal(dialog_on_response(&d, answer(&t, 200, "x", "Contact: *\r\n")),
                     DIALOG_BAD_CONTACT);
    assert_string_equal(d.remote_target, "sip:alice@new");
}

/* Each text at its limit, and one past it. */
static int init_with(size_t call_id, size_t tag, size_t uri, size_t target, size_t routes)
{
    static char c[2048], u[2048], ta[2048], ro[2048];
    OWNED d = {0};
    memset(c, 'c', sizeof(c));
    memset(u, 'u', sizeof(u));
    memset(ta, 't', sizeof(ta));
    memset(ro, 'r', sizeof(ro));
    struct buf tb = buf_over(ta, sizeof(ta)), rb = buf_over(ro, sizeof(ro));
    BUF_PUT_LIT(&tb, "sip:");
    BUF_PUT_LIT(&rb, "<sip:");
    ro[routes - 1] = '>';
    return dialog_init_uac(&d, slice_from(c, call_id), slice_from(c, tag), slice_from(u, uri),
                           slice_from(u, uri), slice_from(ta, target), slice_from(ro, routes), 1);
}

static void texts_have_limits(void **state)
{
    (void)state;
    assert_int_equal(init_with(DIALOG_CALL_ID_MAX - 1, DIALOG_TAG_MAX - 1, DIALOG_URI_MAX - 1,
                               DIALOG_URI_MAX - 1, DIALOG_ROUTE_MAX - 1),
                     DIALOG_OK);
    assert_int_equal(init_with(DIALOG_CALL_ID_MAX, 9, 9, 9, 9), DIALOG_TOO_LONG);
    assert_int_equal(init_with(9, DIALOG_TAG_MAX, 9, 9, 9), DIALOG_TOO_LONG);
    assert_int_equal(init_with(9, 9, DIALOG_URI_MAX, 9, 9), DIALOG_TOO_LONG);
    assert_int_equal(init_with(9, 9, 9, DIALOG_URI_MAX, 9), DIALOG_TOO_LONG);
    assert_int_equal(init_with(9, 9, 9, 9, DIALOG_ROUTE_MAX), DIALOG_TOO_LONG);
}

static void route_sets_have_limits(void **state)
{
    (void)state;
    struct text t;
    OWNED d = {0};
    char rr[1024] = "Contact: <sip:a@h>\r\n";
    size_t n = strlen(rr);
    for (int i = 0; i < DIALOG_ROUTES_MAX; i++)
        n += (size_t)snprintf(rr + n, sizeof(rr) - n, "Record-Route: <sip:p%d;lr>\r\n", i);
    assert_int_equal(dialog_init_uas(&d, invite(&t, rr), SLICE_LIT("bt")), DIALOG_OK);
    snprintf(rr + n, sizeof(rr) - n, "Record-Route: <sip:one-more;lr>\r\n");
    assert_int_equal(dialog_init_uas(&d, invite(&t, rr), SLICE_LIT("bt")), DIALOG_BAD_ROUTE);
    static const char *const bad[] = {"sip:p", "<sip:p", "<>", "<sip:p>, x", "\"<sip:p>"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(dialog_init_uac(&d, SLICE_LIT("c"), SLICE_LIT("t"), SLICE_LIT("<sip:a@h>"),
                                         SLICE_LIT("<sip:b@h>"), SLICE_LIT("sip:b@h"),
                                         slice_from_str(bad[i]), 1),
                         DIALOG_BAD_ROUTE);
    assert_int_equal(dialog_init_uac(&d, SLICE_LIT("c"), SLICE_LIT("t"), SLICE_LIT("<sip:a@h>"),
                                     SLICE_LIT("<sip:b@h>"), SLICE_LIT("sip:b@h"),
                                     SLICE_LIT("\"a,\\\"<b>\" <sip:p1;lr>;x , <sip:p2;lr>"), 1),
                     DIALOG_OK);
    assert_string_equal(d.routes, "<sip:p1;lr>,<sip:p2;lr>");
}

/* --- snapshots --- */

static void a_saved_dialog_comes_back(void **state)
{
    (void)state;
    char mem[DIALOG_SAVED_MAX];
    struct text t;
    struct dialog d[3] = {uac(), uac(),
                          uas("Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\n"
                              "Contact: <sip:alice@192.0.2.9:5062;transport=tls>\r\n")};
    assert_int_equal(dialog_uac_on_response(&d[1], answer(&t, 200, "bt", "Contact: <sip:b@h>\r\n")),
                     DIALOG_OK);
    for (size_t i = 0; i < ARRAY_LEN(d); i++) {
        OWNED back = {0};
        size_t n = dialog_save(&d[i], mem, sizeof(mem));
        assert_true(n > 0);
        assert_int_equal(dialog_save(&d[i], mem, n - 1), 0);
        assert_int_equal(dialog_save(&d[i], mem, n), n);
        assert_int_equal(dialog_load(&back, mem, n), 0);
        assert_int_equal(back.state, d[i].state);
        assert_int_equal(back.is_uac, d[i].is_uac);
        assert_int_equal(back.secure, d[i].secure);
        assert_int_equal(back.has_remote_cseq, d[i].has_remote_cseq);
        assert_string_equal(back.call_id, d[i].call_id);
        char one[8192];
        snprintf(one, sizeof(one), "%s", print(&d[i], "BYE", 5));
        assert_string_equal(print(&back, "BYE", 5), one);
        for (size_t cut = 0; cut < n; cut++)
            assert_int_equal(dialog_load(&back, mem, cut), -EINVAL);
        dialog_fini(&d[i]);
    }
}

static void what_could_not_be_printed_is_not_loaded(void **state)
{
    (void)state;
    char mem[DIALOG_SAVED_MAX];
    OWNED good = uas("Contact: <sip:alice@192.0.2.9>\r\n");
    OWNED back = {0};
    struct dialog bad[9]; /* they borrow good's texts */
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        bad[i] = good;
    bad[0].call_id = "a\r\nEvil: 1";
    bad[1].local_tag = "a;b";
    bad[2].local_uri = "nothing";
    bad[3].remote_target = "sip:a b";
    bad[4].routes = "<sip:p>,";
    bad[5].local_cseq = 0x80000000u;
    bad[6].state = DIALOG_TERMINATED + 1;
    bad[7].local_tag = "";
    bad[8].remote_uri = "<sip:a@h>;tag=x";
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        size_t n = dialog_save(&bad[i], mem, sizeof(mem));
        assert_true(n > 0);
        assert_int_equal(dialog_load(&back, mem, n), -EINVAL);
    }
    size_t n = dialog_save(&good, mem, sizeof(mem));
    mem[n] = 'x';
    assert_int_equal(dialog_load(&back, mem, n + 1), -EINVAL);
    assert_int_equal(dialog_load(&back, mem, n), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uac_prints_its_first_request),
        cmocka_unit_test(uac_goes_from_early_to_confirmed),
        cmocka_unit_test(uac_needs_a_contact_in_the_2xx),
        cmocka_unit_test(rfc_2543_peers_have_no_tag),
        cmocka_unit_test(uas_takes_the_request),
        cmocka_unit_test(uas_needs_contact_and_tag),
        cmocka_unit_test(strict_routers_get_themselves_as_request_uri),
        cmocka_unit_test(requests_come_in_order),
        cmocka_unit_test(target_is_refreshed_by_some_methods_alone),
        cmocka_unit_test(texts_have_limits),
        cmocka_unit_test(route_sets_have_limits),
        cmocka_unit_test(a_saved_dialog_comes_back),
        cmocka_unit_test(what_could_not_be_printed_is_not_loaded),
    };
    return cmocka_run_group_tests_name("dialog", tests, NULL, NULL);
}
