/* Nanoseconds per message: what the hottest functions of this folder cost. */
#include "sip/hdr.h"

#include <time.h>

#define RUNS 9
#define ROUNDS 100000u

static const char invite_head[] =
    "INVITE sip:1001@sip.example.org;transport=tls SIP/2.0\r\n"
    "Via: SIP/2.0/TLS 192.0.2.17:50612;branch=z9hG4bK4b43c2ff8.1a2b;rport;alias\r\n"
    "Max-Forwards: 70\r\n"
    "From: \"Alice Adams\" <sip:1000@sip.example.org>;tag=a73kszlfl\r\n"
    "To: <sip:1001@sip.example.org>\r\n"
    "Call-ID: 1j9FpLxk3uxtm8tn@192.0.2.17\r\n"
    "CSeq: 20 INVITE\r\n"
    "Contact: "
    "<sip:1000@192.0.2.17:50612;transport=tls>;+sip.instance=\"<urn:uuid:0b71a6de-5f3c-4e1d-9a86-"
    "2f1c5e9d7b40>\"\r\n"
    "User-Agent: Example Phone/4.3.1.101 (a-belle-sip/5.1.65.1)\r\n"
    "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE\r\n"
    "Supported: replaces, outbound, gruu, timer\r\n"
    "Content-Type: application/sdp\r\n"
    "Content-Length: 439\r\n\r\n";

static const char invite_sdp[] =
    "v=0\r\no=1000 3861 2116 IN IP4 192.0.2.17\r\ns=Talk\r\nc=IN IP4 192.0.2.17\r\nt=0 0\r\n"
    "m=audio 7078 RTP/SAVP 96 97 98 0 8 18 101\r\n"
    "a=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1;stereo=0;cbr=0\r\na=rtpmap:97 "
    "speex/16000\r\n"
    "a=rtpmap:98 speex/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"
    "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5QUJjZGVm\r\n";

static const char register_msg[] =
    "REGISTER sip:sip.example.org SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 192.0.2.17:5060;branch=z9hG4bK-524287-1---7b8a5c1f;rport\r\n"
    "Max-Forwards: 70\r\n"
    "Contact: <sip:1000@192.0.2.17:5060;rinstance=a1b2c3d4e5f60718>\r\n"
    "To: <sip:1000@sip.example.org>\r\n"
    "From: <sip:1000@sip.example.org>;tag=5a3c9d1e\r\n"
    "Call-ID: 84742NzE0ZTQ1ZGI2\r\n"
    "CSeq: 2 REGISTER\r\n"
    "Expires: 3600\r\n"
    "Allow: INVITE, ACK, CANCEL, BYE, NOTIFY, REFER, MESSAGE, OPTIONS\r\n"
    "User-Agent: Example Phone 5.2.19 (0042)\r\n"
    "Authorization: Digest "
    "username=\"1000\",realm=\"sip.example.org\",nonce="
    "\"4f2a9c00d1e84c7b9a3f5566778899aabbccddeeff001122\","
    "uri=\"sip:sip.example.org\",response=\"6629fae49393a05397450978507c4ef1\",cnonce=\"0a4f113b\","
    "nc=00000001,qop=auth,algorithm=MD5\r\n"
    "Content-Length: 0\r\n\r\n";

static struct sip_msg msg;
static unsigned long sink; /* keeps the compiler from dropping the work */

static void parse(struct slice in)
{
    sink += (unsigned long)sip_msg_parse(in, &msg) + msg.cseq;
}

static void typed(struct slice in)
{
    struct sip_list_iter it = {0};
    struct sip_contact contact;
    struct slice element;
    uint32_t number;

    parse(in);
    while (sip_msg_list_next(&msg, SIP_HDR_CONTACT, &it, &element))
        sink += (unsigned long)sip_contact_parse(element, &contact);
    it = (struct sip_list_iter){0};
    while (sip_msg_list_next(&msg, SIP_HDR_SUPPORTED, &it, &element))
        sink += element.n;
    it = (struct sip_list_iter){0};
    while (sip_msg_list_next(&msg, SIP_HDR_ALLOW, &it, &element))
        sink += (unsigned long)sip_method_from(element);
    if (!sip_max_forwards_parse(sip_msg_value(&msg, SIP_HDR_MAX_FORWARDS), &number))
        sink += number;
    sink += sip_media_type_is(sip_msg_value(&msg, SIP_HDR_CONTENT_TYPE), "application/sdp");
}

static void reply(struct slice in)
{
    char out[2048];
    struct buf b = buf_over(out, sizeof(out));
    struct sip_reply r = {.status = 180,
                          .to_tag = SLICE_LIT("8f3a1c"),
                          .received = SLICE_LIT("198.51.100.7"),
                          .rport = 50612};

    (void)in; /* what the last run of `parse` left */
    sip_put_reply_head(&b, &msg, &r);
    sink += b.n;
}

static void frame(struct slice in)
{
    size_t skip, n;
    sink += (unsigned long)sip_msg_frame(in, &skip, &n) + n;
}

static double now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const char *what, void (*fn)(struct slice), struct slice in)
{
    double runs[RUNS];

    for (size_t i = 0; i < RUNS; i++) {
        double start = now_ns();
        for (unsigned k = 0; k < ROUNDS; k++)
            fn(in);
        runs[i] = (now_ns() - start) / ROUNDS;
    }
    qsort(runs, RUNS, sizeof(runs[0]), by_value);
    printf("%-44s %5zu bytes %7.0f ns\n", what, in.n, runs[RUNS / 2]);
}

int main(void)
{
    static char invite[2048];
    struct buf b = buf_over(invite, sizeof(invite));

    BUF_PUT_LIT(&b, invite_head);
    BUF_PUT_LIT(&b, invite_sdp);
    struct slice reg = SLICE_LIT(register_msg);
    if (sip_msg_parse(buf_slice(&b), &msg) || sip_msg_parse(reg, &msg)) {
        printf("the messages do not parse: %s\n", msg.error);
        return 1;
    }
    measure("parse INVITE", parse, buf_slice(&b));
    measure("parse INVITE, then its typed headers", typed, buf_slice(&b));
    measure("head of a reply to it", reply, buf_slice(&b));
    measure("frame INVITE on a stream", frame, buf_slice(&b));
    measure("parse REGISTER", parse, reg);
    return sink == 0;
}
