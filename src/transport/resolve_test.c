/* RFC 3263 against a name server of a few lines on loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "transport/resolve.h"
#include "transport/testkit.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <sys/epoll.h>

#include "transport/limits.h"
#include "transport/resolve_plan.h"

/* --- a name server ----------------------------------------------------------------------------- */

struct record {
    const char *name;
    int type;
    const char *data;    /* A: address; SRV: target; NAPTR: replacement */
    uint16_t a, b, port; /* SRV: priority, weight; NAPTR: order, preference */
    const char *service;
};

static const struct record zone[] = {
    {"host.test", ns_t_a, "192.0.2.1", 0, 0, 0, NULL},
    {"host.test", ns_t_aaaa, "2001:db8::1", 0, 0, 0, NULL},
    {"a.test", ns_t_a, "192.0.2.11", 0, 0, 0, NULL},
    {"b.test", ns_t_a, "192.0.2.12", 0, 0, 0, NULL},
    {"c.test", ns_t_a, "192.0.2.13", 0, 0, 0, NULL},
    {"_sip._tcp.srv.test", ns_t_srv, "b.test", 20, 0, 5072, NULL},
    {"_sip._tcp.srv.test", ns_t_srv, "a.test", 10, 0, 5071, NULL},
    {"_sips._tcp.srv.test", ns_t_srv, "c.test", 10, 0, 5073, NULL},
    {"naptr.test", ns_t_naptr, "_sip._tcp.srv.test", 20, 1, 0, "SIP+D2T"},
    {"naptr.test", ns_t_naptr, "_sips._tcp.srv.test", 10, 1, 0, "SIPS+D2T"},
    {"naptr.test", ns_t_naptr, "mail.test", 1, 1, 0, "E2U+email"},
    {"_sip._udp.no.test", ns_t_srv, "", 0, 0, 0, NULL},
    {"no.test", ns_t_a, "192.0.2.99", 0, 0, 0, NULL},
};

struct server {
    struct kit *k;
    int fd;
    struct loop_fd in_loop;
    struct addr addr;
    bool silent;
    unsigned asked;
};

static void put16(struct buf *b, unsigned v)
{
    buf_put_char(b, (char)(v >> 8));
    buf_put_char(b, (char)v);
}

static void put_name(struct buf *b, const char *name)
{
    struct slice s = slice_from_str(name);

    while (s.n) {
        struct slice label = slice_cut(&s, '.');
        buf_put_char(b, (char)label.n);
        buf_put_slice(b, label);
    }
    buf_put_char(b, 0);
}

static void put_text(struct buf *b, const char *s)
{
    buf_put_char(b, (char)strlen(s));
    buf_put_str(b, s);
}

static void put_data(struct buf *b, const struct record *r)
{
    uint8_t ip[16];

    if (r->type == ns_t_a || r->type == ns_t_aaaa) {
        assert_int_equal(inet_pton(r->type == ns_t_a ? AF_INET : AF_INET6, r->data, ip), 1);
        buf_put(b, ip, r->type == ns_t_a ? 4 : 16);
        return;
    }
    put16(b, r->a);
    put16(b, r->b);
    if (r->type == ns_t_srv) {
        put16(b, r->port);
    } else {
        put_text(b, "s");
        put_text(b, r->service);
        put_text(b, "");
    }
    put_name(b, r->data);
}

static void put_record(struct buf *b, const struct record *r)
{
    char data[300];
    struct buf d = buf_over(data, sizeof(data));

    put_data(&d, r);
    put16(b, 0xc00c); /* the name asked for */
    put16(b, (unsigned)r->type);
    put16(b, 1);
    put16(b, 0);
    put16(b, 60);
    put16(b, (unsigned)d.n);
    buf_put_slice(b, buf_slice(&d));
}

/* The name in dots; returns the bytes of the question. */
static size_t read_question(const uint8_t *p, size_t n, char *name, int *ret_type)
{
    size_t i = 0, o = 0;

    while (i < n && p[i]) {
        memcpy(name + o, p + i + 1, p[i]);
        o += p[i];
        name[o++] = '.';
        i += p[i] + 1u;
    }
    name[o ? o - 1 : 0] = '\0';
    *ret_type = p[i + 1] << 8 | p[i + 2];
    return i + 5;
}

