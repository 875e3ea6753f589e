/* The names that the protocol gives to methods, headers and status codes. */
#include "sip/hdr_id.h"

#include "sip/lex.h"

#define METHOD_NAME_CAP 12
#define HDR_NAME_CAP 24 /* a multiple of 8: names are compared in words */

static const char method_names[SIP_METHOD_OTHER][METHOD_NAME_CAP] = {
    [SIP_INVITE] = "INVITE",       [SIP_ACK] = "ACK",           [SIP_BYE] = "BYE",
    [SIP_CANCEL] = "CANCEL",       [SIP_REGISTER] = "REGISTER", [SIP_OPTIONS] = "OPTIONS",
    [SIP_INFO] = "INFO",           [SIP_PRACK] = "PRACK",       [SIP_UPDATE] = "UPDATE",
    [SIP_SUBSCRIBE] = "SUBSCRIBE", [SIP_NOTIFY] = "NOTIFY",     [SIP_REFER] = "REFER",
    [SIP_MESSAGE] = "MESSAGE",     [SIP_PUBLISH] = "PUBLISH",
};

enum sip_method sip_method_from(struct slice s)
{
    if (s.n < 3 || s.n >= METHOD_NAME_CAP)
        return SIP_METHOD_OTHER;
    for (int m = 0; m < SIP_METHOD_OTHER; m++) {
        const char *name = method_names[m];
        if (name[0] == s.p[0] && name[s.n] == '\0' && memcmp(name, s.p, s.n) == 0)
            return (enum sip_method)m;
    }
    return SIP_METHOD_OTHER;
}

const char *sip_method_name(enum sip_method m)
{
    return m < SIP_METHOD_OTHER ? method_names[m] : NULL;
}

static const char hdr_names[SIP_HDR_ID_COUNT][HDR_NAME_CAP] = {
    [SIP_HDR_ACCEPT] = "Accept",
    [SIP_HDR_ALERT_INFO] = "Alert-Info",
    [SIP_HDR_ALLOW] = "Allow",
    [SIP_HDR_ALLOW_EVENTS] = "Allow-Events",
    [SIP_HDR_AUTHENTICATION_INFO] = "Authentication-Info",
    [SIP_HDR_AUTHORIZATION] = "Authorization",
    [SIP_HDR_CALL_ID] = "Call-ID",
    [SIP_HDR_CALL_INFO] = "Call-Info",
    [SIP_HDR_CONTACT] = "Contact",
    [SIP_HDR_CONTENT_DISPOSITION] = "Content-Disposition",
    [SIP_HDR_CONTENT_ENCODING] = "Content-Encoding",
    [SIP_HDR_CONTENT_LENGTH] = "Content-Length",
    [SIP_HDR_CONTENT_TYPE] = "Content-Type",
    [SIP_HDR_CSEQ] = "CSeq",
    [SIP_HDR_DATE] = "Date",
    [SIP_HDR_DIVERSION] = "Diversion",
    [SIP_HDR_EVENT] = "Event",
    [SIP_HDR_EXPIRES] = "Expires",
    [SIP_HDR_FROM] = "From",
    [SIP_HDR_HISTORY_INFO] = "History-Info",
    [SIP_HDR_IN_REPLY_TO] = "In-Reply-To",
    [SIP_HDR_MAX_FORWARDS] = "Max-Forwards",
    [SIP_HDR_MIME_VERSION] = "MIME-Version",
    [SIP_HDR_MIN_EXPIRES] = "Min-Expires",
    [SIP_HDR_MIN_SE] = "Min-SE",
    [SIP_HDR_ORGANIZATION] = "Organization",
    [SIP_HDR_P_ASSERTED_IDENTITY] = "P-Asserted-Identity",
    [SIP_HDR_P_PREFERRED_IDENTITY] = "P-Preferred-Identity",
    [SIP_HDR_PATH] = "Path",
    [SIP_HDR_PRIORITY] = "Priority",
    [SIP_HDR_PRIVACY] = "Privacy",
    [SIP_HDR_PROXY_AUTHENTICATE] = "Proxy-Authenticate",
    [SIP_HDR_PROXY_AUTHORIZATION] = "Proxy-Authorization",
    [SIP_HDR_PROXY_REQUIRE] = "Proxy-Require",
    [SIP_HDR_RACK] = "RAck",
    [SIP_HDR_REASON] = "Reason",
    [SIP_HDR_RECORD_ROUTE] = "Record-Route",
    [SIP_HDR_REFER_TO] = "Refer-To",
    [SIP_HDR_REFERRED_BY] = "Referred-By",
    [SIP_HDR_REPLACES] = "Replaces",
    [SIP_HDR_REPLY_TO] = "Reply-To",
    [SIP_HDR_REQUIRE] = "Require",
    [SIP_HDR_RETRY_AFTER] = "Retry-After",
    [SIP_HDR_ROUTE] = "Route",
    [SIP_HDR_RSEQ] = "RSeq",
    [SIP_HDR_SERVER] = "Server",
    [SIP_HDR_SERVICE_ROUTE] = "Service-Route",
    [SIP_HDR_SESSION_EXPIRES] = "Session-Expires",
    [SIP_HDR_SUBJECT] = "Subject",
    [SIP_HDR_SUBSCRIPTION_STATE] = "Subscription-State",
    [SIP_HDR_SUPPORTED] = "Supported",
    [SIP_HDR_TIMESTAMP] = "Timestamp",
    [SIP_HDR_TO] = "To",
    [SIP_HDR_UNSUPPORTED] = "Unsupported",
    [SIP_HDR_USER_AGENT] = "User-Agent",
    [SIP_HDR_VIA] = "Via",
    [SIP_HDR_WARNING] = "Warning",
    [SIP_HDR_WWW_AUTHENTICATE] = "WWW-Authenticate",
};

