#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/config_type.h"

static struct app_config cfg;
static struct config_report rep;

static void parse(const char *text)
{
    config_init(&cfg);
    rep = (struct config_report){0};
    config_parse_text(&cfg, "t.conf", slice_from_str(text), &rep);
}

static void assert_good(const char *text)
{
    parse(text);
    assert_string_equal(rep.text, "");
}

static void assert_says(const char *text, const char *wanted)
{
    parse(text);
    if (!strstr(rep.text, wanted))
        fail_msg("for %s\nwanted: %s\ngot: %s", text, wanted, rep.text);
}

static void defaults_are_secure(void **state)
{
    (void)state;
    struct config_report warn;
    config_init(&cfg);
    assert_int_equal(cfg.sip.count, 2);
    assert_true(cfg.sip.is_default);
    for (uint32_t i = 0; i < cfg.sip.count; i++) {
        assert_int_equal(cfg.sip.at[i].kind, TRANSPORT_TLS);
        assert_int_equal(addr_port(&cfg.sip.at[i].addr), 5061);
    }
    assert_int_equal(cfg.web.count, 2);
    assert_true(cfg.web.is_default);
    for (uint32_t i = 0; i < cfg.web.count; i++)
        assert_int_equal(addr_port(&cfg.web.at[i].addr), 8443);
    assert_string_equal(cfg.origins, "");
    assert_int_equal(cfg.ports.min, 20000);
    assert_int_equal(cfg.ports.max, 29999);
    config_warnings(&cfg, &warn);
    assert_int_equal(warn.count, 0);
    config_cross_check(&cfg, "defaults", &warn);
    assert_int_equal(warn.count, 0);
}

static void values_of_every_kind(void **state)
{
    (void)state;
    assert_good("log_format = json\n"
                "[server]\nshutdown_grace = 2m\nuser=phone ; why\n"
                "[sip]\nlisten = tls:[::1]:5071,\n    udp:127.0.0.1:0, ; more\n    wss:0.0.0.0\n"
                "advertise = sip.example.org\n"
                "[media]\nports = 30000 - 30099\nrtp_timeout = none\n"
                "advertise = 203.0.113.7, 2001:db8::7\n"
                "[tls]\nmin_version = 1.3\nclient_cert = required\n"
                "[web]\nlisten =\n  [::1]:8443 ; and why\n"
                "origins = https://a.example, http://[::1]:8080, https://192.0.2.1:1\n");
    assert_int_equal(cfg.log_format, LOG_FORMAT_JSON);
    assert_int_equal(cfg.shutdown_grace_s, 120);
    assert_string_equal(cfg.user, "phone");
    assert_int_equal(cfg.sip.count, 3);
    assert_false(cfg.sip.is_default);
    assert_int_equal(addr_port(&cfg.sip.at[1].addr), 0);
    assert_int_equal(addr_port(&cfg.sip.at[2].addr), 8443);
    assert_string_equal(cfg.advertise, "sip.example.org");
    assert_int_equal(cfg.ports.max, 30099);
    assert_int_equal(cfg.rtp_timeout_s, 0);
    assert_int_equal(addr_family(&cfg.media_advertise.v6), AF_INET6);
    assert_int_equal(cfg.client_cert, CONFIG_CLIENT_CERT_REQUIRED);
    assert_int_equal(cfg.web.count, 1);
}

static void what_is_put_can_be_read_again(void **state)
{
    (void)state;
    static char first[8192], second[8192];
    parse("[sip]\nlisten = udp:127.0.0.1:5060, tls:[::1]:5061\n[media]\nbind = 127.0.0.1\n");
    struct buf b = buf_over(first, sizeof(first) - 1);
    config_put(&b, &cfg);
    assert_good(first);
    b = buf_over(second, sizeof(second) - 1);
    config_put(&b, &cfg);
    assert_string_equal(first, second);
}

