#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "phone/server.h"

static void check_wanted(const char *conf, enum transport_kind wanted, enum transport_kind kind,
                         const char *at)
{
    enum transport_kind k;
    struct addr a;
    char text[ADDR_STR_MAX];

    assert_true(phone_local_listener(slice_from_str(conf), wanted, &k, &a));
    assert_int_equal(k, kind);
    assert_string_equal(addr_str(&a, text), at);
}

static void check(const char *conf, enum transport_kind kind, const char *at)
{
    check_wanted(conf, TRANSPORT_KIND_COUNT, kind, at);
}

static void local_listener(void **state)
{
    (void)state;
    check("", TRANSPORT_TLS, "127.0.0.1:5061");
    check("[sip]\nlisten = tls:[::]:6061, udp:0.0.0.0:5060\n", TRANSPORT_TLS, "127.0.0.1:6061");
    check("[web]\nlisten = tls:[::]:8443\n[sip]\r\n listen=udp:192.0.2.9:5070\r\n", TRANSPORT_UDP,
          "192.0.2.9:5070");
    check("[sip]\nlisten = ws:127.0.0.1:80, tcp:0.0.0.0\n", TRANSPORT_TCP, "127.0.0.1:5060");
    check("[sip]\nlisten = nonsense\n#listen = udp:1.2.3.4:5\n", TRANSPORT_TLS, "127.0.0.1:5061");
    /* The protected one where there is a choice, another where it is asked for. */
    static const char both[] = "[sip]\nlisten = tcp:0.0.0.0:5060, tls:127.0.0.1:5061\n";
    check(both, TRANSPORT_TLS, "127.0.0.1:5061");
    check_wanted(both, TRANSPORT_TCP, TRANSPORT_TCP, "127.0.0.1:5060");
    enum transport_kind k;
    struct addr a;
    assert_false(phone_local_listener(slice_from_str(both), TRANSPORT_UDP, &k, &a));
    /* SIP over WebSocket is to be had where the console is. */
    check_wanted(both, TRANSPORT_WSS, TRANSPORT_WSS, "127.0.0.1:8443");
    check_wanted("[web]\nlisten = [::]:9443\n", TRANSPORT_WSS, TRANSPORT_WSS, "127.0.0.1:9443");
    check_wanted("[sip]\nlisten = ws:[::1]:80\n", TRANSPORT_WS, TRANSPORT_WS, "[::1]:80");
    assert_false(phone_local_listener(SLICE_LIT("[web]\nlisten = none\n"), TRANSPORT_WSS, &k, &a));
}

static void listen_option(void **state)
{
    enum transport_kind k;
    struct addr a;

    (void)state;
    assert_int_equal(phone_listen_parse(SLICE_LIT("udp:127.0.0.1:0"), &k, &a), 0);
    assert_int_equal(k, TRANSPORT_UDP);
    assert_int_equal(phone_listen_parse(SLICE_LIT("tcp:[::1]"), &k, &a), 0);
    assert_int_equal(addr_port(&a), 5060);
    assert_int_equal(phone_listen_parse(SLICE_LIT("wss:127.0.0.1"), &k, &a), 0);
    assert_int_equal(addr_port(&a), 8443);
    assert_int_equal(phone_listen_parse(SLICE_LIT("127.0.0.1:1"), &k, &a), -EINVAL);
    assert_int_equal(phone_listen_parse(SLICE_NONE, &k, &a), -EINVAL);
}

static void named_server(void **state)
{
    struct phone_options o = {.server = "[2001:db8::7]:5071"};
    struct phone_server s;
    char why[400], text[ADDR_STR_MAX];

    (void)state;
    assert_int_equal(phone_server_find(&o, &s, why, sizeof(why)), 0);
    assert_int_equal(s.kind, TRANSPORT_TLS);
    assert_string_equal(addr_str(&s.addr, text), "[2001:db8::7]:5071");
    assert_string_equal(s.name, "2001:db8::7"); /* an address in the certificate */
    o.server = "192.0.2.1";
    o.server_name = "sip.example.org";
    assert_int_equal(phone_server_find(&o, &s, why, sizeof(why)), 0);
    assert_int_equal(addr_port(&s.addr), 5061);
    assert_string_equal(s.name, "sip.example.org");
    o.insecure = true;
    assert_int_equal(phone_server_find(&o, &s, why, sizeof(why)), 0);
    assert_string_equal(s.name, "");
    o.transport = "wss";
    assert_int_equal(phone_server_find(&o, &s, why, sizeof(why)), 0);
    assert_int_equal(addr_port(&s.addr), 8443);
    o.transport = "sctp";
    assert_int_equal(phone_server_find(&o, &s, why, sizeof(why)), -1);
    o = (struct phone_options){.server = "192.0.2.1:70000"};
    assert_int_equal(phone_server_find(&o, &s, why, sizeof(why)), -1);
    o = (struct phone_options){.data = "/nonexistent/data"};
    assert_int_equal(phone_server_find(&o, &s, why, sizeof(why)), -1);
    assert_non_null(strstr(why, "-d DATA"));
}

static void identity(void **state)
{
    struct phone_options o = {.as = "1000@Example.org"};
    struct phone_server s = {0};
    struct phone_auth auth = {0};
    char user[PHONE_USER_MAX], domain[PHONE_DOMAIN_MAX], why[400];

    (void)state;
    assert_int_equal(addr_parse(SLICE_LIT("::1"), 5061, &s.addr), 0);
    assert_int_equal(phone_identity_find(&o, &s, user, domain, &auth, why, sizeof(why)), 0);
    assert_string_equal(user, "1000");
    assert_string_equal(domain, "Example.org");
    o.as = "sip:1000";
    assert_int_equal(phone_identity_find(&o, &s, user, domain, &auth, why, sizeof(why)), 0);
    assert_string_equal(domain, "[::1]");
    o.as = "@example.org";
    assert_int_equal(phone_identity_find(&o, &s, user, domain, &auth, why, sizeof(why)), -1);
    o.as = "1000@a>b";
    assert_int_equal(phone_identity_find(&o, &s, user, domain, &auth, why, sizeof(why)), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(local_listener),
        cmocka_unit_test(listen_option),
        cmocka_unit_test(named_server),
        cmocka_unit_test(identity),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
