/* Any packets in any order through a bridge: numbers and timestamps wherever they like. */
#include <assert.h>

#include "codec/bridge.h"
#include "rtp/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD 12u
#define MADE_MAX 100000u /* what so little input may ever bring out */

static size_t made;

static void on_made(void *arg, const struct codec_made *m)
{
    (void)arg;
    assert(m->n > 0 && m->n <= sizeof(m->payload));
    made++;
}

static struct codec_format format_of(uint8_t which)
{
    static const struct {
        const char *name;
        uint32_t clock;
    } rows[] = {{"PCMU", 8000}, {"G722", 8000}, {"OPUS", 48000}, {"L16", 16000}, {"L16", 44100}};
    struct codec_format f = {0};
    size_t i = which % ARRAY_LEN(rows);
    bool known = codec_format_of(rows[i].name, rows[i].clock, 1, &f);
    assert(known);
    return f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct codec_bridge *b = NULL;
    if (size < 4)
        return 0;
    struct codec_bridge_config cfg = {.in = format_of(data[0]),
                                      .out = format_of((uint8_t)(data[0] >> 4)),
                                      .out_ms = data[1],
                                      .in_event_clock = data[2] & 1 ? 8000 : 0,
                                      .out_event_clock = data[2] & 2 ? 48000 : 0,
                                      .out_noise = data[2] & 4,
                                      .fn = on_made};
    made = 0;
    if (codec_bridge_new(&cfg, &b) < 0)
        return 0;
    uint64_t ms = 1000;
    for (size_t at = 3; at + HEAD <= size;) {
        const uint8_t *p = data + at;
        size_t n = p[0] < size - at - HEAD ? p[0] : size - at - HEAD;
        ms += p[1];
        struct codec_packet k = {.kind = (enum codec_kind)(p[2] % 3),
                                 .ssrc = p[3],
                                 .seq = wire_get16(p + 4),
                                 .timestamp = wire_get32(p + 6),
                                 .at_ms = ms,
                                 .payload = slice_from(p + HEAD, n)};
        codec_bridge_push(b, &k);
        codec_bridge_run(b, ms);
        at += HEAD + n;
    }
    assert(made < MADE_MAX);
    codec_bridge_free(b);
    return 0;
}
