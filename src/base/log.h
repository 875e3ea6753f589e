/* One event, one line, on stderr: `event key=value key="with spaces"`, or JSON. Only the handler
 * of an error logs it, once. Pure layers do not log. Never a secret, and for a peer's address the
 * socket's, never a header's. */
#ifndef SOTTO_BASE_LOG_H
#define SOTTO_BASE_LOG_H

#include "base/addr.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_FORMAT_KV, LOG_FORMAT_JSON };

/* One field. Make them with the macros below; an array of them ends a call. */
struct log_field {
    const char *key;
    enum { LOG_FIELD_SLICE, LOG_FIELD_INT, LOG_FIELD_ID, LOG_FIELD_ADDR } kind;
    struct slice s;
    int64_t i;
    const struct addr *a;
};

#define LOG_S(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_SLICE, .s = (v)})
#define LOG_STR(k, v) \
    ((struct log_field){.key = (k), .kind = LOG_FIELD_SLICE, .s = slice_from_str(v)})
#define LOG_I(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_INT, .i = (int64_t)(v)})
/* A call's id, as `sotto show` prints it. */
#define LOG_ID(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_ID, .i = (int64_t)(v)})
#define LOG_A(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_ADDR, .a = (v)})
#define LOG_ERRNO(r)     \
    ((struct log_field){ \
        .key = "error", .kind = LOG_FIELD_SLICE, .s = slice_from_str(log_strerror(r))})

void log_setup(const char *role, enum log_level level, enum log_format format);
void log_set_role(const char *role); /* borrows it */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
/* "error", "warn", "info", "debug". -EINVAL. */
int log_level_parse(struct slice s, enum log_level *ret) MUST_CHECK;
const char *log_strerror(int r); /* takes errno or -errno */

void log_write(enum log_level level, const char *event, const struct log_field *f, size_t n);

/* From now on the lines of this thread (one only) wait until log_flush, which its loop calls at the
 * end of each wake-up: one write for all of them. Warnings and errors take what waits along at once. */
void log_hold(bool on);
void log_flush(void);
bool log_is_on(enum log_level level);

/* log_event(LOG_INFO, "registered", LOG_S("user", user), LOG_A("peer", &peer)); */
#define log_event(level, event, ...)                                \
    do {                                                            \
        if (log_is_on(level)) {                                     \
            const struct log_field log_f_[] = {__VA_ARGS__};        \
            log_write((level), (event), log_f_, ARRAY_LEN(log_f_)); \
        }                                                           \
    } while (0)

/* For tests: lines go to `fd` instead of stderr. */
void log_to_fd(int fd);

#endif
