/* Whatever a stranger sends to a port for WebSockets: first the head of a request, then frames, cut
 * into segments where the input says so. The first byte is the length of segments. */
#include <assert.h>
#include <stdlib.h>

#include "sip/head.h"
#include "transport/limits.h"
#include "transport/upgrade.h"
#include "transport/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static size_t head(struct slice in)
{
    struct upgrade_request q;
    struct upgrade_origin o;
    char out[1024];
    struct buf b = buf_over(out, sizeof(out));
    const char *why;
    size_t head_n = 0;

    if (sip_head_size(in, TRANSPORT_HEAD_MAX, &head_n) != SIP_FRAME_OK)
        return 0;
    assert(head_n <= in.n && head_n <= TRANSPORT_HEAD_MAX);
    struct slice h = slice_take(in, head_n);
    int v = upgrade_read(h, &q);
    assert(v >= 0 && v < UPGRADE_VERDICT_COUNT);
    if (v == UPGRADE_ACCEPT) {
        assert(q.key.n == UPGRADE_KEY_LEN && q.host.n);
        upgrade_put_accept(&b, q.key);
        assert(upgrade_is_accepted(buf_slice(&b), q.key.p, &why));
    }
    (void)upgrade_origin_parse(q.origin, &o);
    (void)upgrade_is_accepted(h, "dGhlIHNhbXBsZSBub25jZQ==", &why);
    return head_n;
}

/* All segments through one reader; what it puts together is within the limits. */
static void frames(const uint8_t *data, size_t n, size_t step)
{
    struct ws *w;
    struct ws_reader r = {0};
    struct ws_item item;
    size_t kept = 0;
    int v = WS_MORE;
    uint8_t *buf = malloc(n + 1);

    if (!buf || ws_new(&w) < 0) {
        free(buf);
        return;
    }
    for (size_t at = 0; at < n && v == WS_MORE; at += step) {
        size_t more = n - at < step ? n - at : step;
        memcpy(buf + kept, data + at, more);
        ws_begin(w, &r, true, buf, r.message_n, kept + more);
        while ((v = ws_next(w, &item)) < WS_MORE) {
            assert(item.data.n <= SIP_MSG_MAX);
            assert(v == WS_IS_MESSAGE || item.data.n <= 125);
        }
        if (v == WS_MORE)
            kept = ws_rest(w);
        assert(v != WS_BAD || item.why);
        assert(r.message_n <= SIP_MSG_MAX && r.fragments <= TRANSPORT_WS_FRAGMENTS);
    }
    ws_free(w);
    free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    size_t step = data[0] ? data[0] : n;
    size_t head_n = head(slice_from(data + 1, n - 1));

    frames(data + 1 + head_n, n - 1 - head_n, step);
    return 0;
}