/* The headers by the length of their names, the frequent ones first; 0 ends a row. */
#define BY_LEN_MAX 10
static const uint8_t by_len[HDR_NAME_CAP][BY_LEN_MAX] = {
    [2] = {SIP_HDR_TO},
    [3] = {SIP_HDR_VIA},
    [4] = {SIP_HDR_FROM, SIP_HDR_CSEQ, SIP_HDR_DATE, SIP_HDR_PATH, SIP_HDR_RACK, SIP_HDR_RSEQ},
    [5] = {SIP_HDR_ALLOW, SIP_HDR_ROUTE, SIP_HDR_EVENT},
    [6] = {SIP_HDR_ACCEPT, SIP_HDR_SERVER, SIP_HDR_REASON, SIP_HDR_MIN_SE},
    [7] = {SIP_HDR_CALL_ID, SIP_HDR_CONTACT, SIP_HDR_EXPIRES, SIP_HDR_REQUIRE, SIP_HDR_SUBJECT,
           SIP_HDR_WARNING, SIP_HDR_PRIVACY},
    [8] = {SIP_HDR_REFER_TO, SIP_HDR_REPLACES, SIP_HDR_REPLY_TO, SIP_HDR_PRIORITY},
    [9] = {SIP_HDR_SUPPORTED, SIP_HDR_CALL_INFO, SIP_HDR_TIMESTAMP, SIP_HDR_DIVERSION},
    [10] = {SIP_HDR_USER_AGENT, SIP_HDR_ALERT_INFO},
    [11] = {SIP_HDR_REFERRED_BY, SIP_HDR_RETRY_AFTER, SIP_HDR_MIN_EXPIRES, SIP_HDR_UNSUPPORTED,
            SIP_HDR_IN_REPLY_TO},
    [12] = {SIP_HDR_MAX_FORWARDS, SIP_HDR_CONTENT_TYPE, SIP_HDR_RECORD_ROUTE, SIP_HDR_ALLOW_EVENTS,
            SIP_HDR_MIME_VERSION, SIP_HDR_ORGANIZATION, SIP_HDR_HISTORY_INFO},
    [13] = {SIP_HDR_AUTHORIZATION, SIP_HDR_PROXY_REQUIRE, SIP_HDR_SERVICE_ROUTE},
    [14] = {SIP_HDR_CONTENT_LENGTH},
    [15] = {SIP_HDR_SESSION_EXPIRES},
    [16] = {SIP_HDR_WWW_AUTHENTICATE, SIP_HDR_CONTENT_ENCODING},
    [18] = {SIP_HDR_PROXY_AUTHENTICATE, SIP_HDR_SUBSCRIPTION_STATE},
    [19] = {SIP_HDR_PROXY_AUTHORIZATION, SIP_HDR_P_ASSERTED_IDENTITY, SIP_HDR_CONTENT_DISPOSITION,
            SIP_HDR_AUTHENTICATION_INFO},
    [20] = {SIP_HDR_P_PREFERRED_IDENTITY},
};

