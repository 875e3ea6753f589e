/* Datagrams from the network into the two ends of an SRTP relay. A record is a byte of flags, two of
 * length, and the datagram: bit 0 which end, bit 1 the RTCP port, bit 2 from another address; bit 3
 * protects it under the right key first, so that what lies behind authentication is reached.
 * Whatever was not protected must not come out at the other end. */
#include <assert.h>

#include "media/rig.h"
#include "media/worker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rig g;
static struct phone phones[2];
static uint64_t next_index = 1;

static void set_up(void)
{
    log_to_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    rig_init(&g);
    phone_init(&phones[0], &g, 1, 0, PROTECTION_REQUIRED);
    phone_init(&phones[1], &g, 1, 1, PROTECTION_REQUIRED);
    rig_call(&phones[0], &phones[1], &phones[0].policy, &phones[1].policy);
}

/* Under an index of its own, written into the packet, so that few are replays. */
static uint32_t protect(struct phone *p, uint8_t *pkt, uint32_t n, bool rtcp)
{
    struct rtp_hdr h = {0};
    struct srtp_job j = {.ctx = p->tx, .pkt = pkt, .len = n, .rtcp = rtcp, .index = next_index++};
    if (!rtcp) {
        if (rtp_hdr_parse(pkt, n, &h) != RTP_OK)
            return n;
        j.hdr_len = h.hdr_len;
        j.index = h.seq;
    } else if (n < RTCP_HDR_LEN) {
        return n;
    }
    srtp_protect(g.engine, &j, 1);
    return j.verdict == SRTP_OK ? j.len : n;
}

static bool inject(uint8_t flags, const uint8_t *data, uint32_t n)
{
    struct phone *from = &phones[flags & 1];
    struct media_packet *p = media_burst_next(g.role);
    bool is_protected = flags & 8;
    memcpy(p->data, data, n);
    p->in = media_endpoint_find(g.role, from->endpoint);
    assert(p->in);
    p->out = NULL;
    p->rtcp = flags & 2;
    p->from = from->addr;
    if (flags & 4)
        addr_set_port(&p->from, 9);
    if (is_protected)
        n = protect(from, p->data, n, n > 1 && data[1] >= 192 && data[1] <= 223);
    p->len = p->wire_len = n;
    media_burst_add(g.role);
    return is_protected;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool any_protected = false;
    if (!g.role)
        set_up();
    uint64_t before = rig_stats(&g, phones[0].endpoint)->tx_packets +
                      rig_stats(&g, phones[1].endpoint)->tx_packets;
    while (size > 3) {
        uint8_t flags = data[0];
        uint32_t n = (uint32_t)(data[1] << 8 | data[2]) % (MEDIA_PACKET_MAX - SRTP_TRAILER_MAX);
        data += 3;
        size -= 3;
        if (n > size)
            n = (uint32_t)size;
        if (n > 0)
            any_protected |= inject(flags, data, n);
        data += n;
        size -= n;
    }
    rig_turn(&g);
    uint64_t after = rig_stats(&g, phones[0].endpoint)->tx_packets +
                     rig_stats(&g, phones[1].endpoint)->tx_packets;
    assert(any_protected || after == before);
    while (phone_hear(&phones[0]) != 0 || phone_hear(&phones[1]) != 0)
        phones[0].seen_n = phones[1].seen_n = 0;
    return 0;
}
