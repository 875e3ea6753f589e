/* MIKEY under a pre-shared key: vectors that were made from the RFC's text by other code, both sides,
 * and what a peer or somebody between may try. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "keying/negotiate.h"

#define NOW 1700000000u

static struct mikey_seen *seen[2];
static struct keying_local local[2];
static struct mikey_terms terms[2];

enum { SERVER, PHONE };

/* A server and a phone that have a key in common. */
static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        if (mikey_seen_new(NOW - 1, &seen[i]) < 0)
            return -1;
        local[i] = (struct keying_local){.mikey_seen = seen[i]};
        terms[i] = (struct mikey_terms){.unix_s = NOW, .call = 7 + i};
        terms[i].psk.n = 32;
        memset(terms[i].psk.b, 0x51, terms[i].psk.n);
        (void)snprintf(terms[i].self, MIKEY_NAME_MAX,
                       i == PHONE ? "1000@example.org" : "example.org");
        (void)snprintf(terms[i].peer, MIKEY_NAME_MAX,
                       i == PHONE ? "example.org" : "1000@example.org");
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    seen[0] = mikey_seen_free(seen[0]);
    seen[1] = mikey_seen_free(seen[1]);
    return 0;
}

static struct keying_policy policy(int who)
{
    return (struct keying_policy){.protection = PROTECTION_REQUIRED,
                                  .keying_count = 1,
                                  .keyings = {KEYING_MIKEY},
                                  .local = &local[who],
                                  .mikey = &terms[who]};
}

struct side {
    int who;
    struct keying_policy p;
    struct keying_state s;
    struct keying_result r;
    char text[2048];
    struct buf b;
};

static struct side side(int who)
{
    return (struct side){.who = who, .p = policy(who)};
}

static void keep(struct side *x, struct keying_state *next)
{
    x->s = *next;
    keying_state_wipe(next);
}

static int offer(struct side *x)
{
    struct keying_state next;
    x->b = buf_over(x->text, sizeof(x->text));
    int v = keying_local_offer(&x->s, &x->p, &x->b, &next, &x->r);
    if (v == KEYING_OK)
        keep(x, &next);
    return v;
}

static int answer(struct side *x, struct slice text)
{
    struct keying_state next;
    x->b = buf_over(x->text, sizeof(x->text));
    int v = keying_remote_offer(&x->s, &x->p, KEYING_SAVP, text, &x->b, &next, &x->r);
    if (v == KEYING_OK)
        keep(x, &next);
    return v;
}

static int accept(struct side *x, struct slice text)
{
    struct keying_state next;
    int v = keying_remote_answer(&x->s, &x->p, KEYING_SAVP, text, &next, &x->r);
    if (v == KEYING_OK)
        keep(x, &next);
    return v;
}

static void assert_agreed(const struct side *a, const struct side *b)
{
    assert_true(keying_keys_eq(&a->s.tx, &b->s.rx) && keying_keys_eq(&a->s.rx, &b->s.tx));
    assert_false(keying_keys_eq(&a->s.tx, &a->s.rx));
}

static void assert_refused(struct side *x, int v, const char *why)
{
    assert_int_equal(v, KEYING_BAD_TEXT);
    if (!strstr(x->r.why, why))
        fail_msg("\"%s\" and not \"%s\"", x->r.why, why);
}

/* The bytes of a line of ours, and back. */
static size_t bytes_of(struct slice text, uint8_t *ret, size_t cap)
{
    size_t n = 0;
    struct slice value = slice_trim(text);
    (void)slice_cut(&value, ' ');
    assert_int_equal(crypto_base64_get(value, ret, cap, &n), 0);
    return n;
}

static struct slice line_of(const uint8_t *bytes, size_t n, const char *name)
{
    static char line[2048];
    char base64[1500];
    size_t len = 0;
    crypto_base64_put(slice_from(bytes, n), base64, sizeof(base64), &len);
    int r = snprintf(line, sizeof(line), "a=%s:mikey %.*s\r\n", name, (int)len, base64);
    return slice_from(line, (size_t)r);
}

/* --- vectors ------------------------------------------------------------------------------------- */

