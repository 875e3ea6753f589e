/* What bench/cost counts the instructions of: each WORK a few hundred times, within count_run alone,
 * where callgrind is told to look. Nothing random is in what is counted.
 *
 *   bench-count WORK      prints how many rounds there were */
#define KIT_BENCH
#include "signal/testphone.h"

#include "crypto/srtp.h"
#include "sdp/leg.h"
#include "sdp/samples.h"

#define ROUNDS 200u
#define TEXT_MAX 2048
#define BURST 32

static const char invite[] =
    "INVITE sip:1001@sip.example.org;transport=tls SIP/2.0\r\n"
    "Via: SIP/2.0/TLS 192.0.2.17:50612;branch=z9hG4bK4b43c2ff8.1a2b;rport;alias\r\n"
    "Max-Forwards: 70\r\nFrom: \"Alice Adams\" <sip:1000@sip.example.org>;tag=a73kszlfl\r\n"
    "To: <sip:1001@sip.example.org>\r\nCall-ID: 1j9FpLxk3uxtm8tn@192.0.2.17\r\n"
    "CSeq: 20 INVITE\r\nContact: <sip:1000@192.0.2.17:50612;transport=tls>\r\n"
    "User-Agent: Example Phone/4.3.1.101\r\n"
    "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE\r\n"
    "Supported: replaces, outbound, gruu, timer\r\nContent-Length: 0\r\n\r\n";

static struct {
    struct sip_msg msg;
    struct sdp sdp;
    char texts[ROUNDS][TEXT_MAX];
    size_t lengths[ROUNDS];
    struct kit *kit;
    struct phone phone;
    struct srtp_engine *engine;
    struct srtp_ctx *ctx;
    uint8_t packets[BURST][256];
    uint32_t made;
} w;

static void parse_once(unsigned i)
{
    (void)i;
    int r = sip_msg_parse(SLICE_LIT(invite), &w.msg);
    assert(r == SIP_PARSE_OK);
}

static void reply_once(unsigned i)
{
    struct buf b = buf_over(w.texts[i], TEXT_MAX);
    struct sip_reply r = {.status = 200, .to_tag = SLICE_LIT("5a3c9d1e"), .rport = 5060};
    sip_put_reply_head(&b, &w.msg, &r);
    assert(!b.overflow);
}

static void reply_prepare(void)
{
    parse_once(0);
}

static void sdp_parse_once(unsigned i)
{
    (void)i;
    int r = sdp_parse(SLICE_LIT(SAMPLE_DESK_PHONE), &w.sdp);
    assert(r == 0);
}

static void sdp_print_once(unsigned i)
{
    struct sdp_leg_map map;
    struct sdp_leg_plan plan;
    struct buf b = buf_over(w.texts[i], TEXT_MAX);
    sdp_leg_map(&w.sdp, true, &map);
    sdp_leg_plan_offer(&w.sdp, &map, &plan);
    int r = addr_parse(SLICE_LIT("192.0.2.1"), 10000, &plan.address);
    assert(r == 0);
    plan.media[0].rtp = plan.address;
    sdp_leg_print(&b, &w.sdp, &plan);
    assert(!b.overflow);
}

static void sdp_print_prepare(void)
{
    sdp_parse_once(0);
}

/* The whole way of a REGISTER with a known nonce through the signal role, without its socket. */
static void register_once(unsigned i)
{
    int r = sip_msg_parse(slice_from(w.texts[i], w.lengths[i]), &w.msg);
    assert(r == SIP_PARSE_OK);
    kit_transport->cb.on_msg(kit_transport->cb.arg, &w.msg, &w.phone.flow);
    loop_advance(w.kit->loop, 0);
}