/* Compact forms: RFC 3261 s.7.3.3, RFC 6665 (o, u), 3515 (r), 3892 (b), 4028 (x). */
static const uint8_t compact[26] = {
    ['b' - 'a'] = SIP_HDR_REFERRED_BY,
    ['c' - 'a'] = SIP_HDR_CONTENT_TYPE,
    ['e' - 'a'] = SIP_HDR_CONTENT_ENCODING,
    ['f' - 'a'] = SIP_HDR_FROM,
    ['i' - 'a'] = SIP_HDR_CALL_ID,
    ['k' - 'a'] = SIP_HDR_SUPPORTED,
    ['l' - 'a'] = SIP_HDR_CONTENT_LENGTH,
    ['m' - 'a'] = SIP_HDR_CONTACT,
    ['o' - 'a'] = SIP_HDR_EVENT,
    ['r' - 'a'] = SIP_HDR_REFER_TO,
    ['s' - 'a'] = SIP_HDR_SUBJECT,
    ['t' - 'a'] = SIP_HDR_TO,
    ['u' - 'a'] = SIP_HDR_ALLOW_EVENTS,
    ['v' - 'a'] = SIP_HDR_VIA,
    ['x' - 'a'] = SIP_HDR_SESSION_EXPIRES,
};

static inline uint64_t word_at(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v | 0x2020202020202020u;
}

static inline uint32_t half_at(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v | 0x20202020u;
}

/* Regardless of case, by setting bit 5 of every byte. Letters come of letters only, and '-' of
 * '-' and CR; a CR brings an LF, which becomes '*', which no name holds. Two overlapping words
 * cover 8 to 16 bytes. */
static inline bool name_eq(const char *name, const char *p, size_t n)
{
    if (n >= 8)
        return word_at(name) == word_at(p) && word_at(name + n - 8) == word_at(p + n - 8) &&
               (n <= 16 || word_at(name + 8) == word_at(p + 8));
    if (n >= 4)
        return half_at(name) == half_at(p) && half_at(name + n - 4) == half_at(p + n - 4);
    return (name[0] | 0x20) == (p[0] | 0x20) && (name[1] | 0x20) == (p[1] | 0x20) &&
           (n == 2 || (name[2] | 0x20) == (p[2] | 0x20));
}

enum sip_hdr_id lex_hdr_id(struct slice name)
{
    if (name.n >= HDR_NAME_CAP)
        return SIP_HDR_OTHER;
    if (name.n == 1) {
        unsigned letter = (unsigned)(name.p[0] | 0x20) - 'a';
        return letter < ARRAY_LEN(compact) ? (enum sip_hdr_id)compact[letter] : SIP_HDR_OTHER;
    }
    for (const uint8_t *id = by_len[name.n]; *id; id++) {
        if (name_eq(hdr_names[*id], name.p, name.n))
            return (enum sip_hdr_id) * id;
    }
    return SIP_HDR_OTHER;
}

