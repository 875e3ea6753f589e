/* What an administrator manages, and what must outlive the server: domains, users with their
 * policies, registered contacts, settings. One SQLite file, DATA/sotto.db, in WAL mode; the only
 * SQL of the project is in this folder.
 *
 * A struct store is one connection, for one thread. Several processes may each have one: one of
 * them writes at a time, the others wait up to STORE_BUSY_MS. What another connection changed is
 * seen at once by the finders; who caches asks store_data_version.
 *
 * Functions return 0, a positive enum store_verdict, or -errno; after a negative return
 * store_error says in a sentence what is wrong and how to mend it:
 *   -ENOSPC disk or quota full    -EUCLEAN the file is damaged or no database
 *   -EROFS, -EACCES, -EIO, -ENOMEM   -EBUSY another process held it for too long
 *   -EPROTO written by a newer sotto   -EKEYREJECTED not the sealing key that it was made with
 * Every change is one transaction: it is there wholly or not at all. */
#ifndef SOTTO_STORE_STORE_H
#define SOTTO_STORE_STORE_H

#include "base/addr.h"
#include "base/protection.h"
#include "base/secret.h"

#define STORE_NAME_MAX 64    /* user name; bytes without the NUL, as all below */
#define STORE_DOMAIN_MAX 253 /* RFC 1035 s.2.3.4 */
#define STORE_DISPLAY_MAX 128
#define STORE_CODEC_MAX 16 /* in one policy */
#define STORE_CODEC_NAME_MAX 15
#define STORE_CONTACTS_MAX 100 /* contacts a user may register at once, at most */
#define STORE_PASSWORD_MAX 128
#define STORE_PSK_MIN 16       /* bytes of a pre-shared key for MIKEY; at most SECRET_CAP */
#define STORE_TEXT_MAX 2048    /* each text of a binding */
#define STORE_SETTING_MAX 8192 /* value; its key: STORE_NAME_MAX */
#define STORE_ERROR_MAX 512
#define STORE_BUSY_MS 5000
#define STORE_SEAL_KEY_LEN 32

struct store;

enum store_verdict {
    STORE_OK = 0,
    STORE_NONE = 1,      /* no such user, domain or setting */
    STORE_EXISTS = 2,    /* the name is taken */
    STORE_NO_DOMAIN = 3, /* the user's domain is not there */
    STORE_IN_USE = 4     /* the domain still has users */
};

/* Bits of store_policy.transports: 1 << enum transport_kind. */
enum store_transport {
    STORE_UDP = 1 << 0,
    STORE_TCP = 1 << 1,
    STORE_TLS = 1 << 2,
    STORE_WS = 1 << 3,
    STORE_WSS = 1 << 4,
    STORE_ALL_TRANSPORTS = (1 << 5) - 1
};

enum store_policy_field {
    STORE_POLICY_PROTECTION = 1 << 0,
    STORE_POLICY_MEDIA = 1 << 1,
    STORE_POLICY_KEYINGS = 1 << 2,
    STORE_POLICY_SUITES = 1 << 3,
    STORE_POLICY_CODECS = 1 << 4,
    STORE_POLICY_TRANSPORTS = 1 << 5,
    STORE_POLICY_PEER = 1 << 6,
    STORE_POLICY_TELL = 1 << 7,
    STORE_POLICY_ANNOUNCE = 1 << 8,
    STORE_POLICY_ALL = (1 << 9) - 1
};

/* How a user's phone is told how safe a call is. */
enum store_tell {
    STORE_TELL_HEADER = 1 << 0, /* X-Sotto-Protection and Call-Info */
    STORE_TELL_MARK = 1 << 1,   /* a lock before the caller's display name */
    STORE_TELL_ALL = (1 << 2) - 1
};

/* The same by ear: a short tone. */
enum store_announce {
    STORE_ANNOUNCE_OFF,
    STORE_ANNOUNCE_ONCE,   /* when the call begins */
    STORE_ANNOUNCE_ALWAYS, /* and whenever its protection changes */
    STORE_ANNOUNCE_COUNT
};

struct store_policy {
    uint16_t said;      /* enum store_policy_field: what is said here; the rest is inherited */
    uint8_t protection; /* enum protection_policy */
    bool require_peer;  /* no call whose other leg is not protected */
    uint8_t tell;       /* enum store_tell */
    uint8_t announce;   /* enum store_announce */
    uint8_t media_path; /* enum media_path */
    uint8_t transports; /* enum store_transport */
    uint8_t keying_count, suite_count, codec_count; /* no suites or codecs: any, as phones like */
    uint8_t keyings[KEYING_COUNT];                  /* enum keying_kind, best first */
    uint8_t suites[SRTP_SUITE_COUNT];               /* enum srtp_suite, best first */
    char codecs[STORE_CODEC_MAX][STORE_CODEC_NAME_MAX + 1]; /* SDP encoding names, best first */
};

