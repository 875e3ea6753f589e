/* What an attacker on the path can do to a ZRTP exchange, and what comes of it: a failure or a
 * dropped packet with a reason in words, never keys on a side that was deceived, never a SAS that
 * looks the same on both sides while the keys differ. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <openssl/bn.h>

#include "keying/zrtp/machine.h"
#include "keying/zrtp/rig.h"

static struct rig rig;

/* One attack: what is done to a packet of that kind. Returns the number of copies. */
struct attack {
    const char *name, *type;
    int (*apply)(struct rig_flight *f);
    const char *why; /* how a side ends, or what it dropped last */
};

static const struct attack *attack;
static int from_side, applied;

static uint8_t *body(struct rig_flight *f)
{
    return f->b + ZRTP_PACKET_HEADER;
}

static size_t body_len(const struct rig_flight *f)
{
    return f->n - ZRTP_PACKET_HEADER - ZRTP_PACKET_CRC;
}

static int tamper(struct rig *r, int from, struct rig_flight *f, uint64_t *delay)
{
    (void)r, (void)delay;
    if (from != from_side || !rig_is(f, attack->type))
        return 1;
    applied++;
    int copies = attack->apply(f);
    rig_reseal(f);
    return copies;
}

/* MAC under a key that an attacker on the path does not have: none of our own attacks can make it,
 * except where the test plays the peer itself, below. */
static int flip_last(struct rig_flight *f)
{
    body(f)[body_len(f) - 1] ^= 1;
    return 1;
}

static int flip_first_field(struct rig_flight *f)
{
    body(f)[12] ^= 1;
    return 1;
}

static int flip_middle(struct rig_flight *f)
{
    body(f)[body_len(f) / 2] ^= 1;
    return 1;
}

static int shorten(struct rig_flight *f)
{
    size_t words = body_len(f) / 4 - 1;

    f->n -= 4;
    body(f)[2] = (uint8_t)(words >> 8);
    body(f)[3] = (uint8_t)words;
    return 1;
}

static int lengthen(struct rig_flight *f)
{
    size_t words = body_len(f) / 4 + 1;

    f->n += 4;
    body(f)[2] = (uint8_t)(words >> 8);
    body(f)[3] = (uint8_t)words;
    return 1;
}

static int unknown_kind(struct rig_flight *f)
{
    memcpy(body(f) + 4, "Goodbye ", 8);
    return 1;
}

static int other_zid(struct rig_flight *f)
{
    memset(body(f) + 12 + 4 + 16 + 32, 0x77, ZRTP_ZID_LEN);
    return 1;
}

static int own_zid(struct rig_flight *f)
{
    memset(body(f) + 12 + 4 + 16 + 32, 0x10 + 1 - from_side, ZRTP_ZID_LEN);
    return 1;
}

static int old_version(struct rig_flight *f)
{
    memcpy(body(f) + 12, "0.85", 4);
    return 1;
}

static int later_version(struct rig_flight *f)
{
    memcpy(body(f) + 12, "2.00", 4);
    return 1;
}

static int no_curves(struct rig_flight *f) /* a downgrade: only what the attacker can break */
{
    uint8_t *counts = body(f) + 12 + 4 + 16 + 32 + 12;
    size_t names = (size_t)(counts[1] & 15) + (counts[2] >> 4) + (counts[2] & 15);

    memcpy(counts + 4 + names * 4, "DH2kDH2kDH2kDH2kDH2kDH2k", 24);
    return 1;
}

