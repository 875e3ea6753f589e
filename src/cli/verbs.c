/* Every verb, with its options and the text of its help. The manual page says the same at more
 * length. */
#include "cli/cli_priv.h"

// clang-format off
static const struct cli_option policy_options[] = {
    {"--protection", "LEVEL", "protection", CLI_WORD, "required (built in), preferred or off"},
    {"--keying", "K,K", "keying", CLI_LIST, "in order of preference: sdes, dtls, zrtp, mikey"},
    {"--suites", "S,S", "suites", CLI_LIST, "SRTP suites in order, like AES_CM_128_HMAC_SHA1_80"},
    {"--codecs", "C,C", "codecs", CLI_LIST, "in order, like opus,G722,PCMA; not said: any"},
    {"--media", "PATH", "media", CLI_WORD, "relay (built in), direct, or pass (keys stay with the phones)"},
    {"--transport", "T,T", "transport", CLI_LIST, "tls,wss,tcp,udp,ws (not said: any that the server listens on)"},
    {"--require-peer", NULL, "require_peer", CLI_TRUE, "no call whose other leg is not protected"},
    {"--any-peer", NULL, "require_peer", CLI_FALSE, "takes that back (built in)"},
    {"--tell", "HOW,HOW", "tell", CLI_LIST, "how the phone tells of protection: mark, header (both built in), none"},
    {"--announce", "WHEN", "announce", CLI_WORD, "a tone that tells of protection: off (built in), once, always"},
    {0}};

static const struct cli_option domain_options[] = {
    {"--default", NULL, "default", CLI_TRUE, "the domain of users that are named without one"},
    {0}};

static const struct cli_option user_add_options[] = {
    {"--password-stdin", NULL, "password", CLI_STDIN, "read the password from standard input"},
    {"--mikey-psk-stdin", NULL, "mikey_psk", CLI_STDIN, "read a key for MIKEY (base64), a line after the password"},
    {"--new-mikey-psk", NULL, "new_mikey_psk", CLI_TRUE, "make a key for MIKEY, and print it once"},
    {"--mikey-cert", NULL, "mikey_cert", CLI_TRUE, "MIKEY only under certificates (see cert client --rsa)"},
    {"--display", "TEXT", "display", CLI_TEXT, "the name that others see"},
    {"--max-contacts", "N", "max_contacts", CLI_INT, "phones registered at once, 1 to 100 (10)"},
    {"--no-md5", NULL, "md5", CLI_FALSE, "SHA-256 log-in only; many phones know only MD5"},
    {"--disabled", NULL, "enabled", CLI_FALSE, "not allowed to log in yet"},
    {0}};

static const struct cli_option user_set_options[] = {
    {"--password-stdin", NULL, "password", CLI_STDIN, "read a new password from standard input"},
    {"--new-password", NULL, "new_password", CLI_TRUE, "make a new one, and print it once"},
    {"--mikey-psk-stdin", NULL, "mikey_psk", CLI_STDIN, "read a key for MIKEY (base64), a line after the password"},
    {"--new-mikey-psk", NULL, "new_mikey_psk", CLI_TRUE, "make a key for MIKEY, and print it once"},
    {"--no-mikey-psk", NULL, "no_mikey_psk", CLI_TRUE, "MIKEY without a key of the user's own again"},
    {"--mikey-cert", NULL, "mikey_cert", CLI_TRUE, "MIKEY only under certificates (see cert client --rsa)"},
    {"--no-mikey-cert", NULL, "mikey_cert", CLI_FALSE, "MIKEY without certificates too again"},
    {"--display", "TEXT", "display", CLI_TEXT, "the name that others see"},
    {"--max-contacts", "N", "max_contacts", CLI_INT, "phones registered at once, 1 to 100"},
    {"--no-md5", NULL, "md5", CLI_FALSE, "SHA-256 log-in only"},
    {"--md5", NULL, "md5", CLI_TRUE, "MD5 log-in too; needs a new password"},
    {"--disable", NULL, "enabled", CLI_FALSE, "may not log in any more"},
    {"--enable", NULL, "enabled", CLI_TRUE, "may log in again"},
    {0}};

static const struct cli_option user_list_options[] = {
    {"--domain", "NAME", "domain", CLI_TEXT, "of this domain alone"},
    {0}};
static const struct cli_option admin_options[] = {
    {"--password-stdin", NULL, "password", CLI_STDIN, "read the password from standard input"},
    {0}};
static const struct cli_option client_options[] = {
    {"--rsa", NULL, "rsa", CLI_TRUE, "with an RSA key, for MIKEY under certificates (else ECDSA)"},
    {"--p12", NULL, "p12", CLI_TRUE, "as PKCS#12 with a password that is printed once"},
    {"-o", "DIR", NULL, CLI_FOLDER, "where the files go (the current folder)"},
    {0}};
