#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "sdp/leg.h"

static struct sdp offer, answer, out;
static char text[8192];

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n"

static void parse(const char *s, struct sdp *ret)
{
    assert_int_equal(sdp_parse(slice_from_str(s), ret), SDP_OK);
}

static struct addr at(uint16_t port)
{
    struct addr x;
    assert_int_equal(addr_parse(SLICE_LIT("192.0.2.1"), port, &x), 0);
    return x;
}

static void print(const struct sdp *other, struct sdp_leg_plan *p, const char *const *codecs)
{
    struct slice list[8];
    size_t n = 0;
    for (; codecs && codecs[n]; n++)
        list[n] = slice_from_str(codecs[n]);
    p->codecs = list;
    p->codec_count = n;
    p->transcode = true;
    p->session_id = 77;
    p->address = at(0);
    for (size_t i = 0; i < p->media_count; i++) {
        p->media[i].rtp = at((uint16_t)(20000 + 2 * i));
        p->media[i].rtcp = at((uint16_t)(20001 + 2 * i));
    }
    struct buf w = buf_over(text, sizeof(text) - 1);
    sdp_leg_print(&w, other, p);
    assert_false(w.overflow);
    text[w.n] = '\0';
    assert_int_equal(sdp_parse(buf_slice(&w), &out), SDP_OK);
}

static void print_offer(const char *from, const char *const *codecs)
{
    struct sdp_leg_map map;
    struct sdp_leg_plan p;
    parse(from, &offer);
    sdp_leg_map(&offer, true, &map);
    sdp_leg_plan_offer(&offer, &map, &p);
    print(&offer, &p, codecs);
}

static bool with_events;

static void print_answer(const char *to, const char *from, const char *const *codecs)
{
    struct sdp_leg_map map;
    struct sdp_leg_plan p;
    parse(to, &offer);
    parse(from, &answer);
    sdp_leg_map(&offer, true, &map);
    sdp_leg_plan_answer(&offer, &answer, &map, &p);
    p.events = with_events;
    print(&answer, &p, codecs);
}

#define assert_says(line)                                  \
    do {                                                   \
        if (!strstr(text, line))                           \
            fail_msg("no \"%s\" in:\n%s", (line), (text)); \
    } while (0)
#define assert_silent(line)                             \
    do {                                                \
        if (strstr(text, line))                         \
            fail_msg("\"%s\" in:\n%s", (line), (text)); \
    } while (0)

static const char g711[] = HEAD "m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"
                                "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
                                "a=ptime:30\r\n";

static void an_offer_gets_ours_at_its_end(void **state)
{
    (void)state;
    print_offer(g711, NULL);
    assert_says("m=audio 20000 RTP/AVP 8 101 0 9 111 110\r\n");
    assert_says("a=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\n");
    assert_says("a=rtpmap:110 telephone-event/48000\r\n");
    assert_says("a=fmtp:101 0-15\r\n"); /* the phone's own events stay its own */
    assert_says("a=ptime:30\r\n");
}

static void numbers_keep_their_meaning(void **state)
{
    (void)state;
    print_offer(HEAD "m=audio 4000 RTP/AVP 8 111 127 9\r\na=rtpmap:111 iLBC/8000\r\n"
                     "a=rtpmap:127 telephone-event/8000\r\n",
                NULL);
    assert_says("m=audio 20000 RTP/AVP 8 111 127 9 0 126 110\r\n");
    assert_says("a=rtpmap:126 opus/48000/2\r\na=fmtp:126 useinbandfec=1\r\n");
    assert_says("a=rtpmap:111 iLBC/8000\r\n");
}

static void the_policy_chooses(void **state)
{
    (void)state;
    static const char *const opus[] = {"opus", NULL}, *const wide[] = {"L16", "pcma", NULL};
    print_offer(g711, opus);
    assert_says("m=audio 20000 RTP/AVP 111 110\r\n");
    assert_silent("PCMA");
    print_offer(g711, wide);
    assert_says("m=audio 20000 RTP/AVP 8 101 112 113\r\n");
    assert_says("a=rtpmap:112 L16/16000\r\n");
}

static void only_what_can_be_converted(void **state)
{
    (void)state;
    print_offer(HEAD "m=audio 4000 RTP/AVP 18 101\r\na=rtpmap:101 telephone-event/8000\r\n", NULL);
    assert_says("m=audio 20000 RTP/AVP 18 101\r\n");
    print_offer(HEAD "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 PCMA/16000\r\n", NULL);
    assert_says("m=audio 20000 RTP/AVP 96\r\n");
    print_offer(HEAD "m=audio 0 RTP/AVP 8\r\nm=video 4002 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n",
                NULL);
    assert_says("m=audio 0 RTP/AVP 8\r\n");
    assert_says("m=video 20002 RTP/AVP 97\r\n");
}

