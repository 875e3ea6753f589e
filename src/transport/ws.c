#include "transport/ws.h"

#include <assert.h>
#include <stdlib.h>
#include <wslay/wslay.h>

#include "crypto/hash.h"
#include "sip/msg.h"
#include "transport/limits.h"

struct ws {
    wslay_frame_context_ptr frames;
    wslay_frame_context_ptr
        masked;      /* writes a client's: whatever has masked once goes on masking */
    bool dirty;      /* wslay may be in the middle of a frame */
    struct buf *out; /* of the frame that is being written */
    /* what is being read */
    struct ws_reader *reader;
    bool from_client;
    uint8_t *buf;
    size_t off, fed, n; /* first byte not yet read; first not yet given to wslay; end */
};

/* --- wslay's calls ---------------------------------------------------------------------------- */

static ssize_t on_send(const uint8_t *data, size_t n, int flags, void *arg)
{
    struct ws *w = arg;

    (void)flags;
    buf_put(w->out, data, n);
    return (ssize_t)n;
}

static ssize_t on_recv(uint8_t *dst, size_t cap, int flags, void *arg)
{
    struct ws *w = arg;
    size_t n = w->n - w->fed < cap ? w->n - w->fed : cap;

    (void)flags;
    if (n)
        memcpy(dst, w->buf + w->fed, n);
    w->fed += n;
    return n ? (ssize_t)n : -1;
}

static int on_mask(uint8_t *dst, size_t n, void *arg)
{
    (void)arg;
    crypto_random(dst, n);
    return 0;
}

static void context_free(wslay_frame_context_ptr *c)
{
    if (*c)
        wslay_frame_context_free(*c);
    *c = NULL;
}

static int context_new(struct ws *w, wslay_frame_context_ptr *ret)
{
    static const struct wslay_frame_callbacks calls = {on_send, on_recv, on_mask};

    context_free(ret);
    if (wslay_frame_context_init(ret, &calls, w) == 0)
        return 0;
    *ret = NULL;
    return -ENOMEM;
}

int ws_new(struct ws **ret)
{
    struct ws *w = calloc(1, sizeof(*w));

    if (!w || context_new(w, &w->frames) < 0) {
        free(w);
        return -ENOMEM;
    }
    *ret = w;
    return 0;
}

struct ws *ws_free(struct ws *w)
{
    if (!w)
        return NULL;
    context_free(&w->frames);
    context_free(&w->masked);
    free(w);
    return NULL;
}

/* --- in --------------------------------------------------------------------------------------- */

void ws_begin(struct ws *w, struct ws_reader *r, bool from_client, uint8_t *buf, size_t from,
              size_t n)
{
    assert(r->message_n <= from && from <= n);
    /* What is left of a frame in wslay cannot be put down and taken up again. */
    if (w->dirty)
        err_ignore(context_new(w, &w->frames)); /* said by ws_next */
    w->dirty = false;
    w->reader = r;
    w->from_client = from_client;
    w->buf = buf;
    w->off = w->fed = from;
    w->n = n;
}

static int bad(struct ws_item *ret, enum ws_code code, const char *why)
{
    ret->code = (uint16_t)code;
    ret->why = why;
    return WS_BAD;
}

static bool is_control(uint8_t opcode)
{
    return opcode >= WS_CLOSE;
}

static size_t head_of(const struct wslay_frame_iocb *f)
{
    return 2u +
           (f->payload_length < 126     ? 0u
            : f->payload_length < 65536 ? 2u
                                        : 8u) +
           (f->mask ? 4u : 0u);
}

