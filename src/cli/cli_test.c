#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/server.h"
#include "cli/cli_priv.h"
#include "crypto/hash.h"

struct place {
    char dir[64], data[80];
    char out[32768], err[8192]; /* of the last command */
    pid_t server;
};

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    (void)snprintf(p->dir, sizeof(p->dir), "/tmp/sotto-cli-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    (void)snprintf(p->data, sizeof(p->data), "%s/data", p->dir);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    if (p->server) {
        kill(p->server, SIGTERM);
        waitpid(p->server, NULL, 0);
    }
    (void)nftw(p->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(p);
    return 0;
}

static int swap_fd(int fd, int flags, const char *path)
{
    int old = dup(fd), now = open(path, flags, 0600);
    assert_true(old >= 0 && now >= 0);
    dup2(now, fd);
    close(now);
    return old;
}

static void read_back(const char *path, char *dst, size_t cap)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, dst, cap - 1);
    close(fd);
    dst[n > 0 ? n : 0] = '\0';
}

/* Runs `sotto WORDS -d DATA`, words divided by blanks, with `input` on standard input. */
static int sotto_with(struct place *p, const char *input, const char *words)
{
    char room[1024], in[96], out[96], err[96];
    static char program[] = "sotto", d[] = "-d";
    char *argv[40] = {program};
    int argc = 1;
    (void)snprintf(room, sizeof(room), "%s", words);
    for (char *at = room; at && *at;) {
        argv[argc++] = at;
        at = strchr(at, ' ');
        if (at)
            *at++ = '\0';
    }
    if (argc > 1 && strcmp(argv[1], "help") != 0 && argv[1][0] != '-') {
        argv[argc++] = d;
        argv[argc++] = p->data;
    }
    (void)snprintf(in, sizeof(in), "%s/in", p->dir);
    (void)snprintf(out, sizeof(out), "%s/out", p->dir);
    (void)snprintf(err, sizeof(err), "%s/err", p->dir);
    FILE *f = fopen(in, "w");
    fputs(input, f);
    fclose(f);
    fflush(stdout);
    fflush(stderr);
    int old_in = swap_fd(0, O_RDONLY, in);
    int old_out = swap_fd(1, O_WRONLY | O_CREAT | O_TRUNC, out);
    int old_err = swap_fd(2, O_WRONLY | O_CREAT | O_TRUNC, err);
    clearerr(stdin);
    int status = cli_main(argc, argv);
    fflush(stdout);
    fflush(stderr);
    dup2(old_in, 0), dup2(old_out, 1), dup2(old_err, 2);
    close(old_in), close(old_out), close(old_err);
    read_back(out, p->out, sizeof(p->out));
    read_back(err, p->err, sizeof(p->err));
    return status;
}

static int sotto(struct place *p, const char *words)
{
    return sotto_with(p, "", words);
}

static void expect(const char *text, const char *words)
{
    if (!strstr(text, words))
        fail_msg("`%s` is not in: %s", words, text);
}

static json_t *result(const struct place *p)
{
    json_t *r = json_loads(p->out, JSON_DECODE_ANY, NULL);
    if (!r)
        fail_msg("no JSON: %s", p->out);
    return r;
}

/* --- without a server --- */

