/* Terms in the state memfd: packed, whole again after a kill, and nothing of them left behind. */
#include "media/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "ipc/ipc.h"
#include "media/role.h"

#define SLOTS 1000u
#define WORDS MEDIA_TERMS_WORDS

struct fixture {
    int fd;
    struct media_state s;
};

static void begin(struct fixture *f)
{
    assert_int_equal(ipc_memfd_new("test", media_state_size(SLOTS), &f->fd), 0);
    assert_int_equal(media_state_map(f->fd, SLOTS, &f->s), 0);
}

static void again(struct fixture *f)
{
    media_state_unmap(&f->s);
    assert_int_equal(media_state_map(f->fd, SLOTS, &f->s), 0);
}

static void end(struct fixture *f)
{
    media_state_unmap(&f->s);
    close(f->fd);
}

static uint64_t memory_of(const struct fixture *f)
{
    struct stat st;
    assert_int_equal(fstat(f->fd, &st), 0);
    return (uint64_t)st.st_blocks * 512;
}

/* `n` words that are not zero, spread over all of the terms; epochs stay. */
static struct media_terms terms_of(size_t n, uint8_t fill)
{
    static struct media_terms t;
    memset(&t, 0, sizeof(t));
    for (size_t i = 0; i < n; i++)
        memset((char *)&t + i * WORDS / n * 8 + 3, fill, 2);
    bool *const flags[] = {&t.keying.agreed,    &t.keying.held, &t.pass.on,       &t.has_remote,
                           &t.rtcp_mux_offered, &t.rtcp_mux,    &t.transcode,     &t.info,
                           &t.ice.on,           &t.ice.offered, &t.ice.peer_known};
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (*(uint8_t *)flags[i] > 1) /* what a bool cannot be is not to be read as one */
            *flags[i] = true;
    }
    return t;
}

static void assert_terms(const struct fixture *f, uint32_t slot, const struct media_terms *want)
{
    static struct media_terms got;
    media_terms_read(&f->s, slot, &got);
    assert_memory_equal(&got, want, sizeof(got));
}

static size_t packed_words(const struct fixture *f, uint32_t slot)
{
    const struct media_packed *p = &f->s.slots[slot].packed;
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(p->is_set); i++)
        n += (size_t)__builtin_popcountll(p->is_set[i]);
    return n;
}

/* Terms of which so many words are packed: those that the brief has are not. Uses slot 0. */
static struct media_terms terms_packing(struct fixture *f, size_t words, uint8_t fill)
{
    struct media_terms t = terms_of(WORDS, fill);
    media_terms_commit(&f->s, 0, &t);
    for (size_t i = 0; packed_words(f, 0) > words; i++) {
        memset((char *)&t + i * 5 % WORDS * 8, 0, 8); /* here and there */
        media_terms_commit(&f->s, 0, &t);
    }
    assert_int_equal(packed_words(f, 0), words);
    return t;
}

static bool is_zero(const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (((const char *)p)[i])
            return false;
    }
    return true;
}

static void test_terms_come_back(void **state)
{
    (void)state;
    struct fixture f;
    const size_t here = MEDIA_PACKED_HERE, more = here + MEDIA_PACKED_MORE;
    begin(&f);
    struct media_terms full = terms_of(WORDS, 0x11);
    media_terms_commit(&f.s, 0, &full);
    const size_t all = packed_words(&f, 0);
    assert_in_range(all, WORDS - 32, WORDS - 10);
    const size_t counts[] = {1, 30, here, here + 1, all, 5, more, more + 1, here, all - 1};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        struct media_terms t = terms_packing(&f, counts[i], (uint8_t)(0x11 + i));
        media_terms_commit(&f.s, 7, &t);
        assert_terms(&f, 7, &t);
        assert_int_equal(f.s.slots[7].packed_at, (counts[i] > here) + (counts[i] > more));
        again(&f);
        assert_terms(&f, 7, &t);
        assert_true(is_zero(&f.s.head->journal, sizeof(f.s.head->journal)));
    }
    assert_true(is_zero(&f.s.slots[6], sizeof(f.s.slots[6])));
    assert_true(is_zero(&f.s.slots[8], sizeof(f.s.slots[8])));
    end(&f);
}