static void mistakes_are_named_with_the_nearest_key_and_what_is_allowed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"\n[sip]\nlisen = tls:[::]:1\n",
         "t.conf:3: [sip] lisen: unknown key; did you mean `listen`? [sip] has listen, advertise,"},
        {"[sip]\nport = 1\n",
         "t.conf:2: [sip] port: unknown key; did you mean `ports` of [media]?"},
        {"[sip]\nxyzzy = 1\n", "t.conf:2: [sip] xyzzy: unknown key; [sip] has"},
        {"[sipp]\nlisten = 1\n",
         "t.conf:1: [sipp]: unknown section; did you mean [sip]? there are"},
        {"[nothing-like-it]\n", "unknown section; there are [server], [sip]"},
        {"[media]\nports = 80-90\n",
         "t.conf:2: [media] ports = 80-90: not allowed; allowed: LOW-HIGH "
         "within 1024 to 65535 (default: 20000-29999)"},
        {"[media]\nworkers = 17\n",
         "t.conf:2: [media] workers = 17: not allowed; allowed: auto, or 1 to 16 (default: auto)"},
        {"[media]\nworkers = 0\n", "allowed: auto, or 1 to 16 (default: auto)"},
        {"[tls]\nclient_cert = yes\n", "allowed: one of none, optional, required (default: none)"},
        {"[sip]\nlisten = tls:example.org:5061\n", "KIND:ADDRESS:PORT"},
        {"[sip]\nlisten = none\n", "KIND:ADDRESS:PORT"},
        {"[sip]\nsession_min = 89\n",
         "allowed: 90s to 1d (seconds, or a number with s, m, h or d)"},
        {"[sip]\nsession_min = 2d\n", "allowed: 90s to 1d"},
        {"[limits]\ncalls = 0\n", "allowed: 1 to 8000"},
        {"[limits]\ncalls = 8001\n", "allowed: 1 to 8000"},
        {"[log]\nlevel = info\nlevel = debug\n", "t.conf:3: [log] level: set already in line 2"},
        {"[log]\nlevel\n", "t.conf:2: neither [section] nor key = value"},
        {"[sip]\nadvertise = -x-.org\n", "a host name or an address"},
        {"[media]\nadvertise = 192.0.2.1, 192.0.2.2\n", "one of each"},
        {"[media]\nxdp_interface = eth0/1\n", "names of at most 4 network interfaces, or empty"},
        {"[media]\nxdp_interface = a, b, c, d, e\n", "at most 4 network interfaces"},
        {"[media]\nxdp_interface = sixteen-letters-\n", "at most 4 network interfaces"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_says(cases[i].text, cases[i].says);
    assert_good("[sip]\nsession_min = 90\n[limits]\ncalls = 8000\n");
}

static void every_mistake_is_told_once(void **state)
{
    (void)state;
    parse("[sip]\nlisten = foo,\n   bar,\n   baz\nfoo = 1\n[xx]\na = 1\nb = 2\n [yy]\nc = 1\n");
    assert_int_equal(rep.count, 3);
}

static void long_lines_and_nul_bytes(void **state)
{
    (void)state;
    char text[300] = "[server]\ndomain = ";
    size_t n = strlen(text);
    memset(text + n, 'a', CONFIG_LINE_MAX - 9);
    assert_good(text);
    assert_int_equal(strlen(cfg.domain), CONFIG_LINE_MAX - 9);
    strncat(text, "a", 2);
    assert_says(text, "t.conf:2: the line is longer than 198 characters");
    config_parse_text(&cfg, "t.conf", slice_from("a\0b = 1", 7), &rep);
    assert_non_null(strstr(rep.text, "NUL"));
}

static void listeners_at_the_limit_and_one_past_it(void **state)
{
    (void)state;
    char text[1024] = "[sip]\nlisten = tls:127.0.0.1:1";
    for (int i = 2; i <= CONFIG_LISTEN_MAX; i++)
        snprintf(text + strlen(text), 64, ",\n tls:127.0.0.1:%d", i);
    assert_good(text);
    assert_int_equal(cfg.sip.count, CONFIG_LISTEN_MAX);
    static char put[8192]; /* more than a line takes */
    struct buf b = buf_over(put, sizeof(put) - 1);
    config_put(&b, &cfg);
    assert_good(put);
    assert_int_equal(cfg.sip.count, CONFIG_LISTEN_MAX);
    strncat(text, ",\n tls:127.0.0.1:99", 64);
    assert_says(text, "at most 12");

    snprintf(text, sizeof(text), "[web]\nlisten = 127.0.0.1:1");
    for (int i = 2; i <= CONFIG_WEB_LISTEN_MAX; i++)
        snprintf(text + strlen(text), 64, ",\n 127.0.0.1:%d", i);
    assert_good(text);
    assert_int_equal(cfg.web.count, CONFIG_WEB_LISTEN_MAX);
    strncat(text, ",\n 127.0.0.1:99", 64);
    assert_says(text, "at most 8");
    assert_says("[web]\nmetrics_token = short\n", "16 to 128 signs");
    assert_says("[web]\norigins = phone.example\n", "https://HOST");
    assert_says("[web]\norigins = https://phone.example/\n", "https://HOST");
    assert_says("[web]\norigins = https://phone.example:70000\n", "https://HOST");
}