static const struct cli_option renew_options[] = {
    {"--force", NULL, "force", CLI_TRUE, "also in the place of an imported certificate"},
    {0}};
static const struct cli_option import_options[] = {
    {"--domain", "NAME", "domain", CLI_TEXT, "for this domain alone, beside the default certificate"},
    {"--force", NULL, "force", CLI_TRUE, "also where it bears none of the domains"},
    {0}};
static const struct cli_option cert_del_options[] = {
    {"--domain", "NAME", "domain", CLI_TEXT, "whose certificate goes"},
    {0}};
static const struct cli_option sas_options[] = {
    {"--leg", "WHICH", "leg", CLI_WORD, "caller or callee"},
    {0}};
static const struct cli_option trace_options[] = {
    {"--for", "TIME", "seconds", CLI_DURATION, "ends by itself, like 10m"},
    {0}};

static const struct cli_option quirk_options[] = {
    {"--digest", "HOW", "digest", CLI_WORD, "sha256-first, md5-first (as for unknown phones) or md5-only"},
    {"--offer", "SHAPE", "offer", CLI_WORD, "offered first, where the policy allows it: osrtp, savp, dtls, zrtp, mikey"},
    {"--crypto-lines", "N", "crypto_lines", CLI_INT, "SDES offers have at most N suites, 1 to 8"},
    {"--no-aes256", NULL, "aes256", CLI_FALSE, "SDES without AES-256, unless the policy has nothing else"},
    {"--aes256-name", "NAME", "aes256_name", CLI_WORD, "AES_256_CM (RFC 6188) or AES_CM_256, in SDES offers"},
    {"--gcm", NULL, "gcm", CLI_TRUE, "it has AEAD_AES_128_GCM: SDES offers begin with it"},
    {"--dtmf", "HOW", "dtmf", CLI_WORD, "info: digits by SIP INFO where it takes no telephone-event; auto: as it shows"},
    {0}};

static const char policy_more[] =
    "A policy that is not said is inherited: a user's from the domain, a domain's from what is\n"
    "built in. `inherit` takes back what was said: --keying inherit.";

