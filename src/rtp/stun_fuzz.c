/* A STUN message: whatever parses lies within the datagram, and is hashed within it. */
#include <assert.h>

#include "rtp/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void touch(struct slice key, const struct slice *parts, size_t n, uint8_t *ret, size_t len)
{
    uint8_t sum = (uint8_t)key.n;

    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < parts[k].n; i++)
            sum = (uint8_t)(sum * 31 + parts[k].p[i]);
    }
    memset(ret, sum, len);
}

static void sha1(struct slice key, const struct slice *parts, size_t n, uint8_t *ret)
{
    touch(key, parts, n, ret, STUN_SHA1_LEN);
}

static void sha256(struct slice key, const struct slice *parts, size_t n, uint8_t *ret)
{
    touch(key, parts, n, ret, STUN_SHA256_LEN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct stun_hmac hmac = {sha1, sha256};
    struct stun_msg m;
    uint8_t out[1024];

    if (stun_parse(slice_from(data, size), &m) != STUN_OK)
        return 0;
    assert(m.username.n == 0 || (m.username.p >= (const char *)data &&
                                 m.username.p + m.username.n <= (const char *)data + size));
    assert(m.error == 0 || (m.error >= 300 && m.error < 700));
    (void)stun_is_authentic(&m, SLICE_LIT("key"), &hmac);

    struct buf b = buf_over(out, sizeof(out));
    struct stun_msg again;
    stun_put_begin(&b, STUN_ERROR, stun_txid(&m));
    stun_put_error(&b, STUN_CODE_UNKNOWN);
    stun_put_unknown(&b, &m);
    if (addr_family(&m.mapped))
        stun_put_mapped(&b, &m.mapped);
    stun_put_end(&b, SLICE_LIT("key"), sha1);
    assert(!b.overflow && stun_parse(buf_slice(&b), &again) == STUN_OK);
    assert(stun_is_authentic(&again, SLICE_LIT("key"), &hmac));
    assert(addr_family(&m.mapped) == 0 || addr_eq(&m.mapped, &again.mapped));
    return 0;
}
