/* From bytes to struct sip_msg. After the first fault parsing goes on wherever it makes sense, so
 * that a request with a fault can still be answered; the first fault is the one reported. */
#include "sip/hdr.h"

#include "sip/hdr_id.h"
#include "sip/into.h"
#include "sip/lex.h"

struct parse {
    struct sip_msg *m;
    const char *p, *end; /* what is left */
    int verdict;
    int16_t last[SIP_HDR_ID_COUNT]; /* valid where m->first is not -1 */
};

static void fault(struct parse *s, int verdict, const char *sentence)
{
    if (s->verdict != SIP_PARSE_OK)
        return;
    s->verdict = verdict;
    s->m->error = sentence;
}

static void bad(struct parse *s, const char *sentence)
{
    fault(s, SIP_PARSE_BAD, sentence);
}

/* RFC 3261 s.25.1 grammar, RFC 4475 for what comes of not minding it: each may come once. */
#define ONCE(id) (UINT64_C(1) << (id))
_Static_assert(SIP_HDR_ID_COUNT <= 64, "one bit per header");
static const uint64_t once =
    ONCE(SIP_HDR_CALL_ID) | ONCE(SIP_HDR_CONTENT_DISPOSITION) | ONCE(SIP_HDR_CONTENT_LENGTH) |
    ONCE(SIP_HDR_CONTENT_TYPE) | ONCE(SIP_HDR_CSEQ) | ONCE(SIP_HDR_DATE) | ONCE(SIP_HDR_EVENT) |
    ONCE(SIP_HDR_EXPIRES) | ONCE(SIP_HDR_FROM) | ONCE(SIP_HDR_MAX_FORWARDS) |
    ONCE(SIP_HDR_MIN_EXPIRES) | ONCE(SIP_HDR_MIN_SE) | ONCE(SIP_HDR_RACK) |
    ONCE(SIP_HDR_REFERRED_BY) | ONCE(SIP_HDR_REFER_TO) | ONCE(SIP_HDR_REPLACES) |
    ONCE(SIP_HDR_REPLY_TO) | ONCE(SIP_HDR_RETRY_AFTER) | ONCE(SIP_HDR_RSEQ) |
    ONCE(SIP_HDR_SESSION_EXPIRES) | ONCE(SIP_HDR_SUBSCRIPTION_STATE) | ONCE(SIP_HDR_TIMESTAMP) |
    ONCE(SIP_HDR_TO);

/* --- start line --- */

/* "SIP/" digits "." digits. */
static bool is_version(struct slice s)
{
    size_t i = 4, dots = 0;

    if (!slice_starts_with_nocase(s, SLICE_LIT("SIP/")))
        return false;
    for (; i < s.n && (lex_is_digit(s.p[i]) || s.p[i] == '.'); i++)
        dots += s.p[i] == '.';
    return i == s.n && dots == 1 && lex_is_digit(s.p[4]) && s.p[s.n - 1] != '.';
}

static void check_version(struct parse *s, struct slice version)
{
    if (slice_eq(version, SLICE_LIT("SIP/2.0")) || slice_eq_nocase(version, SLICE_LIT("SIP/2.0")))
        return;
    if (is_version(version))
        fault(s, SIP_PARSE_BAD_VERSION, "the version is not SIP/2.0");
    else
        bad(s, "the start line does not hold a version where one belongs");
}

/* Is a line that breaks the grammar at least meant to be SIP? Then it may deserve an answer. */
static bool mentions_sip(struct slice line)
{
    for (; line.n; line = slice_skip(line, 1)) {
        if (slice_starts_with_nocase(line, SLICE_LIT("SIP/")))
            return true;
    }
    return false;
}

/* What ends nearly every request line and starts every status line. */
static bool is_usual(struct slice line)
{
    return line.n > 8 &&
           (memcmp(line.p + line.n - 8, " SIP/2.0", 8) == 0 || memcmp(line.p, "SIP/2.0 ", 8) == 0);
}

static void status_line(struct parse *s, struct slice line)
{
    struct sip_msg *m = s->m;
    struct slice version = slice_cut(&line, ' ');
    struct slice code = slice_cut(&line, ' ');
    uint32_t status;

    check_version(s, version);
    m->reason = line;
    if (code.n != 3 || slice_to_u32(code, &status) < 0 || status < 100 || status > 699)
        bad(s, "the status code is not a number from 100 to 699");
    else
        m->status = (uint16_t)status;
}

