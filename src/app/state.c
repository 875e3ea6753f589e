#include "app/state.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/domain_certs.h"
#include "app/exit.h"
#include "app/identity.h"
#include "app/listen.h"
#include "app/privileges.h"
#include "call/call.h"
#include "ipc/ipc.h"
#include "keying/mikey_seen.h"
#include "media/role.h"

/* --- who gets what: the table of role_fds.h --- */

#define TO(role) (1u << (role))
#define ALL_ROLES (TO(ROLE_SIGNAL) | TO(ROLE_MEDIA) | TO(ROLE_WEB))

static const struct {
    unsigned roles;
    bool reload;
} slots[ROLE_FD_COUNT] = {
    [ROLE_FD_CONFIG] = {ALL_ROLES, true},
    [ROLE_FD_CONN_SLOTS] = {TO(ROLE_SIGNAL), false},
    [ROLE_FD_CALL_STATE] = {TO(ROLE_SIGNAL), false},
    [ROLE_FD_MEDIA_STATE] = {TO(ROLE_MEDIA), false},
    [ROLE_FD_MEDIA_STATS] = {ALL_ROLES, false},
    [ROLE_FD_MEDIA_SEEN] = {TO(ROLE_MEDIA), false},
    [ROLE_FD_CA_CERT] = {ALL_ROLES, true},
    [ROLE_FD_SERVER_CERT] = {TO(ROLE_SIGNAL), true},
    [ROLE_FD_SERVER_KEY] = {TO(ROLE_SIGNAL), true},
    [ROLE_FD_MIKEY_CERT] = {TO(ROLE_MEDIA), true},
    [ROLE_FD_MIKEY_KEY] = {TO(ROLE_MEDIA), true},
    [ROLE_FD_DOMAIN_CERTS] = {TO(ROLE_SIGNAL), true},
    [ROLE_FD_SEAL_KEY] = {TO(ROLE_SIGNAL) | TO(ROLE_WEB), false},
    [ROLE_FD_CONTROL] = {TO(ROLE_WEB), false},
    [ROLE_FD_SIP_LISTEN] = {TO(ROLE_SIGNAL), false},
    [ROLE_FD_WEB_LISTEN] = {TO(ROLE_SIGNAL), false},
    [ROLE_FD_MEDIA_SHARED] = {TO(ROLE_MEDIA), false},
    [ROLE_FD_MEDIA_XDP] = {TO(ROLE_MEDIA), false},
};

static const struct {
    enum role_fd slot;
    const char *path; /* under the data folder */
} files[] = {
    {ROLE_FD_CA_CERT, "tls/ca.crt"},        {ROLE_FD_SERVER_CERT, "tls/server.crt"},
    {ROLE_FD_SERVER_KEY, "tls/server.key"}, {ROLE_FD_MIKEY_CERT, "tls/mikey.crt"},
    {ROLE_FD_MIKEY_KEY, "tls/mikey.key"},   {ROLE_FD_SEAL_KEY, "tls/seal.key"},
};

static void start_add(struct role_start *s, int *fds, int fd, unsigned slot, uint32_t index)
{
    if (fd < 0 || s->fd_count == ROLE_FDS_MAX)
        return;
    s->fds[s->fd_count].slot = (uint8_t)slot;
    s->fds[s->fd_count].index = (uint8_t)index;
    fds[s->fd_count++] = fd;
}

static bool role_gets(enum role_kind role, unsigned slot, bool reload)
{
    return (slots[slot].roles & TO(role)) && (!reload || slots[slot].reload);
}

/* The one descriptor of that slot. */
static int fd_for(const struct state *s, enum role_kind role, uint32_t worker, unsigned slot)
{
    if (slot == ROLE_FD_MEDIA_STATE)
        return s->media_state[worker];
    return slot == ROLE_FD_MEDIA_STATS && role != ROLE_MEDIA ? s->stats_ro : s->fds[slot];
}

/* The media role's are the most: those that there is one of, its ways in and out. */
static_assert(7 + MEDIA_SHARED_COUNT + 1 + MEDIA_XDP_SOCKETS_MAX <= ROLE_FDS_MAX,
              "a role gets all its descriptors with one message");

