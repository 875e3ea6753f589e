#include "keying/dtls_wire.h"

#include "rtp/wire.h"

#define RECORD_HEAD 13u
#define MESSAGE_HEAD 12u
#define ALERT 21
#define HANDSHAKE 22
#define CLIENT_HELLO 1

static bool take(struct slice *rest, size_t n, struct slice *ret)
{
    if (rest->n < n)
        return false;
    *ret = slice_take(*rest, n);
    *rest = slice_skip(*rest, n);
    return true;
}

static bool take_vector8(struct slice *rest, struct slice *ret)
{
    struct slice len;
    return take(rest, 1, &len) && take(rest, (uint8_t)len.p[0], ret);
}

static uint16_t get16(const char *p)
{
    return (uint16_t)((uint8_t)p[0] << 8 | (uint8_t)p[1]);
}

/* Change cipher spec, alert, handshake, application data; version {254, 255} or {254, 253}. */
static bool record_is_sane(struct slice *rest, struct slice *ret_head, struct slice *ret_body)
{
    if (!take(rest, RECORD_HEAD, ret_head))
        return false;
    const uint8_t *h = (const uint8_t *)ret_head->p;
    bool known = h[0] >= 20 && h[0] <= 23 && h[1] == 254 && (h[2] == 255 || h[2] == 253);
    uint16_t n = get16(ret_head->p + 11);
    return known && n > 0 && take(rest, n, ret_body);
}

/* The first fragment will do where it reaches as far as the cookie. */
static bool peek_hello(struct slice body, struct dtls_peek *ret)
{
    struct slice head, skipped;
    if (!take(&body, MESSAGE_HEAD, &head) || head.p[0] != CLIENT_HELLO || head.p[6] != 0 ||
        head.p[7] != 0 || head.p[8] != 0)
        return false;
    return take(&body, 2, &skipped) && take(&body, DTLS_RANDOM_LEN, &ret->random) &&
           take_vector8(&body, &skipped) && take_vector8(&body, &ret->cookie);
}

enum dtls_content dtls_peek(struct slice datagram, struct dtls_peek *ret)
{
    struct slice head, body, rest = datagram, h, b;
    if (!record_is_sane(&rest, &head, &body))
        return DTLS_CONTENT_NONE;
    while (rest.n) {
        if (!record_is_sane(&rest, &h, &b))
            return DTLS_CONTENT_NONE;
    }
    memcpy(ret->sequence, head.p + 5, sizeof(ret->sequence));
    if (get16(head.p + 3) != 0) /* an epoch with keys */
        return DTLS_CONTENT_OTHER;
    if (head.p[0] == ALERT) {
        ret->alert = body.n == 2 ? (uint8_t)body.p[1] : 0;
        return DTLS_CONTENT_ALERT;
    }
    if (head.p[0] == HANDSHAKE && peek_hello(body, ret))
        return DTLS_CONTENT_HELLO;
    return DTLS_CONTENT_OTHER;
}

void dtls_put_verify(struct buf *b, const uint8_t sequence[6],
                     const uint8_t cookie[DTLS_COOKIE_LEN])
{
    const uint8_t body_n = 3 + DTLS_COOKIE_LEN;
    const uint8_t record[] = {HANDSHAKE, 254, 255, 0, 0};
    /* type, length, message number 0, fragment's offset and length; version 1.0 as the RFC wants it */
    const uint8_t message[] = {0,
                               MESSAGE_HEAD + 3 + DTLS_COOKIE_LEN,
                               3,
                               0,
                               0,
                               body_n,
                               0,
                               0,
                               0,
                               0,
                               0,
                               0,
                               0,
                               body_n,
                               254,
                               255,
                               DTLS_COOKIE_LEN};

    buf_put(b, record, sizeof(record));
    buf_put(b, sequence, 6);
    buf_put(b, message, sizeof(message));
    buf_put(b, cookie, DTLS_COOKIE_LEN);
}
