#include "base/log.h"

#include <endian.h>
#include <poll.h>
#include <stdio.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* The log is the one thing that every layer shares, so its settings are process-wide. */
static struct {
    const char *role;
    enum log_level level;
    enum log_format format;
    int fd;
    uint64_t lost; /* lines, since the log could be written last */
} log_state = {"sotto", LOG_INFO, LOG_FORMAT_KV, STDERR_FILENO, 0};

#define LOG_LINE_MAX 4096 /* PIPE_BUF: written whole or not at all */

/* Lines that wait for the end of a wake-up, of the thread that has asked for it. */
static struct {
    size_t n, lines;
    char b[LOG_LINE_MAX];
} log_held;
static _Thread_local bool log_is_held;

#define LOG_FIELD_MAX 900 /* four of them fit a line with all that stands before them */

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void log_setup(const char *role, enum log_level level, enum log_format format)
{
    log_state.role = role;
    log_state.level = level;
    log_state.format = format;
}

void log_set_role(const char *role)
{
    log_state.role = role;
}

void log_set_level(enum log_level level)
{
    log_state.level = level;
}

enum log_level log_get_level(void)
{
    return log_state.level;
}

void log_to_fd(int fd)
{
    log_state.fd = fd;
}

bool log_is_on(enum log_level level)
{
    return level <= log_state.level;
}

int log_level_parse(struct slice s, enum log_level *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
        if (slice_eq_nocase_str(s, level_names[i])) {
            *ret = (enum log_level)i;
            return 0;
        }
    }
    return -EINVAL;
}

const char *log_strerror(int r)
{
    const char *s = strerrordesc_np(r < 0 ? -r : r);
    return s ? s : "unknown error";
}

static bool needs_quotes(struct slice s)
{
    if (s.n == 0)
        return true;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f)
            return true;
    }
    return false;
}

/* Escapes so that no value, whatever a peer put into it, can begin a new line or field. */
static void put_quoted(struct buf *b, struct slice s)
{
    buf_put_char(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\') {
            buf_put_char(b, '\\');
            buf_put_char(b, (char)c);
        } else if (c == '\n') {
            BUF_PUT_LIT(b, "\\n");
        } else if (c == '\r') {
            BUF_PUT_LIT(b, "\\r");
        } else if (c == '\t') {
            BUF_PUT_LIT(b, "\\t");
        } else if (c < 0x20 || c >= 0x7f) {
            buf_printf(b, "\\u%04x", c);
        } else {
            buf_put_char(b, (char)c);
        }
    }
    buf_put_char(b, '"');
}

static size_t put_id(char dst[16], uint64_t id)
{
    uint64_t big_endian = htobe64(id);
    struct buf b = buf_over(dst, 16);
    buf_put_hex(&b, &big_endian, sizeof(big_endian));
    return b.n;
}

static void put_value(struct buf *b, const struct log_field *f, bool json)
{
    char tmp[ADDR_STR_MAX];
    struct slice s = f->s;
    switch (f->kind) {
    case LOG_FIELD_INT:
        if (f->i < 0)
            buf_put_char(b, '-');
        buf_put_u64(b, f->i < 0 ? 0 - (uint64_t)f->i : (uint64_t)f->i);
        return;
    case LOG_FIELD_ID:
        s = slice_from(tmp, put_id(tmp, (uint64_t)f->i));
        break;
    case LOG_FIELD_ADDR:
        s = slice_from_str(addr_str(f->a, tmp));
        break;
    case LOG_FIELD_SLICE:
        break;
    }
    if (json || needs_quotes(s))
        put_quoted(b, s);
    else
        buf_put_slice(b, s);
}

static void put_field(struct buf *b, const struct log_field *f, bool json)
{
    size_t at = b->n;
    if (json) {
        BUF_PUT_LIT(b, ",\"");
        buf_put_str(b, f->key);
        BUF_PUT_LIT(b, "\":");
    } else {
        buf_put_char(b, ' ');
        buf_put_str(b, f->key);
        buf_put_char(b, '=');
    }
    put_value(b, f, json);
    /* A field that is too long is left out whole, and the line says so. What a peer has written can
     * never push out the field that names the peer. */
    if (b->overflow || b->n - at > LOG_FIELD_MAX) {
        b->n = at;
        b->overflow = false;
        buf_put_str(b, json ? ",\"cut\":1" : " cut=1");
    }
}