static void register_print(unsigned i)
{
    struct phone *p = &w.phone;
    struct buf b = buf_over(w.texts[i], TEXT_MAX);
    buf_printf(
        &b,
        "REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9:5060"
        ";branch=z9hG4bK-c%u;rport\r\nMax-Forwards: 70\r\nFrom: <sip:1000@example.org>;tag=f\r\n"
        "To: <sip:1000@example.org>\r\nCall-ID: reg\r\nCSeq: %u REGISTER\r\n"
        "Contact: <%s>;expires=600\r\nUser-Agent: phone/1.0\r\n",
        1000 + i, ++p->cseq, p->contact);
    phone_put_credentials(p, &b, SIP_HDR_AUTHORIZATION, "REGISTER", "sip:example.org");
    BUF_PUT_LIT(&b, "Content-Length: 0\r\n\r\n");
    assert(!b.overflow);
    w.lengths[i] = b.n;
}

static void register_prepare(void)
{
    w.kit = kit_new();
    log_set_level(LOG_WARN);
    phone_up(w.kit, &w.phone, 1, "1000", TRANSPORT_UDP);
    kit_count_only = true;
    for (unsigned i = 0; i < ROUNDS; i++)
        register_print(i);
    for (unsigned i = 0; i < ROUNDS / 2; i++) /* what is made once is there by then */
        register_once(i);
}

static void register_second_half(unsigned i)
{
    if (i >= ROUNDS / 2)
        register_once(i);
}

static void srtp_prepare(enum srtp_suite suite)
{
    const struct srtp_suite_info *info = srtp_suite_info(suite);
    struct srtp_keys k = {.suite = suite};
    k.master.n = (size_t)info->key_len + info->salt_len;
    memset(k.master.b, 0x5a, k.master.n);
    int r = srtp_engine_new(SRTP_BACKEND_AUTO, &w.engine);
    if (r == 0)
        r = srtp_ctx_new(w.engine, &k, &w.ctx);
    assert(r == 0);
}

static void srtp_cm_prepare(void)
{
    srtp_prepare(SRTP_AES_CM_128_HMAC_SHA1_80);
}

static void srtp_gcm_prepare(void)
{
    srtp_prepare(SRTP_AEAD_AES_128_GCM);
}

static void srtp_once(unsigned round)
{
    struct srtp_job jobs[BURST];
    for (uint32_t i = 0; i < BURST; i++) {
        w.packets[i][0] = 0x80;
        jobs[i] = (struct srtp_job){.ctx = w.ctx,
                                    .pkt = w.packets[i],
                                    .len = 172,
                                    .hdr_len = 12,
                                    .index = (uint64_t)round * BURST + i};
    }
    srtp_protect(w.engine, jobs, BURST);
    assert(jobs[BURST - 1].verdict == SRTP_OK);
}

static const struct {
    const char *name;
    void (*prepare)(void);
    void (*once)(unsigned round);
    unsigned counted;
} works[] = {
    {"parse", NULL, parse_once, ROUNDS},
    {"reply", reply_prepare, reply_once, ROUNDS},
    {"sdp-parse", NULL, sdp_parse_once, ROUNDS},
    {"sdp-print", sdp_print_prepare, sdp_print_once, ROUNDS},
    {"register", register_prepare, register_second_half, ROUNDS / 2},
    {"srtp-cm-32", srtp_cm_prepare, srtp_once, ROUNDS},
    {"srtp-gcm-32", srtp_gcm_prepare, srtp_once, ROUNDS},
};

__attribute__((noinline)) void count_run(void (*once)(unsigned round));

void count_run(void (*once)(unsigned round))
{
    for (unsigned i = 0; i < ROUNDS; i++)
        once(i);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < ARRAY_LEN(works); i++) {
        if (argc != 2 || strcmp(argv[1], works[i].name) != 0)
            continue;
        if (works[i].prepare)
            works[i].prepare();
        count_run(works[i].once);
        printf("%u\n", works[i].counted);
        return 0;
    }
    fputs("usage: bench-count", stderr);
    for (size_t i = 0; i < ARRAY_LEN(works); i++)
        fprintf(stderr, " %s%s", i ? "| " : "", works[i].name);
    fputs("\n", stderr);
    return 2;
}
