#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rtp/stun.h"
#include "rtp/stun_vectors.h"

static const uint8_t txid[STUN_TXID_LEN] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
static uint8_t mem[2048];

/* Stands for a hash: sums that differ where a byte or the key differs. What real ones make of the
 * vectors is tested where there is cryptography, in media/ice_test.c. */
static void toy_hash(struct slice key, const struct slice *parts, size_t n, uint8_t *ret,
                     size_t len)
{
    uint32_t sum = 2166136261u;

    for (size_t i = 0; i < key.n; i++)
        sum = (sum ^ (uint8_t)key.p[i]) * 16777619u;
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < parts[k].n; i++)
            sum = (sum ^ (uint8_t)parts[k].p[i]) * 16777619u;
    }
    for (size_t i = 0; i < len; i++) {
        sum *= 16777619u;
        ret[i] = (uint8_t)(sum >> 24);
    }
}

static void toy_sha1(struct slice key, const struct slice *parts, size_t n, uint8_t *ret)
{
    toy_hash(key, parts, n, ret, STUN_SHA1_LEN);
}

static void toy_sha256(struct slice key, const struct slice *parts, size_t n, uint8_t *ret)
{
    toy_hash(key, parts, n, ret, STUN_SHA256_LEN);
}

static const struct stun_hmac toy = {toy_sha1, toy_sha256};
static const struct slice key = {"secret", 6};

static struct buf begin(enum stun_class class)
{
    struct buf b = buf_over(mem, sizeof(mem));
    stun_put_begin(&b, class, txid);
    return b;
}

/* Any attribute at all, with the right length in the header. */
static void put_raw(struct buf *b, uint16_t type, size_t n, uint8_t fill)
{
    uint8_t head[4];
    wire_put16(head, type);
    wire_put16(head + 2, (uint16_t)n);
    buf_put(b, head, 4);
    for (size_t i = 0; i < ((n + 3) & ~(size_t)3); i++)
        buf_put_char(b, (char)fill);
    assert_false(b->overflow);
    wire_put16(mem + 2, (uint16_t)(b->n - STUN_HDR_LEN));
}

static void the_vectors_are_read(void **state)
{
    (void)state;
    struct stun_msg m;
    struct addr want;
    assert_int_equal(stun_parse(SLICE_LIT(STUN_VECTOR_REQUEST), &m), STUN_OK);
    assert_int_equal(m.class, STUN_REQUEST);
    assert_int_equal(m.method, STUN_BINDING);
    assert_true(slice_eq(m.username, SLICE_LIT(STUN_VECTOR_USERNAME)));
    assert_true(m.has_priority && m.priority == 0x6e0001ff);
    assert_true(m.controlled && !m.controlling && m.tie == 0x932ff9b151263b36);
    assert_true(m.has_fingerprint && m.integrity_at != 0 && m.integrity256_at == 0);
    assert_false(m.use_candidate);
    assert_int_equal(m.unknown_count, 0);

    assert_int_equal(stun_parse(SLICE_LIT(STUN_VECTOR_RESPONSE4), &m), STUN_OK);
    assert_int_equal(m.class, STUN_SUCCESS);
    assert_int_equal(addr_parse(SLICE_LIT("192.0.2.1"), 32853, &want), 0);
    assert_true(addr_eq(&m.mapped, &want));

    assert_int_equal(stun_parse(SLICE_LIT(STUN_VECTOR_RESPONSE6), &m), STUN_OK);
    assert_int_equal(addr_parse(SLICE_LIT("2001:db8:1234:5678:11:2233:4455:6677"), 32853, &want),
                     0);
    assert_true(addr_eq(&m.mapped, &want));
}

static void what_is_built_is_read(void **state)
{
    (void)state;
    static const char *const hosts[] = {"192.0.2.7", "2001:db8::7"};
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        struct stun_msg m;
        struct addr a;
        struct buf b = begin(STUN_REQUEST);
        assert_int_equal(addr_parse(slice_from_str(hosts[i]), 40000, &a), 0);
        stun_put_username(&b, SLICE_LIT("ours"), SLICE_LIT("theirs"));
        stun_put_mapped(&b, &a);
        stun_put_priority(&b, 77);
        stun_put_role(&b, true, 0x0102030405060708);
        stun_put_use_candidate(&b);
        stun_put_end(&b, key, toy_sha1);
        assert_false(b.overflow);
        assert_int_equal(stun_parse(buf_slice(&b), &m), STUN_OK);
        assert_memory_equal(stun_txid(&m), txid, sizeof(txid));
        assert_true(slice_eq(m.username, SLICE_LIT("ours:theirs")));
        assert_true(addr_eq(&m.mapped, &a));
        assert_true(m.controlling && !m.controlled && m.tie == 0x0102030405060708);
        assert_true(m.use_candidate && m.priority == 77 && m.has_fingerprint);
        assert_true(stun_is_authentic(&m, key, &toy));
        assert_false(stun_is_authentic(&m, SLICE_LIT("secreT"), &toy));
    }
}

