/* libsrtp2, for tests and benches only: another's implementation to agree with and to be measured
 * beside. It is opened at run time, because its functions have the names of ours. Without its
 * header at build time or its library at run time peer_open says false. */
#ifndef SOTTO_CRYPTO_SRTP_PEER_H
#define SOTTO_CRYPTO_SRTP_PEER_H

#include <dlfcn.h>

#include "crypto/srtp.h"

struct peer; /* one direction of one session */

#if __has_include(<srtp2/srtp.h>)

#define srtp_protect libsrtp_protect
#define srtp_unprotect libsrtp_unprotect
#include <srtp2/srtp.h>
#undef srtp_protect
#undef srtp_unprotect

typedef srtp_err_status_t (*peer_fn)(srtp_t, void *, int *);
typedef void (*peer_policy_fn)(srtp_crypto_policy_t *);

static struct {
    void *lib;
    srtp_err_status_t (*create)(srtp_t *, const srtp_policy_t *);
    srtp_err_status_t (*dealloc)(srtp_t);
    peer_fn protect[2], unprotect[2]; /* RTP, RTCP */
    peer_policy_fn policies[SRTP_SUITE_COUNT];
} peer;

static inline bool peer_open(void)
{
    static const char *const policies[SRTP_SUITE_COUNT] = {
        [SRTP_AES_CM_128_HMAC_SHA1_80] = "srtp_crypto_policy_set_rtp_default",
        [SRTP_AES_CM_128_HMAC_SHA1_32] = "srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32",
        [SRTP_AES_192_CM_HMAC_SHA1_80] = "srtp_crypto_policy_set_aes_cm_192_hmac_sha1_80",
        [SRTP_AES_192_CM_HMAC_SHA1_32] = "srtp_crypto_policy_set_aes_cm_192_hmac_sha1_32",
        [SRTP_AES_256_CM_HMAC_SHA1_80] = "srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80",
        [SRTP_AES_256_CM_HMAC_SHA1_32] = "srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32",
        [SRTP_AEAD_AES_128_GCM] = "srtp_crypto_policy_set_aes_gcm_128_16_auth",
        [SRTP_AEAD_AES_256_GCM] = "srtp_crypto_policy_set_aes_gcm_256_16_auth",
    };
    srtp_err_status_t (*init)(void);

    peer.lib = dlopen("libsrtp2.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!peer.lib)
        return false;
    *(void **)&init = dlsym(peer.lib, "srtp_init");
    *(void **)&peer.create = dlsym(peer.lib, "srtp_create");
    *(void **)&peer.dealloc = dlsym(peer.lib, "srtp_dealloc");
    *(void **)&peer.protect[0] = dlsym(peer.lib, "srtp_protect");
    *(void **)&peer.protect[1] = dlsym(peer.lib, "srtp_protect_rtcp");
    *(void **)&peer.unprotect[0] = dlsym(peer.lib, "srtp_unprotect");
    *(void **)&peer.unprotect[1] = dlsym(peer.lib, "srtp_unprotect_rtcp");
    for (size_t s = 1; s < SRTP_SUITE_COUNT; s++)
        *(void **)&peer.policies[s] = dlsym(peer.lib, policies[s]);
    return init && init() == srtp_err_status_ok;
}

/* NULL: libsrtp2 as built here has not this suite. `outbound` protects. */
static inline struct peer *peer_new(const struct srtp_keys *k, bool outbound)
{
    struct secret master = k->master;
    srtp_policy_t policy = {.key = master.b, .window_size = 1024, .allow_repeat_tx = 1};
    srtp_t session = NULL;
    bool is_32 = srtp_suite_info(k->suite)->rtp_tag_len == 4;

    if (!peer.policies[k->suite])
        return NULL;
    policy.ssrc.type = outbound ? ssrc_any_outbound : ssrc_any_inbound;
    peer.policies[k->suite](&policy.rtp);
    /* SRTCP keeps its long tag: the suite with _80 stands before that with _32. */
    peer.policies[is_32 ? k->suite - 1 : k->suite](&policy.rtcp);
    if (peer.create(&session, &policy) != srtp_err_status_ok)
        return NULL;
    return (struct peer *)session;
}

static inline void peer_free(struct peer *p)
{
    if (p)
        peer.dealloc((srtp_t)p);
}

static inline bool peer_protect(struct peer *p, bool rtcp, uint8_t *pkt, uint32_t *len)
{
    int n = (int)*len;
    bool ok = peer.protect[rtcp]((srtp_t)p, pkt, &n) == srtp_err_status_ok;

    *len = (uint32_t)n;
    return ok;
}

static inline bool peer_unprotect(struct peer *p, bool rtcp, uint8_t *pkt, uint32_t *len)
{
    int n = (int)*len;
    bool ok = peer.unprotect[rtcp]((srtp_t)p, pkt, &n) == srtp_err_status_ok;

    *len = (uint32_t)n;
    return ok;
}

#else

static inline bool peer_open(void)
{
    return false;
}

static inline struct peer *peer_new(const struct srtp_keys *k, bool outbound)
{
    (void)k, (void)outbound;
    return NULL;
}

static inline void peer_free(struct peer *p)
{
    (void)p;
}

static inline bool peer_protect(struct peer *p, bool rtcp, uint8_t *pkt, uint32_t *len)
{
    (void)p, (void)rtcp, (void)pkt, (void)len;
    return false;
}

static inline bool peer_unprotect(struct peer *p, bool rtcp, uint8_t *pkt, uint32_t *len)
{
    (void)p, (void)rtcp, (void)pkt, (void)len;
    return false;
}

#endif
#endif
