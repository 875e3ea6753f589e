/* A browser whose audio (stream 0) and video (stream 1) come over one transport, with two streams
 * of a phone that has a port for each. */
#include "media/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "media/worker.h"
#include "rtp/rtcp.h"

#define VIDEO_PT 96
#define VIDEO_SSRC 0x7777u

static const struct media_codec vp8 = {.pt = VIDEO_PT, .clock = 90000, .name = "VP8"};

struct bundled {
    struct rig g;
    struct phone browser, audio, video;
    uint64_t video_endpoint; /* of the browser's second m-line */
};

static struct media_request second(const struct bundled *t, uint32_t ops)
{
    struct media_request rq = phone_request(&t->browser, ops);
    rq.endpoint = t->video_endpoint;
    rq.stream = 1;
    rq.bundle = 1;
    rq.is_offer = true;
    rq.codecs[0] = vp8;
    return rq;
}

static void phone_second(struct media_request *rq)
{
    rq->stream = 1;
    rq->codecs[0] = vp8;
}

static void init(struct bundled *t)
{
    memset(t, 0, sizeof(*t));
    rig_init(&t->g);
    phone_init(&t->browser, &t->g, 7, 0, PROTECTION_REQUIRED);
    phone_init(&t->audio, &t->g, 7, 1, PROTECTION_OFF);
    phone_init(&t->video, &t->g, 7, 2, PROTECTION_OFF);
    t->browser.rtcp_mux = true;
    RIG_EQ(phone_offers(&t->browser, MEDIA_OP_OPEN, &t->browser.policy, NULL), 0);
    struct media_request rq = second(t, MEDIA_OP_OPEN | MEDIA_OP_REMOTE);
    const struct media_reply *r = rig_request(&t->g, &rq, SLICE_NONE);
    RIG_EQ(r->status, 0);
    RIG(addr_eq(&r->local_rtp, &t->browser.server));
    RIG_EQ(r->text_n, 0);
    RIG_EQ(r->proto, t->browser.server_proto);
    t->video_endpoint = r->endpoint;
    RIG(t->video_endpoint != t->browser.endpoint);
    RIG_EQ(phone_answers(&t->audio, MEDIA_OP_OPEN, &t->audio.policy, MEDIA_OP_CONNECT,
                         MEDIA_MODE_RELAY, t->browser.endpoint),
           0);
    RIG_EQ(phone_offers(&t->video, MEDIA_OP_OPEN, &t->video.policy, phone_second), 0);
    rq = second(t, MEDIA_OP_CONNECT);
    rq.mode = MEDIA_MODE_RELAY;
    rq.peer = t->video.endpoint;
    RIG_EQ(rig_request(&t->g, &rq, SLICE_NONE)->status, 0);
}

static void fini(struct bundled *t)
{
    phone_fini(&t->browser);
    phone_fini(&t->audio);
    phone_fini(&t->video);
    rig_fini(&t->g);
}

/* The browser's next packets are its video, or its audio again. */
static void as_video(struct phone *p)
{
    p->pt = VIDEO_PT;
    p->ssrc = VIDEO_SSRC;
}

static void as_audio(struct phone *p)
{
    p->pt = 8;
    p->ssrc = 0x1001;
}

static void each_stream_goes_to_its_own_peer(void **state)
{
    (void)state;
    static struct bundled t;
    init(&t);
    assert_passes(&t.browser, &t.audio);
    as_video(&t.browser);
    assert_passes(&t.browser, &t.video);
    assert_int_equal(phone_hear(&t.audio), 0);
    as_audio(&t.browser);
    assert_passes(&t.browser, &t.audio);
    assert_int_equal(phone_hear(&t.video), 0);
    assert_passes(&t.audio, &t.browser);
    t.video.pt = VIDEO_PT;
    assert_passes(&t.video, &t.browser);
    assert_passes(&t.audio, &t.browser);
    assert_int_equal(rig_stats(&t.g, t.browser.endpoint)->rx_packets, 2);
    assert_int_equal(rig_stats(&t.g, t.video_endpoint)->rx_packets, 1);
    assert_int_equal(rig_stats(&t.g, t.browser.endpoint)->tx_packets, 2);
    assert_int_equal(rig_stats(&t.g, t.video_endpoint)->tx_packets, 1);
    assert_true(rig_stats(&t.g, t.video_endpoint)->protection.established);
    assert_string_equal(rig_stats(&t.g, t.video_endpoint)->codec, "VP8");
    fini(&t);
}

static void described_ssrcs_go_before_payload_types(void **state)
{
    (void)state;
    static struct bundled t;
    init(&t);
    struct media_request rq = second(&t, MEDIA_OP_REMOTE);
    rq.ssrc_count = 1;
    rq.ssrcs[0] = VIDEO_SSRC;
    RIG_EQ(rig_request(&t.g, &rq, SLICE_NONE)->status, 0);
    t.browser.ssrc = VIDEO_SSRC; /* with the audio's payload type */
    assert_passes(&t.browser, &t.video);
    as_audio(&t.browser);
    t.browser.pt = 101; /* nobody's: the owner's */
    assert_passes(&t.browser, &t.audio);
    rq.ssrc_count = MEDIA_SSRC_MAX;
    RIG_EQ(rig_request(&t.g, &rq, SLICE_NONE)->status, 0);
    rq.ssrc_count = MEDIA_SSRC_MAX + 1;
    RIG_EQ(rig_request(&t.g, &rq, SLICE_NONE)->status, MEDIA_STATUS_FAILED);
    fini(&t);
}