static void errors_are_built_with_what_was_not_understood(void **state)
{
    (void)state;
    struct stun_msg m;
    struct buf b = begin(STUN_REQUEST);
    for (uint16_t i = 0; i < STUN_UNKNOWN_MAX + 1; i++)
        put_raw(&b, (uint16_t)(0x7000 + i), i, 0);
    put_raw(&b, 0xc001, 4, 0); /* may be ignored */
    assert_int_equal(stun_parse(buf_slice(&b), &m), STUN_OK);
    assert_int_equal(m.unknown_count, STUN_UNKNOWN_MAX + 1);
    uint8_t out[256];
    struct buf e = buf_over(out, sizeof(out));
    struct stun_msg r;
    stun_put_begin(&e, STUN_ERROR, txid);
    stun_put_error(&e, STUN_CODE_UNKNOWN);
    stun_put_unknown(&e, &m);
    stun_put_end(&e, SLICE_NONE, NULL);
    assert_int_equal(stun_parse(buf_slice(&e), &r), STUN_OK);
    assert_int_equal(r.class, STUN_ERROR);
    assert_int_equal(r.error, 420);
    assert_memory_equal(out + e.n - 8 - 2 * STUN_UNKNOWN_MAX, "\x70\x00\x70\x01\x70\x02", 6);
    assert_false(stun_is_authentic(&r, key, &toy)); /* it has no integrity */
}

static int verdict(const struct buf *b)
{
    struct stun_msg m;
    return stun_parse(buf_slice(b), &m);
}

static void what_goes_past_the_end_is_a_verdict(void **state)
{
    (void)state;
    struct stun_msg m;
    char copy[sizeof(STUN_VECTOR_REQUEST)];
    struct slice all = SLICE_LIT(STUN_VECTOR_REQUEST);
    for (size_t n = 0; n < all.n; n++)
        assert_int_not_equal(stun_parse(slice_take(all, n), &m), STUN_OK);
    /* each attribute's length, one past the end, and the largest there is */
    for (size_t at = STUN_HDR_LEN; at < all.n;
         at += 4 + ((wire_get16((const uint8_t *)all.p + at + 2) + 3u) & ~3u)) {
        static const uint16_t lengths[] = {0xffff, 0x7fff, 0};
        for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
            uint16_t n = lengths[i] ? lengths[i] : (uint16_t)(all.n - at - 4 + 1);
            memcpy(copy, all.p, all.n);
            wire_put16((uint8_t *)copy + at + 2, n);
            assert_int_equal(stun_parse(slice_from(copy, all.n), &m), STUN_BAD_ATTR);
        }
    }
}

static void lengths_and_first_bits_are_checked(void **state)
{
    (void)state;
    struct buf b = begin(STUN_REQUEST);
    assert_int_equal(verdict(&b), STUN_OK);
    mem[3] = 4;
    assert_int_equal(verdict(&b), STUN_BAD_LENGTH);
    mem[3] = 1;
    b.n++;
    assert_int_equal(verdict(&b), STUN_BAD_LENGTH);
    b = begin(STUN_REQUEST);
    mem[0] = 0x80;
    assert_int_equal(verdict(&b), STUN_NOT_STUN);
    b = begin(STUN_REQUEST);
    mem[4] ^= 1;
    assert_int_equal(verdict(&b), STUN_NOT_STUN);
    b.n--;
    assert_int_equal(verdict(&b), STUN_TOO_SHORT);
}