/* Bytes of a policy with the codecs that it names. */
static inline size_t store_policy_size(const struct store_policy *p)
{
    return offsetof(struct store_policy, codecs) + p->codec_count * sizeof(p->codecs[0]);
}

/* "off", "once", "always". */
const char *store_announce_name(enum store_announce a);

struct store_domain {
    char name[STORE_DOMAIN_MAX + 1]; /* lower case; the realm of its users' passwords */
    bool is_default;                 /* of users named without a domain: exactly one is */
    uint32_t users;                  /* written by the finders */
    struct store_policy own;         /* as said for this domain */
    struct store_policy policy;      /* what counts: own, else built in; written by the finders */
};

struct store_user {
    char domain[STORE_DOMAIN_MAX + 1];
    char name[STORE_NAME_MAX + 1]; /* number or name: the user part of the address of record */
    char display[STORE_DISPLAY_MAX + 1];
    bool enabled;
    uint16_t max_contacts;    /* 0: STORE_CONTACTS_DEFAULT */
    struct secret ha1_sha256; /* RFC 7616 s.3.4.2; 32 bytes; n == 0: none, no one can log in */
    struct secret ha1_md5;    /* 16 bytes; n == 0: none */
    struct secret mikey_psk;  /* MIKEY's pre-shared key (RFC 3830 s.3.1); n == 0: none */
    bool mikey_cert;          /* MIKEY only under certificates; not beside a pre-shared key */
    uint64_t created;         /* seconds since 1970; written by add */
    struct store_policy own;
    struct store_policy policy; /* what counts: own, else the domain's, else built in */
};

#define STORE_CONTACTS_DEFAULT 10
#define STORE_ADMIN_NAME_MAX 64
#define STORE_ADMIN_HASH_MAX 160

struct store_admin {
    char name[STORE_ADMIN_NAME_MAX + 1];
    char hash[STORE_ADMIN_HASH_MAX + 1]; /* of the password: argon2id, as it prints itself */
    bool one_time;                       /* good for choosing another password alone */
    uint64_t created;                    /* seconds since 1970; written by add */
};

/* One registered contact (RFC 3261 s.10). Texts are borrowed: until the callback or call returns. */
struct store_binding {
    uint64_t id; /* chosen by the registrar, unique, not 0; rising numbers are written fastest */
    struct slice aor;     /* "user@domain" */
    struct slice contact; /* URI without < > and header parameters */
    struct slice call_id;
    struct slice path;     /* RFC 3327: header value(s), comma-separated; empty: none */
    struct slice instance; /* RFC 5626 +sip.instance, with its < >; empty: none */
    struct slice user_agent;
    uint64_t created, expires; /* seconds since 1970 */
    uint32_t cseq;
    uint32_t reg_id;   /* RFC 5626; 0: none */
    uint16_t q;        /* thousandths: 1000 is q=1.0 */
    bool ice;          /* RFC 5768 +sip.ice */
    uint8_t transport; /* enum transport_kind of the flow it came over … */
    uint32_t listener;
    uint64_t conn;
    struct addr remote, local; /* … and its ends; family 0: not known */
};

struct store_binding_op {
    bool del; /* b.id alone counts */
    struct store_binding b;
};

/* Opens or makes `path` (mode 0600) and brings it up to this version's schema. `err` gets the
 * sentence when that fails. Borrows key (STORE_SEAL_KEY_LEN bytes): until it returns. */
int store_open(const char *path, const struct secret *key, char err[STORE_ERROR_MAX],
               struct store **ret) MUST_CHECK;
/* The same for a data folder, made with mode 0700 where it is missing: DATA/sotto.db under the key
 * of DATA/tls/seal.key, which is made (0600) with a new store and never with an old one. */
int store_open_data(const char *data, char err[STORE_ERROR_MAX], struct store **ret) MUST_CHECK;
struct store *store_close(struct store *s);
const char *store_error(const struct store *s); /* of the last negative return */

/* A commit now and then copies the write-ahead log into the file and waits for the disk. A thread
 * that must not wait leaves that to another process, which calls store_checkpoint once a minute. */
void store_leave_checkpoints(struct store *s);
int store_checkpoint(struct store *s) MUST_CHECK;

/* Changes when another connection has changed the file; cheap (no table is read). */
int store_data_version(struct store *s, uint32_t *ret) MUST_CHECK;

