#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"

struct place {
    char data[64];
    struct store *store;
    struct api *api;
    json_t *reply;
    unsigned changes[3];
    char forwarded[256];
    const char *role_says;
};

static void on_changed(void *arg, enum api_change what)
{
    ((struct place *)arg)->changes[what]++;
}

static void on_forward(void *arg, const char *name, struct slice request,
                       api_forward_reply_fn *reply, void *reply_arg)
{
    struct place *p = arg;
    (void)snprintf(p->forwarded, sizeof(p->forwarded), "%s: " SLICE_FMT, name, SLICE_ARG(request));
    reply(reply_arg, slice_from_str(p->role_says));
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    char err[STORE_ERROR_MAX];
    (void)snprintf(p->data, sizeof(p->data), "/tmp/sotto-api-XXXXXX");
    assert_non_null(mkdtemp(p->data));
    assert_int_equal(store_open_data(p->data, err, &p->store), 0);
    struct api_config cfg = {
        .data = p->data, .store = p->store, .arg = p, .changed = on_changed, .forward = on_forward};
    assert_int_equal(api_new(&cfg, &p->api), 0);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    json_decref(p->reply);
    api_free(p->api);
    store_close(p->store);
    (void)nftw(p->data, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(p);
    return 0;
}

static void keep(void *arg, const json_t *reply)
{
    struct place *p = arg;
    assert_null(p->reply); /* once only */
    p->reply = json_deep_copy(reply);
}

/* The request in single quotes, to be read. */
static void call_as(struct place *p, unsigned granted, const char *text)
{
    char room[2048];
    (void)snprintf(room, sizeof(room), "%s", text);
    for (char *c = room; *c; c++)
        if (*c == '\'')
            *c = '"';
    json_t *request = json_loads(room, JSON_DECODE_ANY, NULL);
    assert_non_null(request);
    json_decref(p->reply);
    p->reply = NULL;
    api_call(p->api, &(struct api_caller){granted, NULL}, request, keep, p);
    json_decref(request);
    assert_non_null(p->reply);
}

static const json_t *good(struct place *p, const char *text)
{
    call_as(p, API_CLASS_ALL, text);
    if (!json_is_true(json_object_get(p->reply, "ok")))
        fail_msg("%s: %s", text, json_string_value(json_object_get(p->reply, "error")));
    return json_object_get(p->reply, "result");
}

static void bad(struct place *p, int status, const char *text, const char *words)
{
    call_as(p, API_CLASS_ALL, text);
    const char *error = json_string_value(json_object_get(p->reply, "error"));
    assert_true(json_is_false(json_object_get(p->reply, "ok")));
    assert_non_null(error);
    assert_int_equal(json_integer_value(json_object_get(p->reply, "status")), status);
    assert_true(json_is_string(json_object_get(p->reply, "code")));
    if (!strstr(error, words))
        fail_msg("`%s` is not in: %s", words, error);
}

static const char *text_at(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

/* "a,b,c" of a list */
static const char *list_at(const json_t *o, const char *key)
{
    static char room[512];
    size_t i;
    json_t *v;
    struct buf b = buf_over(room, sizeof(room) - 1);
    json_array_foreach(json_object_get(o, key), i, v)
    {
        buf_printf(&b, "%s%s", i ? "," : "", json_string_value(v));
    }
    room[b.n] = '\0';
    return room;
}

static int verified(struct place *p, const char *name, const char *password)
{
    struct store_admin a = {0};
    int r = api_admin_verify(p->store, slice_from_str(name), slice_from_str(password), &a);
    return r == 0 && a.one_time ? 2 : r; /* 2: right, and good for choosing another */
}

static void administrators(void **state)
{
    struct place *p = *state;
    char once[API_PASSWORD_LEN + 1], made[64], long_one[API_PASSWORD_MAX + 2];
    assert_int_equal(api_admin_first(p->store, "admin", once), 0);
    assert_int_equal(verified(p, "admin", once), 2);
    assert_int_equal(verified(p, "admin", "wrong"), API_ADMIN_WRONG);
    assert_int_equal(verified(p, "nobody", once), API_ADMIN_WRONG);
    assert_int_equal(verified(p, "admin", ""), API_ADMIN_WRONG);
    (void)good(p, "{'cmd':'admin passwd','args':{'name':'admin','password':'a chosen one'}}");
    assert_int_equal(verified(p, "admin", "a chosen one"), 0);
    assert_int_equal(verified(p, "admin", once), API_ADMIN_WRONG);
    const json_t *r = good(p, "{'cmd':'admin add','args':{'name':'anna@example.org'}}");
    (void)snprintf(made, sizeof(made), "%s", text_at(r, "password"));
    assert_int_equal(strlen(made), API_PASSWORD_LEN);
    assert_int_equal(verified(p, "anna@example.org", made), 2);
    bad(p, 1, "{'cmd':'admin add','args':{'name':'anna@example.org'}}", "there already");
    bad(p, 2, "{'cmd':'admin add','args':{'name':'an na'}}", "letters, digits");
    bad(p, 2, "{'cmd':'admin add','args':{'name':''}}", "letters, digits");
    bad(p, 2, "{'cmd':'admin passwd','args':{'name':'admin','password':'123456789'}}", "10 to 256");
    (void)good(p, "{'cmd':'admin passwd','args':{'name':'admin','password':'1234567890'}}");
    bad(p, 1, "{'cmd':'admin passwd','args':{'name':'bert'}}", "no administrator bert");
    r = good(p, "{'cmd':'admin list'}");
    assert_int_equal(json_array_size(r), 2);
    assert_string_equal(text_at(json_array_get(r, 0), "name"), "admin");
    assert_null(json_object_get(json_array_get(r, 0), "hash"));
    (void)good(p, "{'cmd':'admin del','args':{'name':'admin'}}");
    bad(p, 1, "{'cmd':'admin del','args':{'name':'admin'}}", "no administrator");
    assert_int_equal(verified(p, "admin", "1234567890"), API_ADMIN_WRONG);
    memset(long_one, 'x', sizeof(long_one) - 1);
    long_one[sizeof(long_one) - 1] = '\0';
    assert_int_equal(verified(p, "anna@example.org", long_one), API_ADMIN_WRONG);
    /* Names and passwords have a longest: at it, and one past it. */
    for (size_t past = 0; past <= 1; past++) {
        char request[512], name[STORE_ADMIN_NAME_MAX + 2] = "";
        memset(name, 'n', STORE_ADMIN_NAME_MAX + past);
        (void)snprintf(request, sizeof(request),
                       "{'cmd':'admin add','args':{'name':'%s','password':'%.*s'}}", name,
                       API_PASSWORD_MAX, long_one);
        if (past)
            bad(p, 2, request, "letters, digits");
        else
            (void)good(p, request);
    }
}

static void first_user_makes_the_domain(void **state)
{
    struct place *p = *state;
    const json_t *r = good(p, "{'cmd':'user add','args':{'name':'1000@Example.org'}}");
    assert_string_equal(text_at(r, "aor"), "1000@example.org");
    assert_true(json_is_true(json_object_get(r, "domain_added")));
    assert_int_equal(strlen(text_at(r, "password")), API_PASSWORD_LEN);
    assert_int_equal(p->changes[API_CHANGED_USERS], 1);
    assert_int_equal(p->changes[API_CHANGED_DOMAINS], 1);
    assert_int_equal(p->changes[API_CHANGED_CERTS], 1);
    const json_t *policy = json_object_get(r, "policy");
    assert_string_equal(text_at(policy, "protection"), "required");
    assert_string_equal(list_at(policy, "keying"), "sdes,dtls,zrtp");
    assert_string_equal(list_at(policy, "transport"), "tls,wss,tcp,udp,ws");
    assert_string_equal(
        list_at(policy, "inherited"),
        "protection,keying,suites,codecs,media,transport,require_peer,tell,announce");
    assert_true(json_is_false(json_object_get(policy, "require_peer")));
    assert_string_equal(list_at(policy, "tell"), "mark,header");
    assert_string_equal(text_at(policy, "announce"), "off");

    /* The password works, and is nowhere else. */
    struct store_user u, same = {.name = "1000", .domain = "example.org"};
    assert_int_equal(store_user_set_password(&same, slice_from_str(text_at(r, "password")), true),
                     0);
    assert_int_equal(store_user_find(p->store, SLICE_NONE, SLICE_LIT("1000"), &u), 0);
    assert_memory_equal(&u.ha1_sha256, &same.ha1_sha256, sizeof(u.ha1_sha256));
    r = good(p, "{'cmd':'user show','args':{'name':'1000'}}");
    assert_null(json_object_get(r, "password"));

    /* From then on a domain must be there. */
    bad(p, 1, "{'cmd':'user add','args':{'name':'1001@exmaple.org'}}", "did you mean example.org?");
    bad(p, 1, "{'cmd':'user add','args':{'name':'1000'}}", "1000@example.org is there already");
}

static void user_without_domain_gets_a_default(void **state)
{
    struct place *p = *state;
    const json_t *r = good(p, "{'cmd':'user add','args':{'name':'1000','password':'long enough'}}");
    assert_null(json_object_get(r, "password")); /* given, so not told */
    assert_true(strlen(text_at(r, "domain")) > 0);
    r = good(p, "{'cmd':'domain list'}");
    assert_int_equal(json_array_size(r), 1);
    assert_true(json_is_true(json_object_get(json_array_get(r, 0), "default")));
}

static void policies_are_set_and_inherited(void **state)
{
    struct place *p = *state;
    good(p, "{'cmd':'domain add','args':{'name':'a.example','protection':'preferred',"
            "'keying':['zrtp','sdes']}}");
    good(p, "{'cmd':'user add','args':{'name':'ann','protection':'required','suites':"
            "['AES_CM_256_HMAC_SHA1_80','aead_aes_128_gcm'],'codecs':['OPUS','pcma'],"
            "'media':'pass','transport':['udp','tls'],'require_peer':true,'tell':['none'],"
            "'announce':'always','max_contacts':100,'display':'Ann'}}");
    const json_t *r = good(p, "{'cmd':'user show','args':{'name':'ann@a.example'}}");
    const json_t *policy = json_object_get(r, "policy");
    assert_string_equal(text_at(policy, "protection"), "required");
    assert_string_equal(list_at(policy, "keying"), "zrtp,sdes");
    assert_string_equal(list_at(policy, "suites"), "AES_256_CM_HMAC_SHA1_80,AEAD_AES_128_GCM");
    assert_string_equal(list_at(policy, "codecs"), "opus,PCMA");
    assert_string_equal(list_at(policy, "transport"), "tls,udp");
    assert_true(json_is_true(json_object_get(policy, "require_peer")));
    assert_string_equal(list_at(policy, "tell"), "");
    assert_string_equal(text_at(policy, "announce"), "always");
    assert_string_equal(list_at(policy, "inherited"), "keying");
    assert_int_equal(json_integer_value(json_object_get(r, "max_contacts")), 100);
    assert_non_null(json_object_get(p->reply, "warnings")); /* udp */
    good(p, "{'cmd':'user set','args':{'name':'ann','protection':null,'transport':null}}");
    r = good(p, "{'cmd':'user show','args':{'name':'ann'}}");
    assert_string_equal(text_at(json_object_get(r, "policy"), "protection"), "preferred");
    assert_string_equal(text_at(r, "display"), "Ann");
}

static void what_is_not_allowed_is_told(void **state)
{
    struct place *p = *state;
    good(p, "{'cmd':'domain add','args':{'name':'a.example'}}");
    static const struct {
        const char *request, *words;
    } cases[] = {
        {"{'cmd':'user add','args':{'name':'x','protection':'requird'}}",
         "did you mean required?); allowed: required, preferred, off"},
        {"{'cmd':'user add','args':{'name':'x','keying':['sdes','tls']}}",
         "allowed: sdes, dtls, zrtp, mikey"},
        {"{'cmd':'user add','args':{'name':'x','keying':['none']}}", "keying cannot be none"},
        {"{'cmd':'user add','args':{'name':'x','keying':[]}}", "cannot be empty"},
        {"{'cmd':'user add','args':{'name':'x','keying':['sdes','SDES']}}", "names sdes twice"},
        {"{'cmd':'user add','args':{'name':'x','keying':'sdes'}}", "must be a list of texts"},
        {"{'cmd':'user add','args':{'name':'x','suites':['NONE']}}", "AEAD_AES_256_GCM"},
        {"{'cmd':'user add','args':{'name':'x','codecs':['mp3']}}", "PCMA"},
        {"{'cmd':'user add','args':{'name':'x','media':'relais'}}", "relay, direct, pass"},
        {"{'cmd':'user add','args':{'name':'x','transport':['sctp']}}", "tls, wss, tcp, udp, ws"},
        {"{'cmd':'user add','args':{'name':'x','tell':['lock']}}", "allowed: mark, header, none"},
        {"{'cmd':'user add','args':{'name':'x','announce':'allways'}}", "did you mean always?"},
        {"{'cmd':'user add','args':{'name':'x','require_peer':'yes'}}", "require_peer must be"},
        {"{'cmd':'user add','args':{'name':'x','protction':'off'}}", "did you mean protection?"},
        {"{'cmd':'user add','args':{}}", "user add needs name"},
        {"{'cmd':'user add','args':{'name':7}}", "name must be text"},
        {"{'cmd':'user add','args':{'name':null}}", "name must be text"},
        {"{'cmd':'user add','args':{'name':''}}", "cannot be a user"},
        {"{'cmd':'user add','args':{'name':'a b'}}", "cannot be a user"},
        {"{'cmd':'user add','args':{'name':'a@b@c'}}", "cannot be a domain"},
        {"{'cmd':'user add','args':{'name':'x','max_contacts':0}}", "1 to 100"},
        {"{'cmd':'user add','args':{'name':'x','max_contacts':101}}", "1 to 100"},
        {"{'cmd':'user add','args':{'name':'x','password':'1234567'}}", "8 to 128"},
        {"{'cmd':'user add','args':{'name':'longname','password':'LongName'}}", "first password"},
        {"{'cmd':'user add','args':{'name':'x','display':'a\\u0007'}}", "control characters"},
        {"{'cmd':'user ad','args':{'name':'x'}}", "did you mean user add?"},
        {"{'cmd':'frobnicate'}", "there is no command frobnicate"},
        {"{'cmd':'domain add','args':{'name':'no domain'}}", "cannot be a domain"},
        {"{'cmd':'domain add','args':{'name':'*.example'}}", "cannot be a domain"},
        {"{'cmd':'domain add','args':{'name':'::1'}}", "cannot be a domain"},
        {"{'cmd':'domain set','args':{'name':'a.example','default':false}}", "must be the default"},
        {"{'cmd':'domain list','args':{'x':1}}", "it takes none"},
        {"{'cmd':'domain list','arg':{}}", "nothing by the name of arg"},
        {"{'cmd':'domain list','args':[]}", "a request is an object"},
        {"{'cmd':7}", "a request is an object"},
        {"[]", "a request is an object"},
        {"7", "a request is an object"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        bad(p, 2, cases[i].request, cases[i].words);
    assert_int_equal(json_array_size(good(p, "{'cmd':'user list'}")), 0);
    bad(p, 1, "{'cmd':'user add','args':{'name':'Echo'}}", "built-in target");
    bad(p, 1, "{'cmd':'user show','args':{'name':'x'}}", "there is no user x@a.example");
    bad(p, 1, "{'cmd':'user list','args':{'domain':'b.example'}}", "there is no domain b.example");
}

static void names_at_their_limits(void **state)
{
    struct place *p = *state;
    char name[STORE_NAME_MAX + 2], text[512];
    memset(name, '7', sizeof(name));
    name[STORE_NAME_MAX] = '\0';
    (void)snprintf(text, sizeof(text), "{'cmd':'user add','args':{'name':'%s'}}", name);
    good(p, text);
    name[STORE_NAME_MAX] = '7';
    name[STORE_NAME_MAX + 1] = '\0';
    (void)snprintf(text, sizeof(text), "{'cmd':'user add','args':{'name':'%s'}}", name);
    bad(p, 2, text, "1 to 64 letters");
    char longest[STORE_PASSWORD_MAX + 2];
    memset(longest, 'p', sizeof(longest));
    longest[STORE_PASSWORD_MAX] = '\0';
    (void)snprintf(text, sizeof(text), "{'cmd':'user add','args':{'name':'a','password':'%s'}}",
                   longest);
    good(p, text);
    longest[STORE_PASSWORD_MAX] = 'p';
    longest[STORE_PASSWORD_MAX + 1] = '\0';
    (void)snprintf(text, sizeof(text), "{'cmd':'user add','args':{'name':'b','password':'%s'}}",
                   longest);
    bad(p, 2, text, "8 to 128");
}

static void md5_can_be_switched_off(void **state)
{
    struct place *p = *state;
    struct store_user u;
    good(p, "{'cmd':'user add','args':{'name':'ann','md5':false}}");
    assert_int_equal(store_user_find(p->store, SLICE_NONE, SLICE_LIT("ann"), &u), 0);
    assert_int_equal(u.ha1_md5.n, 0);
    assert_int_equal(u.ha1_sha256.n, 32);
    bad(p, 2, "{'cmd':'user set','args':{'name':'ann','md5':true}}", "with a new password");
    const json_t *r = good(p, "{'cmd':'user set','args':{'name':'ann','new_password':true}}");
    assert_non_null(text_at(r, "password"));
    assert_false(json_is_true(json_object_get(r, "md5"))); /* stays off */
    r = good(p, "{'cmd':'user set','args':{'name':'ann','md5':true,'new_password':true}}");
    assert_true(json_is_true(json_object_get(r, "md5")));
    good(p, "{'cmd':'user set','args':{'name':'ann','md5':false}}");
    assert_int_equal(store_user_find(p->store, SLICE_NONE, SLICE_LIT("ann"), &u), 0);
    assert_int_equal(u.ha1_md5.n, 0);
}

static void domains_come_and_go(void **state)
{
    struct place *p = *state;
    good(p, "{'cmd':'domain add','args':{'name':'a.example'}}");
    bad(p, 1, "{'cmd':'domain add','args':{'name':'A.example'}}", "is there already");
    good(p, "{'cmd':'domain add','args':{'name':'b.example','default':true}}");
    const json_t *r = json_object_get(good(p, "{'cmd':'cert show'}"), "server");
    const char *names = list_at(r, "names");
    assert_non_null(strstr(names, "a.example"));
    assert_non_null(strstr(names, "b.example")); /* the certificate has followed */
    good(p, "{'cmd':'user add','args':{'name':'ann'}}");
    bad(p, 1, "{'cmd':'domain del','args':{'name':'b.example'}}", "still has 1 user;");
    good(p, "{'cmd':'user del','args':{'name':'ann'}}");
    good(p, "{'cmd':'domain del','args':{'name':'b.example'}}");
    bad(p, 1, "{'cmd':'domain del','args':{'name':'c.example'}}", "did you mean a.example?");
    r = good(p, "{'cmd':'domain list'}");
    assert_string_equal(text_at(json_array_get(r, 0), "name"), "a.example");
    assert_true(json_is_true(json_object_get(json_array_get(r, 0), "default")));
}

static void certificates_by_command(void **state)
{
    struct place *p = *state;
    bad(p, 1, "{'cmd':'cert show'}", "there is no certificate");
    good(p, "{'cmd':'domain add','args':{'name':'a.example'}}");
    const json_t *r = good(p, "{'cmd':'cert client','args':{'name':'1000','p12':true}}");
    assert_string_equal(text_at(r, "aor"), "1000@a.example");
    assert_non_null(strstr(text_at(r, "key"), "BEGIN PRIVATE KEY"));
    assert_true(strlen(text_at(r, "p12")) > 1000);
    assert_int_equal(strlen(text_at(r, "p12_password")), API_PASSWORD_LEN);
    r = good(p, "{'cmd':'cert client','args':{'name':'1000','rsa':true}}");
    assert_non_null(strstr(text_at(r, "cert"), "BEGIN CERTIFICATE"));
    r = good(p, "{'cmd':'cert client','args':{'name':'1000'}}");
    assert_null(json_object_get(r, "p12"));
    r = good(p, "{'cmd':'cert renew'}");
    assert_string_equal(text_at(json_object_get(r, "server"), "source"), "own CA");
    assert_non_null(json_object_get(r, "ca"));
    bad(p, 1, "{'cmd':'cert import','args':{'path':'/nonexistent'}}", "/nonexistent");
    call_as(p, API_CLASS_READ | API_CLASS_WRITE, "{'cmd':'cert renew'}");
    assert_string_equal(text_at(p->reply, "code"), "not_allowed");
    call_as(p, API_CLASS_READ, "{'cmd':'cert show'}");
    assert_true(json_is_true(json_object_get(p->reply, "ok")));
}

static void running_roles_are_asked(void **state)
{
    struct place *p = *state;
    p->role_says = "{\"ok\":true,\"result\":[{\"id\":\"1\"}]}";
    const json_t *r = good(p, "{'cmd':'show calls'}");
    assert_string_equal(p->forwarded, "show calls: {\"cmd\":\"show calls\",\"args\":{}}");
    assert_string_equal(text_at(json_array_get(r, 0), "id"), "1");
    p->role_says = "{\"ok\":false,\"error\":\"no\",\"code\":\"x\",\"status\":1}";
    bad(p, 1, "{'cmd':'trace on','args':{'user':'all','seconds':600}}", "no");
    static const char *const broken[] = {"", "{", "[]", "{\"ok\":1}"};
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        p->role_says = broken[i];
        bad(p, 1, "{'cmd':'reload'}", "did not answer");
    }
    bad(p, 2, "{'cmd':'trace on'}", "trace on needs user");

    struct api *alone;
    struct api_config cfg = {.data = p->data, .store = p->store};
    assert_int_equal(api_new(&cfg, &alone), 0);
    struct api *old = p->api;
    p->api = alone;
    bad(p, 1, "{'cmd':'show calls'}", "sotto is not running in /tmp/");
    p->api = api_free(alone);
    cfg.store = NULL;
    assert_int_equal(api_new(&cfg, &alone), 0);
    p->api = alone;
    bad(p, 5, "{'cmd':'user list'}", "no store");
    api_free(alone);
    p->api = old;
}

static void passwords_are_fresh_and_plain(void **state)
{
    (void)state;
    char a[API_PASSWORD_LEN + 1], b[API_PASSWORD_LEN + 1];
    api_password_make(a);
    api_password_make(b);
    assert_string_not_equal(a, b);
    assert_int_equal(strlen(a), API_PASSWORD_LEN);
    assert_null(strpbrk(a, "ilo01IO "));
}

static void nearest_is_near(void **state)
{
    (void)state;
    static const char *const names[] = {"add", "list", "set", "del", "registrations"};
    assert_string_equal(api_nearest(SLICE_LIT("lst"), names, 5), "list");
    assert_string_equal(api_nearest(SLICE_LIT("registratoins"), names, 5), "registrations");
    assert_string_equal(api_nearest(SLICE_LIT("ADD"), names, 5), "add");
    assert_null(api_nearest(SLICE_LIT("xyz"), names, 5));
    assert_null(api_nearest(SLICE_NONE, names, 5));
    assert_null(api_nearest(SLICE_LIT("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddx"), names, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(administrators, setup, teardown),
        cmocka_unit_test_setup_teardown(first_user_makes_the_domain, setup, teardown),
        cmocka_unit_test_setup_teardown(user_without_domain_gets_a_default, setup, teardown),
        cmocka_unit_test_setup_teardown(policies_are_set_and_inherited, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_allowed_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(names_at_their_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(md5_can_be_switched_off, setup, teardown),
        cmocka_unit_test_setup_teardown(domains_come_and_go, setup, teardown),
        cmocka_unit_test_setup_teardown(certificates_by_command, setup, teardown),
        cmocka_unit_test_setup_teardown(running_roles_are_asked, setup, teardown),
        cmocka_unit_test(passwords_are_fresh_and_plain),
        cmocka_unit_test(nearest_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