// clang-format off
static const struct attack attacks[] = {
    {"Hello cut",            "Hello   ", shorten,          "a ZRTP message is too short or too long for its kind"},
    {"Hello extended",       "Hello   ", lengthen,         "a ZRTP message is too short or too long for its kind"},
    {"Hello of another ZID", "Hello   ", other_zid,        NULL},
    {"Hello of our ZID",     "Hello   ", own_zid,          "the peer has our own ZRTP identifier"},
    {"Hello MAC",            "Hello   ", flip_last,        NULL},
    {"Hello downgraded",     "Hello   ", no_curves,        NULL},
    {"Hello of version 0",   "Hello   ", old_version,      "the peer speaks an old version of ZRTP"},
    {"Hello of version 2",   "Hello   ", later_version,    "the peer speaks a later version of ZRTP"},
    {"Commit cut",           "Commit  ", shorten,          "a ZRTP message is too short or too long for its kind"},
    {"Commit H2",            "Commit  ", flip_first_field, "a ZRTP Commit does not belong to the Hello before it"},
    {"Commit hvi",           "Commit  ", flip_middle,      NULL},
    {"Commit MAC",           "Commit  ", flip_last,        "a ZRTP DHPart2 does not belong to the Commit before it"},
    {"DHPart1 cut",          "DHPart1 ", shorten,          "the peer's public value in the ZRTP key agreement is not valid"},
    {"DHPart1 extended",     "DHPart1 ", lengthen,         "the peer's public value in the ZRTP key agreement is not valid"},
    {"DHPart1 H1",           "DHPart1 ", flip_first_field, "a ZRTP DHPart1 does not belong to the Hello before it"},
    {"DHPart1 value",        "DHPart1 ", flip_middle,      NULL},
    {"DHPart1 MAC",          "DHPart1 ", flip_last,        NULL},
    {"DHPart2 H1",           "DHPart2 ", flip_first_field, "a ZRTP DHPart2 does not belong to the Commit before it"},
    {"DHPart2 value",        "DHPart2 ", flip_middle,      "the peer's ZRTP key is not the one that it committed to"},
    {"DHPart2 MAC",          "DHPart2 ", flip_last,        "the peer's ZRTP key is not the one that it committed to"},
    {"DHPart2 cut",          "DHPart2 ", shorten,          "the peer's ZRTP key is not the one that it committed to"},
    {"Confirm1 MAC",         "Confirm1", flip_first_field, "the peer's ZRTP confirmation is not authentic: someone may be listening"},
    {"Confirm1 text",        "Confirm1", flip_last,        "the peer's ZRTP confirmation is not authentic: someone may be listening"},
    {"Confirm1 cut",         "Confirm1", shorten,          "a ZRTP message is too short or too long for its kind"},
    {"Confirm1 extended",    "Confirm1", lengthen,         "the peer's ZRTP confirmation is not authentic: someone may be listening"},
    {"Confirm2 MAC",         "Confirm2", flip_first_field, "the peer's ZRTP confirmation is not authentic: someone may be listening"},
    {"Confirm2 text",        "Confirm2", flip_last,        "the peer's ZRTP confirmation is not authentic: someone may be listening"},
    {"unknown kind",         "Commit  ", unknown_kind,     "a ZRTP message of an unknown kind"},
};
// clang-format on

/* Neither side may end with keys that the other has not; the deceived side never gets any. */
static void assert_not_deceived(const char *name)
{
    struct rig_side *a = &rig.side[0], *b = &rig.side[1];

    if (a->secure && b->secure &&
        memcmp(a->result.tx.master.b, b->result.rx.master.b, a->result.tx.master.n) != 0)
        fail_msg("%s: both have keys, and they differ", name);
    if (!a->failed && !b->failed)
        fail_msg("%s: nobody noticed", name);
    for (int i = 0; i < 2; i++) {
        if (rig.side[i].failed && !rig.side[i].why)
            fail_msg("%s: no reason", name);
        if (rig.side[i].saved && !rig.side[1 - i].secure)
            fail_msg("%s: a secret was kept", name);
    }
}

static bool has_reason(const char *why)
{
    for (int i = 0; i < 2; i++) {
        const struct rig_side *s = &rig.side[i];
        if ((s->why && strcmp(s->why, why) == 0) || (s->drop_why && strcmp(s->drop_why, why) == 0))
            return true;
    }
    return false;
}

static void a_changed_packet_leads_to_no_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(attacks); i++) {
        for (from_side = 0; from_side < 2; from_side++) {
            attack = &attacks[i];
            applied = 0;
            rig_init(&rig);
            rig.pass = tamper;
            /* who begins decides who sends what */
            bool by_responder =
                strcmp(attack->type, "DHPart1 ") == 0 || strcmp(attack->type, "Confirm1") == 0;
            rig.side[by_responder ? from_side : 1 - from_side].cfg.is_passive = true;
            rig_start(&rig);
            rig_run(&rig, 60000);
            if (!applied)
                fail_msg("%s: never came", attack->name);
            assert_not_deceived(attack->name);
            if (attack->why && !has_reason(attack->why))
                fail_msg("%s: %s / %s; %s / %s", attack->name, rig.side[0].why, rig.side[1].why,
                         rig.side[0].drop_why, rig.side[1].drop_why);
            rig_fini(&rig);
        }
    }
}

/* --- a peer that follows the protocol but for one thing ------------------------------------------- */

