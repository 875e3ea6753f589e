/* Reading. inih knows the grammar; the reader under it counts lines, so that every finding has
 * one, and sees what inih would cut or skip (long lines, NUL bytes, sections without keys). */
#include "app/config_type.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/media_msg.h"

#define FILE_BYTES_MAX (1u << 20)
#define KEYS_MAX 64

struct reader {
    struct app_config *c;
    struct config_report *report;
    const char *name; /* the file's, in messages */
    struct slice rest;
    uint32_t line;
    bool continued;                   /* this line goes on with the value of the one before */
    bool section_reported;            /* as unknown; its keys are not looked at */
    uint32_t seen[KEYS_MAX];          /* line that set the key with this index, in this file */
    const struct config_key *pending; /* its value may go on */
    char value[CONFIG_LINE_MAX * 8];
};

PRINTF_LIKE(2, 3) static void report_add(struct config_report *r, const char *fmt, ...)
{
    struct buf b = buf_over(r->text + r->n, sizeof(r->text) - 1 - r->n);
    va_list ap;
    va_start(ap, fmt);
    char line[1024];
    int n = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    r->count++;
    for (char *p = line; *p; p++) { /* the file's own words may not drive the terminal */
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '?';
    }
    buf_put(&b, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
    buf_put_char(&b, '\n');
    if (!b.overflow)
        r->n += b.n;
    r->text[r->n] = '\0';
}

static void put_section_keys(struct buf *b, const char *section)
{
    const char *sep = "";
    for (size_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].section, section) == 0) {
            buf_printf(b, "%s%s", sep, config_keys[i].name);
            sep = ", ";
        }
    }
}

static const char *buf_text(struct buf *b)
{
    /* The caller made room for one more byte than the buffer knows of. */
    b->p[b->n] = '\0';
    return b->p;
}

/* --- what is wrong with a key --- */

static const struct config_key *nearest_in(struct slice section, bool inside, struct slice name,
                                           uint32_t at_most)
{
    const struct config_key *best = NULL;
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *k = &config_keys[i];
        uint32_t d = config_distance(name, slice_from_str(k->name));
        if (slice_eq_nocase_str(section, k->section) == inside && d <= at_most) {
            best = k;
            at_most = d ? d - 1 : 0;
        }
    }
    return best;
}

/* A slip of the pen in this section, or the right key in the wrong section. */
static const struct config_key *nearest_key(struct slice section, struct slice name)
{
    const struct config_key *k = nearest_in(section, true, name, 3);
    return k ? k : nearest_in(section, false, name, 1);
}

static void report_unknown_key(struct reader *rd, struct slice section, struct slice name)
{
    char known[512], hint[128] = "";
    struct buf b = buf_over(known, sizeof(known) - 1);
    const char *where = config_section_find(section)->name;
    put_section_keys(&b, where);
    const struct config_key *near = nearest_key(section, name);
    if (near && strcmp(near->section, where) == 0)
        snprintf(hint, sizeof(hint), "; did you mean `%s`?", near->name);
    else if (near)
        snprintf(hint, sizeof(hint), "; did you mean `%s` of [%s]?", near->name, near->section);
    report_add(rd->report, "%s:%u: [%s] %.*s: unknown key%s [%s] has %s", rd->name, rd->line, where,
               SLICE_ARG(name), *hint ? hint : ";", where, buf_text(&b));
}

static void report_unknown_section(struct reader *rd, struct slice name)
{
    char known[256];
    struct buf b = buf_over(known, sizeof(known) - 1);
    const char *near = NULL;
    uint32_t best = 4;
    for (size_t i = 0; i < config_section_count; i++) {
        const char *s = config_sections[i].name;
        uint32_t d = config_distance(name, slice_from_str(s));
        buf_printf(&b, "%s[%s]", i ? ", " : "", s);
        if (d < best) {
            best = d;
            near = s;
        }
    }
    char hint[64] = ";";
    if (near)
        snprintf(hint, sizeof(hint), "; did you mean [%s]?", near);
    report_add(rd->report, "%s:%u: [%.*s]: unknown section%s there are %s", rd->name, rd->line,
               SLICE_ARG(name), hint, buf_text(&b));
}

