/* Two machines agree with each other, on a clock and a network that tests control. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "keying/zrtp/machine.h"
#include "keying/zrtp/rig.h"

static struct rig rig;

static void assert_same_keys(struct rig *r)
{
    struct zrtp_result *a = &r->side[0].result, *b = &r->side[1].result;

    assert_int_equal(r->side[0].secure, 1);
    assert_int_equal(r->side[1].secure, 1);
    assert_int_equal(r->side[0].failed + r->side[1].failed, 0);
    assert_int_equal(a->tx.master.n, b->rx.master.n);
    assert_memory_equal(a->tx.master.b, b->rx.master.b, a->tx.master.n);
    assert_memory_equal(a->rx.master.b, b->tx.master.b, b->tx.master.n);
    assert_int_equal(a->tx.suite, b->rx.suite);
    assert_string_equal(a->sas, b->sas);
    assert_memory_not_equal(a->tx.master.b, a->rx.master.b, a->tx.master.n ? a->tx.master.n : 1);
}

static void only(struct zrtp_config *c, enum zrtp_algo_class class, unsigned v)
{
    c->lists.of[class] = (struct zrtp_list){.n = 1, .v = {(uint8_t)v}};
}

static void both_only(enum zrtp_algo_class class, unsigned v)
{
    only(&rig.side[0].cfg, class, v);
    only(&rig.side[1].cfg, class, v);
}

static void agree(uint64_t ms)
{
    rig_start(&rig);
    rig_run(&rig, ms);
    assert_same_keys(&rig);
}

static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_fini(&rig);
    return 0;
}

static void two_agree_and_show_one_sas(void **state)
{
    (void)state;
    agree(1000);
    assert_int_equal(strlen(rig.side[0].result.sas), 4);
    assert_int_equal(rig.side[0].result.tx.suite, SRTP_AES_256_CM_HMAC_SHA1_80);
    assert_int_equal(rig.side[0].result.choice.of[ZRTP_KEY_AGREEMENT], ZRTP_X255);
    assert_false(rig.side[0].result.sas_verified);
    assert_string_equal(zrtp_state_name(rig.side[0].z), "secure");
    assert_string_equal(zrtp_state_name(rig.side[1].z), "secure");
}

static void every_algorithm_works(void **state)
{
    (void)state;
    static const uint8_t groups[] = {ZRTP_DH2K, ZRTP_X255, ZRTP_EC25, ZRTP_DH3K, ZRTP_EC38};
    for (size_t i = 0; i < sizeof(groups); i++) {
        rig_init(&rig);
        both_only(ZRTP_KEY_AGREEMENT, groups[i]);
        both_only(ZRTP_HASH, i % 2 ? ZRTP_S256 : ZRTP_S384);
        both_only(ZRTP_CIPHER, i % 3 == 0 ? ZRTP_AES1 : i % 3 == 1 ? ZRTP_AES2 : ZRTP_AES3);
        both_only(ZRTP_AUTH, i % 2 ? ZRTP_HS32 : ZRTP_HS80);
        both_only(ZRTP_SAS, i % 2 ? ZRTP_B256 : ZRTP_B32);
        agree(1000);
        assert_int_equal(rig.side[0].result.choice.of[ZRTP_KEY_AGREEMENT], groups[i]);
        assert_non_null(i % 2 ? strchr(rig.side[0].result.sas, ':') : rig.side[0].result.sas);
        rig_fini(&rig);
    }
}

/* The Confirm messages can be Twofish; keys for SRTP do not come of it, since our engine has none. */
static void twofish_confirms_but_gives_no_srtp_keys(void **state)
{
    (void)state;
    for (unsigned c = ZRTP_2FS1; c <= ZRTP_2FS3; c++) {
        rig_init(&rig);
        both_only(ZRTP_CIPHER, c);
        rig_start(&rig);
        rig_run(&rig, 1000);
        assert_int_equal(rig.side[0].secure + rig.side[1].secure, 2);
        assert_string_equal(rig.side[0].result.sas, rig.side[1].result.sas);
        assert_int_equal(rig.side[0].result.tx.suite, SRTP_SUITE_NONE);
        assert_int_equal(rig.side[0].result.tx.master.n, 0);
        rig_fini(&rig);
    }
}