/* Puts another public value into its own DHPart, MAC and commitment in order. */
static const uint8_t *evil_value;
static size_t evil_len;

static int evil_value_pass(struct rig *r, int from, struct rig_flight *f, uint64_t *delay)
{
    struct zrtp *z = r->side[from].z;
    (void)delay;

    if (from != from_side || !(rig_is(f, "DHPart1 ") || rig_is(f, "DHPart2 ")))
        return 1;
    memcpy(body(f) + 12 + 32 + 32, evil_value, evil_len);
    struct slice message = slice_from(body(f), body_len(f) - ZRTP_MAC_LEN);
    uint8_t mac[CRYPTO_SHA256_LEN];
    crypto_hmac_sha256(slice_from(z->h[0], 32), &message, 1, mac);
    memcpy(body(f) + body_len(f) - ZRTP_MAC_LEN, mac, ZRTP_MAC_LEN);
    rig_reseal(f);
    applied++;
    return 1;
}

static void try_value(unsigned group, const void *value, size_t n)
{
    for (from_side = 0; from_side < 2; from_side++) {
        rig_init(&rig);
        applied = 0;
        evil_value = value;
        evil_len = n;
        rig.pass = evil_value_pass;
        for (int i = 0; i < 2; i++)
            rig.side[i].cfg.lists.of[ZRTP_KEY_AGREEMENT] =
                (struct zrtp_list){.n = 1, .v = {(uint8_t)group}};
        rig.side[from_side].cfg.is_passive = true; /* DHPart1: hvi does not stand before it */
        rig_start(&rig);
        rig_run(&rig, 60000);
        assert_true(applied > 0);
        assert_int_equal(rig.side[0].secure + rig.side[1].secure, 0);
        assert_string_equal(rig.side[1 - from_side].why,
                            "the peer's public value in the ZRTP key agreement is not valid");
        assert_string_equal(rig.side[from_side].why, "the peer found our public value not valid");
        rig_fini(&rig);
    }
}

static void bad_public_values_end_it(void **state)
{
    (void)state;
    static uint8_t v[CRYPTO_DH_PUBLIC_MAX];

    BIGNUM *p = BN_get_rfc3526_prime_3072(NULL);
    BN_sub_word(p, 1);
    BN_bn2bin(p, v);
    try_value(ZRTP_DH3K, v, 384);
    BN_get_rfc3526_prime_2048(p);
    BN_sub_word(p, 1);
    BN_bn2bin(p, v);
    try_value(ZRTP_DH2K, v, 256);
    BN_free(p);
    memset(v, 0, sizeof(v));
    try_value(ZRTP_DH3K, v, 384);
    v[383] = 1;
    try_value(ZRTP_DH3K, v, 384);
    v[383] = 0;
    v[255] = 1;
    try_value(ZRTP_DH2K, v, 256);
    memset(v, 0xff, sizeof(v));
    try_value(ZRTP_DH3K, v, 384);
    memset(v, 0, sizeof(v));
    try_value(ZRTP_EC25, v, 64);
    memset(v, 0x42, sizeof(v));
    try_value(ZRTP_EC25, v, 64);
    try_value(ZRTP_EC38, v, 96);
    memset(v, 0, sizeof(v));
    try_value(ZRTP_X255, v, 32);
}

/* A peer whose hvi is for another DHPart2, all else in order. */
static int evil_hvi(struct rig *r, int from, struct rig_flight *f, uint64_t *delay)
{
    struct zrtp *z = r->side[from].z;
    (void)delay;

    if (from != 0 || !rig_is(f, "Commit  "))
        return 1;
    body(f)[12 + 32 + 12 + 20] ^= 1;
    struct slice message = slice_from(body(f), body_len(f) - ZRTP_MAC_LEN);
    uint8_t mac[CRYPTO_SHA256_LEN];
    crypto_hmac_sha256(slice_from(z->h[1], 32), &message, 1, mac);
    memcpy(body(f) + body_len(f) - ZRTP_MAC_LEN, mac, ZRTP_MAC_LEN);
    rig_reseal(f);
    return 1;
}

static void a_value_that_was_not_committed_to_ends_it(void **state)
{
    (void)state;
    rig_init(&rig);
    rig.pass = evil_hvi;
    rig.side[1].cfg.is_passive = true;
    rig_start(&rig);
    rig_run(&rig, 60000);
    assert_int_equal(rig.side[0].secure + rig.side[1].secure, 0);
    assert_string_equal(rig.side[1].why, "the peer's ZRTP key is not the one that it committed to");
    assert_string_equal(rig.side[0].why,
                        "the peer found our key not to be the one that we committed to");
    rig_fini(&rig);
}