static void on_question(void *arg, uint32_t events)
{
    struct server *s = arg;
    uint8_t in[512], *q = in + 12;
    char out[2048], name[300];
    struct buf b = buf_over(out, sizeof(out));
    struct addr from;
    socklen_t fn = sizeof(from);
    ssize_t n = recvfrom(s->fd, in, sizeof(in), MSG_DONTWAIT, &from.sa, &fn);
    unsigned count = 0;
    int type;

    (void)events;
    s->asked++;
    if (n < 17 || s->silent)
        return;
    size_t q_n = read_question(q, (size_t)n - 12, name, &type);
    for (size_t i = 0; i < ARRAY_LEN(zone); i++)
        count += zone[i].type == type && strcasecmp(zone[i].name, name) == 0;
    buf_put(&b, in, 2);
    put16(&b, 0x8580); /* an authoritative answer */
    put16(&b, 1);
    put16(&b, count);
    put16(&b, 0);
    put16(&b, 0);
    buf_put(&b, q, q_n);
    for (size_t i = 0; i < ARRAY_LEN(zone); i++) {
        if (zone[i].type == type && strcasecmp(zone[i].name, name) == 0)
            put_record(&b, &zone[i]);
    }
    assert_false(b.overflow);
    (void)sendto(s->fd, out, b.n, 0, &from.sa, fn);
}

/* --- a resolver that asks it ------------------------------------------------------------------- */

struct rig {
    struct kit k; /* only its loop */
    struct server s;
    struct resolver *r;
    struct resolve_target target[RESOLVE_TARGET_MAX];
    size_t n;
    char reason[100];
    unsigned answers;
};

static struct rig *rig_new(void)
{
    struct rig *g = calloc(1, sizeof(*g));
    char server[ADDR_STR_MAX];

    assert_int_equal(loop_new_virtual(0, &g->k.loop), 0);
    g->s = (struct server){.k = &g->k, .addr = kit_loopback(), .in_loop.fd = -1};
    g->s.fd = kit_bind(SOCK_DGRAM, &g->s.addr);
    assert_int_equal(loop_fd_add(g->k.loop, &g->s.in_loop, g->s.fd, EPOLLIN, on_question, &g->s),
                     0);
    assert_int_equal(resolver_new(g->k.loop, &g->r), 0);
    assert_int_equal(resolver_set_servers(g->r, addr_str(&g->s.addr, server)), 0);
    return g;
}

static void rig_free(struct rig *g)
{
    resolver_free(g->r);
    loop_fd_del(g->k.loop, &g->s.in_loop);
    close(g->s.fd);
    loop_free(g->k.loop);
    free(g);
}

static void on_targets(void *arg, const struct resolve_target *t, size_t n, const char *reason)
{
    struct rig *g = arg;

    g->answers++;
    g->n = n;
    memcpy(g->target, t, n * sizeof(*t));
    (void)snprintf(g->reason, sizeof(g->reason), "%s", reason);
}

static struct resolve_query *ask(struct rig *g, const char *text)
{
    struct sip_uri uri;
    struct resolve_query *q;
    unsigned before = g->answers;

    assert_int_equal(sip_uri_parse(slice_from_str(text), &uri), 0);
    assert_int_equal(resolve_start(g->r, &uri, on_targets, g, &q), 0);
    assert_int_equal(g->answers, before); /* never from within */
    return q;
}

/* "tls 192.0.2.1:5061 udp …" */
static void expect(struct rig *g, const char *uri, const char *want)
{
    char text[2048];
    struct buf b = buf_over(text, sizeof(text));
    unsigned before = g->answers;

    (void)ask(g, uri);
    KIT_PUMP(&g->k, g->answers == before + 1);
    for (size_t i = 0; i < g->n; i++) {
        buf_put_str(&b, i ? " " : "");
        buf_put_str(&b, transport_kind_name(g->target[i].kind));
        buf_put_char(&b, ' ');
        addr_put(&b, &g->target[i].addr);
    }
    if (g->n == 0)
        buf_put_str(&b, g->reason);
    buf_put_char(&b, '\0');
    assert_string_equal(text, want);
}

static void test_numeric(void **state)
{
    struct rig *g = rig_new();

    (void)state;
    expect(g, "sip:192.0.2.7", "udp 192.0.2.7:5060");
    expect(g, "sip:192.0.2.7:5080;transport=tcp", "tcp 192.0.2.7:5080");
    expect(g, "sips:192.0.2.7", "tls 192.0.2.7:5061");
    expect(g, "sips:a@[2001:db8::7]:5090;transport=tcp", "tls [2001:db8::7]:5090");
    expect(g, "sip:192.0.2.7;transport=tls", "tls 192.0.2.7:5061");
    assert_int_equal(g->s.asked, 0);
    rig_free(g);
}

static void test_port_given(void **state)
{
    struct rig *g = rig_new();

    (void)state;
    expect(g, "sip:a.test:5080", "udp 192.0.2.11:5080");
    expect(g, "sips:a.test:5080", "tls 192.0.2.11:5080");
    assert_int_equal(g->s.asked, 4); /* A and AAAA each, nothing else */
    rig_free(g);
}

static void test_both_families(void **state)
{
    struct rig *g = rig_new();

    (void)state;
    (void)ask(g, "sip:host.test:5080");
    KIT_PUMP(&g->k, g->answers == 1);
    assert_int_equal(g->n, 2);
    assert_int_not_equal(addr_family(&g->target[0].addr), addr_family(&g->target[1].addr));
    rig_free(g);
}