/* The date and time to the second: the same text for many lines. */
static struct slice put_second(time_t now)
{
    static _Thread_local struct {
        time_t t;
        size_t n;
        char text[40];
    } last;
    if (last.n == 0 || last.t != now) {
        struct tm tm;
        gmtime_r(&now, &tm);
        last.n = strftime(last.text, sizeof(last.text), "%Y-%m-%dT%H:%M:%S", &tm);
        last.t = now;
    }
    return slice_from(last.text, last.n);
}

static void put_time(struct buf *b)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    unsigned ms = (unsigned)(ts.tv_nsec / 1000000);
    buf_put_slice(b, put_second(ts.tv_sec));
    buf_put_char(b, '.');
    buf_put_char(b, (char)('0' + ms / 100));
    buf_put_char(b, (char)('0' + ms / 10 % 10));
    buf_put_char(b, (char)('0' + ms % 10));
    buf_put_char(b, 'Z');
}

static void put_words(struct buf *b, const char *before, const char *word)
{
    buf_put_str(b, before);
    buf_put_str(b, word);
}

static struct slice print_line(char line[LOG_LINE_MAX], enum log_level level, const char *event,
                               const struct log_field *f, size_t n)
{
    struct buf b = buf_over(line, LOG_LINE_MAX - 32); /* room for the closing bytes */
    bool json = log_state.format == LOG_FORMAT_JSON;
    if (json)
        BUF_PUT_LIT(&b, "{\"time\":\"");
    put_time(&b);
    put_words(&b, json ? "\",\"level\":\"" : " ", level_names[level]);
    put_words(&b, json ? "\",\"role\":\"" : " ", log_state.role);
    put_words(&b, json ? "\",\"event\":\"" : " ", event);
    if (json)
        buf_put_char(&b, '"');
    for (size_t i = 0; i < n; i++)
        put_field(&b, &f[i], json);
    b.cap = LOG_LINE_MAX;
    buf_put_str(&b, json ? "}\n" : "\n");
    return buf_slice(&b);
}

/* Whoever reads the log may be slow or stand still; calls must not stand still with it. A pipe that
 * polls as writable has room for a page, and no line is longer. */
static bool has_room(void)
{
    struct pollfd p = {.fd = log_state.fd, .events = POLLOUT};
    return poll(&p, 1, 0) != 0;
}

/* Whole lines, a page at most. A log that cannot be written has nowhere to say so. */
static void put_out(const char *p, size_t n, size_t lines)
{
    if (!has_room()) {
        log_state.lost += lines;
        return;
    }
    if (log_state.lost) {
        char line[LOG_LINE_MAX];
        const struct log_field lost = LOG_I("lines", log_state.lost);
        struct slice s = print_line(line, LOG_WARN, "log_lines_lost", &lost, 1);
        log_state.lost = 0;
        (void)!write(log_state.fd, s.p, s.n);
        if (!has_room()) {
            log_state.lost += lines;
            return;
        }
    }
    (void)!write(log_state.fd, p, n);
}

void log_flush(void)
{
    if (!log_is_held || log_held.n == 0)
        return;
    size_t n = log_held.n, lines = log_held.lines;
    log_held.n = log_held.lines = 0;
    put_out(log_held.b, n, lines);
}

void log_hold(bool on)
{
    log_flush();
    log_is_held = on;
}

void log_write(enum log_level level, const char *event, const struct log_field *f, size_t n)
{
    char line[LOG_LINE_MAX];
    struct slice s = print_line(line, level, event, f, n);
    if (!log_is_held) {
        put_out(s.p, s.n, 1);
        return;
    }
    if (s.n > sizeof(log_held.b) - log_held.n)
        log_flush();
    memcpy(log_held.b + log_held.n, s.p, s.n);
    log_held.n += s.n;
    log_held.lines++;
    if (level <= LOG_WARN) /* may be the last words */
        log_flush();
}