/* s.4.1.2: both start with another; the faster of the two wins. */
static void the_faster_of_two_first_choices_is_taken(void **state)
{
    (void)state;
    rig.side[0].cfg.lists.of[ZRTP_KEY_AGREEMENT] =
        (struct zrtp_list){.n = 2, .v = {ZRTP_DH3K, ZRTP_EC25}};
    rig.side[1].cfg.lists.of[ZRTP_KEY_AGREEMENT] =
        (struct zrtp_list){.n = 2, .v = {ZRTP_EC25, ZRTP_DH3K}};
    agree(1000);
    assert_int_equal(rig.side[0].result.choice.of[ZRTP_KEY_AGREEMENT], ZRTP_EC25);
}

static void a_passive_side_is_the_responder(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        rig_init(&rig);
        rig.side[i].cfg.is_passive = true;
        agree(1000);
        assert_int_equal(rig.side[i].z->role, ZRTP_RESPONDER);
        rig_fini(&rig);
    }
}

static void two_passive_sides_fail_by_name(void **state)
{
    (void)state;
    rig.side[0].cfg.is_passive = rig.side[1].cfg.is_passive = true;
    rig_start(&rig);
    rig_run(&rig, 20000);
    assert_int_equal(rig.side[0].failed + rig.side[1].failed, 2);
    assert_non_null(rig.side[0].why);
}

static int crossing(struct rig *r, int from, struct rig_flight *f, uint64_t *delay)
{
    (void)r, (void)from;
    if (rig_is(f, "Commit  "))
        *delay = 100; /* both are on their way before either arrives */
    return 1;
}

static void crossing_commits_are_resolved(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        rig_init(&rig);
        rig.pass = crossing;
        agree(3000);
        assert_int_not_equal(rig.side[0].z->role, rig.side[1].z->role);
        rig_fini(&rig);
    }
}

/* --- a bad network ------------------------------------------------------------------------------- */

static uint32_t noise;

static uint32_t noise_next(void)
{
    noise = noise * 1664525u + 1013904223u;
    return noise >> 16;
}

static int noisy(struct rig *r, int from, struct rig_flight *f, uint64_t *delay)
{
    (void)r, (void)from, (void)f;
    *delay = 1 + noise_next() % 120;
    uint32_t dice = noise_next() % 10;
    return dice < 3 ? 0 : dice < 5 ? 2 : 1;
}

static void loss_doubling_and_disorder_are_survived(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 100; seed++) {
        noise = seed * 2654435761u;
        rig_init(&rig);
        rig.pass = noisy;
        rig_start(&rig);
        rig_run(&rig, 30000);
        /* With three of ten lost, the ten repetitions of a message practically never all go. */
        assert_same_keys(&rig);
        rig_fini(&rig);
    }
}

static const char *lost_type;
static int lost_count;

static int lose_first(struct rig *r, int from, struct rig_flight *f, uint64_t *delay)
{
    (void)r, (void)from, (void)delay;
    if (rig_is(f, lost_type) && lost_count > 0) {
        lost_count--;
        return 0;
    }
    return 1;
}

static void each_message_may_be_lost(void **state)
{
    (void)state;
    static const char *const types[] = {"Hello   ", "HelloACK", "Commit  ", "DHPart1 ",
                                        "DHPart2 ", "Confirm1", "Confirm2", "Conf2ACK"};
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        for (int n = 1; n <= 4; n++) {
            rig_init(&rig);
            rig.pass = lose_first;
            lost_type = types[i];
            lost_count = n;
            agree(15000);
            rig_fini(&rig);
        }
    }
}

static void media_stands_for_a_lost_conf2ack(void **state)
{
    (void)state;
    rig.pass = lose_first;
    lost_type = "Conf2ACK";
    lost_count = 1000;
    rig.side[1].cfg.is_passive = true;
    rig_start(&rig);
    rig_run(&rig, 100);
    assert_string_equal(zrtp_state_name(rig.side[0].z), "wait-conf2ack");
    assert_int_equal(rig.side[0].secure, 1);
    zrtp_media_seen(rig.side[0].z, rig.now);
    assert_string_equal(zrtp_state_name(rig.side[0].z), "secure");
    assert_int_equal(rig.side[0].saved, 1);
}

