#include "keying/pass.h"

#include "keying/text.h"
#include "keying/zrtp/packet.h"
#include "keying/zrtp_engine.h"

#define ZRTP_TYPE_AT 4 /* of a message: behind preamble and length (RFC 6189 s.5.2) */
#define ZRTP_TYPE_LEN 8
#define DTLS_CCS 20
#define DTLS_UNIFIED 0x20 /* DTLS 1.3, first bits 001: encrypted (RFC 9147 s.4) */

static const struct {
    const char *name;
    enum keying_kind kind;
} attributes[] = {
    {"crypto", KEYING_SDES},
    {"fingerprint", KEYING_DTLS},
    {"zrtp-hash", KEYING_ZRTP},
    {"key-mgmt", KEYING_MIKEY},
};

/* A line that cannot be read announces nothing. */
static void read_hashes(struct slice text, struct keying_pass *p)
{
    struct slice value;

    while (p->hash_count < KEYING_PASS_HASHES_MAX &&
           keying_text_next(&text, SLICE_LIT("zrtp-hash"), &value)) {
        if (zrtp_hash_parse(value, p->hash[p->hash_count]) == 0)
            p->hash_count++;
    }
}

void keying_pass_read(struct slice text, unsigned allowed, struct keying_pass *ret)
{
    struct keying_pass p = {0};

    read_hashes(text, &p);
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
        if (keying_text_has(text, slice_from_str(attributes[i].name)))
            p.announced |= (uint8_t)(1u << attributes[i].kind & allowed);
    }
    if (p.hash_count == 0)
        p.announced &= (uint8_t) ~(1u << KEYING_ZRTP);
    if (!(p.announced & 1u << KEYING_ZRTP))
        p.hash_count = 0;
    memset(p.hash[p.hash_count], 0, sizeof(p.hash) - p.hash_count * sizeof(p.hash[0]));
    *ret = p;
}

bool keying_pass_eq(const struct keying_pass *a, const struct keying_pass *b)
{
    return a->announced == b->announced && a->hash_count == b->hash_count &&
           memcmp(a->hash, b->hash, sizeof(a->hash)) == 0;
}

static bool is_announced(const struct keying_pass *p, struct slice hello)
{
    uint8_t hash[CRYPTO_SHA256_LEN];

    if (p->hash_count == 0)
        return true;
    crypto_sha256(&hello, 1, hash);
    for (size_t i = 0; i < p->hash_count; i++) {
        if (memcmp(hash, p->hash[i], sizeof(hash)) == 0)
            return true;
    }
    return false;
}

static enum keying_pass_event hear_zrtp(const struct keying_pass *p, struct slice packet)
{
    struct zrtp_packet z;

    if (zrtp_packet_parse(packet, &z) != ZRTP_PACKET_OK)
        return KEYING_PASS_BAD;
    struct slice type = slice_take(slice_skip(z.message, ZRTP_TYPE_AT), ZRTP_TYPE_LEN);
    if (slice_eq(type, SLICE_LIT("Hello   ")))
        return is_announced(p, z.message) ? KEYING_PASS_HELLO : KEYING_PASS_HELLO_FOREIGN;
    if (slice_eq(type, SLICE_LIT("Confirm2")))
        return KEYING_PASS_CONFIRM;
    if (slice_eq(type, SLICE_LIT("Conf2ACK")))
        return KEYING_PASS_CONFIRMED;
    return slice_eq(type, SLICE_LIT("GoClear ")) ? KEYING_PASS_GO_CLEAR : KEYING_PASS_OTHER;
}

/* Records of DTLS 1.2 tell their epoch in clear: from 1 on they are encrypted (RFC 6347 s.4.1). One
 * datagram may hold several, the encrypted one last. */
static enum keying_pass_event hear_dtls(struct slice packet)
{
    while (packet.n) {
        const uint8_t *d = (const uint8_t *)packet.p;
        if ((d[0] & 0xe0) == DTLS_UNIFIED)
            return KEYING_PASS_SECURE;
        if (packet.n < 13 || d[0] < DTLS_CCS)
            return KEYING_PASS_BAD;
        if (wire_get16(d + 3) != 0)
            return KEYING_PASS_SECURE;
        packet = slice_skip(packet, 13u + wire_get16(d + 11));
    }
    return KEYING_PASS_OTHER;
}

enum keying_pass_event keying_pass_hear(const struct keying_pass *p, enum rtp_kind kind,
                                        struct slice packet)
{
    return kind == RTP_KIND_ZRTP ? hear_zrtp(p, packet) : hear_dtls(packet);
}
