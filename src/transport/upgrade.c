#include "transport/upgrade.h"

#include "crypto/hash.h"
#include "sip/head.h"

/* --- fields ----------------------------------------------------------------------------------- */

enum field {
    FIELD_HOST,
    FIELD_UPGRADE,
    FIELD_CONNECTION,
    FIELD_KEY,
    FIELD_VERSION,
    FIELD_PROTOCOL,
    FIELD_ORIGIN,
    FIELD_ACCEPT,
    FIELD_EXTENSIONS,
    FIELD_COUNT
};

/* Those of which there may be one only: two would let two readers disagree. */
#define SINGLE                                                                       \
    (1u << FIELD_HOST | 1u << FIELD_KEY | 1u << FIELD_VERSION | 1u << FIELD_ORIGIN | \
     1u << FIELD_ACCEPT)

static const char *const field_names[FIELD_COUNT] = {
    [FIELD_HOST] = "Host",
    [FIELD_UPGRADE] = "Upgrade",
    [FIELD_CONNECTION] = "Connection",
    [FIELD_KEY] = "Sec-WebSocket-Key",
    [FIELD_VERSION] = "Sec-WebSocket-Version",
    [FIELD_PROTOCOL] = "Sec-WebSocket-Protocol",
    [FIELD_ORIGIN] = "Origin",
    [FIELD_ACCEPT] = "Sec-WebSocket-Accept",
    [FIELD_EXTENSIONS] = "Sec-WebSocket-Extensions",
};

struct fields {
    struct slice value[FIELD_COUNT]; /* the first of each */
    unsigned seen, doubled;          /* bits by enum field */
    bool upgrade, connection, sip;   /* "websocket", "Upgrade" and "sip" are in their lists */
};

/* Is `word` an element of the comma-separated list? */
static bool list_has(struct slice list, const char *word, bool nocase)
{
    while (list.n) {
        struct slice e = slice_trim(slice_cut(&list, ','));
        if (nocase ? slice_eq_nocase_str(e, word) : slice_eq_str(e, word))
            return true;
    }
    return false;
}

static enum field field_find(struct slice name)
{
    enum field f = 0;

    while (f < FIELD_COUNT && !slice_eq_nocase_str(name, field_names[f]))
        f++;
    return f;
}

static void field_take(struct fields *r, enum field f, struct slice value)
{
    if (r->seen & 1u << f)
        r->doubled |= 1u << f;
    else
        r->value[f] = value;
    r->seen |= 1u << f;
    r->upgrade = r->upgrade || (f == FIELD_UPGRADE && list_has(value, "websocket", true));
    r->connection = r->connection || (f == FIELD_CONNECTION && list_has(value, "upgrade", true));
    /* Names of subprotocols are compared as they are (RFC 6455 s.4.1). */
    r->sip = r->sip || (f == FIELD_PROTOCOL && list_has(value, "sip", false));
}

/* False: a line that is none. */
static bool fields_read(struct slice rest, struct fields *ret)
{
    struct slice name, value;
    int r;

    *ret = (struct fields){0};
    while ((r = sip_head_next(&rest, &name, &value)) == SIP_HEAD_FIELD) {
        enum field f = field_find(name);
        if (f < FIELD_COUNT)
            field_take(ret, f, value);
    }
    return r == SIP_HEAD_END;
}

/* --- server ----------------------------------------------------------------------------------- */

static bool key_is_sound(struct slice key)
{
    uint8_t raw[18];
    size_t n;

    return key.n == UPGRADE_KEY_LEN && crypto_base64_get(key, raw, sizeof(raw), &n) == 0 && n == 16;
}

/* "GET /ws HTTP/1.1" */
static bool request_line(struct slice line, struct slice *ret_method, struct slice *ret_target)
{
    struct slice method = slice_cut(&line, ' '), target = slice_cut(&line, ' ');

    if (method.n == 0 || target.n == 0 || !slice_eq_str(line, "HTTP/1.1"))
        return false;
    for (size_t i = 0; i < target.n; i++) {
        if (target.p[i] <= ' ' || target.p[i] == 0x7f)
            return false;
    }
    *ret_method = method;
    *ret_target = target;
    return true;
}