static void request_line(struct parse *s, struct slice line)
{
    struct sip_msg *m = s->m;
    const char *end = line.p + line.n;
    const char *q = lex_run(line.p, end, LEX_TOKEN);
    const char *space = memrchr(line.p, ' ', line.n);

    m->is_request = true;
    m->method = SIP_METHOD_OTHER;
    m->method_name = lex_between(line.p, q);
    m->ruri.scheme = SIP_SCHEME_OTHER;
    if (q == line.p || q == end || *q != ' ') {
        bad(s, "the request line does not start with a method and a space");
        return;
    }
    m->method = sip_method_from(m->method_name);
    if (space == q) {
        bad(s, "the request line holds no Request-URI");
        return;
    }
    m->ruri_raw = lex_between(q + 1, space);
    check_version(s, lex_between(space + 1, end));
    if (sip_uri_parse_into(m->ruri_raw, &m->ruri) != SIP_URI_OK) {
        m->ruri = (struct sip_uri){.scheme = SIP_SCHEME_OTHER, .raw = m->ruri_raw};
        bad(s, "the Request-URI is malformed");
    } else if (m->ruri.headers.p) {
        bad(s, "the Request-URI holds headers"); /* RFC 3261 s.19.1.1 table 1 */
    }
}

/* False: nothing more can be read. */
static bool start_line(struct parse *s)
{
    const char *stop = scan_line_break(s->p, s->end);
    struct slice line = lex_between(s->p, stop);

    if (!is_usual(line) && !mentions_sip(line)) {
        fault(s, SIP_PARSE_NOT_SIP, "there is no start line of SIP");
        return false;
    }
    if (s->end - stop < 2 || stop[0] != '\r' || stop[1] != '\n') {
        bad(s, "the start line does not end with CRLF");
        return false;
    }
    if (line.n > SIP_LINE_MAX) {
        bad(s, "the start line is too long");
        return false;
    }
    s->p = stop + 2;
    if (line.n > 4 && line.p[3] == '/' && slice_starts_with_nocase(line, SLICE_LIT("SIP/")))
        status_line(s, line);
    else
        request_line(s, line);
    return true;
}

/* --- headers --- */

static void add_header(struct parse *s, enum sip_hdr_id id, struct slice name, struct slice value)
{
    struct sip_msg *m = s->m;
    int16_t index = m->hdr_count++;

    m->hdrs[index] = (struct sip_hdr){.id = id, .next = -1, .name = name, .value = value};
    if (m->first[id] < 0) {
        m->first[id] = index;
    } else {
        m->hdrs[s->last[id]].next = index;
        if (once & ONCE(id))
            bad(s, "a header that may come once came twice");
    }
    s->last[id] = index;
}

static void odd_header(struct parse *s, const char *stop)
{
    const char *q = lex_run(s->p, stop, LEX_TOKEN);
    const char *colon = q;

    while (colon < stop && (*colon == ' ' || *colon == '\t'))
        colon++;
    if (q == s->p || colon == stop || *colon != ':') {
        bad(s, "a header line does not start with a name and ':'");
        return;
    }
    struct slice name = lex_between(s->p, q);
    add_header(s, lex_hdr_id(name), name, lex_trim(colon + 1, stop));
}

/* Nearly all are a known name, ':' and a value. */
static void header(struct parse *s, const char *stop)
{
    const char *colon = scan_near_colon(s->p, s->end);
    enum sip_hdr_id id = SIP_HDR_OTHER;

    if ((size_t)(stop - s->p) > SIP_LINE_MAX) {
        bad(s, "a header is too long");
        return;
    }
    if (colon && colon < stop && colon > s->p)
        id = lex_hdr_id(lex_between(s->p, colon));
    if (id == SIP_HDR_OTHER)
        odd_header(s, stop);
    else
        add_header(s, id, lex_between(s->p, colon), lex_trim(colon + 1, stop));
}

/* Up to and with the blank line. False: there is none. */
static bool headers(struct parse *s)
{
    const char *stop;

    for (;;) {
        enum lex_line kind = lex_line(s->p, s->end, &stop);
        if (kind != LEX_LINE_OK) {
            bad(s, kind == LEX_LINE_OPEN ? "the headers do not end with a blank line"
                                         : "a CR or LF stands alone in the headers");
            return false;
        }
        if (stop == s->p)
            break;
        if (s->m->hdr_count == SIP_HDR_MAX) {
            bad(s, "there are too many headers");
            return false;
        }
        header(s, stop);
        s->p = stop + 2;
    }
    s->p += 2;
    return true;
}

/* --- the headers that every message needs --- */

