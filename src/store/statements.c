/* Every line of SQL that the program has: the schema as numbered migrations, and the statements.
 *
 * Policies are kept as text ("sdes,dtls"): readable in a backup, and no number in the file hangs
 * on the order of an enum. NULL is: not said here. */
#include "store/store_priv.h"

#define POLICY_SCHEMA \
    "protection TEXT, media TEXT, keyings TEXT, suites TEXT, codecs TEXT, transports TEXT"
#define POLICY_OF(t)                                                                              \
    t ".protection, " t ".media, " t ".keyings, " t ".suites, " t ".codecs, " t ".transports, " t \
      ".peer, " t ".tell, " t ".announce"
#define POLICY_NAMES "protection, media, keyings, suites, codecs, transports, peer, tell, announce"

const char *const store_migrations[] = {
    "CREATE TABLE domain (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " is_default INTEGER NOT NULL, " POLICY_SCHEMA ");"
    "CREATE TABLE user (id INTEGER PRIMARY KEY, domain INTEGER NOT NULL REFERENCES domain(id),"
    " name TEXT NOT NULL, display TEXT, enabled INTEGER NOT NULL, max_contacts INTEGER NOT NULL,"
    " ha1_sha256 BLOB, ha1_md5 BLOB, created INTEGER NOT NULL, " POLICY_SCHEMA ","
    " UNIQUE (domain, name));"
    /* No index beside the row's number: the registrar has its own, and each one here would be
     * paid for at every write. */
    "CREATE TABLE binding (id INTEGER PRIMARY KEY, aor TEXT NOT NULL, contact TEXT NOT NULL,"
    " call_id TEXT, path TEXT, instance TEXT, user_agent TEXT, created INTEGER NOT NULL,"
    " expires INTEGER NOT NULL, cseq INTEGER NOT NULL, reg_id INTEGER NOT NULL, q INTEGER NOT NULL,"
    " transport INTEGER NOT NULL, listener INTEGER NOT NULL, conn INTEGER NOT NULL,"
    " remote BLOB, local BLOB);"
    "CREATE TABLE setting (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;",
    "ALTER TABLE domain ADD COLUMN peer TEXT; ALTER TABLE domain ADD COLUMN tell TEXT;"
    "ALTER TABLE domain ADD COLUMN announce TEXT;"
    "ALTER TABLE user ADD COLUMN peer TEXT; ALTER TABLE user ADD COLUMN tell TEXT;"
    "ALTER TABLE user ADD COLUMN announce TEXT;",
    "CREATE TABLE admin (name TEXT PRIMARY KEY, hash TEXT NOT NULL, one_time INTEGER NOT NULL,"
    " created INTEGER NOT NULL) WITHOUT ROWID;",
    "CREATE TABLE zrtp_secret (zid BLOB PRIMARY KEY, rs1 BLOB, rs2 BLOB, pbx BLOB,"
    " verified INTEGER NOT NULL, updated INTEGER NOT NULL) WITHOUT ROWID;",
    "ALTER TABLE user ADD COLUMN mikey_psk BLOB;",
    "ALTER TABLE binding ADD COLUMN ice INTEGER NOT NULL DEFAULT 0;",
    "ALTER TABLE user ADD COLUMN mikey_cert INTEGER NOT NULL DEFAULT 0;",
};
const int store_migration_count = ARRAY_LEN(store_migrations);

#define DOMAIN_SELECT                                                             \
    "SELECT d.name, d.is_default, (SELECT count(*) FROM user u WHERE u.domain = " \
    "d.id), " POLICY_OF("d") " FROM domain d "
#define USER_SELECT                                                                         \
    "SELECT d.name, u.name, u.display, u.enabled, u.max_contacts, u.ha1_sha256, u.ha1_md5," \
    " u.created, u.mikey_psk, u.mikey_cert, " POLICY_OF("u") ", " POLICY_OF(                \
        "d") " FROM user u JOIN domain d ON d.id = u.domain "
#define BINDING_COLUMNS                                                                         \
    "id, aor, contact, call_id, path, instance, user_agent, created, expires, cseq, reg_id, q," \
    " transport, listener, conn, remote, local, ice"

#define ZRTP_COLUMNS "rs1, rs2, pbx, verified, updated"

