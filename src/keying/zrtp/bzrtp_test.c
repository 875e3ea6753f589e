/* bzrtp (Linphone's ZRTP) as the other side: another's implementation to agree with. It is opened
 * at run time and used by this test alone, because it is under the GPL; without its headers at
 * build time or its library at run time the tests are skipped and say so. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#if __has_include(<bzrtp/bzrtp.h>)

#include <bzrtp/bzrtp.h>
#include <dlfcn.h>

#include "keying/zrtp/machine.h"
#include "keying/zrtp/rig.h"

#define SSRC 0xb2u

static struct {
    void *lib, *sqlite;
    int (*db_open)(const char *, void **);
    int (*db_close)(void *);
    bzrtpContext_t *(*create)(void);
    int (*init)(bzrtpContext_t *, uint32_t);
    int (*destroy)(bzrtpContext_t *, uint32_t);
    int (*set_callbacks)(bzrtpContext_t *, const bzrtpCallbacks_t *);
    int (*set_client_data)(bzrtpContext_t *, uint32_t, void *);
    int (*set_cache)(bzrtpContext_t *, void *, const char *, const char *, void *);
    int (*init_cache)(void *, void *);
    void (*set_types)(bzrtpContext_t *, uint8_t, uint8_t *, uint8_t);
    int (*add_channel)(bzrtpContext_t *, uint32_t);
    int (*start)(bzrtpContext_t *, uint32_t);
    int (*iterate)(bzrtpContext_t *, uint32_t, uint64_t);
    int (*process)(bzrtpContext_t *, uint32_t, uint8_t *, uint16_t);
    void (*verified)(bzrtpContext_t *);
    int (*peer_hash)(bzrtpContext_t *, uint32_t, uint8_t *, size_t);
    int (*self_hash)(bzrtpContext_t *, uint32_t, uint8_t *, size_t);
} lib;

static bool lib_open(void)
{
    static const struct {
        void *slot;
        const char *name;
    } symbols[] = {
        {&lib.db_open, "sqlite3_open"},
        {&lib.db_close, "sqlite3_close"},
        {&lib.create, "bzrtp_createBzrtpContext"},
        {&lib.init, "bzrtp_initBzrtpContext"},
        {&lib.destroy, "bzrtp_destroyBzrtpContext"},
        {&lib.set_callbacks, "bzrtp_setCallbacks"},
        {&lib.set_client_data, "bzrtp_setClientData"},
        {&lib.set_cache, "bzrtp_setZIDCache_lock"},
        {&lib.init_cache, "bzrtp_initCache_lock"},
        {&lib.set_types, "bzrtp_setSupportedCryptoTypes"},
        {&lib.add_channel, "bzrtp_addChannel"},
        {&lib.start, "bzrtp_startChannelEngine"},
        {&lib.iterate, "bzrtp_iterate"},
        {&lib.process, "bzrtp_processMessage"},
        {&lib.verified, "bzrtp_SASVerified"},
        {&lib.peer_hash, "bzrtp_setPeerHelloHash"},
        {&lib.self_hash, "bzrtp_getSelfHelloHash"},
    };

    lib.lib = dlopen("libbzrtp.so.0", RTLD_NOW | RTLD_LOCAL);
    lib.sqlite = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!lib.lib || !lib.sqlite)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
        void *from = strncmp(symbols[i].name, "sqlite3", 7) == 0 ? lib.sqlite : lib.lib;
        void *found = dlsym(from, symbols[i].name);
        if (!found)
            return false;
        memcpy(symbols[i].slot, &found, sizeof(found));
    }
    return true;
}

/* Our machine is side 0 of a rig; bzrtp stands where side 1 would. */
struct duo {
    struct rig rig;
    bzrtpContext_t *peer;
    uint32_t ssrc;
    void *db; /* bzrtp's cache, in memory */
    int secure, verified;
    bool mismatch;
    char sas[64];
    uint8_t key[2][32], salt[2][14]; /* its own, ours as it sees it */
    size_t key_len;
    uint64_t lost; /* bits: packets that do not arrive, from either side, in order */
    int sent;
};

static struct duo duo;

static bool is_lost(void)
{
    return duo.sent < 64 && duo.lost >> duo.sent++ & 1;
}

static int peer_send(void *arg, const uint8_t *packet, uint16_t n)
{
    struct rig_flight f = {.at = duo.rig.now + 1, .to = 0, .n = n};

    (void)arg;
    memcpy(f.b, packet, n);
    if (!is_lost())
        rig_put(&duo.rig, &f);
    return 0;
}