/* Made by a script of its own, from RFC 3830 s.4.1.2 to 4.1.4, 4.2.3, 5.2 and 6. */
static const char init_text[] = "AQAFgAECAwQCAAAAAAAAAAAAAAAAAAAAAAAAAAsAiJmqu8zd7v8GEAABAgMEBQYHCA"
                                "kKCwwNDg8GAQAUc2lwOjEwMDBAZXhh"
                                "bXBsZS5vcmcKAQAPc2lwOmV4YW1wbGUub3JnAQAAABsAAQEBARACAQEDARQEAQ4HAQ"
                                "EIAQEKAQELAQoAAQAkgiyiZcGNic1C"
                                "/jOLUoFPnxYngqP3Uq67xwNjQdediWA/ks9VATDnL8mRR5Dq5C3TOE687TKzaaEW";
static const char resp_text[] =
    "AQEFAAECAwQCAAAAAAAAAAAAAAAAAAAAAAAAAAkAiJmqu8zd7v8AAXHGDUKk0R+joD0VecZEJP1LwkGX";

static void put_range(uint8_t *p, uint8_t from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(from + i);
}

static void the_vectors_come_out(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "93b40351d194bcb02c5b3473da5e2f51b0566f7d645b88475e90844268f9",
        "204a4db266958fbe21e93b5b6cb76fef30d2318ead7f0f82d4879db2a639"};
    uint8_t bytes[512], reply[256], room[512], out[512], tgk[32], rand[16];
    struct secret psk = {.n = 32};
    struct mikey_msg m, r;
    struct srtp_keys k;
    char hex[128];
    size_t n = 0, reply_n = 0;

    put_range(psk.b, 0x40, psk.n);
    put_range(tgk, 0xa0, sizeof(tgk));
    put_range(rand, 0, sizeof(rand));
    assert_int_equal(crypto_base64_get(slice_from_str(init_text), bytes, sizeof(bytes), &n), 0);
    assert_int_equal(crypto_base64_get(slice_from_str(resp_text), reply, sizeof(reply), &reply_n),
                     0);
    assert_int_equal(mikey_parse(slice_from(bytes, n), &m), MIKEY_OK);
    assert_true(mikey_mac_fits(&m, &psk, NULL));
    assert_int_equal(mikey_kemac_open(&m, &psk, room), MIKEY_OK);
    assert_true(slice_eq(m.key, slice_from(tgk, sizeof(tgk))));
    for (uint8_t cs = 1; cs <= 2; cs++) {
        assert_int_equal(mikey_suite_of(&m, cs), SRTP_AES_CM_128_HMAC_SHA1_80);
        mikey_srtp_keys(&m, SRTP_AES_CM_128_HMAC_SHA1_80, cs, &k);
        struct buf b = buf_over(hex, sizeof(hex));
        buf_put_hex(&b, k.master.b, k.master.n);
        assert_true(slice_eq_str(buf_slice(&b), keys[cs - 1]));
    }
    assert_int_equal(mikey_parse(slice_from(reply, reply_n), &r), MIKEY_OK);
    assert_true(mikey_mac_fits(&r, &psk, &m));
    /* and what we print of the same is the same */
    struct buf b = buf_over(out, sizeof(out));
    mikey_print(&m, &(struct mikey_seal){.key = &psk}, &b);
    assert_true(slice_eq(buf_slice(&b), slice_from(bytes, n)));
    b = buf_over(out, sizeof(out));
    mikey_print(&r, &(struct mikey_seal){.key = &psk, .init = &m}, &b);
    assert_true(slice_eq(buf_slice(&b), slice_from(reply, reply_n)));
}

static void gcm_is_said_as_rfc_7714_has_it(void **state)
{
    (void)state;
    static const uint8_t suites[] = {SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_256_GCM,
                                     SRTP_AES_192_CM_HMAC_SHA1_32, SRTP_AES_256_CM_HMAC_SHA1_80};
    for (size_t i = 0; i < sizeof(suites); i++) {
        struct side a = side(PHONE), b = side(SERVER);
        a.p.suite_count = 1;
        a.p.suites[0] = suites[i];
        assert_int_equal(offer(&a), KEYING_OK);
        assert_int_equal(answer(&b, buf_slice(&a.b)), KEYING_OK);
        assert_int_equal(accept(&a, buf_slice(&b.b)), KEYING_OK);
        assert_agreed(&a, &b);
        assert_int_equal(b.s.tx.suite, suites[i]);
        terms[PHONE].call++;
        terms[SERVER].call++;
    }
}

/* --- both sides ---------------------------------------------------------------------------------- */