static void user_before_the_first_start(void **state)
{
    struct place *p = *state;
    struct stat st;
    assert_int_equal(sotto(p, "user list"), 1);
    expect(p->err, "there is nothing in /tmp/");
    assert_int_equal(access(p->data, F_OK), -1); /* a look makes nothing */
    assert_int_equal(sotto(p, "user add 1000@example.org"), 0);
    expect(p->out, "Added the domain example.org");
    expect(p->out, "Added the user 1000@example.org.");
    expect(p->out, "shown this once");
    expect(p->out, "protection    required (inherited)");
    assert_int_equal(stat(p->data, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(sotto(p, "user add 1000"), 1);
    expect(p->err, "sotto: the user 1000@example.org is there already");
    assert_string_equal(p->out, "");

    assert_int_equal(sotto(p, "user set 1000 --keying zrtp,sdes --media=pass --display Ann"), 0);
    assert_int_equal(sotto(p, "user show 1000 --json"), 0);
    json_t *r = result(p), *policy = json_object_get(r, "policy");
    assert_string_equal(json_string_value(json_array_get(json_object_get(policy, "keying"), 0)),
                        "zrtp");
    assert_string_equal(json_string_value(json_object_get(policy, "media")), "pass");
    json_decref(r);
    assert_int_equal(sotto(p, "user list"), 0);
    expect(p->out, "1000@example.org  Ann      yes      required    zrtp, sdes  pass   any");
    assert_int_equal(sotto(p, "user set 1000 --keying inherit"), 0);
    expect(p->out, "keying        sdes, dtls, zrtp (inherited)");
    assert_int_equal(sotto(p, "user del 1000"), 0);
    assert_string_equal(p->out, "Deleted 1000@example.org.\n");
    assert_int_equal(sotto(p, "user list"), 0);
    expect(p->out, "There is no user yet");
}

static void password_from_standard_input(void **state)
{
    struct place *p = *state;
    assert_int_equal(sotto_with(p, "from the pipe\n", "user add 1 --password-stdin --json"), 0);
    json_t *r = result(p);
    assert_null(json_object_get(r, "password"));
    json_decref(r);
    assert_int_equal(sotto_with(p, "", "user add 2 --password-stdin"), 2);
    expect(p->err, "no password on standard input");
    assert_int_equal(sotto_with(p, "short\n", "user add 2 --password-stdin"), 2);
    expect(p->err, "8 to 128 characters");
    struct store *s;
    struct store_user u, same = {.name = "1"};
    char err[STORE_ERROR_MAX];
    assert_int_equal(store_open_data(p->data, err, &s), 0);
    assert_int_equal(store_user_find(s, SLICE_NONE, SLICE_LIT("1"), &u), 0);
    memcpy(same.domain, u.domain, sizeof(u.domain));
    assert_int_equal(store_user_set_password(&same, SLICE_LIT("from the pipe"), true), 0);
    assert_memory_equal(&u.ha1_sha256, &same.ha1_sha256, sizeof(u.ha1_sha256));
    store_close(s);
}

static void quirks_by_verb(void **state)
{
    struct place *p = *state;
    assert_int_equal(sotto(p, "domain add a.example"), 0);
    assert_int_equal(sotto(p, "quirk list"), 0);
    expect(p->out, "Yealink      built in  crypto lines 1, no AES-256");
    assert_int_equal(sotto(p, "quirk set snom870 --offer savp --digest md5-first --dtmf info"), 0);
    expect(p->out, "Phones with snom870 in their User-Agent: digest md5-first, offer savp, "
                   "digits by INFO.");
    assert_int_equal(sotto(p, "quirk set yealink"), 0);
    expect(p->out, "nothing special (in the place of what is built in)");
    assert_int_equal(sotto(p, "quirk list --json"), 0);
    expect(p->out, "\"pattern\": \"snom870\"");
    expect(p->out, "\"overrides\": true");
    assert_int_equal(sotto(p, "quirk set x --offer clear"), 2);
    expect(p->err, "allowed: osrtp, savp, dtls, zrtp, mikey");
    assert_int_equal(sotto(p, "quirk set x --crypto-lines 9"), 2);
    expect(p->err, "allowed: 1 to 8");
    assert_int_equal(sotto(p, "quirk del Yealink"), 0);
    assert_int_equal(sotto(p, "quirk del Yealink"), 1);
    expect(p->err, "is built in");
    assert_int_equal(sotto(p, "quirk del nobody"), 1);
    expect(p->err, "there is no line for nobody");
}

/* What the store has for user 1. */
static size_t psk_kept(const struct place *p, struct secret *ret)
{
    struct store *s;
    char err[STORE_ERROR_MAX];
    assert_int_equal(store_open_data(p->data, err, &s), 0);
    struct store_mikey m;
    int r = store_user_mikey(s, SLICE_NONE, SLICE_LIT("1"), &m);
    if (r == 0 && !m.psk.n)
        r = -ENODATA;
    if (r == 0)
        *ret = m.psk;
    store_close(s);
    assert_true(r == 0 || r == -ENODATA);
    return r == 0 ? ret->n : 0;
}

static void a_key_for_mikey(void **state)
{
    struct place *p = *state;
    struct secret k, made;
    uint8_t bytes[SECRET_CAP + 2];
    char text[128];
    size_t n;

    assert_int_equal(sotto(p, "user add 1"), 0);
    assert_int_equal(psk_kept(p, &k), 0);
    assert_int_equal(sotto_with(p, "", "user set 1 --mikey-psk-stdin"), 2);
    expect(p->err, "no key on standard input");
    /* 16 to 64 bytes */
    memset(bytes, 0x3c, sizeof(bytes));
    for (size_t len = STORE_PSK_MIN - 1; len <= SECRET_CAP + 1;
         len += len < SECRET_CAP - 1 && len > STORE_PSK_MIN - 1 ? 16 : 1) {
        bool fits = len >= STORE_PSK_MIN && len <= SECRET_CAP;
        crypto_base64_put(slice_from(bytes, len), text, sizeof(text) - 1, &n);
        text[n] = '\n';
        text[n + 1] = '\0';
        assert_int_equal(sotto_with(p, text, "user set 1 --mikey-psk-stdin"), fits ? 0 : 2);
        if (fits)
            assert_int_equal(psk_kept(p, &k), len);
        else
            expect(p->err, "16 to 64 bytes in base64");
    }
    assert_int_equal(k.n, SECRET_CAP);
    assert_memory_equal(k.b, bytes, SECRET_CAP);
    /* another password leaves it as it is */
    assert_int_equal(sotto_with(p, "some password\n", "user set 1 --password-stdin"), 0);
    expect(p->out, "mikey key     yes");
    assert_int_equal(psk_kept(p, &k), SECRET_CAP);
    assert_int_equal(sotto(p, "user set 1 --new-mikey-psk --json"), 0);
    json_t *r = result(p);
    const char *shown = json_string_value(json_object_get(r, "new_mikey_psk"));
    assert_non_null(shown);
    assert_int_equal(psk_kept(p, &k), 32);
    assert_int_equal(crypto_base64_get(slice_from_str(shown), made.b, sizeof(made.b), &made.n), 0);
    assert_int_equal(made.n, 32);
    assert_memory_equal(made.b, k.b, 32);
    json_decref(r);
    assert_int_equal(sotto(p, "user show 1 --json"), 0); /* once */
    r = result(p);
    assert_null(json_object_get(r, "new_mikey_psk"));
    assert_true(json_is_true(json_object_get(r, "mikey_psk")));
    json_decref(r);
    assert_int_equal(sotto(p, "user set 1 --no-mikey-psk"), 0);
    assert_int_equal(psk_kept(p, &k), 0);
}

static void mikey_under_certificates(void **state)
{
    struct place *p = *state;

    assert_int_equal(sotto(p, "user add 1 --mikey-cert"), 0);
    expect(p->out, "only under certificates");
    assert_int_equal(sotto(p, "user set 1 --new-mikey-psk"), 2);
    expect(p->err, "under certificates or under a pre-shared key");
    assert_int_equal(sotto(p, "user set 1 --display x --json"), 0); /* leaves it as it is */
    json_t *r = result(p);
    assert_true(json_is_true(json_object_get(r, "mikey_cert")));
    assert_false(json_is_true(json_object_get(r, "mikey_psk")));
    json_decref(r);
    assert_int_equal(sotto(p, "user set 1 --no-mikey-cert --new-mikey-psk"), 0);
    assert_int_equal(sotto(p, "user set 1 --mikey-cert"), 2);
    assert_int_equal(sotto(p, "user set 1 --mikey-cert --no-mikey-psk"), 0);
    expect(p->out, "only under certificates");
}

static void domains_by_verb(void **state)
{
    struct place *p = *state;
    assert_int_equal(sotto(p, "domain add a.example --protection preferred --default"), 0);
    expect(p->out, "Added the domain a.example, the default one.");
    assert_int_equal(sotto(p, "domain add b.example"), 0);
    assert_int_equal(sotto(p, "domain set b.example --transport tls,udp"), 0);
    assert_int_equal(sotto(p, "domain list"), 0);
    expect(p->out, "a.example  0      yes      preferred");
    expect(p->out, "tls, udp");
    assert_int_equal(sotto(p, "domain del a.exmaple"), 1);
    expect(p->err, "did you mean a.example?");
    assert_int_equal(sotto(p, "cert show"), 0);
    expect(p->out, "names         a.example, b.example, localhost");
    expect(p->out, "CA (give its certificate");
}

static void mistakes_are_explained(void **state)
{
    struct place *p = *state;
    static const struct {
        const char *words, *told;
    } cases[] = {
        {"usr add", "did you mean `user add`?"},
        {"user lsit", "did you mean `user list`?"},
        {"user", "user what? There is add, list, show, set, del"},
        {"frobnicate", "`sotto help` lists them"},
        {"user frobnicate", "user has add, list, show, set, del"},
        {"user add", "user add wants NUMBER[@DOMAIN]"},
        {"user add 1 2", "`2` is too much"},
        {"user list 1", "user list takes no `1`"},
        {"user add 1 --keyin sdes", "did you mean --keying?"},
        {"user add 1 --frobnicate", "`sotto help user add` lists them"},
        {"user add 1 --default", "user add has no option --default"},
        {"user add 1 --keying=tls", "allowed: sdes, dtls, zrtp, mikey"},
        {"user add 1 --max-contacts many", "--max-contacts wants a whole number"},
        {"user add 1 --no-md5=1", "--no-md5 takes no value"},
        {"trace on all --for soon", "a time like 90s, 10m or 2h"},
        {"user add -- -1-", "takes one NUMBER[@DOMAIN]; `-d` is too much"},
        {"user add \xff", "must be UTF-8"},
        {"user add 1 --display \xff", "--display wants UTF-8"},
        {"help usr", "there is no verb `usr`"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int status = sotto(p, cases[i].words);
        if (status != API_USAGE)
            fail_msg("%s: %d", cases[i].words, status);
        expect(p->err, cases[i].told);
        assert_string_equal(p->out, "");
    }
    assert_int_equal(sotto(p, ""), API_USAGE);
    expect(p->err, "usage: sotto VERB");
    assert_int_equal(sotto(p, "user show 1 --json"), 1); /* the folder was made by user add 1 … */
    static char program[] = "sotto", list[] = "user", add[] = "list", d[] = "-d", empty[] = "";
    char *argv[] = {program, list, add, d, empty};
    assert_int_equal(cli_main(5, argv), API_USAGE);
    assert_int_equal(cli_main(4, argv), API_USAGE);
}

static void help_and_version(void **state)
{
    struct place *p = *state;
    assert_int_equal(sotto(p, "help"), 0);
    for (size_t i = 0; i < cli_verb_count; i++)
        expect(p->out, cli_verbs[i].words);
    assert_int_equal(sotto(p, "help user add"), 0);
    expect(p->out, "--password-stdin");
    expect(p->out, "--keying K,K");
    assert_int_equal(sotto(p, "help cert"), 0);
    expect(p->out, "cert import DIR|FILE");
    expect(p->out, "cert renew");
    assert_int_equal(sotto(p, "user add --help"), 0);
    expect(p->out, "usage: sotto user add");
    assert_int_equal(sotto(p, "--version"), 0);
    expect(p->out, "sotto " SOTTO_VERSION);
    assert_int_equal(sotto(p, "help call"), 0);
    expect(p->out, "sotto call TARGET");
}

/* Every verb that is a command is one of api's, with arguments that it knows. */
static void verbs_fit_the_commands(void **state)
{
    (void)state;
    for (size_t i = 0; i < cli_verb_count; i++) {
        const struct cli_verb *v = &cli_verbs[i];
        const struct api_command *c = NULL;
        for (size_t k = 0; v->where != CLI_ELSE && (c = api_command_at(k)) != NULL; k++)
            if (strcmp(c->name, v->words) == 0)
                break;
        if (v->where == CLI_ELSE)
            continue;
        assert_non_null(c);
        assert_int_equal(c->forwarded, v->where == CLI_ASK);
        for (size_t l = 0; l < ARRAY_LEN(v->options); l++)
            for (const struct cli_option *o = v->options[l]; o && o->name; o++) {
                bool known = !o->key;
                for (size_t m = 0; m < ARRAY_LEN(c->args); m++)
                    for (const struct api_arg *a = c->args[m]; a && a->name && !known; a++)
                        known = strcmp(a->name, o->key) == 0;
                assert_true(known);
            }
    }
}

static void client_files(void **state)
{
    struct place *p = *state;
    struct stat st;
    char words[200], path[160];
    assert_int_equal(sotto(p, "domain add a.example"), 0);
    (void)snprintf(words, sizeof(words), "cert client 1000 -o %s", p->dir);
    assert_int_equal(sotto(p, words), 0);
    (void)snprintf(path, sizeof(path), "%s/1000@a.example.key", p->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    expect(p->out, "1000@a.example.ca.crt");
    assert_int_equal(sotto(p, words), 1); /* never over another one */
    expect(p->err, "cannot write");
    (void)snprintf(words, sizeof(words), "cert client 1000 --p12 -o %s", p->dir);
    assert_int_equal(sotto(p, words), 0);
    expect(p->out, "password");
    (void)snprintf(path, sizeof(path), "%s/1000@a.example.p12", p->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(st.st_size > 500);
    assert_int_equal(sotto(p, "cert client 1000 --p12 -o /nonexistent"), 1);
    expect(p->err, "/nonexistent");
}

static void nothing_runs(void **state)
{
    struct place *p = *state;
    char told[128];
    (void)snprintf(told, sizeof(told), "sotto is not running in %s", p->data);
    assert_int_equal(sotto(p, "show calls"), 1);
    expect(p->err, told);
    assert_int_equal(sotto(p, "reload"), 1);
    expect(p->err, told);
    assert_int_equal(sotto(p, "log level debug"), 1);
}

static void store_that_cannot_be_read(void **state)
{
    struct place *p = *state;
    char path[120];
    assert_int_equal(sotto(p, "user add 1"), 0);
    (void)snprintf(path, sizeof(path), "%s/sotto.db", p->data);
    FILE *f = fopen(path, "w");
    fputs("this is no database", f);
    fclose(f);
    assert_int_equal(sotto(p, "user list"), API_STORE);
    expect(p->err, "damaged");
}

/* --- with a server --- */

/* As the roles would answer. */
static void on_forward(void *arg, const char *name, struct slice request,
                       api_forward_reply_fn *reply, void *reply_arg)
{
    static const char calls[] =
        "{\"ok\":true,\"result\":[{\"id\":\"c1\",\"state\":\"answered\",\"since\":"
        "\"2026-01-01T00:00:00Z\",\"legs\":[{\"user\":\"1000@example.org\",\"role\":\"caller\","
        "\"remote\":\"192.0.2.7:50612\",\"signalling\":{\"transport\":\"tls\",\"version\":"
        "\"TLSv1.3\",\"cipher\":\"x\",\"peer_verified\":false},\"media\":{\"keying\":\"sdes\","
        "\"suite\":\"AES_CM_128_HMAC_SHA1_80\",\"path\":\"relay\",\"sas\":null,\"sas_verified\":"
        "false,\"trusted_mitm\":false,\"end_to_end\":false},\"codec\":\"PCMA\"},"
        "{\"user\":\"1001@example.org\",\"role\":\"callee\",\"signalling\":{\"transport\":\"wss\","
        "\"version\":\"TLSv1.2\"},\"media\":{\"keying\":\"zrtp\",\"suite\":"
        "\"AES_CM_128_HMAC_SHA1_32\",\"sas\":\"wkxz\",\"trusted_mitm\":true},\"codec\":\"opus\"},"
        "{\"user\":\"\\u001b[31mevil\",\"role\":\"callee\",\"signalling\":{\"transport\":\"udp\"},"
        "\"media\":{\"keying\":\"none\"}}]}]}";
    static const char roles[] = "{\"ok\":true,\"result\":[{\"role\":\"media\",\"pid\":7,\"since\":"
                                "\"x\",\"restarts\":0}]}";
    static const char workers[] =
        "{\"ok\":true,\"result\":[{\"role\":\"web\",\"pid\":7},{\"role\":\"media\",\"pid\":8,"
        "\"worker\":0},{\"role\":\"media\",\"pid\":9,\"worker\":1}]}";
    static const char error[] =
        "{\"ok\":false,\"error\":\"no such level\",\"code\":\"x\",\"status\":2}";
    (void)arg, (void)request;
    const char *text = strcmp(name, "show calls") == 0       ? calls
                       : strcmp(name, "show roles") == 0     ? roles
                       : strcmp(name, "show listeners") == 0 ? workers
                       : strcmp(name, "log level") == 0      ? error
                       : strncmp(name, "show", 4) == 0       ? "{\"ok\":true,\"result\":[]}"
                                                             : "{\"ok\":true,\"result\":{}}";
    reply(reply_arg, slice_from_str(text));
}

static void serve(struct place *p)
{
    int fd, tell[2];
    char byte;
    assert_int_equal(pipe(tell), 0);
    p->server = fork();
    if (p->server == 0) {
        struct loop *loop;
        struct api *api;
        struct api_server *server;
        struct store *store;
        char err[STORE_ERROR_MAX];
        struct api_config cfg = {.data = p->data, .forward = on_forward};
        bool ok = loop_new(&loop) == 0 && store_open_data(p->data, err, &store) == 0;
        cfg.store = ok ? store : NULL;
        ok = ok && api_new(&cfg, &api) == 0 && api_listen(p->data, &fd) == 0 &&
             api_server_new(loop, api, fd, &server) == 0 && write(tell[1], "x", 1) == 1;
        _exit(ok && loop_run(loop) == 0 ? 0 : 1);
    }
    close(tell[1]);
    assert_int_equal(read(tell[0], &byte, 1), 1);
    close(tell[0]);
}

static void a_running_server_is_asked(void **state)
{
    struct place *p = *state;
    serve(p);
    assert_int_equal(sotto(p, "user add 1000@example.org"), 0);
    expect(p->out, "Added the user 1000@example.org.");
    assert_int_equal(sotto(p, "show calls"), 0);
    expect(p->out, "1000 tls1.3 + sdes AES_CM_128_HMAC_SHA1_80\n");
    expect(p->out, "1001 wss tls1.2 + zrtp AES_CM_128_HMAC_SHA1_32, SAS wkxz (not compared), this "
                   "server in the middle\n");
    expect(p->out, "?[31mevil udp, not encrypted + media NOT ENCRYPTED\n");
    assert_null(strchr(p->out, '\x1b'));
    assert_int_equal(sotto(p, "show calls --json"), 0);
    json_t *r = result(p);
    assert_string_equal(json_string_value(json_object_get(json_array_get(r, 0), "id")), "c1");
    json_decref(r);
    assert_int_equal(sotto(p, "show roles"), 0);
    assert_string_equal(p->out, "ROLE   PID  SINCE  RESTARTS\nmedia  7    x      0\n");
    assert_int_equal(sotto(p, "show listeners"), 0); /* whatever it is */
    assert_string_equal(p->out, "ROLE   PID  WORKER\nweb    7    \nmedia  8    0\nmedia  9    1\n");
    assert_int_equal(sotto(p, "show bans"), 0);
    assert_string_equal(p->out, "There are no bans.\n");
    assert_int_equal(sotto(p, "log level loud"), 2);
    expect(p->err, "sotto: no such level");
    assert_int_equal(sotto(p, "trace on all --for 10m"), 0);
    assert_string_equal(p->out, "Done.\n");
    assert_int_equal(sotto(p, "cert renew"), 0); /* here, and the server is told */
    assert_string_equal(p->err, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(user_before_the_first_start, setup, teardown),
        cmocka_unit_test_setup_teardown(password_from_standard_input, setup, teardown),
        cmocka_unit_test_setup_teardown(quirks_by_verb, setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_for_mikey, setup, teardown),
        cmocka_unit_test_setup_teardown(mikey_under_certificates, setup, teardown),
        cmocka_unit_test_setup_teardown(domains_by_verb, setup, teardown),
        cmocka_unit_test_setup_teardown(mistakes_are_explained, setup, teardown),
        cmocka_unit_test_setup_teardown(help_and_version, setup, teardown),
        cmocka_unit_test(verbs_fit_the_commands),
        cmocka_unit_test_setup_teardown(client_files, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(store_that_cannot_be_read, setup, teardown),
        cmocka_unit_test_setup_teardown(a_running_server_is_asked, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