static int peer_keys(void *arg, const bzrtpSrtpSecrets_t *s, uint8_t part)
{
    (void)arg;
    if (part & ZRTP_SRTP_SECRETS_FOR_SENDER) {
        memcpy(duo.key[0], s->selfSrtpKey, s->selfSrtpKeyLength);
        memcpy(duo.salt[0], s->selfSrtpSalt, sizeof(duo.salt[0]));
        duo.key_len = s->selfSrtpKeyLength;
    }
    if (part & ZRTP_SRTP_SECRETS_FOR_RECEIVER) {
        memcpy(duo.key[1], s->peerSrtpKey, s->peerSrtpKeyLength);
        memcpy(duo.salt[1], s->peerSrtpSalt, sizeof(duo.salt[1]));
    }
    return 0;
}

static int peer_secure(void *arg, const bzrtpSrtpSecrets_t *s, int32_t verified)
{
    (void)arg;
    duo.secure++;
    duo.verified = verified;
    duo.mismatch = s->cacheMismatch;
    (void)snprintf(duo.sas, sizeof(duo.sas), "%s", s->sas ? s->sas : "");
    return 0;
}

static int to_peer(struct rig *r, int from, struct rig_flight *f, uint64_t *delay)
{
    (void)r, (void)from, (void)delay;
    f->to = 1;
    return is_lost() ? 0 : 1;
}

struct types {
    uint8_t hash, cipher, auth, agreement, sas; /* bzrtp's numbers */
    uint8_t our_hash, our_cipher, our_auth, our_agreement, our_sas;
    enum srtp_suite suite;
};

static const struct types usual = {ZRTP_HASH_S256,
                                   ZRTP_CIPHER_AES1,
                                   ZRTP_AUTHTAG_HS80,
                                   ZRTP_KEYAGREEMENT_X255,
                                   0x51,
                                   ZRTP_S256,
                                   ZRTP_AES1,
                                   ZRTP_HS80,
                                   ZRTP_X255,
                                   ZRTP_B32,
                                   SRTP_AES_CM_128_HMAC_SHA1_80};

static void want(const struct types *t)
{
    uint8_t kinds[] = {ZRTP_HASH_TYPE, ZRTP_CIPHERBLOCK_TYPE, ZRTP_AUTHTAG_TYPE,
                       ZRTP_KEYAGREEMENT_TYPE, ZRTP_SAS_TYPE};
    uint8_t theirs[] = {t->hash, t->cipher, t->auth, t->agreement, t->sas};
    uint8_t ours[] = {t->our_hash, t->our_cipher, t->our_auth, t->our_agreement, t->our_sas};

    for (size_t i = 0; i < sizeof(kinds); i++) {
        uint8_t list[7] = {theirs[i], ZRTP_KEYAGREEMENT_Mult};
        struct zrtp_list *l = &duo.rig.side[0].cfg.lists.of[i];
        bool is_agreement = kinds[i] == ZRTP_KEYAGREEMENT_TYPE;
        lib.set_types(duo.peer, kinds[i], list, is_agreement ? 2 : 1);
        *l = (struct zrtp_list){.n = 1, .v = {ours[i]}};
        if (is_agreement)
            zrtp_list_add(l, ZRTP_MULT);
    }
}

static void peer_new(const struct types *t)
{
    bzrtpCallbacks_t callbacks = {
        .bzrtp_sendData = peer_send,
        .bzrtp_srtpSecretsAvailable = peer_keys,
        .bzrtp_startSrtpSession = peer_secure,
    };

    duo.peer = lib.create();
    assert_non_null(duo.peer);
    duo.ssrc = SSRC;
    assert_int_equal(lib.set_callbacks(duo.peer, &callbacks), 0);
    int r = lib.set_cache(duo.peer, duo.db, "sip:bob@example.org", "sip:sotto@example.org", NULL);
    assert_true(r == 0 || r == BZRTP_CACHE_SETUP);
    assert_int_equal(lib.init(duo.peer, SSRC), 0);
    assert_int_equal(lib.set_client_data(duo.peer, SSRC, &duo), 0);
    want(t);
}

static void open_duo(const struct types *t)
{
    memset(&duo, 0, sizeof(duo));
    rig_init(&duo.rig);
    duo.rig.pass = to_peer;
    assert_int_equal(lib.db_open(":memory:", &duo.db), 0);
    int r = lib.init_cache(duo.db, NULL);
    assert_true(r == 0 || r == BZRTP_CACHE_SETUP);
    peer_new(t);
}

static void peer_end(void)
{
    while (duo.peer && lib.destroy(duo.peer, duo.ssrc) > 0)
        duo.ssrc = duo.ssrc == SSRC ? SSRC + 1 : SSRC;
    duo.peer = NULL;
}

static void close_duo(void)
{
    peer_end();
    lib.db_close(duo.db);
    rig_fini(&duo.rig);
}