static void read_via(struct parse *s)
{
    struct slice rest = sip_msg_value(s->m, SIP_HDR_VIA);

    if (!rest.p) {
        bad(s, "there is no Via");
    } else if (sip_via_parse_into(lex_list_cut(&rest), &s->m->via) != SIP_PARSE_OK) {
        s->m->via = (struct sip_via){.port = 0};
        bad(s, "the top Via is malformed");
    }
}

/* From or To. */
static void read_party(struct parse *s, enum sip_hdr_id id, struct sip_addr *addr,
                       struct slice *tag)
{
    bool is_from = id == SIP_HDR_FROM;

    if (s->m->first[id] < 0) {
        bad(s, is_from ? "there is no From" : "there is no To");
    } else if (sip_addr_parse_into(sip_msg_value(s->m, id), addr, tag) != SIP_PARSE_OK) {
        *addr = (struct sip_addr){.is_star = false};
        *tag = SLICE_NONE;
        bad(s, is_from ? "From is malformed" : "To is malformed");
    }
}

static void read_call_id(struct parse *s)
{
    struct slice v = sip_msg_value(s->m, SIP_HDR_CALL_ID);

    if (!v.p)
        bad(s, "there is no Call-ID");
    else if (v.n == 0 || lex_run(v.p, v.p + v.n, LEX_WORD) != v.p + v.n)
        bad(s, "Call-ID is malformed");
    else
        s->m->call_id = v;
}

static void read_cseq(struct parse *s)
{
    struct sip_msg *m = s->m;
    struct slice v = sip_msg_value(m, SIP_HDR_CSEQ), method;

    if (!v.p) {
        bad(s, "there is no CSeq");
    } else if (sip_cseq_parse(v, &m->cseq, &method) != SIP_PARSE_OK) {
        bad(s, "CSeq is not a number below 2^31 and a method");
    } else if (!m->is_request) {
        m->method_name = method;
        m->method = sip_method_from(method);
    } else if (!slice_eq(method, m->method_name)) {
        bad(s, "the method of CSeq is not that of the request");
    }
}

/* --- body --- */

static void read_body(struct parse *s)
{
    struct sip_msg *m = s->m;
    struct slice v = sip_msg_value(m, SIP_HDR_CONTENT_LENGTH);
    size_t left = (size_t)(s->end - s->p);

    m->head = lex_between(m->raw.p, s->p);
    m->body = lex_between(s->p, s->end);
    if (m->head.n > SIP_HEAD_MAX)
        bad(s, "the head is too long");
    if (!v.p)
        return;
    if (slice_to_u32(v, &m->content_length) < 0) {
        bad(s, "Content-Length is not a number");
        return;
    }
    m->has_content_length = true;
    if (m->content_length > left) {
        bad(s, "the body is shorter than Content-Length says");
        return;
    }
    m->body.n = m->content_length; /* RFC 3261 s.18.3: what a datagram holds beyond is dropped */
    m->raw.n = m->head.n + m->body.n;
}

int sip_msg_parse(struct slice in, struct sip_msg *ret)
{
    struct parse s = {.m = ret, .p = in.p, .end = in.p ? in.p + in.n : NULL};

    memset(ret, 0, offsetof(struct sip_msg, hdrs)); /* the headers themselves stay as they are */
    memset(ret->first, 0xff, sizeof(ret->first));
    ret->ruri.scheme = SIP_SCHEME_OTHER;
    if (in.n > SIP_MSG_MAX) {
        bad(&s, "the message is too long");
        return s.verdict;
    }
    while (s.end - s.p >= 2 && s.p[0] == '\r' && s.p[1] == '\n') /* RFC 3261 s.7.5 */
        s.p += 2;
    ret->raw = lex_between(s.p, s.end);
    if (!start_line(&s))
        return s.verdict;
    bool whole = headers(&s);
    read_via(&s);
    read_party(&s, SIP_HDR_FROM, &ret->from, &ret->from_tag);
    read_party(&s, SIP_HDR_TO, &ret->to, &ret->to_tag);
    read_call_id(&s);
    read_cseq(&s);
    if (whole)
        read_body(&s);
    return s.verdict;
}

bool sip_msg_can_answer(const struct sip_msg *m)
{
    return m->is_request && m->method != SIP_ACK && m->via.host.n && m->call_id.n &&
           m->first[SIP_HDR_FROM] >= 0 && m->first[SIP_HDR_TO] >= 0 && m->first[SIP_HDR_CSEQ] >= 0;
}
