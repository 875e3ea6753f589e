/* Policies: what is built in, how they inherit, how they lie in the file. */
#include "store/store_priv.h"

static const struct {
    const char *name;
    uint8_t bit;
} transports[] = {
    {"udp", STORE_UDP}, {"tcp", STORE_TCP}, {"tls", STORE_TLS},
    {"ws", STORE_WS},   {"wss", STORE_WSS},
};

static const struct {
    const char *name;
    uint8_t bit;
} tells[] = {{"header", STORE_TELL_HEADER}, {"mark", STORE_TELL_MARK}};

static const char *const announces[] = {
    [STORE_ANNOUNCE_OFF] = "off",
    [STORE_ANNOUNCE_ONCE] = "once",
    [STORE_ANNOUNCE_ALWAYS] = "always",
};

/* Of `peer`: a user who wants both ends protected, or not. */
static const char peer_protected[] = "protected", peer_any[] = "any";

const char *store_announce_name(enum store_announce a)
{
    return announces[a < STORE_ANNOUNCE_COUNT ? a : STORE_ANNOUNCE_OFF];
}

void store_policy_builtin(struct store_policy *ret)
{
    /* No list of suites: whichever the phone likes of those that are sound, and short offers of our
     * own, because some phones lose their audio over long ones. */
    *ret = (struct store_policy){
        .protection = PROTECTION_REQUIRED,
        .media_path = MEDIA_PATH_RELAY,
        .transports = STORE_ALL_TRANSPORTS, /* of those that the server listens on, which by default
                                               are encrypted ones alone */
        .keying_count = 3,
        .keyings = {KEYING_SDES, KEYING_DTLS, KEYING_ZRTP},
        .tell = STORE_TELL_ALL,
        .announce = STORE_ANNOUNCE_OFF,
    };
}

void store_policy_merge(const struct store_policy *own, const struct store_policy *under,
                        struct store_policy *ret)
{
    struct store_policy p = *under;
    p.said |= own->said;
    if (own->said & STORE_POLICY_PROTECTION)
        p.protection = own->protection;
    if (own->said & STORE_POLICY_MEDIA)
        p.media_path = own->media_path;
    if (own->said & STORE_POLICY_TRANSPORTS)
        p.transports = own->transports;
    if (own->said & STORE_POLICY_PEER)
        p.require_peer = own->require_peer;
    if (own->said & STORE_POLICY_TELL)
        p.tell = own->tell;
    if (own->said & STORE_POLICY_ANNOUNCE)
        p.announce = own->announce;
    if (own->said & STORE_POLICY_KEYINGS) {
        p.keying_count = own->keying_count;
        memcpy(p.keyings, own->keyings, sizeof(p.keyings));
    }
    if (own->said & STORE_POLICY_SUITES) {
        p.suite_count = own->suite_count;
        memcpy(p.suites, own->suites, sizeof(p.suites));
    }
    if (own->said & STORE_POLICY_CODECS) {
        p.codec_count = own->codec_count;
        memcpy(p.codecs, own->codecs, sizeof(p.codecs));
    }
    *ret = p;
}

/* --- to the file --- */

static void put_item(struct buf *b, const char *name)
{
    if (b->n)
        buf_put_char(b, ',');
    buf_put_str(b, name);
}

/* SQLite keeps its own copy: `b` does not outlive the caller. */
static void bind_text(sqlite3_stmt *st, int at, bool said, const struct buf *b)
{
    if (said)
        (void)sqlite3_bind_text(st, at, b->p, (int)b->n, SQLITE_TRANSIENT);
    else
        (void)sqlite3_bind_null(st, at);
}

void store_policy_bind(sqlite3_stmt *st, int at, const struct store_policy *p)
{
    char room[512];
    struct buf b = buf_over(room, sizeof(room));
    buf_put_str(&b, protection_policy_name(p->protection));
    bind_text(st, at, p->said & STORE_POLICY_PROTECTION, &b);

    b = buf_over(room, sizeof(room));
    buf_put_str(&b, media_path_name(p->media_path));
    bind_text(st, at + 1, p->said & STORE_POLICY_MEDIA, &b);

    b = buf_over(room, sizeof(room));
    for (size_t i = 0; i < p->keying_count; i++)
        put_item(&b, keying_name(p->keyings[i]));
    bind_text(st, at + 2, p->said & STORE_POLICY_KEYINGS, &b);

    b = buf_over(room, sizeof(room));
    for (size_t i = 0; i < p->suite_count; i++)
        put_item(&b, srtp_suite_name(p->suites[i]));
    bind_text(st, at + 3, p->said & STORE_POLICY_SUITES, &b);

    b = buf_over(room, sizeof(room));
    for (size_t i = 0; i < p->codec_count; i++)
        put_item(&b, p->codecs[i]);
    bind_text(st, at + 4, p->said & STORE_POLICY_CODECS, &b);

    b = buf_over(room, sizeof(room));
    for (size_t i = 0; i < ARRAY_LEN(transports); i++)
        if (p->transports & transports[i].bit)
            put_item(&b, transports[i].name);
    bind_text(st, at + 5, p->said & STORE_POLICY_TRANSPORTS, &b);

    b = buf_over(room, sizeof(room));
    buf_put_str(&b, p->require_peer ? peer_protected : peer_any);
    bind_text(st, at + 6, p->said & STORE_POLICY_PEER, &b);

    b = buf_over(room, sizeof(room));
    for (size_t i = 0; i < ARRAY_LEN(tells); i++)
        if (p->tell & tells[i].bit)
            put_item(&b, tells[i].name);
    bind_text(st, at + 7, p->said & STORE_POLICY_TELL, &b);

    b = buf_over(room, sizeof(room));
    buf_put_str(&b, store_announce_name((enum store_announce)p->announce));
    bind_text(st, at + 8, p->said & STORE_POLICY_ANNOUNCE, &b);
}