/* Packets and timers of both, a millisecond at a time: bzrtp is told the time and asks for none. */
static void run(uint64_t ms)
{
    struct rig *r = &duo.rig;
    struct rig_side *us = &r->side[0];

    for (uint64_t end = r->now + ms; r->now < end; r->now++) {
        for (size_t i = 0; i < r->n;) {
            struct rig_flight f = r->queue[i];
            if (f.at > r->now) {
                i++;
                continue;
            }
            memmove(&r->queue[i], &r->queue[i + 1], (r->n - i - 1) * sizeof(f));
            r->n--;
            if (f.to == 0)
                zrtp_packet(us->z, slice_from(f.b, f.n), r->now);
            else
                (void)lib.process(duo.peer, duo.ssrc, f.b, (uint16_t)f.n); /* refusals show */
        }
        if (us->due && us->due <= r->now)
            zrtp_expired(us->z, r->now);
        (void)lib.iterate(duo.peer, duo.ssrc, r->now);
    }
}

static void start(void)
{
    struct rig_side *us = &duo.rig.side[0];

    assert_int_equal(zrtp_new(&us->cfg, &us->env, &us->z), 0);
    (void)lib.iterate(duo.peer, duo.ssrc, duo.rig.now);
    assert_int_equal(lib.start(duo.peer, duo.ssrc), 0);
    zrtp_start(us->z, duo.rig.now);
}

static void assert_agreed(const struct types *t)
{
    struct rig_side *us = &duo.rig.side[0];

    if (us->secure != 1 || duo.secure != 1)
        fail_msg("secure: we %d, they %d; we are %s; dropped: %s; failed: %s", us->secure,
                 duo.secure, zrtp_state_name(us->z), us->drop_why ? us->drop_why : "-",
                 us->why ? us->why : "-");
    assert_int_equal(us->result.tx.suite, t->suite);
    assert_int_equal(us->result.choice.of[ZRTP_KEY_AGREEMENT], t->our_agreement);
    assert_string_equal(us->result.sas, duo.sas);
    assert_int_equal(us->result.tx.master.n, duo.key_len + 14);
    assert_memory_equal(us->result.tx.master.b, duo.key[1], duo.key_len);
    assert_memory_equal(us->result.tx.master.b + duo.key_len, duo.salt[1], 14);
    assert_memory_equal(us->result.rx.master.b, duo.key[0], duo.key_len);
    assert_memory_equal(us->result.rx.master.b + duo.key_len, duo.salt[0], 14);
    assert_string_equal(zrtp_state_name(us->z), "secure");
}

static const struct types all[] = {
    {ZRTP_HASH_S256, ZRTP_CIPHER_AES1, ZRTP_AUTHTAG_HS32, ZRTP_KEYAGREEMENT_DH3k, 0x51, ZRTP_S256,
     ZRTP_AES1, ZRTP_HS32, ZRTP_DH3K, ZRTP_B32, SRTP_AES_CM_128_HMAC_SHA1_32},
    {ZRTP_HASH_S256, ZRTP_CIPHER_AES1, ZRTP_AUTHTAG_HS80, ZRTP_KEYAGREEMENT_X255, 0x51, ZRTP_S256,
     ZRTP_AES1, ZRTP_HS80, ZRTP_X255, ZRTP_B32, SRTP_AES_CM_128_HMAC_SHA1_80},
    {ZRTP_HASH_S384, ZRTP_CIPHER_AES3, ZRTP_AUTHTAG_HS80, ZRTP_KEYAGREEMENT_X255, 0x52, ZRTP_S384,
     ZRTP_AES3, ZRTP_HS80, ZRTP_X255, ZRTP_B256, SRTP_AES_256_CM_HMAC_SHA1_80},
    {ZRTP_HASH_S384, ZRTP_CIPHER_AES3, ZRTP_AUTHTAG_HS32, ZRTP_KEYAGREEMENT_DH3k, 0x52, ZRTP_S384,
     ZRTP_AES3, ZRTP_HS32, ZRTP_DH3K, ZRTP_B256, SRTP_AES_256_CM_HMAC_SHA1_32},
    {ZRTP_HASH_S256, ZRTP_CIPHER_AES3, ZRTP_AUTHTAG_HS80, ZRTP_KEYAGREEMENT_DH2k, 0x52, ZRTP_S256,
     ZRTP_AES3, ZRTP_HS80, ZRTP_DH2K, ZRTP_B256, SRTP_AES_256_CM_HMAC_SHA1_80},
};

static void we_respond(bool respond)
{
    duo.rig.side[0].cfg.is_passive = respond;
}

static void every_combination_gives_one_sas_and_the_same_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        for (int respond = 0; respond < 2; respond++) {
            open_duo(&all[i]);
            we_respond(respond);
            start();
            run(3000);
            assert_agreed(&all[i]);
            if (respond)
                assert_int_equal(duo.rig.side[0].z->role, ZRTP_RESPONDER);
            close_duo();
        }
    }
}