/* RFC 6455 s.5.1 to 5.5. WS_MORE: nothing is wrong with it. */
static int judge(const struct ws *w, const struct wslay_frame_iocb *f, struct ws_item *ret)
{
    const struct ws_reader *r = w->reader;

    if (f->rsv)
        return bad(ret, WS_CODE_PROTOCOL, "the peer sent a WebSocket frame with reserved bits");
    if ((f->mask != 0) != w->from_client)
        return bad(ret, WS_CODE_PROTOCOL,
                   w->from_client ? "the client sent a WebSocket frame that is not masked"
                                  : "the server sent a WebSocket frame that is masked");
    if ((f->opcode > WS_BINARY && f->opcode < WS_CLOSE) || f->opcode > WS_PONG)
        return bad(ret, WS_CODE_PROTOCOL, "the peer sent a WebSocket frame of no known kind");
    if (is_control(f->opcode))
        return WS_MORE;
    if ((f->opcode == WS_CONTINUATION) != (r->opcode != 0))
        return bad(ret, WS_CODE_PROTOCOL,
                   "the peer's WebSocket frames do not make one message after the other");
    if (f->payload_length > SIP_MSG_MAX - r->message_n)
        return bad(ret, WS_CODE_TOO_LARGE, "the peer sent a message that is too large");
    if (r->fragments >= TRANSPORT_WS_FRAGMENTS)
        return bad(ret, WS_CODE_TOO_LARGE, "the peer sent a message in too many pieces");
    return WS_MORE;
}

/* Copies the frame's payload, of which `f` has the first part, to `dst`. */
static bool payload_read(struct ws *w, struct wslay_frame_iocb *f, uint8_t *dst)
{
    uint64_t n = 0;

    for (;;) {
        if (f->data_length)
            memmove(dst + n, f->data, f->data_length);
        n += f->data_length;
        if (n == f->payload_length)
            return true;
        if (wslay_frame_recv(w->frames, f) <= 0)
            return false; /* all of it has come: cannot be */
    }
}

static int on_close(const uint8_t *p, size_t n, struct ws_item *ret)
{
    unsigned code = n >= 2 ? (unsigned)(p[0] << 8 | p[1]) : WS_CODE_NORMAL;
    bool known = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                 (code >= 3000 && code <= 4999);

    if (n == 1 || !known)
        return bad(ret, WS_CODE_PROTOCOL, "the peer closed the WebSocket with a code that is none");
    if (n > 2 && !ws_is_utf8(slice_from(p + 2, n - 2)))
        return bad(ret, WS_CODE_NOT_UTF8, "the peer sent text that is not UTF-8");
    ret->code = (uint16_t)code;
    return WS_IS_CLOSE;
}

static int take_control(struct ws *w, struct wslay_frame_iocb *f, struct ws_item *ret)
{
    size_t n = (size_t)f->payload_length; /* at most 125: wslay has seen to that */
    uint8_t opcode = f->opcode;

    if (!payload_read(w, f, ret->control))
        return bad(ret, WS_CODE_PROTOCOL, "the peer's WebSocket frames cannot be read");
    ret->data = slice_from(ret->control, n);
    if (opcode == WS_CLOSE)
        return on_close(ret->control, n, ret);
    return opcode == WS_PING ? WS_IS_PING : WS_IS_PONG;
}

/* WS_MORE: read on, the message goes on in other frames. */
static int take_data(struct ws *w, struct wslay_frame_iocb *f, struct ws_item *ret)
{
    struct ws_reader *r = w->reader;
    uint32_t n = (uint32_t)f->payload_length;
    bool fin = f->fin;

    if (r->opcode == 0)
        r->opcode = f->opcode;
    if (!payload_read(w, f, w->buf + r->message_n))
        return bad(ret, WS_CODE_PROTOCOL, "the peer's WebSocket frames cannot be read");
    r->message_n += n;
    r->fragments++;
    if (!fin)
        return WS_MORE;
    ret->data = slice_from(w->buf, r->message_n);
    bool text = r->opcode == WS_TEXT;
    *r = (struct ws_reader){0};
    if (text && !ws_is_utf8(ret->data))
        return bad(ret, WS_CODE_NOT_UTF8, "the peer sent text that is not UTF-8");
    return WS_IS_MESSAGE;
}

