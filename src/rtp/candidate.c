#include "rtp/candidate.h"

static const char *const kinds[] = {
    [RTP_CANDIDATE_HOST] = "host",
    [RTP_CANDIDATE_SRFLX] = "srflx",
    [RTP_CANDIDATE_PRFLX] = "prflx",
    [RTP_CANDIDATE_RELAY] = "relay",
};

/* RFC 8445 s.5.1.2.2 */
static const uint8_t type_preference[] = {
    [RTP_CANDIDATE_HOST] = 126, [RTP_CANDIDATE_SRFLX] = 100, [RTP_CANDIDATE_PRFLX] = 110,
    [RTP_CANDIDATE_RELAY] = 0,  [RTP_CANDIDATE_OTHER] = 0,
};

uint32_t rtp_candidate_priority(enum rtp_candidate_kind kind, uint16_t local, unsigned component)
{
    return (uint32_t)type_preference[kind] << 24 | (uint32_t)local << 8 | (256 - component);
}

static struct slice word(struct slice *rest)
{
    *rest = slice_trim(*rest);
    return slice_cut(rest, ' ');
}

static enum rtp_candidate_kind kind_of(struct slice s)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (slice_eq_nocase_str(s, kinds[i]))
            return (enum rtp_candidate_kind)i;
    }
    return RTP_CANDIDATE_OTHER;
}

int rtp_candidate_parse(struct slice line, struct rtp_candidate *ret)
{
    struct slice rest = slice_trim(line), host;
    struct rtp_candidate c = {.kind = RTP_CANDIDATE_OTHER};
    uint32_t component, port;

    if (slice_starts_with(rest, SLICE_LIT("candidate:")))
        rest = slice_skip(rest, 10);
    if (!slice_to_str(word(&rest), c.foundation, sizeof(c.foundation)) || !c.foundation[0] ||
        slice_to_u32(word(&rest), &component) != 0 || component < 1 || component > 255)
        return RTP_CANDIDATE_BAD;
    bool udp = slice_eq_nocase_str(word(&rest), "udp");
    if (slice_to_u32(word(&rest), &c.priority) != 0)
        return RTP_CANDIDATE_BAD;
    host = word(&rest);
    if (host.n == 0 || slice_to_u32(word(&rest), &port) != 0 || port > UINT16_MAX)
        return RTP_CANDIDATE_BAD;
    if (slice_eq(word(&rest), SLICE_LIT("typ")))
        c.kind = (uint8_t)kind_of(word(&rest));
    if (!udp || port == 0 || addr_parse(host, (uint16_t)port, &c.addr) != 0)
        return RTP_CANDIDATE_UNUSABLE;
    c.component = (uint8_t)component;
    *ret = c;
    return RTP_CANDIDATE_OK;
}

void rtp_candidate_put(struct buf *b, const struct rtp_candidate *c)
{
    BUF_PUT_LIT(b, "candidate:");
    buf_put_str(b, c->foundation);
    buf_put_char(b, ' ');
    buf_put_u64(b, c->component);
    BUF_PUT_LIT(b, " udp ");
    buf_put_u64(b, c->priority);
    buf_put_char(b, ' ');
    addr_put_host(b, &c->addr);
    buf_put_char(b, ' ');
    buf_put_u64(b, addr_port(&c->addr));
    BUF_PUT_LIT(b, " typ ");
    buf_put_str(b, c->kind < ARRAY_LEN(kinds) ? kinds[c->kind] : "host");
}