/* --- domains: 0, STORE_NONE, STORE_EXISTS, STORE_IN_USE. Names without regard to case. --- */
int store_domain_find(struct store *s, struct slice name, struct store_domain *ret) MUST_CHECK;
int store_domain_default(struct store *s, struct store_domain *ret) MUST_CHECK;
/* The first domain becomes the default one; a later one takes that from the other if is_default. */
int store_domain_add(struct store *s, const struct store_domain *d) MUST_CHECK;
int store_domain_set(struct store *s, const struct store_domain *d) MUST_CHECK;
int store_domain_del(struct store *s, struct slice name) MUST_CHECK; /* the default: the oldest
                                                                        other one becomes it */
/* By name. fn stops it by returning non-zero, which is returned. fn may not change the store. */
int store_domain_each(struct store *s, int (*fn)(void *arg, const struct store_domain *d),
                      void *arg) MUST_CHECK;

/* --- users: 0, STORE_NONE, STORE_EXISTS, STORE_NO_DOMAIN. An empty domain is the default one to
 * find and del; add and set want it named, because passwords are bound to it. --- */
int store_user_find(struct store *s, struct slice domain, struct slice name,
                    struct store_user *ret) MUST_CHECK;
int store_user_add(struct store *s, const struct store_user *u) MUST_CHECK;
int store_user_set(struct store *s, const struct store_user *u) MUST_CHECK; /* all but created */
int store_user_del(struct store *s, struct slice domain, struct slice name) MUST_CHECK; /* and its
                                                                                  bindings */
/* As store_domain_each; an empty domain: of all domains. */
int store_user_each(struct store *s, struct slice domain,
                    int (*fn)(void *arg, const struct store_user *u), void *arg) MUST_CHECK;
void store_user_fini(struct store_user *u); /* wipes the secrets */
/* What MIKEY asks of a user. Wipe *ret. -ENODATA: there is no such user. */
struct store_mikey {
    struct secret psk; /* n == 0: none */
    bool cert;         /* only under certificates */
};
int store_user_mikey(struct store *s, struct slice domain, struct slice name,
                     struct store_mikey *ret) MUST_CHECK;
/* Sets both HA1 for the user's name and domain (realm), which must be filled in. -EMSGSIZE. */
int store_user_set_password(struct store_user *u, struct slice password, bool md5) MUST_CHECK;

/* What is said nowhere else: required; sdes, dtls, zrtp; relay; whatever the server listens on. */
void store_policy_builtin(struct store_policy *ret);
/* What `own` says, the rest from `under`. */
void store_policy_merge(const struct store_policy *own, const struct store_policy *under,
                        struct store_policy *ret);

/* --- bindings --- */
/* Every one that ends after now_unix, in the order of ids; the others are removed. */
int store_bindings_load(struct store *s, uint64_t now_unix,
                        int (*fn)(void *arg, const struct store_binding *b), void *arg) MUST_CHECK;
/* All or nothing, one transaction. -EMSGSIZE: a text is longer than STORE_TEXT_MAX. */
int store_bindings_write(struct store *s, const struct store_binding_op *ops, size_t n) MUST_CHECK;

/* --- administrators of the console: 0, STORE_NONE, STORE_EXISTS --- */
int store_admin_find(struct store *s, struct slice name, struct store_admin *ret) MUST_CHECK;
int store_admin_add(struct store *s, const struct store_admin *a) MUST_CHECK;
int store_admin_set(struct store *s, const struct store_admin *a) MUST_CHECK; /* all but created */
int store_admin_del(struct store *s, struct slice name) MUST_CHECK;
/* As store_domain_each. */
int store_admin_each(struct store *s, int (*fn)(void *arg, const struct store_admin *a),
                     void *arg) MUST_CHECK;

/* --- ZRTP: what is kept of a peer between calls --- */
#define STORE_ZID_LEN 12
#define STORE_ZRTP_SECRETS 3 /* rs1, rs2, pbxsecret (RFC 6189 s.4.3) */

struct store_zrtp {
    uint8_t zid[STORE_ZID_LEN];
    struct secret secret[STORE_ZRTP_SECRETS]; /* n == 0: that one is not there */
    bool verified;                            /* people have compared the SAS */
    uint64_t updated;                         /* seconds since 1970 */
};

int store_zrtp_find(struct store *s, const uint8_t zid[STORE_ZID_LEN],
                    struct store_zrtp *ret) MUST_CHECK; /* STORE_NONE; wipe *ret */
int store_zrtp_save(struct store *s, const struct store_zrtp *z) MUST_CHECK;
/* Our own identifier, made at the first call and the same from then on. */
int store_zrtp_own(struct store *s, uint8_t ret[STORE_ZID_LEN]) MUST_CHECK;

/* --- settings: values are bytes --- */
int store_setting_get(struct store *s, struct slice key, char *dst, size_t cap,
                      size_t *ret_n) MUST_CHECK; /* STORE_NONE, -EMSGSIZE */
int store_setting_set(struct store *s, struct slice key, struct slice value) MUST_CHECK;

#endif
