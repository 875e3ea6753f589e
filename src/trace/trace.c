#include "trace/trace.h"

#include <stdlib.h>

#include "base/log.h"

#define NAME_MAX_ 64

struct trace {
    struct loop *loop;
    bool all;
    size_t count;
    char users[TRACE_USERS_MAX][NAME_MAX_];
    struct loop_timer end;
    uint64_t next_id;
};

static void on_end(void *arg)
{
    trace_off(arg);
    log_event(LOG_INFO, "trace_off", LOG_STR("reason", "its time is over"));
}

int trace_new(struct loop *l, struct trace **ret)
{
    struct trace *t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    t->loop = l;
    loop_timer_init(&t->end, on_end, t);
    *ret = t;
    return 0;
}

struct trace *trace_free(struct trace *t)
{
    if (t)
        loop_timer_cancel(t->loop, &t->end);
    free(t);
    return NULL;
}

int trace_on(struct trace *t, struct slice who, uint32_t seconds)
{
    struct slice name = slice_take(who, slice_find_char(who, '@'));
    if (slice_eq_str(who, "all")) {
        t->all = true;
    } else {
        if (t->count == TRACE_USERS_MAX)
            return -ENOSPC;
        if (name.n == 0 || !slice_to_str(name, t->users[t->count], NAME_MAX_))
            return -EINVAL;
        t->count++;
    }
    if (seconds != TRACE_FOREVER)
        loop_timer_set(t->loop, &t->end, (uint64_t)seconds * 1000);
    else
        loop_timer_cancel(t->loop, &t->end);
    return 0;
}

void trace_off(struct trace *t)
{
    t->all = false;
    t->count = 0;
    loop_timer_cancel(t->loop, &t->end);
}

bool trace_is_on(const struct trace *t)
{
    return t->all || t->count > 0;
}

/* Whether the message is to, from or about one of the traced users: as a user part of any URI. */
static bool is_about(const struct trace *t, struct slice msg)
{
    for (size_t i = 0; i < t->count; i++) {
        char pattern[NAME_MAX_ + 2];
        struct buf b = buf_over(pattern, sizeof(pattern));
        buf_put_char(&b, ':');
        buf_put_str(&b, t->users[i]);
        buf_put_char(&b, '@');
        if (slice_find(msg, buf_slice(&b)) < msg.n)
            return true;
    }
    return false;
}

/* Copies with what stands between `open` and the next `close` replaced. */
static struct slice mask(struct slice line, const char *open, char close, char *dst, size_t cap)
{
    size_t at = slice_find(line, slice_from_str(open));
    if (at == line.n)
        return line;
    size_t from = at + strlen(open);
    size_t to = from + slice_find_char(slice_skip(line, from), close);
    struct buf b = buf_over(dst, cap);
    buf_put_slice(&b, slice_take(line, from));
    BUF_PUT_LIT(&b, "***");
    buf_put_slice(&b, slice_skip(line, to));
    return b.overflow ? SLICE_LIT("(a line with a secret that is too long to show)")
                      : buf_slice(&b);
}

static void put_line(struct slice line, bool out, uint64_t id)
{
    char one[SIP_LINE_MAX], two[SIP_LINE_MAX];
    line = mask(line, "inline:", '|', one, sizeof(one));
    line = mask(line, "response=\"", '"', two, sizeof(two));
    if (slice_starts_with(line, SLICE_LIT("a=key-mgmt:")))
        line = SLICE_LIT("a=key-mgmt:***");
    log_event(LOG_INFO, out ? "sip_out" : "sip_in", LOG_I("msg", id), LOG_S("line", line));
}

void trace_message(struct trace *t, bool out, struct slice msg, const struct addr *peer,
                   const char *transport)
{
    if (!trace_is_on(t) || (!t->all && !is_about(t, msg)))
        return;
    uint64_t id = ++t->next_id;
    log_event(LOG_INFO, out ? "sip_out" : "sip_in", LOG_I("msg", id), LOG_A("peer", peer),
              LOG_STR("transport", transport), LOG_I("bytes", msg.n));
    while (msg.n) {
        struct slice line = slice_cut(&msg, '\n');
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        put_line(line, out, id);
    }
}