static void report_bad_value(struct reader *rd, const struct config_key *k)
{
    char allowed[1024];
    struct buf b = buf_over(allowed, sizeof(allowed) - 1);
    k->type->put_allowed(k, &b);
    report_add(rd->report, "%s:%u: [%s] %s = %s: not allowed; allowed: %s (default: %s)", rd->name,
               rd->seen[k - config_keys], k->section, k->name, rd->value, buf_text(&b),
               *k->fallback ? k->fallback : "empty");
}

/* --- inih's two callbacks --- */

/* As fgets. */
static char *reader_line(char *dst, int cap, void *arg)
{
    struct reader *rd = arg;
    if (rd->rest.n == 0)
        return NULL;
    rd->line++;
    struct slice line = slice_cut(&rd->rest, '\n');
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    bool long_line = line.n > CONFIG_LINE_MAX || line.n + 2 > (size_t)cap;
    if (long_line || memchr(line.p, 0, line.n)) {
        report_add(rd->report, "%s:%u: %s", rd->name, rd->line,
                   long_line
                       ? "the line is longer than 198 characters; a list may go on in the next "
                         "line, indented"
                       : "the line holds a NUL byte");
        line.n = 0;
    }
    rd->continued = line.n && (line.p[0] == ' ' || line.p[0] == '\t');
    struct slice text = slice_trim(line);
    if (!rd->continued && text.n && text.p[0] == '[' && memchr(text.p, ']', text.n)) {
        struct slice name = slice_skip(text, 1);
        name = slice_cut(&name, ']');
        rd->section_reported = !config_section_find(name);
        if (rd->section_reported)
            report_unknown_section(rd, name);
    }
    if (line.n)
        memcpy(dst, line.p, line.n);
    memcpy(dst + line.n, "\n", 2);
    return dst;
}

/* A value is whole when the next key begins, or the file ends. */
static void value_end(struct reader *rd)
{
    const struct config_key *k = rd->pending;
    rd->pending = NULL;
    if (k && k->type->parse(k, slice_trim(slice_from_str(rd->value)), config_field(rd->c, k)) < 0)
        report_bad_value(rd, k);
}

static void value_more(struct reader *rd, const char *value)
{
    /* inih takes comments from the end of a key's own line only. */
    struct slice v = slice_from_str(value);
    if (rd->continued)
        v = slice_trim(slice_take(v, slice_find(v, SLICE_LIT(" ;"))));
    size_t n = strlen(rd->value);
    snprintf(rd->value + n, sizeof(rd->value) - n, "%s" SLICE_FMT, n ? " " : "", SLICE_ARG(v));
}

static int reader_key(void *arg, const char *section, const char *name, const char *value)
{
    struct reader *rd = arg;
    struct slice in = slice_from_str(*section ? section : "server");
    if (!config_section_find(in)) {
        if (!rd->section_reported)
            report_unknown_section(rd, in);
        rd->section_reported = true;
        return 1;
    }
    const struct config_key *k = config_key_find(in, slice_from_str(name));
    if (rd->continued && k && k == rd->pending && k->type->is_list) {
        value_more(rd, value);
        return 1;
    }
    value_end(rd);
    if (!k) {
        report_unknown_key(rd, in, slice_from_str(name));
        return 1;
    }
    uint32_t *seen = &rd->seen[k - config_keys];
    if (*seen) {
        report_add(rd->report, "%s:%u: [%s] %s: set already in line %u", rd->name, rd->line,
                   k->section, k->name, *seen);
        return 1;
    }
    *seen = rd->line;
    rd->pending = k;
    rd->value[0] = '\0';
    rd->continued = false;
    value_more(rd, value);
    return 1;
}