int upgrade_read(struct slice head, struct upgrade_request *ret)
{
    struct slice rest = head, method, target;
    struct slice line = sip_head_line(&rest);
    struct fields f;

    *ret = (struct upgrade_request){0};
    if (!request_line(line, &method, &target) || !fields_read(rest, &f))
        return UPGRADE_BAD_REQUEST;
    ret->target = target;
    ret->host = f.value[FIELD_HOST];
    ret->origin = f.value[FIELD_ORIGIN];
    ret->key = f.value[FIELD_KEY];
    if (!(f.seen & 1u << FIELD_HOST) || ret->host.n == 0 || f.doubled & SINGLE)
        return UPGRADE_BAD_REQUEST;
    if (!f.upgrade || !f.connection)
        return UPGRADE_NOT_ASKED;
    if (!slice_eq_str(method, "GET"))
        return UPGRADE_BAD_METHOD;
    /* Before all that another version might say otherwise (RFC 6455 s.4.4). */
    if (!slice_eq_str(f.value[FIELD_VERSION], "13"))
        return UPGRADE_BAD_VERSION;
    if (!key_is_sound(ret->key))
        return UPGRADE_BAD_KEY;
    return f.sip ? UPGRADE_ACCEPT : UPGRADE_NO_SUBPROTOCOL;
}

static const struct refusal {
    const char *status, *fields, *text;
} refusals[UPGRADE_VERDICT_COUNT] = {
    [UPGRADE_ACCEPT] = {"101 Switching Protocols", "", "accepted"},
    [UPGRADE_NOT_ASKED] = {"400 Bad Request", "", "the request asks for no WebSocket"},
    [UPGRADE_BAD_REQUEST] = {"400 Bad Request", "",
                             "this is no request of HTTP/1.1 with one Host field and well-formed "
                             "header lines"},
    [UPGRADE_BAD_METHOD] = {"405 Method Not Allowed", "Allow: GET\r\n",
                            "a WebSocket is asked for with GET"},
    [UPGRADE_BAD_KEY] = {"400 Bad Request", "",
                         "Sec-WebSocket-Key has to be one base64 value of 16 bytes"},
    [UPGRADE_BAD_VERSION] = {"426 Upgrade Required",
                             "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
                             "this server speaks version 13 of the WebSocket protocol (RFC 6455)"},
    [UPGRADE_NO_SUBPROTOCOL] = {"400 Bad Request", "",
                                "a WebSocket here is for SIP: the client has to ask for it with "
                                "`Sec-WebSocket-Protocol: sip` (RFC 7118)"},
    [UPGRADE_FOREIGN_ORIGIN] = {"403 Forbidden", "",
                                "the page that opens this WebSocket is of another site; the "
                                "setting `origins` in [web] names the sites that may"},
    [UPGRADE_ONLY_SIP] = {"426 Upgrade Required", "Upgrade: websocket\r\n",
                          "there is only SIP over WebSocket (RFC 7118) on this port"},
    [UPGRADE_NO_WEB] = {"503 Service Unavailable", "Retry-After: 1\r\n",
                        "the process that answers here is busy or being restarted; try again"},
};

const char *upgrade_text(enum upgrade_verdict v)
{
    return refusals[v].text;
}

/* RFC 6455 s.4.2.2, step 5.4. */
static void accept_of(struct slice key, char ret[UPGRADE_ACCEPT_LEN + 1])
{
    const struct slice parts[] = {key, SLICE_LIT("258EAFA5-E914-47DA-95CA-C5AB0DC85B11")};
    uint8_t hash[CRYPTO_SHA1_LEN];
    size_t n;

    crypto_sha1(parts, ARRAY_LEN(parts), hash);
    crypto_base64_put(slice_from(hash, sizeof(hash)), ret, UPGRADE_ACCEPT_LEN + 1, &n);
}