enum sip_hdr_id sip_hdr_id_from(struct slice name)
{
    if (name.n == 0 || lex_run(name.p, name.p + name.n, LEX_TOKEN) != name.p + name.n)
        return SIP_HDR_OTHER;
    return lex_hdr_id(name);
}

const char *sip_hdr_name(enum sip_hdr_id id)
{
    return id > SIP_HDR_OTHER && id < SIP_HDR_ID_COUNT ? hdr_names[id] : NULL;
}

/* RFC 3261 s.21, RFC 3262, 3265, 3326, 3329, 3515, 3903, 4028, 4412, 5393, 5626, 5839, 6665, 8197. */
static const char *const phrases[700] = {
    [100] = "Trying",
    [180] = "Ringing",
    [181] = "Call Is Being Forwarded",
    [182] = "Queued",
    [183] = "Session Progress",
    [199] = "Early Dialog Terminated",
    [200] = "OK",
    [202] = "Accepted",
    [204] = "No Notification",
    [300] = "Multiple Choices",
    [301] = "Moved Permanently",
    [302] = "Moved Temporarily",
    [305] = "Use Proxy",
    [380] = "Alternative Service",
    [400] = "Bad Request",
    [401] = "Unauthorized",
    [402] = "Payment Required",
    [403] = "Forbidden",
    [404] = "Not Found",
    [405] = "Method Not Allowed",
    [406] = "Not Acceptable",
    [407] = "Proxy Authentication Required",
    [408] = "Request Timeout",
    [410] = "Gone",
    [412] = "Conditional Request Failed",
    [413] = "Request Entity Too Large",
    [414] = "Request-URI Too Long",
    [415] = "Unsupported Media Type",
    [416] = "Unsupported URI Scheme",
    [417] = "Unknown Resource-Priority",
    [420] = "Bad Extension",
    [421] = "Extension Required",
    [422] = "Session Interval Too Small",
    [423] = "Interval Too Brief",
    [428] = "Use Identity Header",
    [429] = "Provide Referrer Identity",
    [430] = "Flow Failed",
    [433] = "Anonymity Disallowed",
    [436] = "Bad Identity Info",
    [437] = "Unsupported Credential",
    [438] = "Invalid Identity Header",
    [439] = "First Hop Lacks Outbound Support",
    [440] = "Max-Breadth Exceeded",
    [469] = "Bad Info Package",
    [470] = "Consent Needed",
    [480] = "Temporarily Unavailable",
    [481] = "Call/Transaction Does Not Exist",
    [482] = "Loop Detected",
    [483] = "Too Many Hops",
    [484] = "Address Incomplete",
    [485] = "Ambiguous",
    [486] = "Busy Here",
    [487] = "Request Terminated",
    [488] = "Not Acceptable Here",
    [489] = "Bad Event",
    [491] = "Request Pending",
    [493] = "Undecipherable",
    [494] = "Security Agreement Required",
    [500] = "Server Internal Error",
    [501] = "Not Implemented",
    [502] = "Bad Gateway",
    [503] = "Service Unavailable",
    [504] = "Server Time-out",
    [505] = "Version Not Supported",
    [513] = "Message Too Large",
    [580] = "Precondition Failure",
    [600] = "Busy Everywhere",
    [603] = "Decline",
    [604] = "Does Not Exist Anywhere",
    [606] = "Not Acceptable",
    [607] = "Unwanted",
    [608] = "Rejected",
};

const char *sip_reason_phrase(int status)
{
    static const char *const classes[] = {"Progress",       "Success",       "Redirection",
                                          "Request Failed", "Server Failed", "Call Failed"};

    if (status < 100 || status > 699)
        return "Unknown";
    return phrases[status] ? phrases[status] : classes[status / 100 - 1];
}