static void reports_are_bounded(void **state)
{
    (void)state;
    static char text[200000];
    size_t n = 0;
    for (int i = 0; i < 10000; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "wrong = %d\n", i);
    parse(text);
    assert_int_equal(rep.count, 10000);
    assert_true(rep.n < sizeof(rep.text));
}

static void keys_are_checked_against_each_other(void **state)
{
    (void)state;
    parse("[sip]\nregister_min = 2h\nregister_max = 1h\nsession_min = 1h\n"
          "listen = tls:127.0.0.1:1, tcp:127.0.0.1:1, udp:127.0.0.1:1, tls:127.0.0.1:0, "
          "tls:127.0.0.1:0, wss:0.0.0.0, udp:0.0.0.0:8443\n");
    assert_int_equal(rep.count, 0);
    config_cross_check(&cfg, "t.conf", &rep);
    assert_int_equal(rep.count, 5);
    assert_non_null(strstr(rep.text, "0.0.0.0:8443 is that of [web] listen too"));
    assert_non_null(strstr(rep.text, "127.0.0.1:1 is there twice"));
    parse("[media]\npath = xdp\n");
    config_cross_check(&cfg, "t.conf", &rep);
    assert_int_equal(rep.count, 1);
    assert_non_null(strstr(rep.text, "xdp_interface has to name an interface"));
    parse("[media]\npath = xdp\nbind = 192.0.2.1\nxdp_interface = eth0, eth1\n");
    config_cross_check(&cfg, "t.conf", &rep);
    assert_int_equal(rep.count, 0);
}

static void workers_need_ports(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says; /* NULL: fine */
    } cases[] = {
        {"[media]\nports = 20000-20511\nworkers = 2\n", NULL},
        {"[media]\nports = 20000-20510\nworkers = 2\n",
         "t.conf: [media] workers = 2: allowed with ports = 20000-20510: auto, or 1, because each "
         "needs 256 of them"},
        {"[media]\nports = 20000-21000\nworkers = 16\n", "auto, or 1 to 3, because"},
        {"[media]\nports = 20000-20003\nworkers = 1\n", NULL},
        {"[media]\nports = 20000-20003\nworkers = auto\n", NULL},
        {"[media]\nworkers = 16\n", NULL},
        {"[media]\nxdp_interface = eth0\nworkers = 2\n",
         "t.conf: [media] workers = 2: allowed with xdp_interface: auto, or 1, because one worker"},
        {"[media]\nxdp_interface = eth0\nworkers = 1\n", NULL},
        {"[media]\npath = shared\nxdp_interface = eth0\nworkers = 2\n", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_good(cases[i].text);
        config_cross_check(&cfg, "t.conf", &rep);
        assert_int_equal(rep.count, cases[i].says ? 1 : 0);
        if (cases[i].says && !strstr(rep.text, cases[i].says))
            fail_msg("wanted: %s\ngot: %s", cases[i].says, rep.text);
    }
}

static void insecure_choices_are_warned_of(void **state)
{
    (void)state;
    struct config_report warn;
    parse("[sip]\nlisten = udp:127.0.0.1:1, tls:127.0.0.1:2, wss:127.0.0.1:3, ws:127.0.0.1:4, "
          "tcp:127.0.0.1:5\n");
    config_warnings(&cfg, &warn);
    assert_int_equal(warn.count, 3);
    assert_non_null(strstr(warn.text, "udp:127.0.0.1:1 is not encrypted"));
}

static void a_reload_keeps_what_needs_a_restart(void **state)
{
    (void)state;
    static struct app_config old;
    config_init(&old);
    parse("[sip]\nlisten = tls:127.0.0.1:1\n[log]\nlevel = debug\n[media]\nports = "
          "30000-30999\nworkers = 2\n");
    config_keep_fixed(&cfg, &old, &rep);
    assert_string_equal(rep.text, "[sip] listen\n[media] ports\n[media] workers\n");
    assert_int_equal(cfg.sip.count, 2);
    assert_int_equal(cfg.ports.max, 29999);
    assert_int_equal(cfg.media_workers, 0);
    assert_int_equal(cfg.log_level, LOG_DEBUG);
}