const char *const store_stmt_sql[STORE_STMT_COUNT] = {
    [STORE_STMT_BEGIN] = "BEGIN IMMEDIATE",
    [STORE_STMT_COMMIT] = "COMMIT",
    [STORE_STMT_ROLLBACK] = "ROLLBACK",
    [STORE_STMT_DATA_VERSION] = "PRAGMA data_version",

    [STORE_STMT_DOMAIN_FIND] = DOMAIN_SELECT "WHERE d.name = ?1",
    [STORE_STMT_DOMAIN_DEFAULT] = DOMAIN_SELECT "WHERE d.is_default",
    [STORE_STMT_DOMAIN_EACH] = DOMAIN_SELECT "ORDER BY d.name",
    [STORE_STMT_DOMAIN_COUNT] = "SELECT count(*) FROM domain",
    [STORE_STMT_DOMAIN_ADD] = "INSERT INTO domain (name, is_default, " POLICY_NAMES
                              ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    [STORE_STMT_DOMAIN_SET] =
        "UPDATE domain SET is_default = is_default OR ?2, protection = ?3, media = ?4,"
        " keyings = ?5, suites = ?6, codecs = ?7, transports = ?8, peer = ?9, tell = ?10,"
        " announce = ?11 WHERE name = ?1",
    [STORE_STMT_DOMAIN_DEL] = "DELETE FROM domain WHERE name = ?1",
    [STORE_STMT_DOMAIN_NO_DEFAULT] = "UPDATE domain SET is_default = 0 WHERE is_default",
    [STORE_STMT_DOMAIN_OLDEST_DEFAULT] =
        "UPDATE domain SET is_default = 1 WHERE id = (SELECT min(id) FROM domain)",

    [STORE_STMT_USER_FIND] =
        USER_SELECT "WHERE d.name = coalesce(?1, (SELECT name FROM domain WHERE is_default))"
                    " AND u.name = ?2",
    [STORE_STMT_USER_EACH] = USER_SELECT "WHERE ?1 IS NULL OR d.name = ?1"
                                         " ORDER BY d.name, length(u.name), u.name",
    [STORE_STMT_USER_ADD] =
        "INSERT INTO user (domain, name, display, enabled, max_contacts, ha1_sha256, ha1_md5,"
        " created, " POLICY_NAMES ", mikey_psk, mikey_cert) SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
        " ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19 FROM domain WHERE name = ?1",
    [STORE_STMT_USER_SET] =
        "UPDATE user SET display = ?3, enabled = ?4, max_contacts = ?5, ha1_sha256 = ?6,"
        " ha1_md5 = ?7, protection = ?9, media = ?10, keyings = ?11, suites = ?12, codecs = ?13,"
        " transports = ?14, peer = ?15, tell = ?16, announce = ?17, mikey_psk = ?18,"
        " mikey_cert = ?19"
        " WHERE domain = (SELECT id FROM domain WHERE name = ?1) AND name = ?2",
    [STORE_STMT_USER_DEL] =
        "DELETE FROM user WHERE domain = (SELECT id FROM domain WHERE name = ?1) AND name = ?2",
    [STORE_STMT_USER_DEL_BINDINGS] = "DELETE FROM binding WHERE aor = ?2 || '@' || ?1",

    [STORE_STMT_BINDING_EACH] =
        "SELECT " BINDING_COLUMNS " FROM binding WHERE expires > ?1 ORDER BY id",
    [STORE_STMT_BINDING_PUT] =
        "REPLACE INTO binding (" BINDING_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
        "?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
    [STORE_STMT_BINDING_DEL] = "DELETE FROM binding WHERE id = ?1",
    [STORE_STMT_BINDING_EXPIRE] = "DELETE FROM binding WHERE expires <= ?1",

    [STORE_STMT_ADMIN_FIND] = "SELECT name, hash, one_time, created FROM admin WHERE name = ?1",
    [STORE_STMT_ADMIN_EACH] = "SELECT name, hash, one_time, created FROM admin ORDER BY name",
    [STORE_STMT_ADMIN_ADD] =
        "INSERT INTO admin (name, hash, one_time, created) VALUES (?1, ?2, ?3, ?4)",
    [STORE_STMT_ADMIN_SET] = "UPDATE admin SET hash = ?2, one_time = ?3 WHERE name = ?1 AND ?4",
    [STORE_STMT_ADMIN_DEL] = "DELETE FROM admin WHERE name = ?1",
    [STORE_STMT_ZRTP_FIND] = "SELECT " ZRTP_COLUMNS " FROM zrtp_secret WHERE zid = ?1",
    [STORE_STMT_ZRTP_SAVE] =
        "REPLACE INTO zrtp_secret (zid, " ZRTP_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6)",

    [STORE_STMT_SETTING_GET] = "SELECT value FROM setting WHERE key = ?1",
    [STORE_STMT_SETTING_SET] = "REPLACE INTO setting (key, value) VALUES (?1, ?2)",
};
