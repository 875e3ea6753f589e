/* Parse of a 439-byte description, and our description towards the other leg. Best of several
 * rounds, for the processor's other users make a round slower, never faster. */
#include "sdp/leg.h"
#include "sdp/samples.h"

#define ROUNDS 7
#define REPEATS 200000

static struct sdp phone, browser;
static struct addr rtp;
static char out[8192];

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t parse_phone(void)
{
    return (size_t)sdp_parse(SLICE_LIT(SAMPLE_DESK_PHONE), &phone);
}

static size_t parse_browser(void)
{
    return (size_t)sdp_parse(SLICE_LIT(SAMPLE_CHROMIUM), &browser);
}

static size_t explain(void)
{
    struct sdp_codec codecs[SDP_FORMAT_MAX];
    struct addr rtcp;

    return sdp_codecs(&phone, &phone.media[0], codecs, SDP_FORMAT_MAX) +
           sdp_rtp_addr(&phone, &phone.media[0], &rtp) +
           sdp_rtcp_addr(&phone, &phone.media[0], &rtcp);
}

static size_t print(void)
{
    struct sdp_leg_map map;
    struct sdp_leg_plan plan;
    struct buf b = buf_over(out, sizeof(out));

    sdp_leg_map(&phone, true, &map);
    sdp_leg_plan_offer(&phone, &map, &plan);
    plan.address = plan.media[0].rtp = rtp;
    sdp_leg_print(&b, &phone, &plan);
    return b.n;
}

static const struct {
    const char *name;
    size_t (*run)(void);
} rows[] = {
    {"parse 439 bytes", parse_phone},
    {"codecs and addresses", explain},
    {"print towards the other leg", print},
    {"parse 1,127 bytes of a browser", parse_browser},
};

int main(void)
{
    volatile size_t sink = 0;

    for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
        double best = 1e9;
        for (int k = 0; k < ROUNDS; k++) {
            double t0 = seconds();
            for (int i = 0; i < REPEATS; i++)
                sink = sink + rows[r].run();
            double ns = (seconds() - t0) / REPEATS * 1e9;
            best = ns < best ? ns : best;
        }
        printf("sdp: %-32s %6.0f ns\n", rows[r].name, best);
    }
    return 0;
}