static void call_with(int first)
{
    struct side a = side(first), b = side(1 - first);

    assert_int_equal(offer(&a), KEYING_OK);
    assert_int_equal(a.r.proto, KEYING_SAVP);
    assert_int_equal(answer(&b, buf_slice(&a.b)), KEYING_OK);
    assert_int_equal(accept(&a, buf_slice(&b.b)), KEYING_OK);
    assert_agreed(&a, &b);
    /* a renewed offer of the same keys is a newer message, and changes nothing … */
    struct srtp_keys before = a.s.tx;
    assert_int_equal(offer(&a), KEYING_OK);
    assert_int_equal(answer(&b, buf_slice(&a.b)), KEYING_OK);
    assert_false(b.r.tx_key_changed || b.r.rx_key_changed);
    assert_int_equal(accept(&a, buf_slice(&b.b)), KEYING_OK);
    assert_true(keying_keys_eq(&before, &a.s.tx));
    /* … and the other side's brings new keys, whose sessions have changed sides */
    assert_int_equal(offer(&b), KEYING_OK);
    assert_int_equal(answer(&a, buf_slice(&b.b)), KEYING_OK);
    assert_int_equal(accept(&b, buf_slice(&a.b)), KEYING_OK);
    assert_agreed(&a, &b);
    assert_false(keying_keys_eq(&before, &a.s.tx) || keying_keys_eq(&before, &a.s.rx));
}

static void a_phone_calls(void **state)
{
    (void)state;
    call_with(PHONE);
}

static void a_phone_is_called(void **state)
{
    (void)state;
    call_with(SERVER);
}

/* RFC 4567: each m-line has two sessions of the one message. */
static void a_message_of_the_session_keys_each_line_by_its_own(void **state)
{
    (void)state;
    struct side a = side(PHONE), b = side(SERVER), again = side(SERVER);
    uint8_t bytes[512], out[1024];
    struct mikey_msg m;
    uint8_t room[512];

    assert_int_equal(offer(&a), KEYING_OK);
    size_t n = bytes_of(buf_slice(&a.b), bytes, sizeof(bytes));
    struct slice line = line_of(bytes, n, "session-key-mgmt");
    terms[SERVER].stream = 1;
    assert_refused(&b, answer(&b, line), "no crypto sessions for this m-line");
    terms[SERVER].stream = 0;
    assert_int_equal(answer(&b, line), KEYING_OK);
    assert_true(slice_starts_with(buf_slice(&b.b), SLICE_LIT("a=session-key-mgmt:mikey ")));

    assert_int_equal(mikey_parse(slice_from(bytes, n), &m), MIKEY_OK);
    assert_int_equal(mikey_kemac_open(&m, &terms[PHONE].psk, room), MIKEY_OK);
    m.cs_count = 4;
    m.time++;
    struct buf w = buf_over(out, sizeof(out));
    mikey_print(&m, &(struct mikey_seal){.key = &terms[PHONE].psk}, &w);
    line = line_of(out, w.n, "session-key-mgmt");
    assert_int_equal(answer(&again, line), KEYING_OK);
    assert_true(keying_keys_eq(&again.s.rx, &b.s.rx));
    terms[SERVER].stream = 1;
    b = side(SERVER);
    assert_int_equal(answer(&b, line), KEYING_OK);
    assert_false(keying_keys_eq(&again.s.rx, &b.s.rx) || keying_keys_eq(&again.s.tx, &b.s.rx));
    assert_false(keying_keys_eq(&again.s.tx, &b.s.tx));
}

/* --- what is refused ----------------------------------------------------------------------------- */

static void a_message_without_the_key_is_refused(void **state)
{
    (void)state;
    struct side a = side(PHONE), b = side(SERVER);

    terms[PHONE].psk.b[3] ^= 1;
    assert_int_equal(offer(&a), KEYING_OK);
    assert_refused(&b, answer(&b, buf_slice(&a.b)), "does not fit the user's pre-shared key");
    /* with none at all: in clear, which a user that has a key may not */
    terms[PHONE].psk.n = 0;
    a = side(PHONE);
    assert_int_equal(offer(&a), KEYING_NO_COMMON_KEYING); /* nor does it offer that without TLS */
    terms[PHONE].clear_allowed = terms[SERVER].clear_allowed = true;
    assert_int_equal(offer(&a), KEYING_OK);
    assert_refused(&b, answer(&b, buf_slice(&a.b)), "not authenticated");
    terms[SERVER].psk.n = 0;
    assert_int_equal(answer(&b, buf_slice(&a.b)), KEYING_OK);
    terms[SERVER].clear_allowed = false;
    b = side(SERVER);
    assert_refused(&b, answer(&b, buf_slice(&a.b)), "in clear, and so has the signalling");
    /* one that is under a key, to somebody without */
    terms[PHONE].psk.n = 32;
    a = side(PHONE);
    assert_int_equal(offer(&a), KEYING_OK);
    assert_refused(&b, answer(&b, buf_slice(&a.b)), "none is known here");
}

