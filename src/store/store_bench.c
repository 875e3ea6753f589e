/* Bindings and users through the store: CPU per write in batches, loading, one look-up. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "store/store.h"

enum { BINDINGS = 100000, BATCH = 1000, FINDS = 20000 };

static double cpu_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int count_one(void *arg, const struct store_binding *b)
{
    (void)b;
    ++*(size_t *)arg;
    return 0;
}

static int write_bindings(struct store *s, uint64_t expires)
{
    static struct store_binding_op ops[BATCH];
    static char aor[BATCH][32];
    for (uint64_t i = 0; i < BINDINGS; i += BATCH) {
        for (size_t k = 0; k < BATCH; k++) {
            int n = snprintf(aor[k], sizeof(aor[k]), "%zu@example.org", (size_t)i + k);
            ops[k].b = (struct store_binding){
                .id = i + k + 1,
                .aor = slice_from(aor[k], (size_t)n),
                .contact = SLICE_LIT("sip:1000@192.0.2.7:50612;transport=tls;ob"),
                .call_id = SLICE_LIT("0f0c3a7b5e8d4c2f9a1b@192.0.2.7"),
                .instance = SLICE_LIT("<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"),
                .user_agent = SLICE_LIT("phone/1.2.3"),
                .created = 1700000000,
                .expires = expires,
            };
            if (addr_parse(SLICE_LIT("192.0.2.7"), 50612, &ops[k].b.remote))
                return -EINVAL;
            ops[k].b.local = ops[k].b.remote;
        }
        int r = store_bindings_write(s, ops, BATCH);
        if (r)
            return r;
    }
    return 0;
}

static int find_users(struct store *s)
{
    struct store_domain d = {.name = "example.org"};
    struct store_user u = {.domain = "example.org", .name = "1000", .enabled = true};
    int r = store_domain_add(s, &d);
    if (r == 0)
        r = store_user_set_password(&u, SLICE_LIT("secret"), true);
    if (r == 0)
        r = store_user_add(s, &u);
    for (int i = 0; i < FINDS && r == 0; i++)
        r = store_user_find(s, SLICE_LIT("example.org"), SLICE_LIT("1000"), &u);
    return r;
}

static int measure(struct store *s)
{
    size_t n = 0;
    double t = cpu_us();
    int r = write_bindings(s, 1700003600);
    printf("binding, new       %6.2f us\n", (cpu_us() - t) / BINDINGS);
    t = cpu_us();
    if (r == 0)
        r = write_bindings(s, 1700007200);
    printf("binding, renewed   %6.2f us\n", (cpu_us() - t) / BINDINGS);
    t = cpu_us();
    if (r == 0)
        r = store_bindings_load(s, 1700000000, count_one, &n);
    printf("load %zu bindings %6.1f ms\n", n, (cpu_us() - t) / 1e3);
    t = cpu_us();
    if (r == 0)
        r = find_users(s);
    printf("user found         %6.2f us\n", (cpu_us() - t) / FINDS);
    uint32_t version;
    t = cpu_us();
    for (int i = 0; i < FINDS && r == 0; i++)
        r = store_data_version(s, &version);
    printf("data_version       %6.2f us\n", (cpu_us() - t) / FINDS);
    return r;
}

int main(void)
{
    char dir[] = "/tmp/sotto-store-bench-XXXXXX", path[64], err[STORE_ERROR_MAX] = "";
    struct secret key = {.n = STORE_SEAL_KEY_LEN};
    struct store *s = NULL;
    if (!mkdtemp(dir))
        return 1;
    (void)snprintf(path, sizeof(path), "%s/sotto.db", dir);
    int r = store_open(path, &key, err, &s);
    if (r == 0)
        r = measure(s);
    if (r)
        fprintf(stderr, "failed: %d %s\n", r, s ? store_error(s) : err);
    store_close(s);
    (void)unlink(path);
    (void)rmdir(dir);
    return r ? 1 : 0;
}