static void nothing_answers(void **state)
{
    (void)state;
    rig.pass = lose_first;
    lost_type = "Hello   ";
    lost_count = 1000;
    rig_start(&rig);
    rig_run(&rig, 60000);
    assert_int_equal(rig.side[0].failed, 1);
    assert_int_equal(rig.side[0].sent, 1 + ZRTP_T1_COUNT);
    assert_string_equal(rig.side[0].why, "the peer does not answer ZRTP");
    assert_int_equal(rig.side[0].due, 0);
}

/* s.6: 50, 100, 200, 200 ... ms; then 150, 300, 600, 1200, 1200 ... */
static uint64_t times[64];
static size_t times_n;

static int note_times(struct rig *r, int from, struct rig_flight *f, uint64_t *delay)
{
    (void)delay;
    if (from == 0 && rig_is(f, lost_type))
        times[times_n++] = r->now;
    return !(rig_is(f, "Hello   ") && strcmp(lost_type, "Hello   ") == 0) && !rig_is(f, "DHPart1 ");
}

static void check_times(const char *type, const uint64_t *gaps, size_t n, size_t all)
{
    rig_init(&rig);
    times_n = 0;
    lost_type = type;
    rig.pass = note_times;
    rig.side[1].cfg.is_passive = true;
    rig_start(&rig);
    rig_run(&rig, 60000);
    assert_int_equal(times_n, all);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(times[i + 1] - times[i], gaps[i]);
    rig_fini(&rig);
}

static void repetitions_come_when_the_rfc_says(void **state)
{
    (void)state;
    static const uint64_t t1[] = {50, 100, 200, 200, 200}, t2[] = {150, 300, 600, 1200, 1200};
    check_times("Hello   ", t1, ARRAY_LEN(t1), 1 + ZRTP_T1_COUNT);
    check_times("Commit  ", t2, ARRAY_LEN(t2), 1 + ZRTP_T2_COUNT);
}

/* --- retained secrets (s.4.3, 4.6.1) ------------------------------------------------------------- */

static void a_second_call_goes_on_from_the_first(void **state)
{
    (void)state;
    agree(1000);
    assert_int_equal(rig.side[0].saved, 1);
    struct secret first = rig.side[0].kept.of[ZRTP_RS1];
    assert_memory_equal(first.b, rig.side[1].kept.of[ZRTP_RS1].b, ZRTP_SECRET_LEN);
    zrtp_sas_verified(rig.side[0].z, true);
    zrtp_sas_verified(rig.side[1].z, true);
    assert_true(rig.side[0].result.sas_verified);
    rig_again(&rig);
    agree(1000);
    assert_true(rig.side[0].result.sas_verified && rig.side[1].result.sas_verified);
    assert_false(rig.side[0].result.cache_mismatch || rig.side[1].result.cache_mismatch);
    assert_memory_equal(rig.side[0].kept.of[ZRTP_RS2].b, first.b, ZRTP_SECRET_LEN);
    assert_memory_not_equal(rig.side[0].kept.of[ZRTP_RS1].b, first.b, ZRTP_SECRET_LEN);
}

static void verified_by_one_side_only_is_not_verified(void **state)
{
    (void)state;
    agree(1000);
    zrtp_sas_verified(rig.side[0].z, true);
    rig_again(&rig);
    agree(1000);
    assert_false(rig.side[0].result.sas_verified || rig.side[1].result.sas_verified);
}

/* One side is a call behind: its rs1 is the other's rs2, whoever begins. */
static void a_call_that_one_side_missed_is_bridged_by_rs2(void **state)
{
    (void)state;
    for (int initiator = 0; initiator < 2; initiator++) {
        rig_init(&rig);
        agree(1000);
        struct zrtp_secrets old = rig.side[0].kept;
        rig_again(&rig);
        agree(1000);
        rig.side[0].kept = old;
        rig_again(&rig);
        rig.side[1 - initiator].cfg.is_passive = true;
        agree(1000);
        assert_false(rig.side[0].result.cache_mismatch || rig.side[1].result.cache_mismatch);
        rig_fini(&rig);
    }
}