/* SRTCP of the browser. */
static void say_rtcp(struct bundled *t, struct buf *b)
{
    struct srtp_job j = {.ctx = t->browser.tx,
                         .pkt = (uint8_t *)b->p,
                         .len = (uint32_t)b->n,
                         .hdr_len = RTCP_HDR_LEN,
                         .index = t->browser.rtcp_index++,
                         .rtcp = true};
    srtp_protect(t->g.engine, &j, 1);
    RIG_EQ(j.verdict, SRTP_OK);
    phone_put(&t->browser, j.pkt, j.len);
    rig_turn(&t->g);
}

static bool hears_rtcp(struct phone *p)
{
    uint8_t pkt[512];
    return recv(p->rtcp, pkt, sizeof(pkt), 0) > 0;
}

static void rtcp_follows_its_sender_or_its_target(void **state)
{
    (void)state;
    static struct bundled t;
    uint8_t mem[512];
    struct buf b = buf_over(mem, sizeof(mem) - 64);
    init(&t);
    as_video(&t.browser);
    assert_passes(&t.browser, &t.video);
    rtcp_put_sr(&b, VIDEO_SSRC, &(struct rtcp_sender){.packets = 1}, NULL, 0);
    say_rtcp(&t, &b);
    assert_true(hears_rtcp(&t.video));
    assert_false(hears_rtcp(&t.audio));

    t.video.pt = VIDEO_PT; /* a receiver that never sends: told by what it speaks of */
    t.video.ssrc = 0x4242;
    assert_passes(&t.video, &t.browser);
    b.n = 0;
    rtcp_put_rr(&b, 1, &(struct rtcp_block){.ssrc = 0x4242}, 1);
    say_rtcp(&t, &b);
    assert_true(hears_rtcp(&t.video));
    assert_false(hears_rtcp(&t.audio));

    static const uint8_t pli[12] = {0x81, RTCP_PSFB, 0, 2, 0, 0, 0, 1, 0, 0, 0x42, 0x42};
    b.n = 0;
    buf_put(&b, pli, sizeof(pli));
    say_rtcp(&t, &b);
    assert_true(hears_rtcp(&t.video));
    assert_false(hears_rtcp(&t.audio));

    b.n = 0;
    rtcp_put_rr(&b, 1, NULL, 0); /* of nobody: the owner's */
    say_rtcp(&t, &b);
    assert_true(hears_rtcp(&t.audio));
    fini(&t);
}

static void a_killed_role_knows_the_bundle(void **state)
{
    (void)state;
    static struct bundled t;
    init(&t);
    as_video(&t.browser);
    assert_passes(&t.browser, &t.video);
    t.g.role = media_role_free(t.g.role);
    rig_start_role(&t.g);
    rig_attach(&t.g);
    assert_passes(&t.browser, &t.video);
    t.video.pt = VIDEO_PT;
    assert_passes(&t.video, &t.browser);
    as_audio(&t.browser);
    assert_passes(&t.browser, &t.audio);
    fini(&t);
}

static void closing_one_leaves_the_others_ports_alone(void **state)
{
    (void)state;
    static struct bundled t;
    init(&t);
    struct media_request rq = second(&t, MEDIA_OP_CLOSE);
    RIG_EQ(rig_request(&t.g, &rq, SLICE_NONE)->status, 0);
    assert_passes(&t.browser, &t.audio);
    as_video(&t.browser);
    assert_stays(&t.browser, &t.video);
    assert_int_equal(phone_hear(&t.audio), 1); /* nobody's payload type: the owner's */

    as_audio(&t.browser);
    rq = second(&t, MEDIA_OP_OPEN | MEDIA_OP_REMOTE);
    t.video_endpoint = rig_request(&t.g, &rq, SLICE_NONE)->endpoint;
    rq = phone_request(&t.browser, MEDIA_OP_CLOSE); /* the owner first: nothing flows any more */
    RIG_EQ(rig_request(&t.g, &rq, SLICE_NONE)->status, 0);
    assert_stays(&t.video, &t.browser);
    rq = second(&t, MEDIA_OP_CLOSE);
    RIG_EQ(rig_request(&t.g, &rq, SLICE_NONE)->status, 0);
    fini(&t);
}

static void a_bundle_is_bounded_and_needs_its_owner(void **state)
{
    (void)state;
    static struct bundled t;
    init(&t);
    struct media_request rq = second(&t, MEDIA_OP_OPEN | MEDIA_OP_REMOTE);
    for (uint16_t i = 2; i <= MEDIA_BUNDLE_MAX; i++) {
        rq.stream = i;
        RIG_EQ(rig_request(&t.g, &rq, SLICE_NONE)->status, 0);
    }
    rq.stream = MEDIA_BUNDLE_MAX + 1;
    RIG_EQ(rig_request(&t.g, &rq, SLICE_NONE)->status, MEDIA_STATUS_FAILED);
    rq.stream = 20;
    rq.bundle = 19; /* there is no stream 18 */
    RIG_EQ(rig_request(&t.g, &rq, SLICE_NONE)->status, MEDIA_STATUS_FAILED);
    rq.bundle = 2; /* itself a member */
    RIG_EQ(rig_request(&t.g, &rq, SLICE_NONE)->status, MEDIA_STATUS_FAILED);
    fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_stream_goes_to_its_own_peer),
        cmocka_unit_test(described_ssrcs_go_before_payload_types),
        cmocka_unit_test(rtcp_follows_its_sender_or_its_target),
        cmocka_unit_test(a_killed_role_knows_the_bundle),
        cmocka_unit_test(closing_one_leaves_the_others_ports_alone),
        cmocka_unit_test(a_bundle_is_bounded_and_needs_its_owner),
    };
    return RIG_RUN_BOTH_WAYS(tests);
}