static void put_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void files_of_conf_d_come_after_in_order(void **state)
{
    (void)state;
    char dir[] = "/tmp/sotto-config-XXXXXX", path[128], sub[128], file[192];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/sotto.conf", dir);
    snprintf(sub, sizeof(sub), "%s/conf.d", dir);
    assert_int_equal(config_load(path, &cfg, &rep), CONFIG_BAD);
    assert_non_null(strstr(rep.text, "cannot be read"));
    put_file(path, "[limits]\ncalls = 1\nconnections = 1\n");
    assert_int_equal(config_load(path, &cfg, &rep), CONFIG_OK);
    mkdir(sub, 0700);
    static const struct {
        const char *name, *text;
    } files[] = {{"20-b.conf", "[limits]\ncalls = 3\n"},
                 {"10-a.conf", "[limits]\ncalls = 2\nregistrations = 2\n"},
                 {"30-c.conf.off", "wrong\n"}};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(file, sizeof(file), "%s/%s", sub, files[i].name);
        put_file(file, files[i].text);
    }
    assert_int_equal(config_load(path, &cfg, &rep), CONFIG_OK);
    assert_int_equal(cfg.max_calls, 3);
    assert_int_equal(cfg.max_connections, 1);
    assert_int_equal(cfg.max_registrations, 2);
    snprintf(file, sizeof(file), "%s/10-a.conf", sub);
    put_file(file, "[limits]\ncall = 2\n");
    assert_int_equal(config_load(path, &cfg, &rep), CONFIG_BAD);
    assert_non_null(strstr(rep.text, "conf.d/10-a.conf:2: [limits] call: unknown key"));
    assert_int_equal(cfg.max_calls, 3); /* untouched */
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(file, sizeof(file), "%s/%s", sub, files[i].name);
        unlink(file);
    }
    rmdir(sub);
    unlink(path);
    rmdir(dir);
}

/* The committed file is what the table says. SOTTO_UPDATE=1 writes it anew. */
static void assert_file_is(const char *path, void (*put)(struct buf *b))
{
    static char wanted[65536], got[65536];
    struct buf b = buf_over(wanted, sizeof(wanted) - 1);
    put(&b);
    assert_false(b.overflow);
    wanted[b.n] = '\0';
    if (getenv("SOTTO_UPDATE"))
        put_file(path, wanted);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t n = read(fd, got, sizeof(got) - 1);
    close(fd);
    assert_true(n > 0);
    got[n] = '\0';
    assert_string_equal(got, wanted);
}

static void man_page_and_example_follow_the_table(void **state)
{
    (void)state;
    assert_file_is("dist/sotto.conf", config_put_example);
    assert_file_is("docs/man/sotto.conf.5", config_put_man);
}

/* The example with its comment marks taken from the settings is a valid file of all defaults. */
static void the_example_holds_every_default(void **state)
{
    (void)state;
    static char text[65536], plain[65536];
    static struct app_config defaults;
    struct buf b = buf_over(text, sizeof(text) - 1), out = buf_over(plain, sizeof(plain) - 1);
    config_put_example(&b);
    struct slice rest = buf_slice(&b);
    while (rest.n) {
        struct slice line = slice_cut(&rest, '\n');
        if (slice_starts_with(line, SLICE_LIT("#")) && !slice_starts_with(line, SLICE_LIT("# ")))
            line = slice_skip(line, 1);
        else if (slice_starts_with(line, SLICE_LIT("#    ")))
            line = slice_skip(line, 1);
        buf_put_slice(&out, line);
        buf_put_char(&out, '\n');
    }
    config_init(&defaults);
    defaults.sip.is_default = defaults.web.is_default = false;
    assert_good(plain);
    assert_memory_equal(&cfg, &defaults, sizeof(cfg));
    for (size_t i = 0; i < config_key_count; i++) {
        char set[64];
        snprintf(set, sizeof(set), "\n%s =", config_keys[i].name);
        assert_non_null(strstr(plain, set));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_secure),
        cmocka_unit_test(values_of_every_kind),
        cmocka_unit_test(what_is_put_can_be_read_again),
        cmocka_unit_test(mistakes_are_named_with_the_nearest_key_and_what_is_allowed),
        cmocka_unit_test(every_mistake_is_told_once),
        cmocka_unit_test(long_lines_and_nul_bytes),
        cmocka_unit_test(listeners_at_the_limit_and_one_past_it),
        cmocka_unit_test(reports_are_bounded),
        cmocka_unit_test(keys_are_checked_against_each_other),
        cmocka_unit_test(workers_need_ports),
        cmocka_unit_test(insecure_choices_are_warned_of),
        cmocka_unit_test(a_reload_keeps_what_needs_a_restart),
        cmocka_unit_test(files_of_conf_d_come_after_in_order),
        cmocka_unit_test(man_page_and_example_follow_the_table),
        cmocka_unit_test(the_example_holds_every_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
