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

static int reopen(struct signal_role *r, const struct tm *tm)
{
    if (r->cdr_fd >= 0 && r->cdr_day == tm->tm_yday)
        return 0;
    int fd = open_day(r, tm);
    if (fd < 0)
        return fd;
    if (r->cdr_fd >= 0)
        close(r->cdr_fd);
    r->cdr_fd = fd;
    r->cdr_day = tm->tm_yday;
    return 0;
}

/* All of it or nothing: half a line would spoil the next one too. */
static int append(int fd, struct slice json)
{
    char newline = '\n';
    struct iovec iov[2] = {{.iov_len = json.n}, {.iov_base = &newline, .iov_len = 1}};
    memcpy(&iov[0].iov_base, &json.p, sizeof(json.p)); /* writev does not write to it */
    ssize_t n = writev(fd, iov, 2);
    if (n == (ssize_t)(json.n + 1))
        return 0;
    int r = n < 0 ? -errno : -ENOSPC;
    off_t end = lseek(fd, 0, SEEK_CUR); /* O_APPEND: behind what was written */
    if (n > 0 && (end < n || ftruncate(fd, end - n) < 0))
        return -errno;
    return r;
}

/* Trouble is told once; its end, and what it cost, as well. */
static void told(struct signal_role *r, int result)
{
    if (result < 0 && r->cdr_lost++ == 0)
        log_event(LOG_ERROR, "cdr_not_written", LOG_STR("folder", r->cfg.cdr_dir),
                  LOG_ERRNO(result),
                  LOG_STR("hint", "calls go on without a record of them until this is mended"));
    if (result == 0 && r->cdr_lost) {
        log_event(LOG_WARN, "cdr_written_again", LOG_I("lost", r->cdr_lost));
        r->cdr_lost = 0;
    }
}

void cdr_write(void *role, struct slice json)
{
    struct signal_role *r = role;
    struct tm tm;
    time_t now = (time_t)loop_unix_now(r->cfg.loop);
    if (!r->cfg.cdr_dir)
        return;
    gmtime_r(&now, &tm);
    int result = reopen(r, &tm);
    told(r, result < 0 ? result : append(r->cdr_fd, json));
}