/* Every bit of a message is under its MAC. */
static void a_changed_message_is_refused(void **state)
{
    (void)state;
    struct side a = side(PHONE);
    uint8_t bytes[512];

    assert_int_equal(offer(&a), KEYING_OK);
    size_t n = bytes_of(buf_slice(&a.b), bytes, sizeof(bytes));
    for (size_t i = 0; i < n * 8; i++) {
        struct side b = side(SERVER);
        bytes[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(answer(&b, line_of(bytes, n, "key-mgmt")), KEYING_OK);
        bytes[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t cut = 0; cut < n; cut++) {
        struct side b = side(SERVER);
        assert_int_not_equal(answer(&b, line_of(bytes, cut, "key-mgmt")), KEYING_OK);
    }
    struct side b = side(SERVER);
    assert_int_equal(answer(&b, line_of(bytes, n, "key-mgmt")), KEYING_OK);
}

static void a_changed_answer_is_refused(void **state)
{
    (void)state;
    struct side a = side(PHONE), b = side(SERVER);
    uint8_t bytes[512];

    assert_int_equal(offer(&a), KEYING_OK);
    assert_int_equal(answer(&b, buf_slice(&a.b)), KEYING_OK);
    size_t n = bytes_of(buf_slice(&b.b), bytes, sizeof(bytes));
    for (size_t i = 0; i < n * 8; i++) {
        bytes[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(accept(&a, line_of(bytes, n, "key-mgmt")), KEYING_OK);
        bytes[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t cut = 0; cut < n; cut++)
        assert_int_not_equal(accept(&a, line_of(bytes, cut, "key-mgmt")), KEYING_OK);
    /* one that leaves the proof out */
    struct mikey_msg r;
    uint8_t out[256];
    struct buf w = buf_over(out, sizeof(out));
    assert_int_equal(mikey_parse(slice_from(bytes, n), &r), MIKEY_OK);
    mikey_print(&r, &(struct mikey_seal){0}, &w);
    assert_refused(&a, accept(&a, line_of(out, w.n, "key-mgmt")), "does not prove");
    assert_int_equal(accept(&a, line_of(bytes, n, "key-mgmt")), KEYING_OK);
    assert_agreed(&a, &b);
}

static void a_message_of_another_user_is_refused(void **state)
{
    (void)state;
    struct side a = side(PHONE), b = side(SERVER), c = side(SERVER);

    (void)snprintf(terms[PHONE].self, MIKEY_NAME_MAX, "1001@example.org");
    assert_int_equal(offer(&a), KEYING_OK);
    assert_refused(&b, answer(&b, buf_slice(&a.b)), "of another than the user");
    /* our own, sent back to us */
    assert_int_equal(offer(&b), KEYING_OK);
    assert_refused(&c, answer(&c, buf_slice(&b.b)), "of another than the user");
}

static void a_replay_is_refused(void **state)
{
    (void)state;
    struct side a = side(PHONE), b = side(SERVER), other = side(SERVER);
    char first[2048];

    assert_int_equal(offer(&a), KEYING_OK);
    memcpy(first, a.text, sizeof(first));
    struct slice old = slice_from(first, a.b.n);
    assert_int_equal(answer(&b, old), KEYING_OK);
    /* the same offer again, in the same call: asked about and then taken, or a refresh, even late */
    terms[SERVER].unix_s += 7200;
    assert_int_equal(answer(&b, old), KEYING_OK);
    assert_false(b.r.tx_key_changed);
    terms[SERVER].unix_s -= 7200;
    /* in another call */
    terms[SERVER].call++;
    assert_refused(&other, answer(&other, old), "a replay");
    terms[SERVER].call--;
    /* in the same, after another */
    a = side(PHONE);
    terms[PHONE].unix_s++;
    assert_int_equal(offer(&a), KEYING_OK);
    assert_int_equal(answer(&b, buf_slice(&a.b)), KEYING_OK);
    assert_refused(&b, answer(&b, old), "older than the one before");
}

static void a_time_that_is_far_is_refused(void **state)
{
    (void)state;
    struct side a = side(PHONE), b = side(SERVER);

    terms[PHONE].unix_s = NOW + MIKEY_WINDOW_S + 1;
    assert_int_equal(offer(&a), KEYING_OK);
    assert_refused(&b, answer(&b, buf_slice(&a.b)), "set the phone's clock");
    terms[PHONE].unix_s = NOW + MIKEY_WINDOW_S - 2;
    a = side(PHONE);
    assert_int_equal(offer(&a), KEYING_OK);
    assert_int_equal(answer(&b, buf_slice(&a.b)), KEYING_OK);
    /* before our memory begins */
    terms[PHONE].unix_s = NOW - 2;
    a = side(PHONE);
    b = side(SERVER);
    assert_int_equal(offer(&a), KEYING_OK);
    assert_refused(&b, answer(&b, buf_slice(&a.b)), "older than what is remembered");
}

/* --- the memory ---------------------------------------------------------------------------------- */

static bool take(uint64_t time, unsigned mac, uint64_t call)
{
    uint8_t bytes[MIKEY_MAC_LEN] = {(uint8_t)mac, (uint8_t)(mac >> 8)};
    const struct mikey_bearer by = {.call = call, .part = 1};
    return mikey_seen_take(seen[0], SLICE_LIT("1000@example.org"), slice_from(bytes, sizeof(bytes)),
                           time, &by, NOW);
}

static void the_memory_is_bounded_and_forgets_nothing_that_may_come(void **state)
{
    (void)state;
    const uint64_t t = mikey_ntp_of(NOW);

    for (unsigned i = 0; i < MIKEY_SEEN_WAYS; i++)
        assert_true(take(t + i, i, i));
    for (unsigned i = 0; i < MIKEY_SEEN_WAYS; i++) {
        assert_true(take(t + i, i, i));
        assert_false(take(t + i, i, 99));
    }
    /* one more: the oldest goes, and what is as old is not believed any more */
    assert_true(take(t + MIKEY_SEEN_WAYS, MIKEY_SEEN_WAYS, 99));
    assert_false(take(t, 0, 99));
    assert_false(take(t, 0, 0));
    assert_false(take(t, 500, 99));
    assert_false(take(t + 1, 1, 99));
    assert_true(take(t + MIKEY_SEEN_WAYS + 1, 501, 99));
    assert_false(take(t + 1, 1, 99));
}

/* Two processes, of which one dies while it holds the lock: what it has taken is taken. */
static void processes_share_the_memory(void **state)
{
    (void)state;
    const uint64_t t = mikey_ntp_of(NOW);
    int fd = memfd_create("seen", MFD_CLOEXEC), status;
    struct mikey_seen *own = seen[0];
    assert_int_equal(ftruncate(fd, (off_t)mikey_seen_size()), 0);
    void *memory = mmap(NULL, mikey_seen_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    assert_int_equal(mikey_seen_over(memory, fd, NOW, &seen[0]), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct mikey_seen *theirs;
        struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        bool ok = mikey_seen_over(memory, fd, NOW + 100, &theirs) == 0;
        seen[0] = theirs;
        ok = ok && take(t, 1, 7) && fcntl(fd, F_SETLK, &whole) == 0;
        raise(ok ? SIGKILL : SIGABRT);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WTERMSIG(status), SIGKILL);
    assert_false(take(t, 1, 8));
    assert_true(take(t, 1, 7));
    assert_true(take(t, 2, 8));
    assert_false(take(t - 1, 3, 8)); /* from before the first process */
    mikey_seen_free(seen[0]);
    seen[0] = own;
    munmap(memory, mikey_seen_size());
    close(fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_vectors_come_out),
        TEST(gcm_is_said_as_rfc_7714_has_it),
        TEST(a_phone_calls),
        TEST(a_phone_is_called),
        TEST(a_message_of_the_session_keys_each_line_by_its_own),
        TEST(a_message_without_the_key_is_refused),
        TEST(a_changed_message_is_refused),
        TEST(a_changed_answer_is_refused),
        TEST(a_message_of_another_user_is_refused),
        TEST(a_replay_is_refused),
        TEST(a_time_that_is_far_is_refused),
        TEST(processes_share_the_memory),
        TEST(the_memory_is_bounded_and_forgets_nothing_that_may_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
