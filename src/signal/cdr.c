/* CDRs: one JSON object a line, DATA/cdr/YYYY-MM-DD.jsonl (UTC), appended in one write. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"
#include "signal/internal.h"

static int open_day(struct signal_role *r, const struct tm *tm)
{
    char path[1200];
    snprintf(path, sizeof(path), "%s/%04d-%02d-%02d.jsonl", r->cfg.cdr_dir, tm->tm_year + 1900,
             tm->tm_mon + 1, tm->tm_mday);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : fd;
}

void cdr_write(void *role, struct slice json)
{
    struct signal_role *r = role;
    struct tm tm;
    time_t now = (time_t)loop_unix_now(r->cfg.loop);
    if (!r->cfg.cdr_dir)
        return;
    gmtime_r(&now, &tm);
    if (r->cdr_fd < 0 || r->cdr_day != tm.tm_yday) {
        int fd = open_day(r, &tm);
        if (fd < 0) {
            log_event(LOG_ERROR, "cdr_not_written", LOG_ERRNO(fd));
            return;
        }
        if (r->cdr_fd >= 0)
            close(r->cdr_fd);
        r->cdr_fd = fd;
        r->cdr_day = tm.tm_yday;
    }
    char newline = '\n';
    struct iovec iov[2] = {{.iov_len = json.n}, {.iov_base = &newline, .iov_len = 1}};
    memcpy(&iov[0].iov_base, &json.p, sizeof(json.p)); /* writev does not write to it */
    if (writev(r->cdr_fd, iov, 2) != (ssize_t)(json.n + 1))
        log_event(LOG_ERROR, "cdr_not_written", LOG_ERRNO(errno ? errno : EIO));
}