void config_parse_text(struct app_config *c, const char *name, struct slice text,
                       struct config_report *report)
{
    struct reader rd = {.c = c, .report = report, .name = name, .rest = text};
    _Static_assert(CONFIG_LINE_MAX + 2 <= INI_MAX_LINE, "inih cuts longer lines");
    assert(config_key_count <= KEYS_MAX);
    int line = ini_parse_stream(reader_line, &rd, reader_key, &rd);
    value_end(&rd);
    if (line > 0)
        report_add(report, "%s:%d: neither [section] nor key = value", name, line);
    else if (line < 0)
        report_add(report, "%s: no memory", name);
}

/* --- files --- */

/* 0, or -errno; the caller frees *ret. */
static int file_read(const char *path, char **ret, size_t *ret_n)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    int r = -ENOMEM;
    size_t n = 0;
    char *p = malloc(FILE_BYTES_MAX + 1);
    if (!p)
        goto fail;
    for (;;) {
        ssize_t got = read(fd, p + n, FILE_BYTES_MAX + 1 - n);
        r = got < 0 ? -errno : -EFBIG;
        if (got < 0)
            goto fail;
        if (got == 0)
            break;
        n += (size_t)got;
        if (n > FILE_BYTES_MAX)
            goto fail;
    }
    close(fd);
    *ret = p;
    *ret_n = n;
    return 0;
fail:
    free(p);
    close(fd);
    return r;
}

static void file_parse(struct app_config *c, const char *path, struct config_report *report)
{
    char *text = NULL;
    size_t n = 0;
    int r = file_read(path, &text, &n);
    if (r < 0) {
        report_add(report, "%s: cannot be read: %s", path, log_strerror(r));
        return;
    }
    config_parse_text(c, path, slice_from(text, n), report);
    free(text);
}

static int is_conf(const struct dirent *d)
{
    return d->d_name[0] != '.' &&
           slice_ends_with_nocase(slice_from_str(d->d_name), SLICE_LIT(".conf"));
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* the same order under every locale */
}

static void folder_parse(struct app_config *c, const char *path, struct config_report *report)
{
    const char *slash = strrchr(path, '/');
    int dir_n = slash ? (int)(slash - path) + 1 : 0;
    char dir[CONFIG_PATH_MAX], file[CONFIG_PATH_MAX + 256];
    snprintf(dir, sizeof(dir), "%.*sconf.d", dir_n, path);
    struct dirent **found = NULL;
    int n = scandir(dir, &found, is_conf, by_bytes);
    if (n < 0 && errno != ENOENT)
        report_add(report, "%s: cannot be read: %s", dir, log_strerror(errno));
    if (n > CONFIG_FILES_MAX)
        report_add(report, "%s: %d files; at most %d are read", dir, n, CONFIG_FILES_MAX);
    for (int i = 0; i < n; i++) {
        if (i < CONFIG_FILES_MAX) {
            snprintf(file, sizeof(file), "%s/%s", dir, found[i]->d_name);
            file_parse(c, file, report);
        }
        free(found[i]);
    }
    free(found);
}

int config_load(const char *path, struct app_config *ret, struct config_report *report)
{
    struct app_config c;
    config_init(&c);
    *report = (struct config_report){0};
    if (path) {
        file_parse(&c, path, report);
        folder_parse(&c, path, report);
    }
    if (report->count == 0)
        config_cross_check(&c, path ? path : "defaults", report);
    if (report->count)
        return CONFIG_BAD;
    *ret = c;
    return CONFIG_OK;
}

void config_init(struct app_config *ret)
{
    memset(ret, 0, sizeof(*ret)); /* padding too: it travels */
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *k = &config_keys[i];
        int r = k->type->parse(k, slice_from_str(k->fallback), config_field(ret, k));
        assert(r == 0); /* else our table is wrong */
    }
    ret->sip.is_default = ret->web.is_default = true;
}

/* --- what keys say of each other, and of the world --- */

bool config_wants_xdp(const struct app_config *c)
{
    return c->xdp_interface[0] &&
           (c->media_path == CONFIG_MEDIA_XDP || c->media_path == CONFIG_MEDIA_AUTO);
}