/* What packets look at is the same as what is packed. */
static void test_the_brief_agrees(void **state)
{
    (void)state;
    struct fixture f;
    struct media_terms t = {.tx_epoch = 3, .rtcp_mux = true, .ssrc_count = 2, .said_proto = 1};
    begin(&f);
    t.ssrcs[1] = 0xabcd;
    t.keying.active = KEYING_SDES;
    t.keying.wanted = 5;
    assert_int_equal(addr_parse(SLICE_LIT("192.0.2.1"), 4000, &t.remote_rtp), 0);
    media_terms_commit(&f.s, 0, &t);
    const struct media_brief *b = &f.s.slots[0].terms;
    assert_int_equal(b->tx_epoch, 3);
    assert_true(b->rtcp_mux);
    assert_int_equal(b->ssrcs[1], 0xabcd);
    assert_int_equal(b->said_proto, 1);
    assert_int_equal(b->keying.active, KEYING_SDES);
    assert_int_equal(b->keying.wanted, 5);
    assert_true(addr_eq(&b->remote_rtp, &t.remote_rtp));
    assert_false(media_terms_ice(&f.s, 0)->offered);
    assert_false(f.s.slots[0].has_ice);
    t.ice.offered = true;
    media_terms_commit(&f.s, 0, &t);
    assert_true(media_terms_ice(&f.s, 0)->offered);
    t.ice.offered = false;
    media_terms_commit(&f.s, 0, &t);
    assert_false(media_terms_ice(&f.s, 0)->offered);
    end(&f);
}

/* Shorter terms do not leave keys of longer ones behind their end, nor does a closed slot. */
static void test_nothing_stays(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    struct media_terms t = terms_of(WORDS, 0x55);
    media_terms_commit(&f.s, 3, &t);
    assert_false(is_zero(&f.s.more[3], sizeof(f.s.more[3])));
    assert_false(is_zero(&f.s.rest[3], sizeof(f.s.rest[3])));
    t = terms_of(MEDIA_PACKED_HERE + 10, 0x66);
    media_terms_commit(&f.s, 3, &t);
    assert_true(is_zero(&f.s.more[3].words[10], (MEDIA_PACKED_MORE - 10) * 8));
    assert_true(is_zero(&f.s.rest[3], sizeof(f.s.rest[3])));
    t = terms_of(10, 0x44);
    memset(&t.ice, 0, sizeof(t.ice));
    media_terms_commit(&f.s, 3, &t);
    assert_true(is_zero(&f.s.more[3], sizeof(f.s.more[3])));
    assert_true(is_zero(&f.s.ice_terms[3], sizeof(f.s.ice_terms[3])));
    assert_true(is_zero(&f.s.slots[3].packed.words[10], (MEDIA_PACKED_HERE - 10) * 8));
    t = terms_of(WORDS, 0x55);
    media_terms_commit(&f.s, 3, &t);
    f.s.slots[3].generation = 9;
    media_slot_wipe(&f.s, 3);
    assert_int_equal(f.s.slots[3].generation, 9);
    f.s.slots[3].generation = 0;
    assert_true(is_zero(&f.s.slots[3], sizeof(f.s.slots[3])));
    assert_true(is_zero(&f.s.more[3], sizeof(f.s.more[3])));
    assert_true(is_zero(&f.s.rest[3], sizeof(f.s.rest[3])));
    assert_true(is_zero(&f.s.ice_terms[3], sizeof(f.s.ice_terms[3])));
    end(&f);
}

/* Killed anywhere while the terms were copied from the journal: half of the words are still the old
 * ones, or none of them fits the map of which are set. */
static void test_killed_while_packing(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    for (size_t cut = 0; cut < sizeof(struct media_packed); cut += 8) {
        struct media_terms before = terms_of(WORDS, 0x22), after = terms_of(60, 0x33);
        media_terms_commit(&f.s, 1, &after);
        struct media_packed done = f.s.slots[1].packed;
        media_terms_commit(&f.s, 1, &before);
        f.s.head->journal = after;
        f.s.head->journal_slot = 2;
        memcpy(&f.s.slots[1].packed, &done, cut);
        again(&f);
        assert_terms(&f, 1, &after);
        assert_int_equal(f.s.slots[1].packed_at, MEDIA_IN_MORE);
        assert_true(is_zero(&f.s.rest[1], sizeof(f.s.rest[1])));
    }
    end(&f);
}

/* Memory is for what is there: no rows behind for those that do not need them. */
static void test_rows_are_not_touched(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    uint64_t empty = memory_of(&f);
    assert_true(empty <= 2 * 4096);
    struct media_terms t = {.tx_epoch = 1, .rx_epoch = 1};
    memset(t.codecs, 1, MEDIA_PACKED_HERE / 2 * 8);
    for (uint32_t i = 0; i < 100; i++)
        media_terms_commit(&f.s, i, &t);
    const size_t needed = 100 * (sizeof(struct media_slot) + sizeof(struct media_tables));
    assert_true(memory_of(&f) <= empty + needed + 4 * 4096);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terms_come_back),      cmocka_unit_test(test_the_brief_agrees),
        cmocka_unit_test(test_nothing_stays),        cmocka_unit_test(test_killed_while_packing),
        cmocka_unit_test(test_rows_are_not_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
