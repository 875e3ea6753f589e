/* What of ours all endpoints share: which MIKEY messages were taken (by all workers, where the process
 * gives us memory for that), MIKEY's certificate (which it gives us anew in each life), and our DTLS
 * certificate. That lies in the state memfd, because its digest stands in descriptions that outlive a process; it is renewed long before it ends, and the one before it is kept for what was
 * described with it. */
#include <sys/mman.h>

#include "media/worker.h"

#define RENEW_S (CRYPTO_DTLS_DAYS * 86400u / 2)
#define CHECK_MS 3600000u

static int load(struct media_role *r)
{
    for (size_t i = 0; i < DTLS_IDENTITIES; i++) {
        r->local.dtls[i] = crypto_dtls_free(r->local.dtls[i]);
        const struct crypto_dtls_identity *id = &r->state.head->dtls[i];
        int v = id->not_after ? crypto_dtls_new(id, &r->local.dtls[i]) : 0;
        if (v < 0)
            return v;
    }
    return 0;
}

static int renew(struct media_role *r)
{
    struct crypto_dtls_identity id;
    int v = crypto_dtls_identity_new(loop_unix_now(r->loop), &id);
    if (v < 0)
        return v;
    media_state_identify(&r->state, &id);
    secret_wipe(&id, sizeof(id));
    return load(r);
}

static bool is_due(const struct media_role *r)
{
    return r->state.head->dtls[0].not_after < loop_unix_now(r->loop) + RENEW_S;
}

/* What one worker has taken another must not take again. */
static int seen_take(struct media_role *r)
{
    uint64_t now = loop_unix_now(r->loop);
    if (r->cfg.seen_fd < 0)
        return mikey_seen_new(now, &r->local.mikey_seen);
    int v = ipc_memfd_map(r->cfg.seen_fd, mikey_seen_size(), true, &r->seen);
    return v < 0 ? v : mikey_seen_over(r->seen, r->cfg.seen_fd, now, &r->local.mikey_seen);
}

int media_identity_init(struct media_role *r)
{
    r->identity_check = loop_now(r->loop) + CHECK_MS;
    int v = load(r);
    if (v < 0) { /* nothing that we wrote */
        memset(r->state.head->dtls, 0, sizeof(r->state.head->dtls));
        v = load(r);
    }
    if (v == 0)
        v = seen_take(r);
    return v == 0 && is_due(r) ? renew(r) : v;
}

void media_identity_check(struct media_role *r)
{
    if (loop_now(r->loop) < r->identity_check)
        return;
    r->identity_check = loop_now(r->loop) + CHECK_MS;
    int v = is_due(r) ? renew(r) : 0;
    if (v < 0)
        log_event(LOG_ERROR, "dtls_certificate_not_renewed", LOG_ERRNO(v));
}

int media_role_identify(struct media_role *r, struct slice cert, struct slice key, struct slice ca)
{
    struct crypto_rsa *rsa;
    int v = crypto_rsa_new(cert, key, ca, &rsa);
    if (v < 0)
        return v;
    crypto_rsa_free(r->local.rsa);
    r->local.rsa = rsa;
    return 0;
}

void media_identity_fini(struct media_role *r)
{
    for (size_t i = 0; i < DTLS_IDENTITIES; i++)
        r->local.dtls[i] = crypto_dtls_free(r->local.dtls[i]);
    r->local.rsa = crypto_rsa_free(r->local.rsa);
    r->local.mikey_seen = mikey_seen_free(r->local.mikey_seen);
    if (r->seen)
        munmap(r->seen, mikey_seen_size());
    r->seen = NULL;
}
