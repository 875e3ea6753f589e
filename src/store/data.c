/* The data folder: where the store and its sealing key lie. */
#include "store/store_priv.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/hash.h"

static int fail(char err[STORE_ERROR_MAX], int r, const char *fmt, ...) PRINTF_LIKE(3, 4);
static int fail(char err[STORE_ERROR_MAX], int r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(err, STORE_ERROR_MAX, fmt, ap);
    va_end(ap);
    return r;
}

/* What root makes in a folder belongs to whom that belongs: the server may run as another user. */
static int give_to_owner(const char *path, const char *folder, char err[STORE_ERROR_MAX])
{
    struct stat st;
    if (geteuid() != 0)
        return 0;
    if (stat(folder, &st) || lchown(path, st.st_uid, st.st_gid))
        return fail(err, -errno, "cannot give %s to the owner of %s: %s", path, folder,
                    log_strerror(errno));
    return 0;
}

/* `owner`: a folder whose owner is to own this one too; NULL: none. */
static int make_folder(const char *path, const char *owner, char err[STORE_ERROR_MAX])
{
    struct stat st;
    bool made = mkdir(path, 0700) == 0;
    if (!made && errno != EEXIST)
        return fail(err, -errno, "cannot make the folder %s: %s", path, log_strerror(errno));
    if (made && owner) {
        int r = give_to_owner(path, owner, err);
        if (r)
            return r;
    }
    if (stat(path, &st))
        return fail(err, -errno, "cannot use %s: %s", path, log_strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return fail(err, -ENOTDIR, "%s is not a folder", path);
    return 0;
}

/* 0, STORE_NONE where there is no such file, -errno. */
static int key_read(const char *path, char err[STORE_ERROR_MAX], struct secret *ret)
{
    uint8_t key[STORE_SEAL_KEY_LEN + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return STORE_NONE;
    if (fd < 0)
        return fail(err, -errno, "cannot read %s: %s", path, log_strerror(errno));
    ssize_t n = read(fd, key, sizeof(key));
    int why = errno;
    (void)close(fd);
    int r = 0;
    if (n < 0)
        r = fail(err, -why, "cannot read %s: %s", path, log_strerror(why));
    else if (n != STORE_SEAL_KEY_LEN)
        r = fail(err, -EKEYREJECTED,
                 "%s is damaged: it must have exactly %d bytes; put it back "
                 "from a backup",
                 path, STORE_SEAL_KEY_LEN);
    else
        r = secret_set(ret, key, STORE_SEAL_KEY_LEN);
    secret_wipe(key, sizeof(key));
    return r;
}

static int write_synced(const char *path, const void *p, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    ssize_t done = write(fd, p, n);
    int r = done == (ssize_t)n && fsync(fd) == 0 ? 0 : done < 0 || errno ? -errno : -EIO;
    if (close(fd) && r == 0)
        r = -errno;
    return r;
}

static void sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd); /* where that fails, a power cut loses a key that sealed nothing yet */
    (void)close(fd);
}

/* Linked into place whole: a process that starts at the same time sees no key, or all of one. */
static int key_make(const char *folder, const char *path, char err[STORE_ERROR_MAX])
{
    char temp[PATH_MAX + 32];
    uint8_t key[STORE_SEAL_KEY_LEN];
    (void)snprintf(temp, sizeof(temp), "%s/seal.%d.new", folder, (int)getpid());
    crypto_random(key, sizeof(key));
    errno = 0;
    (void)unlink(temp); /* of a process of the same number that ended half-way */
    int r = write_synced(temp, key, sizeof(key));
    secret_wipe(key, sizeof(key));
    if (r == 0 && link(temp, path) && errno != EEXIST)
        r = -errno;
    (void)unlink(temp);
    if (r == 0 && give_to_owner(path, folder, err))
        return -EACCES;
    if (r)
        return fail(err, r, "cannot make %s: %s", path, log_strerror(r));
    sync_folder(folder);
    return 0;
}

static int key_get(const char *folder, const char *db, char err[STORE_ERROR_MAX],
                   struct secret *ret)
{
    char path[PATH_MAX + 32];
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s/seal.key", folder);
    int r = key_read(path, err, ret);
    if (r != STORE_NONE)
        return r;
    if (stat(db, &st) == 0 && st.st_size > 0)
        return fail(err, -EKEYREJECTED,
                    "%s is missing, but %s was made with it: put it back from a backup (without it "
                    "the users' passwords cannot be read)",
                    path, db);
    r = key_make(folder, path, err);
    if (r == 0)
        r = key_read(path, err, ret);
    return r == STORE_NONE ? fail(err, -ENOENT, "%s was taken away", path) : r;
}

int store_open_data(const char *data, char err[STORE_ERROR_MAX], struct store **ret)
{
    char folder[PATH_MAX], db[PATH_MAX];
    struct secret key = {0};
    if (strlen(data) > PATH_MAX - 64)
        return fail(err, -ENAMETOOLONG, "the path of the data folder is too long");
    (void)snprintf(folder, sizeof(folder), "%s/tls", data);
    (void)snprintf(db, sizeof(db), "%s/sotto.db", data);
    int r = make_folder(data, NULL, err);
    if (r == 0)
        r = make_folder(folder, data, err);
    if (r == 0)
        r = key_get(folder, db, err, &key);
    if (r == 0)
        r = store_open(db, &key, err, ret);
    secret_fini(&key);
    return r;
}