static void what_both_have_wins(void **state)
{
    (void)state;
    print_answer(g711,
                 HEAD "m=audio 5000 RTP/AVP 111 8 110 101\r\na=rtpmap:111 opus/48000/2\r\n"
                      "a=rtpmap:110 telephone-event/48000\r\na=rtpmap:101 telephone-event/8000\r\n",
                 NULL);
    assert_says("m=audio 20000 RTP/AVP 8 101\r\n");
    assert_silent("opus");
    assert_silent("48000");
}

static void else_one_of_the_offer(void **state)
{
    (void)state;
    static const char opus[] = HEAD "m=audio 5000 RTP/AVP 111 110\r\na=rtpmap:111 opus/48000/2\r\n"
                                    "a=rtpmap:110 telephone-event/48000\r\na=sendonly\r\n";
    print_answer(g711, opus, NULL);
    assert_says("m=audio 20000 RTP/AVP 8 101\r\n");
    assert_says("a=rtpmap:8 PCMA/8000\r\n");
    assert_says("a=fmtp:101 0-15\r\n");
    assert_says("a=ptime:30\r\n");
    assert_says("a=sendonly\r\n");
    static const char *const pcmu[] = {"PCMU", NULL};
    print_answer(HEAD "m=audio 4000 RTP/AVP 8 0\r\n", opus, pcmu);
    assert_says("m=audio 20000 RTP/AVP 0\r\n");
    print_answer(HEAD "m=audio 4000 RTP/AVP 18\r\n", opus, NULL); /* nothing to make it of */
    assert_says("m=audio 0 RTP/AVP 18\r\n");
    print_answer(g711, HEAD "m=audio 0 RTP/AVP 111\r\n", NULL);
    assert_says("m=audio 0 ");
}

/* An answer without rtpmap lines means the offer's numbers. */
static void unknown_numbers_stay(void **state)
{
    (void)state;
    print_answer(HEAD "m=audio 4000 RTP/AVP 97 8\r\na=rtpmap:97 EVS/16000\r\n",
                 HEAD "m=audio 5000 RTP/AVP 97\r\n", NULL);
    assert_says("m=audio 20000 RTP/AVP 97\r\n");
}

static void opus_lines(void **state)
{
    (void)state;
    static const struct {
        const char *fmtp;
        struct sdp_opus want;
    } rows[] = {
        {"useinbandfec=1;cbr=1; maxaveragebitrate=20000", {true, true, 20000}},
        {" USEINBANDFEC = 1 ", {true, false, 0}},
        {"stereo=1;minptime=10;useinbandfec=0", {false, false, 0}},
        {"useinbandfec;=1;;maxaveragebitrate=99999999999", {false, false, 0}},
        {"", {false, false, 0}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sdp_opus o;
        sdp_opus_parse(slice_from_str(rows[i].fmtp), &o);
        assert_int_equal(o.fec, rows[i].want.fec);
        assert_int_equal(o.cbr, rows[i].want.cbr);
        assert_int_equal(o.bitrate, rows[i].want.bitrate);
    }
}

/* For the sake of digits that go on by INFO; never two of a number, nor where none was offered. */
static void events_without_the_other(void **state)
{
    (void)state;
    static const char pcma[] = HEAD "m=audio 6000 RTP/AVP 8\r\n",
                      taken[] = HEAD "m=audio 6000 RTP/AVP 8 101\r\na=rtpmap:101 iLBC/8000\r\n";
    print_answer(g711, pcma, NULL);
    assert_silent("telephone-event");
    with_events = true;
    print_answer(g711, pcma, NULL);
    assert_says("m=audio 20000 RTP/AVP 8 101\r\n");
    assert_says("a=rtpmap:101 telephone-event/8000\r\n");
    print_answer(g711, g711, NULL);
    assert_says("m=audio 20000 RTP/AVP 8 101\r\n");
    print_answer(pcma, pcma, NULL);
    assert_silent("telephone-event");
    print_answer(HEAD "m=audio 4000 RTP/AVP 8 101 97\r\na=rtpmap:97 iLBC/8000\r\n"
                      "a=rtpmap:101 telephone-event/8000\r\n",
                 taken, NULL);
    assert_silent("telephone-event");
    with_events = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_offer_gets_ours_at_its_end),
        cmocka_unit_test(numbers_keep_their_meaning),
        cmocka_unit_test(the_policy_chooses),
        cmocka_unit_test(only_what_can_be_converted),
        cmocka_unit_test(what_both_have_wins),
        cmocka_unit_test(else_one_of_the_offer),
        cmocka_unit_test(unknown_numbers_stay),
        cmocka_unit_test(events_without_the_other),
        cmocka_unit_test(opus_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