void state_fill_start(const struct state *s, enum role_kind role, uint32_t worker, bool reload,
                      struct role_start *ret, int *ret_fds)
{
    *ret = (struct role_start){.role = role, .worker = worker, .workers = s->media.workers};
    for (unsigned slot = 0; slot < ROLE_FD_SINGLE_COUNT; slot++) {
        if (role_gets(role, slot, reload))
            start_add(ret, ret_fds, fd_for(s, role, worker, slot), slot, 0);
    }
    for (uint32_t i = 0; i < CONFIG_LISTEN_MAX; i++) {
        if (role_gets(role, ROLE_FD_SIP_LISTEN, reload))
            start_add(ret, ret_fds, s->sip[i], ROLE_FD_SIP_LISTEN, i);
        if (role_gets(role, ROLE_FD_WEB_LISTEN, reload))
            start_add(ret, ret_fds, s->web[i], ROLE_FD_WEB_LISTEN, i);
    }
    for (uint32_t i = 0; i < MEDIA_SHARED_COUNT; i++) {
        if (role_gets(role, ROLE_FD_MEDIA_SHARED, reload))
            start_add(ret, ret_fds, s->media.steer.shared[worker].fd[i], ROLE_FD_MEDIA_SHARED, i);
    }
    if (!role_gets(role, ROLE_FD_MEDIA_XDP, reload))
        return;
    start_add(ret, ret_fds, s->media.xdp.fds.memory, ROLE_FD_MEDIA_XDP, 0);
    for (uint32_t i = 0; i < MEDIA_XDP_SOCKETS_MAX; i++)
        start_add(ret, ret_fds, s->media.xdp.fds.socket[i], ROLE_FD_MEDIA_XDP, i + 1);
}

/* --- the folder --- */

static int why_errno(char why[STATE_WHY_MAX], const char *what, const char *path, int e,
                     enum exit_status status)
{
    snprintf(why, STATE_WHY_MAX, "%s %s: %s", what, path, log_strerror(e));
    return (int)status;
}

static int folder_make(struct app_config *c, char why[STATE_WHY_MAX])
{
    struct stat st = {0};
    if (mkdir(c->data, 0700) < 0 && errno != EEXIST)
        return why_errno(why, "cannot make the data folder", c->data, errno, EXIT_STATUS_CONFIG);
    char *path = realpath(c->data, NULL);
    int e = !path || stat(path, &st) < 0 ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
    if (e) {
        free(path);
        return why_errno(why, "cannot use the data folder", c->data, e, EXIT_STATUS_CONFIG);
    }
    if (st.st_mode & 077)
        log_event(LOG_WARN, "data_folder_open_to_others", LOG_STR("path", path),
                  LOG_STR("mend", "chmod 700"));
    bool fits = path && strlen(path) < sizeof(c->data);
    if (fits) {
        memset(c->data, 0, sizeof(c->data));
        memcpy(c->data, path, strlen(path));
    }
    free(path);
    return fits ? 0
                : why_errno(why, "cannot use the data folder", c->data, ENAMETOOLONG,
                            EXIT_STATUS_CONFIG);
}

static void path_in(const struct app_config *c, const char *name, char ret[CONFIG_PATH_MAX + 32])
{
    snprintf(ret, CONFIG_PATH_MAX + 32, "%s/%s", c->data, name);
}

/* Held as long as the process lives, whatever way it ends. */
static int folder_lock(struct state *s, const struct app_config *c, char why[STATE_WHY_MAX])
{
    char path[CONFIG_PATH_MAX + 32], pid[16] = "";
    path_in(c, "sotto.pid", path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return why_errno(why, "cannot write", path, errno, EXIT_STATUS_CONFIG);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);
        struct slice who = slice_trim(slice_from(pid, n > 0 ? (size_t)n : 0));
        snprintf(why, STATE_WHY_MAX,
                 "another sotto, process " SLICE_FMT
                 ", works in %s; stop it, or choose another folder "
                 "with -d",
                 SLICE_ARG(who), c->data);
        close(fd);
        return EXIT_STATUS_TAKEN;
    }
    int n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)n, 0) != n) {
        int e = errno;
        close(fd);
        return why_errno(why, "cannot write", path, e, EXIT_STATUS_CONFIG);
    }
    s->lock_fd = fd;
    return 0;
}

