#include "phone/zrtp.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/hash.h"

#define LINE_CAP 320
#define FILE_CAP ((PHONE_ZRTP_PEERS_MAX + 1) * LINE_CAP)

static const uint8_t kinds[] = {ZRTP_RS1, ZRTP_RS2, ZRTP_PBX};

/* --- the file ----------------------------------------------------------------------------------- */

static bool hex_get(struct slice s, uint8_t *dst, size_t n)
{
    if (s.n != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        int hi = slice_hex_digit(s.p[2 * i]), lo = slice_hex_digit(s.p[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return false;
        dst[i] = (uint8_t)(hi << 4 | lo);
    }
    return true;
}

static bool peer_parse(struct slice line, struct phone_zrtp_peer *ret)
{
    struct slice word;

    memset(ret, 0, sizeof(*ret));
    if (!hex_get(slice_cut(&line, ' '), ret->zid, sizeof(ret->zid)))
        return false;
    word = slice_cut(&line, ' ');
    ret->kept.verified = slice_eq_str(word, "verified");
    if (!ret->kept.verified && !slice_eq_str(word, "unverified"))
        return false;
    for (size_t i = 0; i < sizeof(kinds); i++) {
        struct secret *s = &ret->kept.of[kinds[i]];
        word = slice_cut(&line, ' ');
        if (slice_eq_str(word, "-"))
            continue;
        if (!hex_get(word, s->b, ZRTP_SECRET_LEN))
            return false;
        s->n = ZRTP_SECRET_LEN;
    }
    return line.n == 0;
}

static bool parse(struct phone_zrtp *z, struct slice text)
{
    bool has_own = false;

    while (text.n) {
        struct slice line = slice_trim(slice_cut(&text, '\n'));
        struct slice what = slice_cut(&line, ' ');
        if (slice_eq_str(what, "own"))
            has_own = hex_get(line, z->local.zid, sizeof(z->local.zid));
        else if (!slice_eq_str(what, "peer") || z->n == PHONE_ZRTP_PEERS_MAX ||
                 !peer_parse(line, &z->peers[z->n++]))
            return false;
    }
    return has_own;
}

static void put_peer(struct buf *b, const struct phone_zrtp_peer *p)
{
    BUF_PUT_LIT(b, "peer ");
    buf_put_hex(b, p->zid, sizeof(p->zid));
    buf_put_str(b, p->kept.verified ? " verified" : " unverified");
    for (size_t i = 0; i < sizeof(kinds); i++) {
        const struct secret *s = &p->kept.of[kinds[i]];
        buf_put_char(b, ' ');
        if (s->n)
            buf_put_hex(b, s->b, s->n);
        else
            buf_put_char(b, '-');
    }
    buf_put_char(b, '\n');
}

/* A new file in the old one's place: a crash leaves one or the other. */
static int replace(const char *path, struct slice text)
{
    char temp[PATH_MAX];
    int n = snprintf(temp, sizeof(temp), "%s.%d", path, (int)getpid());

    if (n < 0 || (size_t)n >= sizeof(temp))
        return -ENAMETOOLONG;
    int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int r = write(fd, text.p, text.n) == (ssize_t)text.n && fsync(fd) == 0 ? 0 : -EIO;
    if (close(fd) < 0 && r == 0)
        r = -errno;
    if (r == 0 && rename(temp, path) < 0)
        r = -errno;
    if (r < 0)
        (void)unlink(temp);
    return r;
}

static int write_all(const struct phone_zrtp *z)
{
    size_t cap = (z->n + 1) * LINE_CAP;
    char *text = z->path ? malloc(cap) : NULL;
    struct buf b = buf_over(text, cap);

    if (!z->path)
        return 0;
    if (!text)
        return -ENOMEM;
    BUF_PUT_LIT(&b, "own ");
    buf_put_hex(&b, z->local.zid, sizeof(z->local.zid));
    buf_put_char(&b, '\n');
    for (size_t i = 0; i < z->n; i++)
        put_peer(&b, &z->peers[i]);
    int r = b.overflow ? -EMSGSIZE : replace(z->path, buf_slice(&b));
    secret_wipe(text, cap);
    free(text);
    return r;
}

/* --- life --------------------------------------------------------------------------------------- */

static int read_file(struct phone_zrtp *z)
{
    int fd = open(z->path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    char *text = malloc(FILE_CAP);
    ssize_t n = text ? read(fd, text, FILE_CAP) : -1;
    (void)close(fd);
    int r = n < 0 ? -EIO : parse(z, slice_from(text, (size_t)n)) ? 0 : -EINVAL;
    if (text)
        secret_wipe(text, FILE_CAP);
    free(text);
    return r;
}

int phone_zrtp_open(struct phone_zrtp *z, const char *path, char *why, size_t cap)
{
    if (z->is_open)
        return 0;
    *z = (struct phone_zrtp){.path = path};
    z->peers = calloc(PHONE_ZRTP_PEERS_MAX, sizeof(*z->peers));
    int r = !z->peers ? -ENOMEM : path ? read_file(z) : -ENOENT;
    if (r == -ENOENT) {
        crypto_random(z->local.zid, sizeof(z->local.zid));
        r = write_all(z);
    }
    z->is_open = r == 0;
    if (r == -EINVAL)
        (void)snprintf(why, cap, "--zrtp-secrets: %s is not a file of ours", path);
    else if (r < 0)
        (void)snprintf(why, cap, "--zrtp-secrets: %s: %s", path ? path : "", log_strerror(r));
    if (r < 0)
        phone_zrtp_close(z);
    return r;
}

void phone_zrtp_close(struct phone_zrtp *z)
{
    if (z->peers)
        secret_wipe(z->peers, PHONE_ZRTP_PEERS_MAX * sizeof(*z->peers));
    free(z->peers);
    *z = (struct phone_zrtp){0};
}

static struct phone_zrtp_peer *peer_find(const struct phone_zrtp *z, const uint8_t *zid)
{
    for (size_t i = 0; i < z->n; i++) {
        if (memcmp(z->peers[i].zid, zid, ZRTP_ZID_LEN) == 0)
            return &z->peers[i];
    }
    return NULL;
}

void phone_zrtp_find(const struct phone_zrtp *z, const uint8_t zid[ZRTP_ZID_LEN],
                     struct zrtp_secrets *ret)
{
    const struct phone_zrtp_peer *p = peer_find(z, zid);

    memset(ret, 0, sizeof(*ret));
    if (p)
        *ret = p->kept;
}

int phone_zrtp_save(struct phone_zrtp *z, const uint8_t zid[ZRTP_ZID_LEN],
                    const struct zrtp_secrets *s)
{
    struct phone_zrtp_peer *p = peer_find(z, zid);

    if (!p && z->n == PHONE_ZRTP_PEERS_MAX) {
        memmove(&z->peers[0], &z->peers[1], (PHONE_ZRTP_PEERS_MAX - 1) * sizeof(*p));
        z->n--;
    }
    if (!p)
        p = &z->peers[z->n++];
    memcpy(p->zid, zid, sizeof(p->zid));
    p->kept = *s;
    return write_all(z);
}