/* --- a=zrtp-hash (s.8.1) -------------------------------------------------------------------------- */

static void expect_hash(int side, const struct zrtp_config *of)
{
    char text[ZRTP_HASH_TEXT_LEN + 1];

    zrtp_hello_hash(of, text);
    for (size_t i = 0; i < 32; i++) {
        char two[3] = {text[2 * i], text[2 * i + 1], 0};
        rig.side[side].cfg.peer_hash[i] = (uint8_t)strtoul(two, NULL, 16);
    }
    rig.side[side].cfg.has_peer_hash = true;
}

static void the_announced_hello_is_taken_and_another_is_not(void **state)
{
    (void)state;
    rig_init(&rig);
    expect_hash(0, &rig.side[1].cfg);
    expect_hash(1, &rig.side[0].cfg);
    rig_start(&rig);
    rig_run(&rig, 1000);
    assert_int_equal(rig.side[0].secure + rig.side[1].secure, 2);
    rig_again(&rig); /* other Hellos now: a replayed hash */
    rig_start(&rig);
    rig_run(&rig, 60000);
    assert_int_equal(rig.side[0].secure + rig.side[1].secure, 0);
    assert_string_equal(rig.side[0].why,
                        "the peer's ZRTP Hello is not the one that its description announced");
    rig_fini(&rig);
}

/* An attacker's Hello comes first; the announced one is still heard. */
static int hello_before(struct rig *r, int from, struct rig_flight *f, uint64_t *delay)
{
    (void)delay;
    if (from == 1 && rig_is(f, "Hello   ")) {
        struct rig_flight evil = *f;
        other_zid(&evil);
        rig_reseal(&evil);
        evil.at = r->now;
        rig_put(r, &evil);
    }
    return 1;
}

static void a_swapped_hello_before_the_announced_one_changes_nothing(void **state)
{
    (void)state;
    rig_init(&rig);
    expect_hash(0, &rig.side[1].cfg);
    rig.pass = hello_before;
    rig_start(&rig);
    rig_run(&rig, 3000);
    assert_int_equal(rig.side[0].secure + rig.side[1].secure, 2);
    assert_string_equal(rig.side[0].drop_why,
                        "a ZRTP Hello differs from the hash in the peer's description");
    rig_fini(&rig);
}

/* Without a hash in signalling the first Hello stands, and the chain shows that it was a lie. */
static void a_swapped_hello_without_a_hash_fails_by_name(void **state)
{
    (void)state;
    rig_init(&rig);
    rig.pass = hello_before;
    rig_start(&rig);
    rig_run(&rig, 60000);
    assert_int_equal(rig.side[0].secure + rig.side[1].secure, 0);
    assert_true(rig.side[0].failed && rig.side[1].failed);
    rig_fini(&rig);
}

/* --- a man in the middle --------------------------------------------------------------------------- */

/* Two whole exchanges, one with each phone: the keys differ, and so do the SAS. */
static void a_man_in_the_middle_shows_in_the_sas(void **state)
{
    (void)state;
    static struct rig left, right;
    int same = 0;

    for (int i = 0; i < 10; i++) {
        rig_init(&left);
        rig_init(&right);
        left.side[0].cfg.lists.of[ZRTP_SAS] = (struct zrtp_list){.n = 1, .v = {ZRTP_B256}};
        right.side[0].cfg.lists.of[ZRTP_SAS] = left.side[0].cfg.lists.of[ZRTP_SAS];
        rig_start(&left);
        rig_start(&right);
        rig_run(&left, 2000);
        rig_run(&right, 2000);
        assert_int_equal(left.side[0].secure + right.side[0].secure, 2);
        assert_memory_not_equal(left.side[0].result.tx.master.b, right.side[0].result.tx.master.b,
                                16);
        same += strcmp(left.side[0].result.sas, right.side[0].result.sas) == 0;
        rig_fini(&left);
        rig_fini(&right);
    }
    assert_true(same <= 1); /* by chance, once in 65,536 */
}

/* The two phones have talked before: the man in the middle lacks their secret, which is told even
 * if nobody reads the SAS aloud. */
