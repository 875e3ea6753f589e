/* WebSocket frames (RFC 6455 s.5) around messages, over memory: wslay reads and writes the frames, this
 * puts messages together and judges what may come.
 *
 *   struct ws         one per worker: wslay's context, which is a page of memory
 *   struct ws_reader  one per connection: how far the message is that is being put together. All zero
 *                     between messages, so that an idle connection has nothing to keep
 *
 * The bytes of a connection lie in one buffer: first the payload of the unfinished message, then
 * frames as they came. Payload moves down over what has been read, so nothing is allocated. */
#ifndef SOTTO_TRANSPORT_WS_H
#define SOTTO_TRANSPORT_WS_H

#include "base/buf.h"

enum ws_code { /* RFC 6455 s.7.4.1 */
               WS_CODE_NORMAL = 1000,
               WS_CODE_GOING_AWAY = 1001,
               WS_CODE_PROTOCOL = 1002,
               WS_CODE_NOT_UTF8 = 1007,
               WS_CODE_TOO_LARGE = 1009
};

enum ws_opcode { WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING, WS_PONG };

struct ws_reader {
    uint32_t message_n; /* bytes of payload that have come */
    uint16_t fragments; /* frames of it */
    uint8_t opcode;     /* of the message under way; 0: none */
};

struct ws;
int ws_new(struct ws **ret) MUST_CHECK;
struct ws *ws_free(struct ws *w);

enum ws_verdict {
    WS_IS_MESSAGE = 0, /* a whole one, in item->data */
    WS_IS_PING,        /* item->data comes back with the pong */
    WS_IS_PONG,
    WS_IS_CLOSE, /* item->code is the peer's, or WS_CODE_NORMAL */
    WS_MORE,     /* the next frame is not complete */
    WS_BAD       /* item->code and item->why: the connection ends with this code */
};

struct ws_item {
    struct slice data; /* until the next ws_next */
    uint16_t code;
    const char *why; /* a plain sentence */
    uint8_t control[125];
};

/* What is to be read: frames at buf[from, n), behind the r->message_n bytes of payload at buf. */
void ws_begin(struct ws *w, struct ws_reader *r, bool from_client, uint8_t *buf, size_t from,
              size_t n);
/* enum ws_verdict. */
int ws_next(struct ws *w, struct ws_item *ret) MUST_CHECK;
/* After MORE: what is unfinished, payload and the begun frame, stands at buf[0, result). */
size_t ws_rest(struct ws *w);

#define WS_HEAD_MAX 14 /* of one frame */

/* One frame with all of `data`. A client's is masked. */
void ws_put(struct ws *w, struct buf *b, enum ws_opcode opcode, bool as_client, struct slice data);
void ws_put_close(struct ws *w, struct buf *b, bool as_client, uint16_t code);

/* RFC 3629. */
bool ws_is_utf8(struct slice s);

#endif
