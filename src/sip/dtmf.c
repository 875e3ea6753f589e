#include "sip/dtmf.h"

static bool is_type(struct slice content_type, const char *name)
{
    return slice_eq_nocase_str(slice_trim(slice_cut(&content_type, ';')), name);
}

/* "5", "#", "a", or the event's number in two figures. */
static bool event_of(struct slice s, uint8_t *ret)
{
    const struct slice letters = SLICE_LIT("0123456789*#ABCD!");
    uint32_t number = 0;
    if (s.n == 1) {
        char c = s.p[0] >= 'a' && s.p[0] <= 'd' ? (char)(s.p[0] - 'a' + 'A') : s.p[0];
        size_t at = slice_find_char(letters, c);
        *ret = (uint8_t)at;
        return at < letters.n;
    }
    if (s.n != 2 || slice_to_u32(s, &number) < 0 || number < 10 || number >= letters.n)
        return false;
    *ret = (uint8_t)number;
    return true;
}

static bool parse_relay(struct slice body, struct sip_dtmf *ret)
{
    bool found = false;
    for (int i = 0; i < SIP_DTMF_LINES_MAX && body.n; i++) {
        struct slice value = slice_trim(slice_cut(&body, '\n'));
        struct slice name = slice_trim(slice_cut(&value, '='));
        uint32_t ms = 0;
        value = slice_trim(value);
        if (slice_eq_nocase_str(name, "Signal"))
            found = event_of(value, &ret->event);
        else if (slice_eq_nocase_str(name, "Duration") && slice_to_u32(value, &ms) == 0 && ms > 0)
            ret->ms = (uint16_t)(ms < SIP_DTMF_MS_MAX ? ms : SIP_DTMF_MS_MAX);
    }
    return found;
}

bool sip_dtmf_parse(struct slice content_type, struct slice body, struct sip_dtmf *ret)
{
    struct sip_dtmf d = {.ms = SIP_DTMF_MS};
    bool found = false;
    if (is_type(content_type, "application/dtmf-relay"))
        found = parse_relay(body, &d);
    else if (is_type(content_type, "application/dtmf"))
        found = event_of(slice_trim(body), &d.event);
    if (found)
        *ret = d;
    return found;
}

void sip_dtmf_put(struct buf *b, const struct sip_dtmf *d)
{
    static const char letters[] = "0123456789*#ABCD!";
    buf_printf(b, "Signal=%c\r\nDuration=%u\r\n",
               letters[d->event < sizeof(letters) - 1 ? d->event : 0], d->ms);
}