void upgrade_put_accept(struct buf *b, struct slice key)
{
    char accept[UPGRADE_ACCEPT_LEN + 1];

    accept_of(key, accept);
    BUF_PUT_LIT(b, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                   "Connection: Upgrade\r\nSec-WebSocket-Accept: ");
    buf_put(b, accept, UPGRADE_ACCEPT_LEN);
    BUF_PUT_LIT(b, "\r\nSec-WebSocket-Protocol: sip\r\n\r\n");
}

void upgrade_put_refusal(struct buf *b, enum upgrade_verdict v)
{
    const struct refusal *r = &refusals[v];
    bool version = v == UPGRADE_BAD_VERSION || v == UPGRADE_ONLY_SIP;

    BUF_PUT_LIT(b, "HTTP/1.1 ");
    buf_put_str(b, r->status);
    BUF_PUT_LIT(b, "\r\n");
    buf_put_str(b, r->fields);
    buf_put_str(b, version ? "Connection: close, Upgrade\r\n" : "Connection: close\r\n");
    BUF_PUT_LIT(b, "Content-Type: text/plain\r\nX-Content-Type-Options: nosniff\r\n"
                   "Content-Length: ");
    buf_put_u64(b, strlen(r->text) + 1);
    BUF_PUT_LIT(b, "\r\n\r\n");
    buf_put_str(b, r->text);
    BUF_PUT_LIT(b, "\n");
}

bool upgrade_origin_parse(struct slice origin, struct upgrade_origin *ret)
{
    bool secure = slice_starts_with_nocase(origin, SLICE_LIT("https://"));

    if (!secure && !slice_starts_with_nocase(origin, SLICE_LIT("http://")))
        return false;
    struct slice host = slice_skip(origin, secure ? 8 : 7);
    if (host.n && host.p[0] == '[')
        host = slice_take(host, slice_find_char(host, ']') + 1);
    else
        host = slice_take(host, slice_find_char(host, ':'));
    *ret = (struct upgrade_origin){.secure = secure, .host = host};
    return host.n > 0;
}

/* --- client ----------------------------------------------------------------------------------- */

void upgrade_put_request(struct buf *b, struct slice host, struct slice target,
                         const char key[UPGRADE_KEY_LEN])
{
    BUF_PUT_LIT(b, "GET ");
    buf_put_slice(b, target);
    BUF_PUT_LIT(b, " HTTP/1.1\r\nHost: ");
    buf_put_slice(b, host);
    BUF_PUT_LIT(b, "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ");
    buf_put(b, key, UPGRADE_KEY_LEN);
    BUF_PUT_LIT(b, "\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n");
}

bool upgrade_is_accepted(struct slice head, const char key[UPGRADE_KEY_LEN], const char **ret_why)
{
    struct slice rest = head, line = sip_head_line(&rest);
    char accept[UPGRADE_ACCEPT_LEN + 1];
    struct fields f;

    if (!slice_starts_with(line, SLICE_LIT("HTTP/1.1 ")) || !fields_read(rest, &f)) {
        *ret_why = "the server's answer to the WebSocket request is no HTTP/1.1";
        return false;
    }
    if (!slice_starts_with(slice_skip(line, 9), SLICE_LIT("101"))) {
        *ret_why = "the server does not take SIP over WebSocket here";
        return false;
    }
    accept_of(slice_from(key, UPGRADE_KEY_LEN), accept);
    if (!f.upgrade || !f.connection || f.doubled & (SINGLE | 1u << FIELD_PROTOCOL) ||
        !slice_eq_str(f.value[FIELD_ACCEPT], accept)) {
        *ret_why = "the server's answer does not belong to the WebSocket request";
        return false;
    }
    /* RFC 6455 s.4.1, steps 5 and 6: nothing that was not asked for. */
    if (!f.sip || f.seen & 1u << FIELD_EXTENSIONS) {
        *ret_why = "the server chose something that was not asked for, instead of SIP";
        return false;
    }
    return true;
}