int ws_next(struct ws *w, struct ws_item *ret)
{
    struct wslay_frame_iocb f;

    for (;;) {
        if (!w->frames)
            return bad(ret, WS_CODE_GOING_AWAY, "no memory to read WebSocket frames with");
        if (w->off == w->n)
            return WS_MORE;
        memset(&f, 0, sizeof(f));
        w->dirty = true;
        ssize_t got = wslay_frame_recv(w->frames, &f);
        if (got == WSLAY_ERR_WANT_READ)
            return WS_MORE;
        if (got < 0)
            return bad(ret, WS_CODE_PROTOCOL,
                       "the peer sent a WebSocket frame that breaks the protocol");
        int v = judge(w, &f, ret);
        if (v != WS_MORE)
            return v;
        size_t head = head_of(&f);
        if (f.payload_length > w->n - w->off - head)
            return WS_MORE;
        size_t next = w->off + head + (size_t)f.payload_length;
        v = is_control(f.opcode) ? take_control(w, &f, ret) : take_data(w, &f, ret);
        w->off = next;
        w->dirty = w->fed != w->off; /* wslay has read ahead */
        if (v != WS_MORE)
            return v;
    }
}

size_t ws_rest(struct ws *w)
{
    size_t n = w->n - w->off, at = w->reader->message_n;

    memmove(w->buf + at, w->buf + w->off, n);
    w->fed = w->off = w->n = 0;
    return at + n;
}

/* --- out -------------------------------------------------------------------------------------- */

void ws_put(struct ws *w, struct buf *b, enum ws_opcode opcode, bool as_client, struct slice data)
{
    struct wslay_frame_iocb f = {.fin = 1,
                                 .opcode = (uint8_t)opcode,
                                 .payload_length = data.n,
                                 .mask = as_client,
                                 .data = (const uint8_t *)data.p,
                                 .data_length = data.n};
    wslay_frame_context_ptr *c = as_client ? &w->masked : &w->frames;
    size_t start = b->n;

    if (!*c && context_new(w, c) < 0) {
        b->overflow = true;
        return;
    }
    w->out = b;
    if (wslay_frame_send(*c, &f) < (ssize_t)data.n || b->overflow) {
        b->overflow = true;
        b->n = start;
    }
    w->out = NULL;
}

void ws_put_close(struct ws *w, struct buf *b, bool as_client, uint16_t code)
{
    const uint8_t bytes[2] = {(uint8_t)(code >> 8), (uint8_t)code};

    ws_put(w, b, WS_CLOSE, as_client, slice_from(bytes, sizeof(bytes)));
}

/* --- text ------------------------------------------------------------------------------------- */

/* The length of the one character at p, or 0. RFC 3629 s.4: no longer form than needed, no
 * surrogates, nothing above U+10FFFF. */
static size_t utf8_char(const uint8_t *p, size_t n)
{
    static const struct {
        uint8_t mask, lead, n;
        uint32_t min;
    } forms[] = {{0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}};

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if ((p[0] & forms[i].mask) != forms[i].lead || n < forms[i].n)
            continue;
        uint32_t c = p[0] & (uint32_t)~forms[i].mask;
        for (size_t k = 1; k < forms[i].n; k++) {
            if ((p[k] & 0xc0) != 0x80)
                return 0;
            c = c << 6 | (p[k] & 0x3fu);
        }
        return c < forms[i].min || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : forms[i].n;
    }
    return 0;
}

bool ws_is_utf8(struct slice s)
{
    const uint8_t *p = (const uint8_t *)s.p, *end = p ? p + s.n : NULL;
    uint64_t eight;

    while (p < end) {
        if (end - p >= 8 && (memcpy(&eight, p, 8), (eight & 0x8080808080808080u) == 0)) {
            p += 8;
        } else if (*p < 0x80) {
            p++;
        } else {
            size_t n = utf8_char(p, (size_t)(end - p));
            if (n == 0)
                return false;
            p += n;
        }
    }
    return true;
}