const struct cli_verb cli_verbs[] = {
    {"serve", NULL, NULL, CLI_ELSE, false, {0}, NULL, "runs the server",
     "sotto serve [-c FILE] [-d DATA] [--check]"},
    {"call", "TARGET", NULL, CLI_ELSE, false, {0}, NULL, "makes one call and reports on it",
     "sotto call TARGET --as USER [--keying K] [--play F.wav] [--record F.wav] [--seconds N]"},
    {"phone", NULL, NULL, CLI_ELSE, false, {0}, NULL, "is a phone without a head",
     "sotto phone --as USER [--keying K] [--answer] [--echo | --play F.wav] [--record F.wav]"},

    {"domain add", "NAME", "name", CLI_BOTH, true, {domain_options, policy_options},
     cli_print_domain, "adds a domain", policy_more},
    {"domain list", NULL, NULL, CLI_BOTH, false, {0}, cli_print_domains, "lists the domains", NULL},
    {"domain set", "NAME", "name", CLI_BOTH, false, {domain_options, policy_options},
     cli_print_domain, "changes a domain", policy_more},
    {"domain del", "NAME", "name", CLI_BOTH, false, {0}, cli_print_deleted,
     "deletes a domain that has no users", NULL},

    {"user add", "NUMBER[@DOMAIN]", "name", CLI_BOTH, true, {user_add_options, policy_options},
     cli_print_user, "adds a user and prints the password once", policy_more},
    {"user list", NULL, NULL, CLI_BOTH, false, {user_list_options}, cli_print_users,
     "lists the users", NULL},
    {"user show", "NUMBER[@DOMAIN]", "name", CLI_BOTH, false, {0}, cli_print_user,
     "shows a user and the policy that counts", NULL},
    {"user set", "NUMBER[@DOMAIN]", "name", CLI_BOTH, false, {user_set_options, policy_options},
     cli_print_user, "changes a user", policy_more},
    {"user del", "NUMBER[@DOMAIN]", "name", CLI_BOTH, false, {0}, cli_print_deleted,
     "deletes a user", NULL},

    {"quirk list", NULL, NULL, CLI_BOTH, false, {0}, cli_print_quirks,
     "lists what is known of phones by their User-Agent", NULL},
    {"quirk set", "PATTERN", "pattern", CLI_BOTH, false, {quirk_options}, cli_print_quirk,
     "says how phones are to be spoken to",
     "PATTERN is a part of the User-Agent, without regard to case; of those that fit the longest one\n"
     "counts, alone. What is not said is as for any phone. A line takes the place of one built in\n"
     "that has the same PATTERN."},
    {"quirk del", "PATTERN", "pattern", CLI_BOTH, false, {0}, cli_print_deleted,
     "takes a line away again", "One built in that it stood for comes back."},

    {"admin add", "NAME", "name", CLI_BOTH, true, {admin_options}, cli_print_admin,
     "adds an administrator of the console",
     "Without --password-stdin a one-time password is made and printed once; at the first log-in\n"
     "another has to be chosen."},
    {"admin list", NULL, NULL, CLI_BOTH, false, {0}, cli_print_any, "lists the administrators",
     NULL},
    {"admin passwd", "NAME", "name", CLI_BOTH, false, {admin_options}, cli_print_admin,
     "gives an administrator another password", "As with admin add."},
    {"admin del", "NAME", "name", CLI_BOTH, false, {0}, cli_print_deleted,
     "deletes an administrator", NULL},

    {"cert show", NULL, NULL, CLI_HERE, false, {0}, cli_print_certs,
     "shows the certificates in force", NULL},
    {"cert renew", NULL, NULL, CLI_HERE, true, {renew_options}, cli_print_certs,
     "makes a new server certificate",
     "Signed by sotto's own CA. It happens by itself when a third of its life is left."},
    {"cert client", "NUMBER[@DOMAIN]", "name", CLI_HERE, true, {client_options}, NULL,
     "makes a certificate for a phone", NULL},
    {"cert import", "DIR|FILE", "path", CLI_HERE, true, {import_options}, cli_print_certs,
     "takes a certificate from elsewhere",
     "A folder of Let's Encrypt, or PEM files in any layout. What cannot be used is refused with\n"
     "the reason, and the certificate in force stays. With --domain, phones that ask for that name\n"
     "(SNI) get it; all others get the default one."},
    {"cert del", NULL, NULL, CLI_HERE, false, {cert_del_options}, cli_print_cert_deleted,
     "takes a domain's own certificate away", "Its phones get the default one from then on."},
    {"cert reload", NULL, NULL, CLI_ASK, false, {0}, cli_print_done,
     "makes the server read its certificates anew", "No connection is dropped."},

    {"show calls", NULL, NULL, CLI_ASK, false, {0}, cli_print_calls,
     "the calls, and how each leg is protected", NULL},
    {"show registrations", NULL, NULL, CLI_ASK, false, {0}, cli_print_any, "the registered phones",
     NULL},
    {"show connections", NULL, NULL, CLI_ASK, false, {0}, cli_print_any, "TCP, TLS and WebSocket",
     NULL},
    {"show listeners", NULL, NULL, CLI_ASK, false, {0}, cli_print_any, "where the server listens",
     NULL},
    {"show certs", NULL, NULL, CLI_HERE, false, {0}, cli_print_certs, "as cert show", NULL},
    {"show bans", NULL, NULL, CLI_ASK, false, {0}, cli_print_any, "banned addresses", NULL},
    {"show metrics", NULL, NULL, CLI_ASK, false, {0}, cli_print_any, "what signalling counts", NULL},
    {"show roles", NULL, NULL, CLI_ASK, false, {0}, cli_print_any, "the server's processes", NULL},

    {"explain", "CALL|last", "call", CLI_ASK, false, {0}, cli_print_explained,
     "says in sentences how a call is protected, and why not better",
     "CALL is an id of `sotto show calls`; the last 64 calls that have ended are remembered too."},
    {"sas verify", "CALL", "call", CLI_ASK, false, {sas_options}, cli_print_done,
     "the person at a leg has read ZRTP's SAS, and it is the one that the server shows",
     "With --leg caller or --leg callee. It is kept for later calls with that phone."},
    {"sas unverify", "CALL", "call", CLI_ASK, false, {sas_options}, cli_print_done,
     "takes that back", NULL},
    {"trace on", "USER|all", "user", CLI_ASK, false, {trace_options}, cli_print_done,
     "records the signalling of a user", NULL},
    {"trace off", NULL, NULL, CLI_ASK, false, {0}, cli_print_done, "ends that", NULL},
    {"reload", NULL, NULL, CLI_ASK, false, {0}, cli_print_done,
     "makes the server read sotto.conf anew", "No call is dropped."},
    {"log level", "LEVEL", "level", CLI_ASK, false, {0}, cli_print_done,
     "error, warn, info or debug, until the next start", NULL},
};
// clang-format on
const size_t cli_verb_count = ARRAY_LEN(cli_verbs);