static void lost_packets_are_made_up_for(void **state)
{
    (void)state;
    uint64_t pattern = 0x9e3779b97f4a7c15u;
    for (int i = 0; i < 30; i++) {
        pattern = pattern * 6364136223846793005u + 1442695040888963407u;
        open_duo(&usual);
        duo.lost = pattern & pattern >> 32; /* a fourth, of the first ones */
        start();
        run(15000);
        assert_agreed(&usual);
        close_duo();
    }
}

static void again(void)
{
    peer_end();
    rig_again(&duo.rig);
    duo.secure = 0;
    peer_new(&usual);
    start();
    run(3000);
}

static void the_second_call_finds_the_retained_secret(void **state)
{
    (void)state;
    for (int respond = 0; respond < 2; respond++) {
        open_duo(&usual);
        we_respond(respond);
        start();
        run(3000);
        assert_agreed(&usual);
        assert_int_equal(duo.rig.side[0].saved, 1);
        zrtp_sas_verified(duo.rig.side[0].z, true);
        lib.verified(duo.peer);
        again();
        assert_agreed(&usual);
        assert_false(duo.mismatch || duo.rig.side[0].result.cache_mismatch);
        assert_true(duo.rig.side[0].result.sas_verified);
        assert_int_equal(duo.verified, 1);
        again();
        assert_agreed(&usual);
        assert_false(duo.mismatch || duo.rig.side[0].result.cache_mismatch);
        close_duo();
    }
}

static void a_lost_cache_is_seen_by_the_other(void **state)
{
    (void)state;
    open_duo(&usual);
    start();
    run(3000);
    memset(&duo.rig.side[0].kept, 0, sizeof(duo.rig.side[0].kept));
    again();
    assert_agreed(&usual);
    assert_true(duo.mismatch);
    close_duo();
}

static void a_second_stream_is_multistream(void **state)
{
    (void)state;
    for (int respond = 0; respond < 2; respond++) {
        open_duo(&usual);
        we_respond(respond);
        start();
        run(3000);
        assert_agreed(&usual);
        struct rig_side *us = &duo.rig.side[0];
        us->cfg.session = us->result.session;
        rig_again(&duo.rig);
        duo.secure = 0;
        duo.ssrc = SSRC + 1;
        assert_int_equal(lib.add_channel(duo.peer, duo.ssrc), 0);
        assert_int_equal(lib.set_client_data(duo.peer, duo.ssrc, &duo), 0);
        start();
        run(3000);
        struct types mult = usual;
        mult.our_agreement = ZRTP_MULT;
        duo.sas[0] = '\0';
        assert_agreed(&mult);
        close_duo();
    }
}

static void hello_hashes_are_the_same_to_both(void **state)
{
    (void)state;
    char ours[ZRTP_HASH_TEXT_LEN + 1];
    uint8_t theirs[80] = {0};

    open_duo(&usual);
    struct rig_side *us = &duo.rig.side[0];
    zrtp_hello_hash(&us->cfg, ours);
    assert_int_equal(lib.peer_hash(duo.peer, SSRC, (uint8_t *)ours, ZRTP_HASH_TEXT_LEN), 0);
    assert_int_equal(lib.start(duo.peer, SSRC), 0);
    assert_int_equal(lib.self_hash(duo.peer, SSRC, theirs, sizeof(theirs)), 0);
    assert_memory_equal(theirs, "1.10 ", 5);
    for (size_t i = 0; i < 32; i++) {
        char two[3] = {(char)theirs[5 + 2 * i], (char)theirs[6 + 2 * i], 0};
        us->cfg.peer_hash[i] = (uint8_t)strtoul(two, NULL, 16);
    }
    us->cfg.has_peer_hash = true;
    assert_int_equal(zrtp_new(&us->cfg, &us->env, &us->z), 0);
    zrtp_start(us->z, duo.rig.now);
    run(3000);
    assert_agreed(&usual);
    close_duo();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination_gives_one_sas_and_the_same_keys),
        cmocka_unit_test(lost_packets_are_made_up_for),
        cmocka_unit_test(the_second_call_finds_the_retained_secret),
        cmocka_unit_test(a_lost_cache_is_seen_by_the_other),
        cmocka_unit_test(a_second_stream_is_multistream),
        cmocka_unit_test(hello_hashes_are_the_same_to_both),
    };

    if (!lib_open()) {
        printf("SKIP: libbzrtp.so.0 cannot be loaded (package libbzrtp0)\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    printf("SKIP: no bzrtp headers (package libbzrtp-dev)\n");
    return 77;
}

#endif