/* s.4.6.1.1: said, not verified any more, and not replaced until people have compared. */
static void a_lost_cache_is_told_and_kept_until_the_sas_is_compared(void **state)
{
    (void)state;
    agree(1000);
    zrtp_sas_verified(rig.side[0].z, true);
    zrtp_sas_verified(rig.side[1].z, true);
    struct secret kept = rig.side[0].kept.of[ZRTP_RS1];
    memset(&rig.side[1].kept, 0, sizeof(rig.side[1].kept));
    rig_again(&rig);
    agree(1000);
    assert_true(rig.side[0].result.cache_mismatch);
    assert_false(rig.side[1].result.cache_mismatch); /* it has nothing that could differ */
    assert_false(rig.side[0].result.sas_verified);
    assert_int_equal(rig.side[0].saved, 0);
    assert_memory_equal(rig.side[0].kept.of[ZRTP_RS1].b, kept.b, ZRTP_SECRET_LEN);
    zrtp_sas_verified(rig.side[0].z, true);
    assert_int_equal(rig.side[0].saved, 1);
    assert_memory_equal(rig.side[0].kept.of[ZRTP_RS1].b, rig.side[1].kept.of[ZRTP_RS1].b,
                        ZRTP_SECRET_LEN);
}

static void secrets_may_come_late(void **state)
{
    (void)state;
    agree(1000);
    rig_again(&rig);
    rig.side[0].find_later = rig.side[1].find_later = true;
    rig_start(&rig);
    rig_run(&rig, 300);
    assert_true(rig.side[0].found_asked && rig.side[1].found_asked);
    assert_int_equal(rig.side[0].secure, 0);
    zrtp_found(rig.side[0].z, &rig.side[0].kept, rig.now);
    rig_run(&rig, 100); /* its Commit is dropped and comes again */
    zrtp_found(rig.side[1].z, &rig.side[1].kept, rig.now);
    rig_run(&rig, 2000);
    assert_same_keys(&rig);
    assert_false(rig.side[0].result.cache_mismatch);
}

static void secrets_that_never_come_fail_by_name(void **state)
{
    (void)state;
    rig.side[0].find_later = true;
    rig.side[1].cfg.is_passive = true;
    rig_start(&rig);
    rig_run(&rig, 20000);
    assert_string_equal(rig.side[0].why, "the store of retained secrets did not answer");
}

static void an_auxiliary_secret_is_mixed_in_where_both_have_it(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(secret_set(&rig.side[i].cfg.aux, "by other means", 14), 0);
    agree(1000);
    assert_true(rig.side[0].z->matched[ZRTP_AUX] && rig.side[1].z->matched[ZRTP_AUX]);
    rig_again(&rig);
    rig.side[1].cfg.aux.n = 0;
    agree(1000);
    assert_false(rig.side[0].z->matched[ZRTP_AUX] || rig.side[1].z->matched[ZRTP_AUX]);
}

/* --- the other modes ------------------------------------------------------------------------------ */

static void a_second_stream_takes_its_keys_from_the_first(void **state)
{
    (void)state;
    for (int initiator = 0; initiator < 2; initiator++) {
        rig_init(&rig);
        agree(1000);
        struct zrtp_result first = rig.side[0].result;
        assert_memory_equal(first.session.b, rig.side[1].result.session.b, first.session.n);
        rig_again(&rig);
        rig.side[0].cfg.session = rig.side[1].cfg.session = first.session;
        rig.side[1 - initiator].cfg.is_passive = true;
        agree(1000);
        assert_int_equal(rig.side[0].result.choice.of[ZRTP_KEY_AGREEMENT], ZRTP_MULT);
        assert_string_equal(rig.side[0].result.sas, "");
        assert_memory_not_equal(first.tx.master.b, rig.side[0].result.tx.master.b, 16);
        assert_int_equal(rig.side[0].saved + rig.side[1].saved, 0);
        rig_fini(&rig);
    }
}