static void test_srv(void **state)
{
    struct rig *g = rig_new();

    (void)state;
    expect(g, "sip:srv.test;transport=tcp", "tcp 192.0.2.11:5071 tcp 192.0.2.12:5072");
    expect(g, "sip:srv.test;transport=tls", "tls 192.0.2.13:5073");
    expect(g, "sips:srv.test;transport=tcp", "tls 192.0.2.13:5073");
    expect(g, "sip:a.test;transport=tcp", "tcp 192.0.2.11:5060"); /* none: the host itself */
    expect(g, "sip:no.test;transport=udp", "the domain says that it does not offer this service");
    rig_free(g);
}

static void test_naptr(void **state)
{
    struct rig *g = rig_new();

    (void)state;
    expect(g, "sip:naptr.test", "tls 192.0.2.13:5073 tcp 192.0.2.11:5071 tcp 192.0.2.12:5072");
    expect(g, "sips:naptr.test", "tls 192.0.2.13:5073");
    /* No NAPTR: the SRV of every transport; none of those either: the host. */
    expect(g, "sip:srv.test", "tcp 192.0.2.11:5071 tcp 192.0.2.12:5072 tls 192.0.2.13:5073");
    expect(g, "sips:srv.test", "tls 192.0.2.13:5073");
    expect(g, "sip:a.test", "udp 192.0.2.11:5060");
    expect(g, "sips:a.test", "tls 192.0.2.11:5061");
    rig_free(g);
}

static void test_no_way(void **state)
{
    struct rig *g = rig_new();

    (void)state;
    expect(g, "sips:a.test;transport=udp", "a sips URI needs TLS, but this one asks for UDP");
    expect(g, "sip:a.test;transport=sctp", "the URI names a transport that is not known");
    expect(g, "tel:+123", "only sip and sips URIs can be reached");
    expect(g, "sip:nowhere.test:5060", "the name has no address");
    rig_free(g);
}

static void test_time_and_cancel(void **state)
{
    struct rig *g = rig_new();

    (void)state;
    g->s.silent = true;
    (void)ask(g, "sip:a.test");
    resolve_cancel(ask(g, "sip:b.test"));
    resolve_cancel(ask(g, "sip:192.0.2.1"));
    resolve_cancel(NULL);
    KIT_PUMP(&g->k, g->s.asked > 0);
    loop_advance(g->k.loop, RESOLVE_TIME_MS - 1);
    assert_int_equal(g->answers, 0);
    loop_advance(g->k.loop, 1);
    assert_int_equal(g->answers, 1);
    assert_int_equal(g->n, 0);
    assert_string_equal(g->reason, "the name servers did not answer in time");
    (void)ask(g, "sip:c.test"); /* under way at the end */
    rig_free(g);
}

static void test_query_limit(void **state)
{
    struct rig *g = rig_new();
    struct resolve_query *q;
    struct sip_uri uri;

    (void)state;
    g->s.silent = true;
    for (unsigned i = 0; i < RESOLVE_QUERIES_MAX; i++)
        (void)ask(g, "sip:192.0.2.1");
    assert_int_equal(sip_uri_parse(SLICE_LIT("sip:192.0.2.1"), &uri), 0);
    assert_int_equal(resolve_start(g->r, &uri, on_targets, g, &q), -EAGAIN);
    KIT_PUMP(&g->k, g->answers == RESOLVE_QUERIES_MAX);
    rig_free(g);
}

/* --- order ------------------------------------------------------------------------------------- */

static uint32_t fixed_lot(void *arg, uint32_t max)
{
    uint32_t lot = *(uint32_t *)arg;

    return lot < max ? lot : max;
}

static void test_weights(void **state)
{
    static const struct {
        uint32_t lot;
        uint16_t first;
    } cases[] = {{0, 1}, {1, 2}, {10, 2}, {11, 3}, {100, 3}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct resolve_srv v[] = {{.priority = 5, .weight = 50, .port = 9},
                                  {.priority = 1, .weight = 0, .port = 1},
                                  {.priority = 1, .weight = 10, .port = 2},
                                  {.priority = 1, .weight = 20, .port = 3}};
        uint32_t lot = cases[i].lot;
        resolve_srv_order(v, ARRAY_LEN(v), fixed_lot, &lot);
        assert_int_equal(v[0].port, cases[i].first);
        assert_int_equal(v[3].port, 9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numeric),         cmocka_unit_test(test_port_given),
        cmocka_unit_test(test_both_families),   cmocka_unit_test(test_srv),
        cmocka_unit_test(test_naptr),           cmocka_unit_test(test_no_way),
        cmocka_unit_test(test_time_and_cancel), cmocka_unit_test(test_query_limit),
        cmocka_unit_test(test_weights),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
