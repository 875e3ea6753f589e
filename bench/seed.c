/* Makes a store to measure with: the domain bench.example, N users 1000, 1001, … with one password,
 * and M bindings without a connection.
 *
 *   bench-seed DATA USERS [BINDINGS [required|preferred|off]] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/store.h"

#define DOMAIN "bench.example"
#define BATCH 512

static _Noreturn void die(struct store *s, const char *what)
{
    fprintf(stderr, "bench-seed: %s: %s\n", what, s ? store_error(s) : "");
    exit(1);
}

static void add_domain(struct store *s, uint8_t protection)
{
    struct store_domain d = {.name = DOMAIN, .is_default = true};
    d.own.said = STORE_POLICY_PROTECTION | STORE_POLICY_TRANSPORTS | STORE_POLICY_KEYINGS;
    d.own.protection = protection;
    d.own.transports = STORE_UDP | STORE_TCP | STORE_TLS | STORE_WS | STORE_WSS;
    d.own.keyings[0] = KEYING_SDES;
    d.own.keying_count = 1;
    if (protection == PROTECTION_OFF)
        d.own.said &= (uint8_t)~STORE_POLICY_KEYINGS;
    if (store_domain_add(s, &d) != STORE_OK)
        die(s, "domain");
}

static void add_users(struct store *s, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct store_user u = {.domain = DOMAIN, .enabled = true};
        snprintf(u.name, sizeof(u.name), "%u", 1000 + i);
        if (store_user_set_password(&u, SLICE_LIT("secret"), true) < 0 ||
            store_user_add(s, &u) != STORE_OK)
            die(s, "user");
        store_user_fini(&u);
    }
}

static void add_bindings(struct store *s, unsigned n)
{
    static struct store_binding_op ops[BATCH];
    static char aors[BATCH][64], contacts[BATCH][64], ids[BATCH][32];
    uint64_t now = (uint64_t)time(NULL);
    for (unsigned i = 0; i < n;) {
        size_t k = 0;
        for (; k < BATCH && i < n; k++, i++) {
            snprintf(aors[k], sizeof(aors[k]), "%u@" DOMAIN, 1000 + i);
            snprintf(contacts[k], sizeof(contacts[k]), "sip:%u@127.0.0.1:%u", 1000 + i,
                     10000 + i % 50000);
            snprintf(ids[k], sizeof(ids[k]), "%u-reg@bench", i);
            ops[k].b = (struct store_binding){.id = i + 1,
                                              .aor = slice_from_str(aors[k]),
                                              .contact = slice_from_str(contacts[k]),
                                              .call_id = slice_from_str(ids[k]),
                                              .user_agent = SLICE_LIT("load/1.0"),
                                              .created = now,
                                              .expires = now + 3600,
                                              .cseq = 1,
                                              .q = 1000};
            if (addr_parse(SLICE_LIT("127.0.0.1"), (uint16_t)(10000 + i % 50000),
                           &ops[k].b.remote) < 0)
                die(NULL, "address");
        }
        if (store_bindings_write(s, ops, k) != 0)
            die(s, "bindings");
    }
}

int main(int argc, char **argv)
{
    char err[STORE_ERROR_MAX] = "";
    struct store *s = NULL;
    if (argc < 3) {
        fputs("usage: bench-seed DATA USERS [BINDINGS [required|preferred|off]]\n", stderr);
        return 2;
    }
    const char *word = argc > 4 ? argv[4] : "required";
    uint8_t protection = strcmp(word, "off") == 0         ? PROTECTION_OFF
                         : strcmp(word, "preferred") == 0 ? PROTECTION_PREFERRED
                                                          : PROTECTION_REQUIRED;
    if (store_open_data(argv[1], err, &s) < 0) {
        fprintf(stderr, "bench-seed: %s\n", err);
        return 1;
    }
    add_domain(s, protection);
    add_users(s, (unsigned)strtoul(argv[2], NULL, 10));
    add_bindings(s, argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0);
    store_close(s);
    return 0;
}