static void multistream_without_a_first_stream_is_refused(void **state)
{
    (void)state;
    assert_int_equal(secret_set(&rig.side[0].cfg.session, "of a stream that nobody had", 27), 0);
    rig.side[1].cfg.is_passive = true;
    rig_start(&rig);
    rig_run(&rig, 5000);
    assert_int_equal(rig.side[0].secure + rig.side[1].secure, 0);
    assert_string_equal(rig.side[1].why,
                        "the peer wants keys from a shared secret that is not known here");
    assert_string_equal(rig.side[0].why, "the peer does not know the shared secret");
}

static void with_another_first_stream_nothing_is_agreed(void **state)
{
    (void)state;
    assert_int_equal(secret_set(&rig.side[0].cfg.session, "one session key", 15), 0);
    assert_int_equal(secret_set(&rig.side[1].cfg.session, "two session key", 15), 0);
    rig_start(&rig);
    rig_run(&rig, 5000);
    assert_int_equal(rig.side[0].secure + rig.side[1].secure, 0);
    assert_int_equal(rig.side[0].failed + rig.side[1].failed, 2);
}

static void allow_preshared(void)
{
    for (int i = 0; i < 2; i++) {
        rig.side[i].cfg.use_preshared = true;
        rig.side[i].cfg.lists.of[ZRTP_KEY_AGREEMENT] =
            (struct zrtp_list){.n = 2, .v = {ZRTP_EC25, ZRTP_PRSH}};
    }
}

static void a_second_call_may_be_preshared(void **state)
{
    (void)state;
    allow_preshared();
    agree(1000);
    assert_int_equal(rig.side[0].result.choice.of[ZRTP_KEY_AGREEMENT], ZRTP_EC25);
    rig_again(&rig);
    agree(1000);
    assert_int_equal(rig.side[0].result.choice.of[ZRTP_KEY_AGREEMENT], ZRTP_PRSH);
    assert_int_equal(rig.side[0].saved, 1);
    rig_again(&rig); /* the secret has moved on at both */
    agree(1000);
    assert_int_equal(rig.side[0].result.choice.of[ZRTP_KEY_AGREEMENT], ZRTP_PRSH);
}

static void preshared_with_a_lost_secret_is_refused(void **state)
{
    (void)state;
    allow_preshared();
    agree(1000);
    memset(&rig.side[1].kept, 0, sizeof(rig.side[1].kept));
    rig_again(&rig);
    rig.side[1].cfg.is_passive = true;
    rig_start(&rig);
    rig_run(&rig, 5000);
    assert_int_equal(rig.side[0].secure + rig.side[1].secure, 0);
    assert_string_equal(rig.side[0].why, "the peer does not know the shared secret");
}

/* s.4.2: DH wins over a mode without it. */
static void a_dh_commit_wins_over_one_without(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        rig_init(&rig);
        rig.pass = crossing;
        assert_int_equal(secret_set(&rig.side[i].cfg.session, "a session key", 13), 0);
        agree(3000);
        assert_int_equal(rig.side[0].result.choice.of[ZRTP_KEY_AGREEMENT], ZRTP_X255);
        assert_int_equal(rig.side[1 - i].z->role, ZRTP_INITIATOR);
        rig_fini(&rig);
    }
}

/* --- trusted man in the middle (s.7.3) ------------------------------------------------------------ */

/* Side 0 is the PBX. */
static void enrol(void)
{
    rig.side[0].cfg.is_mitm = rig.side[0].cfg.ask_enroll = true;
    agree(1000);
    assert_true(rig.side[1].result.peer_is_mitm && rig.side[1].result.enroll_offered);
    assert_int_equal(rig.side[1].kept.of[ZRTP_PBX].n, 0);
    zrtp_enroll(rig.side[1].z);
    assert_memory_equal(rig.side[0].kept.of[ZRTP_PBX].b, rig.side[1].kept.of[ZRTP_PBX].b,
                        ZRTP_SECRET_LEN);
    rig_again(&rig);
    rig.side[0].cfg.ask_enroll = false;
    agree(1000);
    assert_true(rig.side[0].result.pbx_matched && rig.side[1].result.pbx_matched);
}