/* What roles write belongs to the account that they run as. */
static int folder_give(const struct app_config *c, char why[STATE_WHY_MAX])
{
    static const char *const names[] = {
        "", "sotto.db", "sotto.db-wal", "sotto.db-shm", "control.sock", "cdr"};
    struct privileges_account a;
    char path[CONFIG_PATH_MAX + 32];
    int r = privileges_account(c, &a);
    if (r == -ENOENT) {
        snprintf(why, STATE_WHY_MAX, "[server] user = %s, group = %s: there is no such account",
                 c->user, c->group);
        return EXIT_STATUS_CONFIG;
    }
    for (size_t i = 0; i < ARRAY_LEN(names) && r == PRIVILEGES_SWITCH; i++) {
        path_in(c, names[i], path);
        if (lchown(path, a.uid, a.gid) < 0 && errno != ENOENT)
            return why_errno(why, "cannot change the owner of", path, errno, EXIT_STATUS_CONFIG);
    }
    return r < 0 ? r : 0;
}

static int folder_make_cdr(const struct app_config *c, char why[STATE_WHY_MAX])
{
    char path[CONFIG_PATH_MAX + 32];
    path_in(c, "cdr", path);
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return why_errno(why, "cannot make", path, errno, EXIT_STATUS_CONFIG);
    return 0;
}

/* --- descriptors for roles --- */

static void fd_set_at(int *at, int fd)
{
    if (*at >= 0)
        close(*at);
    *at = fd;
}

bool state_is_reloaded(unsigned slot)
{
    return slot < ROLE_FD_SINGLE_COUNT && slots[slot].reload;
}

void state_replace(struct state *s, unsigned slot, int fd)
{
    fd_set_at(&s->fds[slot], fd);
}

/* All of them, or none is replaced. */
static int files_open(struct state *s, const struct app_config *c, char why[STATE_WHY_MAX])
{
    int fds[ARRAY_LEN(files)];
    int r = 0;
    size_t n = 0;
    for (; n < ARRAY_LEN(files) && r == 0; n++) {
        char path[CONFIG_PATH_MAX + 32];
        path_in(c, files[n].path, path);
        fds[n] = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fds[n] < 0 && errno != ENOENT)
            r = why_errno(why, "cannot read", path, errno, EXIT_STATUS_CONFIG);
    }
    for (size_t i = 0; i < n; i++) {
        if (r == 0)
            fd_set_at(&s->fds[files[i].slot], fds[i]);
        else if (fds[i] >= 0)
            close(fds[i]);
    }
    return r;
}

/* The files and the domains' certificates: both, or neither is replaced. */
static int certs_open(struct state *s, const struct app_config *c, char why[STATE_WHY_MAX])
{
    char says[CERT_ERROR_MAX] = "";
    int fd;
    if (domain_certs_share(c->data, s->fds[ROLE_FD_DOMAIN_CERTS], says, &fd) != 0) {
        snprintf(why, STATE_WHY_MAX, "%s", says);
        return EXIT_STATUS_CONFIG;
    }
    int r = files_open(s, c, why);
    if (r == 0)
        fd_set_at(&s->fds[ROLE_FD_DOMAIN_CERTS], fd);
    else
        close(fd);
    return r;
}

static int config_share(struct state *s, const struct app_config *c)
{
    int fd;
    int r = ipc_memfd_of("sotto-config", c, sizeof(*c), &fd);
    if (r == 0)
        fd_set_at(&s->fds[ROLE_FD_CONFIG], fd);
    return r;
}

static int media_state_make(struct state *s, const struct app_config *c)
{
    const struct media_config all = media_way_config(c, s->media.workers);
    int r = 0;
    for (uint32_t w = 0; r == 0 && w < s->media.workers; w++) {
        const struct media_config of = media_config_of_worker(&all, w);
        int fd;
        r = ipc_memfd_new("sotto-media", media_state_size(of.max_endpoints), &fd);
        if (r == 0)
            fd_set_at(&s->media_state[w], fd);
    }
    return r;
}

