#include "cert/cert_priv.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

int cert_fail(struct cert_report *report, int r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(report->error, sizeof(report->error), fmt, ap); /* cut, it is still of use */
    va_end(ap);
    return r;
}

void cert_warn(struct cert_report *report, const char *fmt, ...)
{
    if (report->warning_count == CERT_WARNINGS_MAX)
        return;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(report->warnings[report->warning_count++], CERT_WARNING_MAX, fmt, ap);
    va_end(ap);
}

int cert_fail_openssl(struct cert_report *report, const char *doing)
{
    char why[160] = "no reason given";
    unsigned long code = ERR_get_error();
    if (code)
        ERR_error_string_n(code, why, sizeof(why));
    ERR_clear_error();
    return cert_fail(report, -EIO, "cannot %s: %s", doing, why);
}

void cert_text_fini(struct cert_text *t)
{
    if (t->p)
        secret_wipe(t->p, t->n);
    free(t->p);
    *t = (struct cert_text){0};
}

static int read_all(int fd, char *dst, size_t cap, size_t *ret_n)
{
    size_t n = 0;
    while (n < cap) {
        ssize_t got = read(fd, dst + n, cap - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    *ret_n = n;
    return 0;
}

int cert_file_read(const char *path, struct cert_report *report, struct cert_text *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold us up */
    if (fd < 0)
        return cert_fail(report, -errno, "cannot read %s: %s", path, log_strerror(errno));
    struct cert_text t = {.p = malloc(CERT_FILE_MAX + 1)};
    int r = t.p ? read_all(fd, t.p, CERT_FILE_MAX + 1, &t.n) : -ENOMEM;
    (void)close(fd);
    if (r)
        r = cert_fail(report, r, "cannot read %s: %s", path, log_strerror(r));
    else if (t.n > CERT_FILE_MAX)
        r = cert_fail(report, CERT_REFUSED,
                      "%s is longer than %u KiB: a key with its certificates is expected", path,
                      CERT_FILE_MAX >> 10);
    if (r) {
        cert_text_fini(&t);
        return r;
    }
    *ret = t;
    return 0;
}

/* What root makes belongs to whom the folder belongs: the server may run as another user. */
static int give_to_owner(int fd, const char *path)
{
    struct stat st;
    char folder[CERT_PATH_MAX + 8];
    if (geteuid() != 0)
        return 0;
    (void)snprintf(folder, sizeof(folder), "%s", path);
    *strrchr(folder, '/') = '\0';
    if (stat(folder, &st))
        return -errno;
    return fchown(fd, st.st_uid, st.st_gid) ? -errno : 0;
}

static int write_synced(int fd, struct slice text)
{
    while (text.n) {
        ssize_t done = write(fd, text.p, text.n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -errno;
        text = slice_skip(text, (size_t)done);
    }
    return fsync(fd) ? -errno : 0;
}

int cert_file_stage(const char *path, struct slice text, bool secret, struct cert_report *report)
{
    char temp[CERT_PATH_MAX + 8];
    (void)snprintf(temp, sizeof(temp), "%s.new", path);
    (void)unlink(temp); /* left by a process that ended half-way */
    int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, secret ? 0600 : 0644);
    int r = fd < 0 ? -errno : give_to_owner(fd, temp);
    if (r == 0)
        r = write_synced(fd, text);
    if (fd >= 0 && close(fd) && r == 0)
        r = -errno;
    if (r == 0)
        return 0;
    if (fd >= 0)
        (void)unlink(temp);
    return cert_fail(report, r, "cannot write %s: %s; what was in force stays in force", temp,
                     log_strerror(r));
}

int cert_file_commit(const char *path, struct cert_report *report)
{
    char temp[CERT_PATH_MAX + 8];
    (void)snprintf(temp, sizeof(temp), "%s.new", path);
    if (rename(temp, path))
        return cert_fail(report, -errno, "cannot write %s: %s", path, log_strerror(errno));
    *strrchr(temp, '/') = '\0';
    int fd = open(temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd); /* where that fails, a power cut may bring the old pair back */
        (void)close(fd);
    }
    return 0;
}

const char *cert_path(char dst[CERT_PATH_MAX], const char *data, const char *name)
{
    (void)snprintf(dst, CERT_PATH_MAX, "%s/tls/%s", data, name);
    return dst;
}

int cert_folder_open(const char *path, struct cert_report *report, int *ret_fd)
{
    bool made = mkdir(path, 0700) == 0;
    if (!made && errno != EEXIST)
        return cert_fail(report, -errno, "cannot make the folder %s: %s", path,
                         log_strerror(errno));
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return cert_fail(report, -errno, "cannot use the folder %s: %s", path, log_strerror(errno));
    int r = made ? give_to_owner(fd, path) : 0;
    if (r) {
        (void)close(fd);
        return cert_fail(report, r, "cannot change the owner of %s: %s", path, log_strerror(r));
    }
    *ret_fd = fd;
    return 0;
}

int cert_lock(const char *data, struct cert_report *report, int *ret_fd)
{
    char path[CERT_PATH_MAX];
    int fd = -1;
    if (strlen(data) >= PATH_MAX)
        return cert_fail(report, -ENAMETOOLONG, "the path of the data folder is too long");
    (void)snprintf(path, sizeof(path), "%s/tls", data);
    int r = cert_folder_open(path, report, &fd);
    if (r)
        return r;
    while (r == 0 && flock(fd, LOCK_EX)) {
        if (errno != EINTR)
            r = -errno;
    }
    if (r) {
        (void)close(fd);
        return cert_fail(report, r, "cannot lock the folder %s: %s", path, log_strerror(r));
    }
    *ret_fd = fd;
    return 0;
}

void cert_unlock(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}