/* The enrolment number is called again, by a phone that does not look at offers any more. */
static void who_is_enrolled_stays_enrolled(void **state)
{
    (void)state;
    enrol();
    rig.side[0].cfg.ask_enroll = true;
    for (int i = 0; i < 3; i++) {
        rig_again(&rig);
        agree(1000);
        assert_true(rig.side[0].result.pbx_matched && rig.side[1].result.pbx_matched);
        assert_false(rig.side[1].result.enroll_offered);
    }
}

static struct zrtp_relay some_relay(void)
{
    struct zrtp_relay r = {.sas = ZRTP_B256};

    memcpy(r.sas_hash, "\xe5\x82\x94\xf2", 4);
    return r;
}

static void an_enrolled_phone_shows_the_relayed_sas(void **state)
{
    (void)state;
    struct zrtp_relay relay = some_relay();

    enrol();
    assert_true(zrtp_relay_sas(rig.side[0].z, &relay, rig.now));
    assert_string_equal(zrtp_state_name(rig.side[0].z), "relaying");
    rig_run(&rig, 1000);
    assert_string_equal(zrtp_state_name(rig.side[0].z), "secure");
    assert_int_equal(rig.side[1].changed, 1);
    assert_string_equal(rig.side[1].result.sas, "topmost:Istanbul");
    assert_true(rig.side[1].result.sas_relayed);
    assert_false(rig.side[1].result.sas_verified);
}

static void a_relayed_sas_is_taken_from_the_enrolled_only(void **state)
{
    (void)state;
    struct zrtp_relay relay = some_relay();
    char before[ZRTP_SAS_TEXT_MAX];

    rig.side[0].cfg.is_mitm = true;
    agree(1000);
    (void)snprintf(before, sizeof(before), "%s", rig.side[1].result.sas);
    assert_true(zrtp_relay_sas(rig.side[0].z, &relay, rig.now));
    rig_run(&rig, 30000);
    assert_int_equal(rig.side[1].changed, 0);
    assert_string_equal(rig.side[1].result.sas, before);
    assert_string_equal(rig.side[1].drop_why,
                        "a SAS was relayed by a peer that is not trusted to do so");
    /* the call itself goes on */
    assert_string_equal(zrtp_state_name(rig.side[0].z), "secure");
    assert_int_equal(rig.side[0].failed, 0);
}

static void only_what_calls_itself_a_relay_may_relay(void **state)
{
    (void)state;
    struct zrtp_relay relay = some_relay();

    agree(1000);
    assert_false(zrtp_relay_sas(rig.side[0].z, &relay, rig.now));
}

/* --- going clear (s.4.7.2) ------------------------------------------------------------------------ */

static void clear_needs_leave_on_both_sides(void **state)
{
    (void)state;
    rig.side[0].cfg.allow_clear = true;
    agree(1000);
    assert_false(zrtp_go_clear(rig.side[0].z, rig.now));
    assert_false(zrtp_go_clear(rig.side[1].z, rig.now));
    rig_again(&rig);
    rig.side[1].cfg.allow_clear = true;
    agree(1000);
    assert_true(zrtp_go_clear(rig.side[0].z, rig.now));
    assert_int_equal(rig.side[0].cleared, 0); /* not before the acknowledgement */
    rig_run(&rig, 1000);
    assert_int_equal(rig.side[0].cleared, 1);
    assert_int_equal(rig.side[1].cleared, 1);
}

static void an_authentic_goclear_is_refused_where_not_allowed(void **state)
{
    (void)state;
    agree(1000);
    /* as a peer that does not ask whether we allow it */
    rig.side[0].z->cfg.allow_clear = rig.side[0].z->peer_confirm.allow_clear = true;
    assert_true(zrtp_go_clear(rig.side[0].z, rig.now));
    rig_run(&rig, 30000);
    assert_int_equal(rig.side[1].cleared + rig.side[0].cleared, 0);
    assert_string_equal(zrtp_state_name(rig.side[1].z), "secure");
    assert_string_equal(rig.side[1].drop_why,
                        "the peer asked to go on in clear, which is not allowed here");
}

/* --- the table ------------------------------------------------------------------------------------ */