/* --- from the file. A name that this version does not know is skipped: the list stays a list. An
 * unknown protection or wish about the peer is read as the strictest. --- */

static void read_keyings(struct slice text, struct store_policy *p)
{
    while (text.n && p->keying_count < KEYING_COUNT) {
        enum keying_kind k;
        if (keying_parse(slice_cut(&text, ','), &k) == 0)
            p->keyings[p->keying_count++] = (uint8_t)k;
    }
}

static void read_suites(struct slice text, struct store_policy *p)
{
    while (text.n && p->suite_count < SRTP_SUITE_COUNT) {
        enum srtp_suite suite = srtp_suite_from_name(slice_cut(&text, ','));
        if (suite != SRTP_SUITE_NONE)
            p->suites[p->suite_count++] = (uint8_t)suite;
    }
}

static void read_codecs(struct slice text, struct store_policy *p)
{
    while (text.n && p->codec_count < STORE_CODEC_MAX)
        if (slice_to_str(slice_cut(&text, ','), p->codecs[p->codec_count], sizeof(p->codecs[0])))
            p->codec_count++;
}

static void read_transports(struct slice text, struct store_policy *p)
{
    while (text.n) {
        struct slice name = slice_cut(&text, ',');
        for (size_t i = 0; i < ARRAY_LEN(transports); i++)
            if (slice_eq_str(name, transports[i].name))
                p->transports |= transports[i].bit;
    }
}

static void read_tell(struct slice text, struct store_policy *p)
{
    while (text.n) {
        struct slice name = slice_cut(&text, ',');
        for (size_t i = 0; i < ARRAY_LEN(tells); i++)
            if (slice_eq_str(name, tells[i].name))
                p->tell |= tells[i].bit;
    }
}

static void read_announce(struct slice text, struct store_policy *p)
{
    for (size_t i = 0; i < ARRAY_LEN(announces); i++)
        if (slice_eq_str(text, announces[i]))
            p->announce = (uint8_t)i;
}

static void read_words(struct slice protection, struct slice media, struct store_policy *p)
{
    enum protection_policy policy;
    enum media_path path;
    p->protection = PROTECTION_REQUIRED;
    if (protection.n && protection_policy_parse(protection, &policy) == 0)
        p->protection = (uint8_t)policy;
    p->media_path = MEDIA_PATH_RELAY;
    if (media.n && media_path_parse(media, &path) == 0)
        p->media_path = (uint8_t)path;
}

void store_policy_read(sqlite3_stmt *st, int at, struct store_policy *ret)
{
    struct store_policy p = {0};
    for (int i = 0; i < STORE_POLICY_COLUMNS; i++) {
        static const uint16_t fields[STORE_POLICY_COLUMNS] = {
            STORE_POLICY_PROTECTION, STORE_POLICY_MEDIA,  STORE_POLICY_KEYINGS,
            STORE_POLICY_SUITES,     STORE_POLICY_CODECS, STORE_POLICY_TRANSPORTS,
            STORE_POLICY_PEER,       STORE_POLICY_TELL,   STORE_POLICY_ANNOUNCE,
        };
        if (sqlite3_column_type(st, at + i) != SQLITE_NULL)
            p.said |= fields[i];
    }
    read_words(store_column_slice(st, at), store_column_slice(st, at + 1), &p);
    read_keyings(store_column_slice(st, at + 2), &p);
    read_suites(store_column_slice(st, at + 3), &p);
    read_codecs(store_column_slice(st, at + 4), &p);
    read_transports(store_column_slice(st, at + 5), &p);
    p.require_peer =
        !slice_eq_str(store_column_slice(st, at + 6), peer_any) && (p.said & STORE_POLICY_PEER);
    read_tell(store_column_slice(st, at + 7), &p);
    read_announce(store_column_slice(st, at + 8), &p);
    *ret = p;
}
