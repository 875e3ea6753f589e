/* RFC 6455 as far as a load needs it: one frame a message. */
#include "load.h"

const struct slice frame_request =
    SLICE_LIT("GET /ws HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
              "Sec-WebSocket-Protocol: sip\r\n\r\n");

void frame_put(struct buf *b, struct slice msg)
{
    static const char mask[4] = {0x37, 0x5a, 0x21, 0x3d};

    buf_put_char(b, (char)0x81);
    if (msg.n < 126) {
        buf_put_char(b, (char)(0x80 | msg.n));
    } else {
        const char head[] = {(char)(0x80 | 126), (char)(msg.n >> 8), (char)msg.n};
        buf_put(b, head, sizeof(head));
    }
    buf_put(b, mask, sizeof(mask));
    for (size_t i = 0; i < msg.n; i++)
        buf_put_char(b, (char)(msg.p[i] ^ mask[i & 3]));
}

bool frame_take(struct slice *in, struct slice *ret)
{
    const uint8_t *p = (const uint8_t *)in->p;
    size_t head = 2, n = in->n >= 2 ? p[1] & 0x7fu : 0;

    if (n == 126) {
        head = 4;
        n = in->n >= 4 ? (size_t)(p[2] << 8 | p[3]) : 0;
    }
    if (in->n < head || in->n - head < n)
        return false;
    *ret = slice_from(in->p + head, n);
    *in = slice_skip(*in, head + n);
    return true;
}
