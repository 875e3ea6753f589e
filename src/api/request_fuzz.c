/* Any bytes as a request, as the admin socket would take them, over a store of its own. */
#include <unistd.h>

#include "api/api.h"

/* Its files have no names any more when this returns: nothing stays behind. */
static struct store *open_store(void)
{
    static const struct secret key = {.n = STORE_SEAL_KEY_LEN};
    static const char *const endings[] = {"", "-wal", "-shm"};
    char dir[] = "/tmp/sotto-fuzz-XXXXXX", path[64], err[STORE_ERROR_MAX];
    struct store *s = NULL;
    if (!mkdtemp(dir))
        abort();
    (void)snprintf(path, sizeof(path), "%s/sotto.db", dir);
    if (store_open(path, &key, err, &s))
        abort();
    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        (void)snprintf(path, sizeof(path), "%s/sotto.db%s", dir, endings[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
    return s;
}

static void on_reply(void *arg, const json_t *reply)
{
    ++*(int *)arg;
    json_decref(json_deep_copy(reply));
}

static void on_forward(void *arg, const char *name, struct slice request,
                       api_forward_reply_fn *reply, void *reply_arg)
{
    (void)arg, (void)name;
    reply(reply_arg, request); /* no reply that makes sense */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct store *store;
    struct api *api;
    int replies = 0;
    if (!store)
        store = open_store();
    struct api_config cfg = {
        .data = "/nonexistent", .store = store, .leave_certs = true, .forward = on_forward};
    json_t *request = json_loadb((const char *)data, n, JSON_REJECT_DUPLICATES, NULL);
    if (request && api_new(&cfg, &api) == 0) {
        api_call(api, &(struct api_caller){API_CLASS_READ | API_CLASS_WRITE, NULL}, request,
                 on_reply, &replies);
        api_free(api);
        if (replies != 1)
            abort();
    }
    json_decref(request);
    return 0;
}