static void check_workers(const struct app_config *c, const char *name,
                          struct config_report *report)
{
    uint32_t fit = (c->ports.max - c->ports.min + 1) / MEDIA_WORKER_PORTS_MIN;
    if (c->media_workers > 1 && config_wants_xdp(c))
        report_add(report,
                   "%s: [media] workers = %u: allowed with xdp_interface: auto, or 1, because one "
                   "worker has the interface's queues",
                   name, c->media_workers);
    else if (c->media_workers > 1 && c->media_workers > fit)
        report_add(report,
                   "%s: [media] workers = %u: allowed with ports = %u-%u: auto, or %s%u, because "
                   "each needs %u of them",
                   name, c->media_workers, c->ports.min, c->ports.max, fit > 1 ? "1 to " : "",
                   fit > 1 ? fit : 1, MEDIA_WORKER_PORTS_MIN);
}

void config_cross_check(const struct app_config *c, const char *name, struct config_report *report)
{
    if (c->register_min_s > c->register_max_s)
        report_add(report, "%s: [sip] register_min = %us: more than register_max = %us", name,
                   c->register_min_s, c->register_max_s);
    if (c->register_default_s < c->register_min_s || c->register_default_s > c->register_max_s)
        report_add(report,
                   "%s: [sip] register_default = %us: allowed: register_min to register_max, "
                   "%us to %us",
                   name, c->register_default_s, c->register_min_s, c->register_max_s);
    if (c->session_default_s < c->session_min_s)
        report_add(report, "%s: [sip] session_default = %us: less than session_min = %us", name,
                   c->session_default_s, c->session_min_s);
    check_workers(c, name, report);
    if (c->media_path == CONFIG_MEDIA_XDP && !c->xdp_interface[0])
        report_add(report, "%s: [media] path = xdp: xdp_interface has to name an interface", name);
    for (uint32_t i = 0; i < c->sip.count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            const struct config_listen *a = &c->sip.at[i], *b = &c->sip.at[j];
            bool udp = a->kind == TRANSPORT_UDP || b->kind == TRANSPORT_UDP;
            char text[ADDR_STR_MAX];
            if ((!udp || a->kind == b->kind) && addr_port(&a->addr) && addr_eq(&a->addr, &b->addr))
                report_add(report, "%s: [sip] listen: %s is there twice", name,
                           addr_str(&a->addr, text));
        }
        for (uint32_t j = 0; j < c->web.count; j++) {
            const struct config_listen *a = &c->sip.at[i], *b = &c->web.at[j];
            char text[ADDR_STR_MAX];
            if (a->kind != TRANSPORT_UDP && addr_port(&a->addr) && addr_eq(&a->addr, &b->addr))
                report_add(report,
                           "%s: [sip] listen: %s is that of [web] listen too, where SIP over "
                           "WebSocket is taken anyway",
                           name, addr_str(&a->addr, text));
        }
    }
}

void config_warnings(const struct app_config *c, struct config_report *ret)
{
    char text[ADDR_STR_MAX];
    *ret = (struct config_report){0};
    for (uint32_t i = 0; i < c->sip.count; i++) {
        const struct config_listen *l = &c->sip.at[i];
        if (l->kind != TRANSPORT_TLS && l->kind != TRANSPORT_WSS)
            report_add(ret, "[sip] listen: %s:%s is not encrypted",
                       config_listen_kind_name(l->kind), addr_str(&l->addr, text));
    }
}

void config_keep_fixed(struct app_config *c, const struct app_config *old,
                       struct config_report *report)
{
    *report = (struct config_report){0};
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *k = &config_keys[i];
        if (!k->fixed || memcmp(config_field(c, k), config_field_const(old, k), k->size) == 0)
            continue;
        report_add(report, "[%s] %s", k->section, k->name);
        memcpy(config_field(c, k), config_field_const(old, k), k->size);
    }
}
