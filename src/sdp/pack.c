/* The text is looked at line by line. A line that begins with a phrase has the phrase's number instead of
 * it, a byte of 128 and more; all else stands as it is, and ESCAPE before bytes of 128 and more. */
#include "sdp/pack.h"

#include <assert.h>

#define FIRST 128u
#define ESCAPE 255u

struct phrase {
    uint8_t n;
    const char *p;
};

#define PHRASE(lit)            \
    {                          \
        sizeof(lit) - 1, (lit) \
    }

/* The first that fits is taken: longer ones stand before those that they begin with. A change of this list
 * changes what a snapshot says: another SNAPSHOT_VERSION. */
static const struct phrase phrases[] = {
    PHRASE("v=0\r\n"),
    PHRASE("o=- "),
    PHRASE("s=-\r\n"),
    PHRASE("c=IN IP4 "),
    PHRASE("c=IN IP6 "),
    PHRASE("t=0 0\r\n"),
    PHRASE("m=audio "),
    PHRASE("m=video "),
    PHRASE("a=rtpmap:0 PCMU/8000\r\n"),
    PHRASE("a=rtpmap:8 PCMA/8000\r\n"),
    PHRASE("a=rtpmap:9 G722/8000\r\n"),
    PHRASE("a=rtpmap:13 CN/8000\r\n"),
    PHRASE("a=rtpmap:18 G729/8000\r\n"),
    PHRASE("a=rtpmap:96 opus/48000/2\r\n"),
    PHRASE("a=rtpmap:101 telephone-event/8000\r\n"),
    PHRASE("a=rtpmap:110 telephone-event/48000\r\n"),
    PHRASE("a=rtpmap:111 opus/48000/2\r\n"),
    PHRASE("a=rtpmap:126 telephone-event/8000\r\n"),
    PHRASE("a=rtpmap:"),
    PHRASE("a=fmtp:18 annexb=no\r\n"),
    PHRASE("a=fmtp:101 0-15\r\n"),
    PHRASE("a=fmtp:101 0-16\r\n"),
    PHRASE("a=fmtp:110 0-16\r\n"),
    PHRASE("a=fmtp:111 minptime=10;useinbandfec=1\r\n"),
    PHRASE("a=fmtp:111 useinbandfec=1\r\n"),
    PHRASE("a=fmtp:"),
    PHRASE("a=ptime:20\r\n"),
    PHRASE("a=sendrecv\r\n"),
    PHRASE("a=sendonly\r\n"),
    PHRASE("a=recvonly\r\n"),
    PHRASE("a=inactive\r\n"),
    PHRASE("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"),
    PHRASE("a=crypto:1 AEAD_AES_128_GCM inline:"),
    PHRASE("a=crypto:1 AEAD_AES_256_GCM inline:"),
    PHRASE("a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:"),
    PHRASE("a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:"),
    PHRASE("a=crypto:2 AES_256_CM_HMAC_SHA1_80 inline:"),
    PHRASE("a=crypto:3 AES_256_CM_HMAC_SHA1_80 inline:"),
    PHRASE("a=crypto:"),
    PHRASE("a=setup:actpass\r\n"),
    PHRASE("a=setup:active\r\n"),
    PHRASE("a=setup:passive\r\n"),
    PHRASE("a=fingerprint:sha-256 "),
    PHRASE("a=fingerprint:SHA-256 "),
    PHRASE("a=zrtp-hash:1.10 "),
    PHRASE("a=rtcp-mux\r\n"),
    PHRASE("a=rtcp-fb:"),
    PHRASE("a=rtcp:"),
    PHRASE("a=candidate:"),
    PHRASE("a=ice-ufrag:"),
    PHRASE("a=ice-pwd:"),
    PHRASE("a=extmap:"),
    PHRASE("a=group:BUNDLE "),
    PHRASE("a=mid:"),
    PHRASE("a=ssrc:"),
};
static_assert(ARRAY_LEN(phrases) <= ESCAPE - FIRST, "numbers of a byte");

/* The shortest has four bytes. NULL: none. */
static const struct phrase *phrase_of(struct slice text)
{
    for (size_t i = 0; text.n >= 4 && i < ARRAY_LEN(phrases); i++) {
        const struct phrase *f = &phrases[i];
        if (f->p[0] == text.p[0] && f->p[2] == text.p[2] && f->n <= text.n &&
            memcmp(f->p, text.p, f->n) == 0)
            return f;
    }
    return NULL;
}

static bool is_high(char c)
{
    return (uint8_t)c >= FIRST;
}

static void put_literal(struct buf *b, struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (is_high(s.p[i]))
            buf_put_char(b, (char)ESCAPE);
        buf_put_char(b, s.p[i]);
    }
}

void sdp_pack(struct buf *b, struct slice text)
{
    while (text.n) {
        const struct phrase *f = phrase_of(text);
        if (f) {
            buf_put_char(b, (char)(FIRST + (size_t)(f - phrases)));
            text = slice_skip(text, f->n);
        }
        if (f && f->p[f->n - 1] == '\n')
            continue;
        const char *end = text.n ? memchr(text.p, '\n', text.n) : NULL;
        struct slice line = slice_from(text.p, end ? (size_t)(end + 1 - text.p) : text.n);
        put_literal(b, line);
        text = slice_skip(text, line.n);
    }
}

bool sdp_unpack(struct buf *b, struct slice packed)
{
    for (size_t i = 0; i < packed.n; i++) {
        uint8_t c = (uint8_t)packed.p[i];
        if (c < FIRST) {
            buf_put_char(b, packed.p[i]);
        } else if (c == ESCAPE && i + 1 < packed.n) {
            buf_put_char(b, packed.p[++i]);
        } else if (c - FIRST < ARRAY_LEN(phrases)) {
            buf_put(b, phrases[c - FIRST].p, phrases[c - FIRST].n);
        } else {
            return false;
        }
    }
    return !b->overflow;
}