static void a_man_in_the_middle_of_friends_is_a_cache_mismatch(void **state)
{
    (void)state;
    static struct rig left;

    rig_init(&rig);
    rig_start(&rig);
    rig_run(&rig, 1000);
    zrtp_sas_verified(rig.side[0].z, true);
    zrtp_sas_verified(rig.side[1].z, true);
    rig_init(&left); /* the phone of side 0, and the attacker with the ZID of side 1 */
    left.side[0].kept = rig.side[0].kept;
    left.side[0].kept.verified = true;
    rig_start(&left);
    rig_run(&left, 1000);
    assert_int_equal(left.side[0].secure, 1);
    assert_true(left.side[0].result.cache_mismatch);
    assert_false(left.side[0].result.sas_verified);
    assert_int_equal(left.side[0].saved, 0);
    rig_fini(&rig);
    rig_fini(&left);
}

/* --- against a call that is up ----------------------------------------------------------------------- */

static void inject(int to, struct zrtp_msg *m)
{
    uint8_t text[600], packet[700];
    struct buf b = buf_over(text, sizeof(text));
    struct zrtp_packet p = {.seq = 1, .ssrc = 1};

    zrtp_msg_print(m, &b);
    p.message = buf_slice(&b);
    zrtp_packet(rig.side[to].z, slice_from(packet, zrtp_packet_print(&p, packet)), rig.now);
}

/* Anything that anybody can make and send to a call that is up. */
static void a_forged_packet_ends_no_call(void **state)
{
    (void)state;
    static uint8_t bytes[ZRTP_CONFIRM_TEXT_LEN];

    rig_init(&rig);
    for (int i = 0; i < 2; i++)
        rig.side[i].cfg.allow_clear = true;
    rig_start(&rig);
    rig_run(&rig, 1000);
    for (int k = 0; k < ZRTP_KIND_COUNT; k++) {
        struct zrtp_msg m = {.kind = (enum zrtp_kind)k};
        if (k == ZRTP_CONFIRM1 || k == ZRTP_CONFIRM2 || k == ZRTP_SASRELAY)
            m.sealed.text = slice_from(bytes, sizeof(bytes));
        else if (k == ZRTP_DHPART1 || k == ZRTP_DHPART2)
            m.dhpart.public_value = slice_from(bytes, 32);
        for (int to = 0; to < 2; to++)
            inject(to, &m);
    }
    rig_run(&rig, 60000);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(zrtp_state_name(rig.side[i].z), "secure");
        assert_int_equal(rig.side[i].failed + rig.side[i].cleared + rig.side[i].changed, 0);
        assert_int_equal(rig.side[i].secure, 1);
    }
    rig_fini(&rig);
}

/* Packets of an earlier call between the same two, replayed into the next. */
static struct rig_flight recorded[64];
static size_t recorded_n;

static int record(struct rig *r, int from, struct rig_flight *f, uint64_t *delay)
{
    (void)r, (void)from, (void)delay;
    recorded[recorded_n++] = *f;
    return 1;
}

static void an_old_exchange_cannot_be_replayed(void **state)
{
    (void)state;
    rig_init(&rig);
    recorded_n = 0;
    rig.pass = record;
    rig_start(&rig);
    rig_run(&rig, 1000);
    rig_again(&rig);
    rig.pass = NULL;
    struct rig_side *victim = &rig.side[1];
    assert_int_equal(zrtp_new(&victim->cfg, &victim->env, &victim->z), 0);
    zrtp_start(victim->z, rig.now);
    for (size_t i = 0; i < recorded_n; i++) {
        if (recorded[i].to == 1)
            zrtp_packet(victim->z, slice_from(recorded[i].b, recorded[i].n), rig.now);
    }
    assert_int_equal(victim->secure, 0);
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_changed_packet_leads_to_no_keys),
        cmocka_unit_test(bad_public_values_end_it),
        cmocka_unit_test(a_value_that_was_not_committed_to_ends_it),
        cmocka_unit_test(the_announced_hello_is_taken_and_another_is_not),
        cmocka_unit_test(a_swapped_hello_before_the_announced_one_changes_nothing),
        cmocka_unit_test(a_swapped_hello_without_a_hash_fails_by_name),
        cmocka_unit_test(a_man_in_the_middle_shows_in_the_sas),
        cmocka_unit_test(a_man_in_the_middle_of_friends_is_a_cache_mismatch),
        cmocka_unit_test(a_forged_packet_ends_no_call),
        cmocka_unit_test(an_old_exchange_cannot_be_replayed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