static void every_cell_of_the_table_is_sound(void **state)
{
    (void)state;
    for (int s = 0; s < ZRTP_STATE_COUNT; s++) {
        for (int e = 0; e < ZRTP_EVENT_COUNT; e++) {
            const struct zrtp_cell *c = &zrtp_table[s][e];
            assert_in_range(c->act, 0, ZRTP_ACT_COUNT - 1);
            assert_in_range(c->next, 0, ZRTP_STATE_COUNT - 1);
            /* nothing leads out of the end, and nothing but GoClear leads from secure to clear */
            if (s == ZRTP_FAILED)
                assert_int_equal(c->next, ZRTP_FAILED);
            if (c->next == ZRTP_CLEAR && s != ZRTP_CLEAR)
                assert_true(c->act == ZRTP_ACT_CLEAR || c->act == ZRTP_ACT_CLEARED);
            if (c->next == ZRTP_SECURE && s < ZRTP_WAIT_CONFIRM2)
                fail_msg("%d %d: secure without a Confirm", s, e);
            if (c->act == ZRTP_ACT_IGNORE || c->act == ZRTP_ACT_DROP)
                assert_int_equal(c->next, s);
        }
    }
}

static void a_ping_is_answered_in_any_state(void **state)
{
    (void)state;
    struct zrtp_msg m = {.kind = ZRTP_PING}, got;
    uint8_t text[64], packet[96];
    struct buf b = buf_over(text, sizeof(text));
    struct zrtp_packet p = {.ssrc = 77};

    rig_start(&rig);
    rig.n = 0;
    memcpy(m.ping.version, "1.10", 4);
    memcpy(m.ping.endpoint, "endpoint", 8);
    zrtp_msg_print(&m, &b);
    p.message = buf_slice(&b);
    zrtp_packet(rig.side[1].z, slice_from(packet, zrtp_packet_print(&p, packet)), rig.now);
    assert_int_equal(rig.n, 1);
    assert_int_equal(zrtp_packet_parse(slice_from(rig.queue[0].b, rig.queue[0].n), &p), 0);
    assert_int_equal(zrtp_msg_parse(p.message, &got), 0);
    assert_int_equal(got.kind, ZRTP_PINGACK);
    assert_int_equal(got.ping.ssrc, 77);
    assert_memory_equal(got.ping.received, "endpoint", 8);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(two_agree_and_show_one_sas),
        T(every_algorithm_works),
        T(twofish_confirms_but_gives_no_srtp_keys),
        T(the_faster_of_two_first_choices_is_taken),
        T(a_passive_side_is_the_responder),
        T(two_passive_sides_fail_by_name),
        T(crossing_commits_are_resolved),
        T(loss_doubling_and_disorder_are_survived),
        T(each_message_may_be_lost),
        T(media_stands_for_a_lost_conf2ack),
        T(nothing_answers),
        T(repetitions_come_when_the_rfc_says),
        T(a_second_call_goes_on_from_the_first),
        T(verified_by_one_side_only_is_not_verified),
        T(a_call_that_one_side_missed_is_bridged_by_rs2),
        T(a_lost_cache_is_told_and_kept_until_the_sas_is_compared),
        T(secrets_may_come_late),
        T(secrets_that_never_come_fail_by_name),
        T(an_auxiliary_secret_is_mixed_in_where_both_have_it),
        T(a_second_stream_takes_its_keys_from_the_first),
        T(multistream_without_a_first_stream_is_refused),
        T(with_another_first_stream_nothing_is_agreed),
        T(a_second_call_may_be_preshared),
        T(preshared_with_a_lost_secret_is_refused),
        T(a_dh_commit_wins_over_one_without),
        T(who_is_enrolled_stays_enrolled),
        T(an_enrolled_phone_shows_the_relayed_sas),
        T(a_relayed_sas_is_taken_from_the_enrolled_only),
        T(only_what_calls_itself_a_relay_may_relay),
        T(clear_needs_leave_on_both_sides),
        T(an_authentic_goclear_is_refused_where_not_allowed),
        T(every_cell_of_the_table_is_sound),
        T(a_ping_is_answered_in_any_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