static void values_of_a_wrong_length_are_a_verdict(void **state)
{
    (void)state;
    static const struct {
        uint16_t type;
        size_t n;
        uint8_t fill;
    } bad[] = {
        {0x0006, STUN_USERNAME_MAX + 1, 'x'}, /* USERNAME */
        {0x0008, 19, 0},
        {0x0008, 24, 0}, /* MESSAGE-INTEGRITY */
        {0x001c, 12, 0},
        {0x001c, 36, 0},
        {0x001c, 18, 0}, /* …-SHA256 */
        {0x0009, 3, 0},
        {0x0009, 4, 0},
        {0x0009, 4, 7}, /* ERROR-CODE */
        {0x000a, 3, 0}, /* UNKNOWN-ATTRIBUTES */
        {0x0020, 7, 1},
        {0x0020, 8, 2},
        {0x0020, 20, 1}, /* XOR-MAPPED-ADDRESS */
        {0x0024, 3, 0},
        {0x0025, 1, 0},
        {0x8029, 7, 0},
        {0x802a, 9, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct buf b = begin(STUN_REQUEST);
        put_raw(&b, bad[i].type, bad[i].n, bad[i].fill);
        assert_int_equal(verdict(&b), STUN_BAD_VALUE);
    }
    struct buf b = begin(STUN_REQUEST);
    put_raw(&b, 0x0006, STUN_USERNAME_MAX, 'x');
    assert_int_equal(verdict(&b), STUN_OK);
}

static void attributes_are_counted(void **state)
{
    (void)state;
    struct buf b = begin(STUN_INDICATION);
    for (size_t i = 0; i < STUN_ATTRS_MAX; i++)
        put_raw(&b, 0x8022, 1, 'x');
    assert_int_equal(verdict(&b), STUN_OK);
    put_raw(&b, 0x8022, 1, 'x');
    assert_int_equal(verdict(&b), STUN_BAD_ATTR);
}

static void the_fingerprint_is_the_last_and_right(void **state)
{
    (void)state;
    struct buf b = begin(STUN_REQUEST);
    stun_put_use_candidate(&b);
    stun_put_end(&b, key, toy_sha1);
    assert_int_equal(verdict(&b), STUN_OK);
    mem[b.n - 1] ^= 1;
    assert_int_equal(verdict(&b), STUN_BAD_FINGERPRINT);
    mem[b.n - 1] ^= 1;
    put_raw(&b, 0x8022, 4, 'x');
    assert_int_equal(verdict(&b), STUN_BAD_FINGERPRINT);
}

/* An attacker who may append must not be able to nominate. */
static void what_stands_behind_the_integrity_is_not_read(void **state)
{
    (void)state;
    struct stun_msg m;
    struct buf b = begin(STUN_REQUEST);
    stun_put_username(&b, SLICE_LIT("a"), SLICE_LIT("b"));
    stun_put_end(&b, key, toy_sha1);
    b.n -= 8; /* the fingerprint */
    size_t covered = b.n;
    put_raw(&b, 0x0025, 0, 0);
    put_raw(&b, 0x0006, 3, 'x');
    put_raw(&b, 0x7001, 0, 0);
    assert_int_equal(stun_parse(buf_slice(&b), &m), STUN_OK);
    assert_false(m.use_candidate);
    assert_true(slice_eq(m.username, SLICE_LIT("a:b")));
    assert_int_equal(m.unknown_count, 0);
    assert_true(stun_is_authentic(&m, key, &toy)); /* s.14.5: its length counts up to itself */
    mem[covered - 1] ^= 1;
    assert_int_equal(stun_parse(buf_slice(&b), &m), STUN_OK);
    assert_false(stun_is_authentic(&m, key, &toy));
}

static void put_sha256(struct buf *b, size_t n)
{
    uint8_t hash[STUN_SHA256_LEN];
    size_t at = b->n;
    put_raw(b, 0x001c, n, 0);
    uint8_t length[2];
    wire_put16(length, (uint16_t)(b->n - STUN_HDR_LEN));
    const struct slice parts[] = {slice_from(mem, 2), slice_from(length, 2),
                                  slice_from(mem + 4, at - 4)};
    toy_sha256(key, parts, 3, hash);
    memcpy(mem + at + 4, hash, n);
}

static void the_second_integrity_counts_where_it_is_there(void **state)
{
    (void)state;
    static const size_t lengths[] = {16, 20, 32};
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct stun_msg m;
        struct buf b = begin(STUN_REQUEST);
        put_sha256(&b, lengths[i]);
        assert_int_equal(stun_parse(buf_slice(&b), &m), STUN_OK);
        assert_true(stun_is_authentic(&m, key, &toy));
        assert_false(stun_is_authentic(&m, SLICE_LIT("other"), &toy));
        mem[b.n - 1] ^= 1;
        assert_false(stun_is_authentic(&m, key, &toy));
    }
    struct stun_msg m;
    struct buf b = begin(STUN_REQUEST);
    stun_put_end(&b, key, toy_sha1);
    b.n -= 8;
    put_sha256(&b, 32);
    assert_int_equal(stun_parse(buf_slice(&b), &m), STUN_OK);
    assert_true(m.integrity_at && m.integrity256_at);
    assert_true(stun_is_authentic(&m, key, &toy));
    mem[b.n - 1] ^= 1; /* the first is right, the second is not */
    assert_false(stun_is_authentic(&m, key, &toy));
}

static void a_buffer_that_is_too_small_is_told(void **state)
{
    (void)state;
    for (size_t cap = 0; cap < 64; cap++) {
        struct buf b = buf_over(mem, cap);
        stun_put_begin(&b, STUN_SUCCESS, txid);
        stun_put_mapped(&b, &(struct addr){.sa.sa_family = AF_INET});
        stun_put_end(&b, key, toy_sha1);
        assert_true(b.overflow);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_are_read),
        cmocka_unit_test(what_is_built_is_read),
        cmocka_unit_test(errors_are_built_with_what_was_not_understood),
        cmocka_unit_test(what_goes_past_the_end_is_a_verdict),
        cmocka_unit_test(lengths_and_first_bits_are_checked),
        cmocka_unit_test(values_of_a_wrong_length_are_a_verdict),
        cmocka_unit_test(attributes_are_counted),
        cmocka_unit_test(the_fingerprint_is_the_last_and_right),
        cmocka_unit_test(what_stands_behind_the_integrity_is_not_read),
        cmocka_unit_test(the_second_integrity_counts_where_it_is_there),
        cmocka_unit_test(a_buffer_that_is_too_small_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
