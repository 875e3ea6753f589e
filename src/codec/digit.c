#include "codec/digit.h"

#include <stdlib.h>

// clang-format off: each needs those before it
#include <spandsp/telephony.h>
#include <spandsp/complex.h>
#include <spandsp/logging.h>
#include <spandsp/queue.h>
#include <spandsp/tone_detect.h>
#include <spandsp/tone_generate.h>
#include <spandsp/super_tone_rx.h>
#include <spandsp/dtmf.h>
// clang-format on

#include "codec/tone.h"

#define PEAK 7000.0 /* of each of the two: -13.4 dBFS, about -10 dBm0 */

static const char keys[] = "123A456B789C*0#D";
static const uint16_t rows[4] = {697, 770, 852, 941};
static const uint16_t columns[4] = {1209, 1336, 1477, 1633};

bool codec_digit_begin(struct codec_digit_tx *tx, char digit, uint32_t rate)
{
    const char *at = digit ? strchr(keys, digit) : NULL;
    if (!at)
        return false;
    size_t key = (size_t)(at - keys), row = key / 4, column = key % 4;
    *tx =
        (struct codec_digit_tx){.step = {rows[row] / (double)rate, columns[column] / (double)rate}};
    return true;
}

void codec_digit_make(struct codec_digit_tx *tx, int16_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double v = 0;
        for (size_t k = 0; k < 2; k++) {
            v += PEAK * tone_sine_of(tx->turn[k]);
            tx->turn[k] += tx->step[k];
            if (tx->turn[k] >= 1)
                tx->turn[k] -= 1;
        }
        out[i] = (int16_t)v;
    }
}

struct codec_digit_rx {
    dtmf_rx_state_t *state;
    char now;
};

static void on_change(void *arg, int code, int level, int delay)
{
    struct codec_digit_rx *rx = arg;
    (void)level;
    (void)delay;
    rx->now = (char)code;
}

int codec_digit_rx_new(struct codec_digit_rx **ret)
{
    struct codec_digit_rx *rx = calloc(1, sizeof(*rx));
    if (!rx)
        return -ENOMEM;
    rx->state = dtmf_rx_init(NULL, NULL, NULL);
    if (!rx->state) {
        free(rx);
        return -ENOMEM;
    }
    dtmf_rx_set_realtime_callback(rx->state, on_change, rx);
    *ret = rx;
    return 0;
}

struct codec_digit_rx *codec_digit_rx_free(struct codec_digit_rx *rx)
{
    if (rx)
        dtmf_rx_free(rx->state);
    free(rx);
    return NULL;
}

char codec_digit_hear(struct codec_digit_rx *rx, const int16_t *in, size_t n)
{
    dtmf_rx(rx->state, in, (int)n);
    return rx->now;
}
