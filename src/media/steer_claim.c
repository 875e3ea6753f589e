/* Who else uses the ports that are to be steered. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "media/steer.h"

/* --- what the kernel gives away by itself --- */

static bool read_line(const char *path, char *dst, size_t cap)
{
    FILE *f = fopen(path, "re");
    bool ok = f && fgets(dst, (int)cap, f);
    if (f)
        fclose(f);
    return ok;
}

static uint32_t common(uint32_t a_min, uint32_t a_max, uint32_t b_min, uint32_t b_max)
{
    uint32_t min = a_min > b_min ? a_min : b_min, max = a_max < b_max ? a_max : b_max;
    return max >= min ? max - min + 1 : 0;
}

/* "8080,9148,20000-29999": ascending and without overlaps, as the kernel prints it. */
static uint32_t reserved_within(uint32_t min, uint32_t max)
{
    static char text[65536 * 6];
    uint32_t n = 0;
    if (!read_line("/proc/sys/net/ipv4/ip_local_reserved_ports", text, sizeof(text)))
        return 0;
    struct slice rest = slice_trim(slice_from_str(text));
    while (rest.n) {
        struct slice last = slice_cut(&rest, ',');
        struct slice first = slice_cut(&last, '-');
        uint32_t a, b;
        if (slice_to_u32(first, &a) < 0)
            continue;
        b = a;
        if (last.n && slice_to_u32(last, &b) < 0)
            continue;
        n += common(min, max, a, b);
    }
    return n;
}

uint32_t media_steer_ephemeral(uint16_t min, uint16_t max)
{
    char text[64], *end;
    if (!read_line("/proc/sys/net/ipv4/ip_local_port_range", text, sizeof(text)))
        return 0;
    unsigned long low = strtoul(text, &end, 10), high = strtoul(end, NULL, 10);
    if (common(min, max, (uint32_t)low, (uint32_t)high) == 0)
        return 0;
    uint32_t from = min > low ? min : (uint32_t)low, to = max < high ? max : (uint32_t)high;
    return to - from + 1 - reserved_within(from, to);
}

/* --- sockets that are there --- */

static uint32_t mark_listed(const char *path, struct media_steer_port *ports, uint16_t first,
                            uint32_t n)
{
    char line[256];
    uint32_t marked = 0;
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f)) {
        /* "  sl  local_address ...", "1234: 0100007F:1F90 00000000:0000 07 ..." */
        char *at = strchr(line, ':');
        at = at ? strchr(at + 1, ':') : NULL;
        unsigned long port = at ? strtoul(at + 1, NULL, 16) : 0;
        if (port < first || port - first >= n || ports[port - first].taken)
            continue;
        ports[port - first].taken = 1;
        marked++;
    }
    if (f)
        fclose(f);
    return marked;
}

uint32_t media_steer_mark_taken(struct media_steer_port *ports, uint16_t first, uint32_t n)
{
    return mark_listed("/proc/self/net/udp", ports, first, n) +
           mark_listed("/proc/self/net/udp6", ports, first, n);
}

/* --- other servers --- */

#define NAME "sotto-media/"
#define ANY "any"

struct claim {
    bool steers;
    uint32_t min, max;
    struct slice at4, at6; /* ANY or an address */
};

static void address_put(struct buf *b, const struct addr *a)
{
    if (addr_family(a) == 0 || addr_is_any(a))
        BUF_PUT_LIT(b, ANY);
    else
        addr_put_host(b, a);
}

/* "sotto-media/steered/20000-29999/192.0.2.1/any" */
static void name_put(struct buf *b, const struct media_config *cfg, bool steers)
{
    BUF_PUT_LIT(b, NAME);
    buf_put_str(b, steers ? "steered/" : "bound/");
    buf_put_u64(b, cfg->port_min);
    buf_put_char(b, '-');
    buf_put_u64(b, cfg->port_max);
    buf_put_char(b, '/');
    address_put(b, &cfg->bind4);
    buf_put_char(b, '/');
    address_put(b, &cfg->bind6);
}

static bool claim_parse(struct slice s, struct claim *ret)
{
    uint32_t min, max;
    if (!slice_starts_with(s, SLICE_LIT(NAME)))
        return false;
    slice_cut(&s, '/');
    struct claim c = {.steers = slice_eq(slice_cut(&s, '/'), SLICE_LIT("steered"))};
    struct slice last = slice_cut(&s, '/');
    struct slice first = slice_cut(&last, '-');
    if (slice_to_u32(first, &min) < 0 || slice_to_u32(last, &max) < 0)
        return false;
    c.min = min;
    c.max = max;
    c.at4 = slice_cut(&s, '/');
    c.at6 = s;
    *ret = c;
    return true;
}

static bool meet(struct slice a, struct slice b)
{
    return slice_eq(a, b) || slice_eq(a, SLICE_LIT(ANY)) || slice_eq(b, SLICE_LIT(ANY));
}

static bool claims_clash(const struct claim *a, const struct claim *b)
{
    return (a->steers || b->steers) && common(a->min, a->max, b->min, b->max) > 0 &&
           (meet(a->at4, b->at4) || meet(a->at6, b->at6));
}

/* Of sockets of the abstract kind, which end with their process, /proc shows the names. */
static bool find_clash(const struct claim *ours, struct claim *ret, char line[512])
{
    FILE *f = fopen("/proc/self/net/unix", "re");
    bool found = false;
    while (f && !found && fgets(line, 512, f)) {
        char *at = strstr(line, " @" NAME);
        found =
            at && claim_parse(slice_trim(slice_from_str(at + 2)), ret) && claims_clash(ours, ret);
    }
    if (f)
        fclose(f);
    return found;
}

int media_steer_claim(const struct media_config *cfg, bool steers, int *ret_fd,
                      char why[MEDIA_STEER_WHY_MAX])
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    struct buf b = buf_over(sa.sun_path + 1, sizeof(sa.sun_path) - 1);
    struct claim ours, other;
    char line[512];
    name_put(&b, cfg, steers);
    if (!claim_parse(buf_slice(&b), &ours))
        return -EINVAL;
    if (find_clash(&ours, &other, line)) {
        snprintf(why, MEDIA_STEER_WHY_MAX,
                 "another sotto of this machine has the ports %" PRIu32 "-%" PRIu32
                 "; give each server [media] ports of its own",
                 other.min, other.max);
        return MEDIA_STEER_UNABLE;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + b.n);
    /* The same name: two that only bind, which find free ports beside each other. */
    (void)bind(fd, (struct sockaddr *)&sa, n);
    *ret_fd = fd;
    return 0;
}
