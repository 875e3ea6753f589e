#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"

struct place {
    char dir[64];
    char db[96];
    struct store *store;
};

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    char err[STORE_ERROR_MAX];
    (void)snprintf(p->dir, sizeof(p->dir), "/tmp/sotto-store-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    (void)snprintf(p->db, sizeof(p->db), "%s/data/sotto.db", p->dir);
    char data[80];
    (void)snprintf(data, sizeof(data), "%s/data", p->dir);
    assert_int_equal(store_open_data(data, err, &p->store), 0);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    store_close(p->store);
    (void)nftw(p->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(p);
    return 0;
}

static int reopen(struct place *p, char err[STORE_ERROR_MAX])
{
    char data[80];
    (void)snprintf(data, sizeof(data), "%s/data", p->dir);
    p->store = store_close(p->store);
    err[0] = '\0';
    return store_open_data(data, err, &p->store);
}

static void add_domain(struct store *s, const char *name)
{
    struct store_domain d = {0};
    (void)snprintf(d.name, sizeof(d.name), "%s", name);
    assert_int_equal(store_domain_add(s, &d), 0);
}

static struct store_user make_user(const char *domain, const char *name)
{
    struct store_user u = {.enabled = true};
    (void)snprintf(u.domain, sizeof(u.domain), "%s", domain);
    (void)snprintf(u.name, sizeof(u.name), "%s", name);
    assert_int_equal(store_user_set_password(&u, SLICE_LIT("secret"), true), 0);
    return u;
}

static void modes_are_private(void **state)
{
    struct place *p = *state;
    struct stat st;
    char path[96];
    (void)snprintf(path, sizeof(path), "%s/data", p->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    (void)snprintf(path, sizeof(path), "%s/data/tls/seal.key", p->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, STORE_SEAL_KEY_LEN);
    assert_int_equal(stat(p->db, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void user_comes_back_as_written(void **state)
{
    struct place *p = *state;
    char err[STORE_ERROR_MAX];
    add_domain(p->store, "Example.ORG");
    struct store_user u = make_user("example.org", "1000"), back;
    (void)snprintf(u.display, sizeof(u.display), "Ann \"A\" Böll");
    u.max_contacts = 3;
    u.own = (struct store_policy){
        .said = STORE_POLICY_PROTECTION | STORE_POLICY_SUITES | STORE_POLICY_CODECS |
                STORE_POLICY_PEER | STORE_POLICY_TELL | STORE_POLICY_ANNOUNCE,
        .require_peer = true,
        .tell = STORE_TELL_MARK,
        .announce = STORE_ANNOUNCE_ALWAYS,
        .protection = PROTECTION_OFF,
        .suite_count = 2,
        .suites = {SRTP_AEAD_AES_256_GCM, SRTP_AES_CM_128_HMAC_SHA1_32},
        .codec_count = 2,
        .codecs = {"opus", "PCMA"},
    };
    assert_int_equal(store_user_add(p->store, &u), 0);
    assert_int_equal(store_user_add(p->store, &u), STORE_EXISTS);
    assert_int_equal(reopen(p, err), 0);

    assert_int_equal(store_user_find(p->store, SLICE_LIT("EXAMPLE.org"), SLICE_LIT("1000"), &back),
                     0);
    assert_string_equal(back.domain, "example.org");
    assert_string_equal(back.display, u.display);
    assert_true(back.enabled);
    assert_int_equal(back.max_contacts, 3);
    assert_memory_equal(&back.ha1_sha256, &u.ha1_sha256, sizeof(u.ha1_sha256));
    assert_memory_equal(&back.ha1_md5, &u.ha1_md5, sizeof(u.ha1_md5));
    assert_memory_equal(&back.own, &u.own, sizeof(u.own));
    assert_int_equal(back.policy.protection, PROTECTION_OFF);
    assert_int_equal(back.policy.keying_count, 3); /* built in */
    assert_true(back.created > 1600000000);

    /* The domain left out: the default one. */
    assert_int_equal(store_user_find(p->store, SLICE_NONE, SLICE_LIT("1000"), &back), 0);
    assert_int_equal(store_user_find(p->store, SLICE_NONE, SLICE_LIT("1001"), &back), STORE_NONE);
    assert_int_equal(store_user_find(p->store, SLICE_LIT("x"), SLICE_LIT("1000"), &back),
                     STORE_NONE);
}

/* RFC 7616 s.3.9.1 and RFC 2617's H(A1) formula with known values. */
static void ha1_is_that_of_the_rfc(void **state)
{
    (void)state;
    struct store_user u = {0};
    static const uint8_t md5[] = {0x93, 0x9e, 0x75, 0x78, 0xed, 0x9e, 0x3c, 0x51,
                                  0x8a, 0x45, 0x2a, 0xce, 0xe7, 0x63, 0xbc, 0xe9};
    (void)snprintf(u.name, sizeof(u.name), "Mufasa");
    (void)snprintf(u.domain, sizeof(u.domain), "testrealm@host.com");
    assert_int_equal(store_user_set_password(&u, SLICE_LIT("Circle Of Life"), true), 0);
    assert_int_equal(u.ha1_md5.n, 16);
    assert_memory_equal(u.ha1_md5.b, md5, 16);
    assert_int_equal(u.ha1_sha256.n, 32);
    assert_int_equal(store_user_set_password(&u, SLICE_LIT("x"), false), 0);
    assert_int_equal(u.ha1_md5.n, 0);

    char longest[STORE_PASSWORD_MAX + 1];
    memset(longest, 'a', sizeof(longest));
    assert_int_equal(store_user_set_password(&u, slice_from(longest, STORE_PASSWORD_MAX), true), 0);
    assert_int_equal(store_user_set_password(&u, slice_from(longest, sizeof(longest)), true),
                     -EMSGSIZE);
}

static void policy_inherits(void **state)
{
    struct place *p = *state;
    struct store_domain d = {.name = "a.example"};
    d.own.said = STORE_POLICY_PROTECTION | STORE_POLICY_KEYINGS | STORE_POLICY_TRANSPORTS;
    d.own.protection = PROTECTION_PREFERRED;
    d.own.keying_count = 1;
    d.own.keyings[0] = KEYING_ZRTP;
    d.own.transports = STORE_UDP | STORE_TLS;
    assert_int_equal(store_domain_add(p->store, &d), 0);
    struct store_user u = make_user("a.example", "ann"), back;
    u.own.said = STORE_POLICY_PROTECTION;
    u.own.protection = PROTECTION_REQUIRED;
    assert_int_equal(store_user_add(p->store, &u), 0);
    assert_int_equal(store_user_find(p->store, SLICE_NONE, SLICE_LIT("ann"), &back), 0);
    assert_int_equal(back.policy.protection, PROTECTION_REQUIRED); /* user */
    assert_int_equal(back.policy.keying_count, 1);                 /* domain */
    assert_int_equal(back.policy.keyings[0], KEYING_ZRTP);
    assert_int_equal(back.policy.transports, STORE_UDP | STORE_TLS);
    assert_int_equal(back.policy.media_path, MEDIA_PATH_RELAY); /* built in */
    assert_int_equal(back.policy.suite_count, 0);
    assert_false(back.policy.require_peer);
    assert_int_equal(back.policy.tell, STORE_TELL_ALL);
    assert_int_equal(back.policy.announce, STORE_ANNOUNCE_OFF);

    /* Said and empty is not the same as not said. */
    u.own.said |= STORE_POLICY_KEYINGS;
    u.own.keying_count = 0;
    assert_int_equal(store_user_set(p->store, &u), 0);
    assert_int_equal(store_user_find(p->store, SLICE_NONE, SLICE_LIT("ann"), &back), 0);
    assert_int_equal(back.policy.keying_count, 0);
}

static void one_domain_is_the_default(void **state)
{
    struct place *p = *state;
    struct store_domain d;
    assert_int_equal(store_domain_default(p->store, &d), STORE_NONE);
    add_domain(p->store, "one.example");
    add_domain(p->store, "two.example");
    assert_int_equal(store_domain_default(p->store, &d), 0);
    assert_string_equal(d.name, "one.example");
    assert_int_equal(store_domain_find(p->store, SLICE_LIT("two.example"), &d), 0);
    assert_false(d.is_default);
    assert_int_equal(store_domain_add(p->store, &d), STORE_EXISTS);
    d.is_default = true;
    assert_int_equal(store_domain_add(p->store, &d), STORE_EXISTS);
    assert_int_equal(store_domain_default(p->store, &d), 0);
    assert_string_equal(d.name, "one.example"); /* the failed add was undone wholly */

    assert_int_equal(store_domain_find(p->store, SLICE_LIT("two.example"), &d), 0);
    d.is_default = true;
    assert_int_equal(store_domain_set(p->store, &d), 0);
    assert_int_equal(store_domain_find(p->store, SLICE_LIT("one.example"), &d), 0);
    assert_false(d.is_default);
    assert_int_equal(store_domain_set(p->store, &d), 0); /* two remains it */
    assert_int_equal(store_domain_del(p->store, SLICE_LIT("TWO.example")), 0);
    assert_int_equal(store_domain_default(p->store, &d), 0);
    assert_string_equal(d.name, "one.example");
    (void)snprintf(d.name, sizeof(d.name), "none.example");
    assert_int_equal(store_domain_set(p->store, &d), STORE_NONE);
    assert_int_equal(store_domain_default(p->store, &d), 0);
    assert_int_equal(store_domain_del(p->store, SLICE_LIT("none.example")), STORE_NONE);
}

static void domain_with_users_stays(void **state)
{
    struct place *p = *state;
    struct store_domain d;
    add_domain(p->store, "a.example");
    struct store_user u = make_user("a.example", "ann");
    assert_int_equal(store_user_add(p->store, &u), 0);
    assert_int_equal(store_domain_find(p->store, SLICE_LIT("a.example"), &d), 0);
    assert_int_equal(d.users, 1);
    assert_int_equal(store_domain_del(p->store, SLICE_LIT("a.example")), STORE_IN_USE);
    assert_int_equal(store_user_del(p->store, SLICE_NONE, SLICE_LIT("ann")), 0);
    assert_int_equal(store_user_del(p->store, SLICE_NONE, SLICE_LIT("ann")), STORE_NONE);
    assert_int_equal(store_domain_del(p->store, SLICE_LIT("a.example")), 0);
    assert_int_equal(store_user_add(p->store, &u), STORE_NO_DOMAIN);
    assert_int_equal(store_user_set(p->store, &u), STORE_NONE);
}

static int collect(void *arg, const struct store_user *u)
{
    buf_printf(arg, "%s@%s ", u->name, u->domain);
    return strcmp(u->name, "stop") == 0 ? 42 : 0;
}

static void users_come_in_order(void **state)
{
    struct place *p = *state;
    char room[256];
    struct buf b = buf_over(room, sizeof(room));
    static const char *const names[] = {"1000", "200", "stop"};
    add_domain(p->store, "b.example");
    add_domain(p->store, "a.example");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct store_user u = make_user("a.example", names[i]);
        assert_int_equal(store_user_add(p->store, &u), 0);
    }
    struct store_user u = make_user("b.example", "1000");
    assert_int_equal(store_user_add(p->store, &u), 0);
    assert_int_equal(store_user_each(p->store, SLICE_LIT("b.example"), collect, &b), 0);
    buf_put_char(&b, '|');
    assert_int_equal(store_user_each(p->store, SLICE_NONE, collect, &b), 42);
    buf_put_char(&b, 0);
    assert_string_equal(room, "1000@b.example |200@a.example 1000@a.example stop@a.example ");
}

/* --- bindings --- */

static struct store_binding_op put_op(uint64_t id, const char *aor, uint64_t expires)
{
    return (struct store_binding_op){
        .b = {.id = id,
              .aor = slice_from_str(aor),
              .contact = SLICE_LIT("sip:1000@192.0.2.7:50612;transport=tls"),
              .call_id = SLICE_LIT("abc@192.0.2.7"),
              .path = SLICE_LIT("<sip:edge;lr>"),
              .instance = SLICE_LIT("<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"),
              .user_agent = SLICE_LIT("phone/1"),
              .created = 1700000000,
              .expires = expires,
              .cseq = 4294967295u,
              .reg_id = 1,
              .ice = true,
              .q = 1000,
              .transport = 2,
              .listener = 1,
              .conn = 1ull << 62}};
}

struct seen {
    size_t n;
    struct store_binding last;
    char aor[64];
};

static int see(void *arg, const struct store_binding *b)
{
    struct seen *seen = arg;
    seen->n++;
    seen->last = *b;
    assert_true(slice_to_str(b->aor, seen->aor, sizeof(seen->aor)));
    return 0;
}

static void bindings_come_back(void **state)
{
    struct place *p = *state;
    struct seen seen = {0};
    struct store_binding_op ops[] = {put_op(1, "gone@a", 1800),
                                     put_op(2, "old@a", 999),
                                     put_op(3, "1000@a", 2000),
                                     {.del = true, .b = {.id = 1}}};
    assert_int_equal(addr_parse(SLICE_LIT("192.0.2.7"), 50612, &ops[2].b.remote), 0);
    assert_int_equal(addr_parse(SLICE_LIT("2001:db8::1"), 5061, &ops[2].b.local), 0);
    assert_int_equal(store_bindings_write(p->store, ops, ARRAY_LEN(ops)), 0);
    assert_int_equal(store_bindings_load(p->store, 1000, see, &seen), 0);
    assert_int_equal(seen.n, 1);
    assert_string_equal(seen.aor, "1000@a");
    assert_int_equal(seen.last.id, 3);
    assert_int_equal(seen.last.expires, 2000);
    assert_int_equal(seen.last.cseq, 4294967295u);
    assert_true(seen.last.conn == 1ull << 62);
    assert_true(seen.last.ice);
    assert_true(addr_eq(&seen.last.remote, &ops[2].b.remote));
    assert_true(addr_eq(&seen.last.local, &ops[2].b.local));

    ops[2].b.expires = 3000; /* the same number: replaced */
    assert_int_equal(store_bindings_write(p->store, &ops[2], 1), 0);
    memset(&seen, 0, sizeof(seen));
    assert_int_equal(store_bindings_load(p->store, 2500, see, &seen), 0);
    assert_int_equal(seen.n, 1);
    assert_int_equal(seen.last.expires, 3000);
    assert_int_equal(store_bindings_write(p->store, NULL, 0), 0);
}

static void batch_is_all_or_nothing(void **state)
{
    struct place *p = *state;
    struct seen seen = {0};
    char text[STORE_TEXT_MAX + 1];
    memset(text, 'x', sizeof(text));
    struct store_binding_op ops[] = {put_op(1, "a@a", 2000), put_op(2, "b@a", 2000)};
    ops[1].b.contact = slice_from(text, STORE_TEXT_MAX + 1);
    assert_int_equal(store_bindings_write(p->store, ops, 2), -EMSGSIZE);
    assert_int_equal(store_bindings_load(p->store, 1000, see, &seen), 0);
    assert_int_equal(seen.n, 0);
    ops[1].b.contact = slice_from(text, STORE_TEXT_MAX);
    assert_int_equal(store_bindings_write(p->store, ops, 2), 0);
    assert_int_equal(store_bindings_load(p->store, 1000, see, &seen), 0);
    assert_int_equal(seen.n, 2);
}

static void bindings_go_with_their_user(void **state)
{
    struct place *p = *state;
    struct seen seen = {0};
    add_domain(p->store, "a.example");
    struct store_user u = make_user("a.example", "ann");
    assert_int_equal(store_user_add(p->store, &u), 0);
    struct store_binding_op ops[] = {put_op(1, "ann@a.example", 2000),
                                     put_op(2, "bob@a.example", 2000)};
    assert_int_equal(store_bindings_write(p->store, ops, 2), 0);
    assert_int_equal(store_user_del(p->store, SLICE_LIT("a.example"), SLICE_LIT("ann")), 0);
    assert_int_equal(store_bindings_load(p->store, 1000, see, &seen), 0);
    assert_int_equal(seen.n, 1);
    assert_string_equal(seen.aor, "bob@a.example");
}

/* --- two connections, settings --- */

static void another_connection_is_noticed(void **state)
{
    struct place *p = *state;
    struct store *other;
    struct store_domain d;
    char err[STORE_ERROR_MAX], data[80];
    uint32_t before, after;
    (void)snprintf(data, sizeof(data), "%s/data", p->dir);
    assert_int_equal(store_open_data(data, err, &other), 0);
    assert_int_equal(store_data_version(p->store, &before), 0);
    assert_int_equal(store_data_version(p->store, &after), 0);
    assert_int_equal(before, after);
    add_domain(other, "a.example");
    assert_int_equal(store_data_version(p->store, &after), 0);
    assert_int_not_equal(before, after);
    assert_int_equal(store_domain_default(p->store, &d), 0);
    store_leave_checkpoints(p->store);
    assert_int_equal(store_checkpoint(other), 0);
    store_close(other);
}

static void settings_are_bounded(void **state)
{
    struct place *p = *state;
    char value[STORE_SETTING_MAX + 1], back[STORE_SETTING_MAX];
    size_t n;
    memset(value, 0, sizeof(value));
    assert_int_equal(store_setting_get(p->store, SLICE_LIT("k"), back, sizeof(back), &n),
                     STORE_NONE);
    assert_int_equal(store_setting_set(p->store, SLICE_LIT("k"), slice_from(value, sizeof(value))),
                     -EMSGSIZE);
    assert_int_equal(store_setting_set(p->store, SLICE_LIT("k"), slice_from(value, sizeof(back))),
                     0);
    assert_int_equal(store_setting_get(p->store, SLICE_LIT("k"), back, sizeof(back), &n), 0);
    assert_int_equal(n, sizeof(back));
    assert_int_equal(store_setting_get(p->store, SLICE_LIT("k"), back, 10, &n), -EMSGSIZE);
    assert_int_equal(store_setting_set(p->store, SLICE_LIT("k"), SLICE_NONE), 0);
    assert_int_equal(store_setting_get(p->store, SLICE_LIT("k"), back, 10, &n), 0);
    assert_int_equal(n, 0);
}

/* --- what goes wrong with files --- */

static void key_path(const struct place *p, char path[128])
{
    (void)snprintf(path, 128, "%s/data/tls/seal.key", p->dir);
}

static void spoil(const char *path, off_t at, const char *text)
{
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_true(pwrite(fd, text, strlen(text), at) == (ssize_t)strlen(text));
    close(fd);
}

static void wrong_key_is_told(void **state)
{
    struct place *p = *state;
    char err[STORE_ERROR_MAX], path[128], moved[160];
    key_path(p, path);
    spoil(path, 0, "other");
    assert_int_equal(reopen(p, err), -EKEYREJECTED);
    assert_non_null(strstr(err, "another sealing key"));

    (void)snprintf(moved, sizeof(moved), "%s.old", path);
    assert_int_equal(rename(path, moved), 0);
    assert_int_equal(reopen(p, err), -EKEYREJECTED);
    assert_non_null(strstr(err, "seal.key is missing"));
    assert_int_equal(access(path, F_OK), -1); /* never made anew for an old store */

    assert_int_equal(rename(moved, path), 0);
    assert_int_equal(truncate(path, STORE_SEAL_KEY_LEN - 1), 0);
    assert_int_equal(reopen(p, err), -EKEYREJECTED);
    assert_non_null(strstr(err, "exactly 32 bytes"));
    spoil(path, STORE_SEAL_KEY_LEN - 1, "xx");
    assert_int_equal(reopen(p, err), -EKEYREJECTED);
    assert_non_null(strstr(err, "exactly 32 bytes"));
}

static void damaged_file_is_told_and_left(void **state)
{
    struct place *p = *state;
    char err[STORE_ERROR_MAX];
    struct stat before, after;
    p->store = store_close(p->store);
    spoil(p->db, 0, "this is no database at all");
    assert_int_equal(stat(p->db, &before), 0);
    assert_int_equal(reopen(p, err), -EUCLEAN);
    assert_non_null(strstr(err, "damaged"));
    assert_non_null(strstr(err, p->db));
    assert_int_equal(stat(p->db, &after), 0);
    assert_int_equal(before.st_size, after.st_size);
}

static void sql(const struct place *p, const char *text)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(p->db, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void newer_schema_is_refused(void **state)
{
    struct place *p = *state;
    char err[STORE_ERROR_MAX];
    p->store = store_close(p->store);
    sql(p, "PRAGMA user_version = 99");
    assert_int_equal(reopen(p, err), -EPROTO);
    assert_non_null(strstr(err, "newer sotto"));
}

static void secret_is_bound_to_its_user(void **state)
{
    struct place *p = *state;
    struct store_user back;
    add_domain(p->store, "a.example");
    struct store_user ann = make_user("a.example", "ann"), bob = make_user("a.example", "bob");
    assert_int_equal(store_user_add(p->store, &ann), 0);
    assert_int_equal(store_user_add(p->store, &bob), 0);
    sql(p, "UPDATE user SET ha1_sha256 = (SELECT ha1_sha256 FROM user WHERE name = 'bob')"
           " WHERE name = 'ann'");
    assert_int_equal(store_user_find(p->store, SLICE_NONE, SLICE_LIT("ann"), &back), -EKEYREJECTED);
    assert_non_null(strstr(store_error(p->store), "ann@a.example"));
    assert_int_equal(store_user_find(p->store, SLICE_NONE, SLICE_LIT("bob"), &back), 0);
}

/* A full disk, by way of a limit on the size of files. */
static void full_disk_loses_nothing(void **state)
{
    struct place *p = *state;
    struct seen seen = {0};
    struct rlimit old, small;
    char text[STORE_TEXT_MAX];
    memset(text, 'x', sizeof(text));
    static struct store_binding_op ops[200];
    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        ops[i] = put_op(i + 2, "a@a", 2000);
        ops[i].b.contact = slice_from(text, sizeof(text));
    }
    struct store_binding_op first = put_op(1, "first@a", 2000);
    assert_int_equal(store_bindings_write(p->store, &first, 1), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 200 * 1024;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int r = store_bindings_write(p->store, ops, ARRAY_LEN(ops));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_true(r < 0);
    assert_true(strlen(store_error(p->store)) > 10);
    assert_int_equal(store_bindings_load(p->store, 1000, see, &seen), 0);
    assert_int_equal(seen.n, 1);
    assert_int_equal(store_bindings_write(p->store, ops, ARRAY_LEN(ops)), 0); /* space again */
}

static void missing_parent_is_told(void **state)
{
    (void)state;
    char err[STORE_ERROR_MAX];
    struct store *s;
    assert_int_equal(store_open_data("/nonexistent/a/b", err, &s), -ENOENT);
    assert_non_null(strstr(err, "/nonexistent/a/b"));
}

/* --- ZRTP --- */

static void zrtp_secrets_are_kept_sealed(void **state)
{
    struct place *p = *state;
    struct store_zrtp z = {.zid = "another zid", .verified = true, .updated = 7}, back;
    uint8_t own[STORE_ZID_LEN], again[STORE_ZID_LEN], none[STORE_ZID_LEN] = {0};

    assert_int_equal(store_zrtp_own(p->store, own), 0);
    assert_int_equal(store_zrtp_own(p->store, again), 0);
    assert_memory_equal(own, again, sizeof(own));
    assert_memory_not_equal(own, none, sizeof(own));
    assert_int_equal(store_zrtp_find(p->store, z.zid, &back), STORE_NONE);
    assert_int_equal(secret_set(&z.secret[0], "the secret of the last call....", 32), 0);
    assert_int_equal(secret_set(&z.secret[2], "the secret of an enrolled one..", 32), 0);
    assert_int_equal(store_zrtp_save(p->store, &z), 0);
    assert_int_equal(store_zrtp_find(p->store, z.zid, &back), 0);
    assert_true(back.verified);
    assert_int_equal(back.secret[1].n, 0);
    assert_memory_equal(back.secret[0].b, z.secret[0].b, 32);
    assert_memory_equal(back.secret[2].b, z.secret[2].b, 32);
    z.verified = false;
    assert_int_equal(store_zrtp_save(p->store, &z), 0);
    assert_int_equal(store_zrtp_find(p->store, z.zid, &back), 0);
    assert_false(back.verified);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(modes_are_private, setup, teardown),
        cmocka_unit_test_setup_teardown(user_comes_back_as_written, setup, teardown),
        cmocka_unit_test(ha1_is_that_of_the_rfc),
        cmocka_unit_test_setup_teardown(policy_inherits, setup, teardown),
        cmocka_unit_test_setup_teardown(one_domain_is_the_default, setup, teardown),
        cmocka_unit_test_setup_teardown(domain_with_users_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(users_come_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(bindings_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(batch_is_all_or_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(bindings_go_with_their_user, setup, teardown),
        cmocka_unit_test_setup_teardown(another_connection_is_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(settings_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(zrtp_secrets_are_kept_sealed, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_key_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_file_is_told_and_left, setup, teardown),
        cmocka_unit_test_setup_teardown(newer_schema_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(secret_is_bound_to_its_user, setup, teardown),
        cmocka_unit_test_setup_teardown(full_disk_loses_nothing, setup, teardown),
        cmocka_unit_test(missing_parent_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