static int memory_make(struct state *s, const struct app_config *c)
{
    const struct {
        enum role_fd slot;
        const char *name;
        size_t size;
    } memory[] = {
        {ROLE_FD_CONN_SLOTS, "sotto-connections", transport_slots_size(c->max_connections)},
        {ROLE_FD_CALL_STATE, "sotto-calls", call_snapshot_size(c->max_calls)},
        {ROLE_FD_MEDIA_STATS, "sotto-stats",
         media_stats_size(media_way_endpoints(c, s->media.workers))},
        {ROLE_FD_MEDIA_SEEN, "sotto-mikey", mikey_seen_size()},
    };
    for (size_t i = 0; i < ARRAY_LEN(memory); i++) {
        int fd;
        int r = ipc_memfd_new(memory[i].name, memory[i].size, &fd);
        if (r < 0)
            return r;
        fd_set_at(&s->fds[memory[i].slot], fd);
    }
    int r = media_state_make(s, c);
    if (r < 0)
        return r;
    /* A second open of the same memory, which can only be mapped for reading. */
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", s->fds[ROLE_FD_MEDIA_STATS]);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    fd_set_at(&s->stats_ro, fd);
    return 0;
}

/* --- the whole --- */

void state_init(struct state *s)
{
    *s = (struct state){.lock_fd = -1, .stats_ro = -1};
    for (size_t i = 0; i < ARRAY_LEN(s->fds); i++)
        s->fds[i] = -1;
    for (size_t i = 0; i < MEDIA_WORKERS_MAX; i++)
        s->media_state[i] = -1;
    for (size_t i = 0; i < CONFIG_LISTEN_MAX; i++)
        s->sip[i] = s->web[i] = -1;
    media_way_init(&s->media);
}

static int folder_open(struct state *s, struct app_config *c, char why[STATE_WHY_MAX])
{
    char path[CONFIG_PATH_MAX + 32];
    int r = folder_make(c, why);
    if (r == 0)
        r = folder_lock(s, c, why);
    if (r != 0)
        return r;
    path_in(c, "tls/server.crt", path);
    s->first_start = access(path, F_OK) < 0;
    return folder_make_cdr(c, why);
}

int state_open(struct state *s, struct app_config *c, char why[STATE_WHY_MAX])
{
    bool is_new;
    int r = folder_open(s, c, why);
    if (r == 0)
        r = identity_store(c, why);
    if (r == 0)
        r = identity_admin(c, why, s->admin_password);
    if (r == 0)
        r = identity_certs(c, why, &is_new);
    if (r == 0)
        r = certs_open(s, c, why);
    if (r == 0)
        r = listen_open(&c->sip, why, s->sip);
    if (r == 0)
        r = listen_open(&c->web, why, s->web);
    if (r == 0)
        r = media_way_open(c, &s->media, why, STATE_WHY_MAX);
    if (r == 0)
        r = privileges_drop_network();
    if (r == 0)
        r = listen_control(c->data, why, &s->fds[ROLE_FD_CONTROL]);
    if (r == 0)
        r = folder_give(c, why);
    if (r == 0)
        r = memory_make(s, c);
    return r == 0 ? config_share(s, c) : r;
}

int state_reload(struct state *s, const struct app_config *c, char why[STATE_WHY_MAX])
{
    bool is_new; /* whether or not: the administrator may have replaced files */
    int r = identity_certs(c, why, &is_new);
    if (r == 0)
        r = certs_open(s, c, why);
    return r == 0 ? config_share(s, c) : r;
}

void state_close(struct state *s)
{
    for (size_t i = 0; i < ARRAY_LEN(s->fds); i++)
        fd_set_at(&s->fds[i], -1);
    for (size_t i = 0; i < MEDIA_WORKERS_MAX; i++)
        fd_set_at(&s->media_state[i], -1);
    fd_set_at(&s->stats_ro, -1);
    fd_set_at(&s->lock_fd, -1);
    listen_close(s->sip);
    listen_close(s->web);
    media_way_close(&s->media);
}
