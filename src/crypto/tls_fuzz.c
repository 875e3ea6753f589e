/* Records: what a stranger may send (first byte even), and what a peer that has the key may seal
 * (odd: the rest is sealed as the inside of a TLS 1.3 record and opened again). */
#include <assert.h>

#include "crypto/tls_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct crypto_tls_record record_of(uint8_t pick)
{
    struct crypto_tls_record r = {.cipher = (uint8_t)((pick >> 1) % tls_cipher_count),
                                  .is_client = pick & 0x80,
                                  .fragment = 16384};

    r.version = tls_ciphers[r.cipher].version;
    r.suite = tls_ciphers[r.cipher].suite;
    return r;
}

/* Cuts the input into records at the length that its first bytes name. */
static size_t seal_some(struct crypto_tls_aead *a, const struct crypto_tls_record *r, uint64_t seq,
                        struct slice inner, uint8_t *out)
{
    uint8_t nonce[TLS_NONCE_LEN] = {0};
    size_t body = inner.n + TLS_TAG_LEN;

    nonce[11] = (uint8_t)seq;
    memcpy(out, (uint8_t[]){23, 3, 3, (uint8_t)(body >> 8), (uint8_t)body}, 5);
    struct tls_job j = {.suite = r->suite,
                        .key = r->rx.key,
                        .nonce = nonce,
                        .aad = slice_from(out, 5),
                        .in = inner,
                        .tail = -1,
                        .out = out + 5,
                        .tag = out + 5 + inner.n};
    int e = tls_aead_seal(a, &j);
    assert(e == 0);
    return 5 + body;
}

static void open_all(struct crypto_tls_aead *a, struct crypto_tls_record *r, uint8_t *in, size_t n)
{
    struct slice d;
    size_t used;

    while (crypto_tls_open(a, r, in, n, &used, &d) == CRYPTO_TLS_DATA) {
        assert(used <= n && (d.n == 0 || ((uint8_t *)(uintptr_t)d.p >= in && d.n <= used)));
        in += used;
        n -= used;
    }
}

static void sealed(struct crypto_tls_aead *a, struct crypto_tls_record *r, struct slice in)
{
    static uint8_t out[65536];

    for (uint64_t seq = 0; in.n >= 2 && seq < 200; seq++) {
        size_t n = (size_t)(uint8_t)in.p[0] + 1;
        struct slice inner = slice_take(slice_skip(in, 1), n);
        in = slice_skip(in, 1 + n);
        /* Once the key has moved on, what we seal is noise to it: that is tested too. */
        size_t len = seal_some(a, r, r->rx.seq, inner, out);
        open_all(a, r, out, len);
        assert(crypto_tls_record_is_sound(r));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct crypto_tls_aead *a;
    static uint8_t copy[1 << 17];

    if (!a && crypto_tls_aead_new(&a) < 0)
        abort();
    if (size < 2 || size > sizeof(copy))
        return 0;
    struct crypto_tls_record r = record_of(data[0]);
    memcpy(copy, data + 1, size - 1);
    if (data[0] & 1) {
        r.cipher = (uint8_t)(r.cipher % 3);
        r.version = tls_ciphers[r.cipher].version;
        r.suite = tls_ciphers[r.cipher].suite;
        sealed(a, &r, slice_from(copy, size - 1));
    } else {
        open_all(a, &r, copy, size - 1);
    }
    return 0;
}
