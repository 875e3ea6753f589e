#include "phone/auth.h"

#include "sip/digest.h"

void phone_auth_fini(struct phone_auth *a)
{
    secret_wipe(a, sizeof(*a));
}

static bool put_hex(char *dst, size_t cap, const struct secret *raw)
{
    struct buf b = buf_over(dst, cap);

    buf_put_hex(&b, raw->b, raw->n);
    return !b.overflow && b.n == cap;
}

int phone_auth_set_ha1(struct phone_auth *a, const struct secret *sha256, const struct secret *md5)
{
    struct dialog_ha1 h = {.has_sha256 = sha256->n > 0, .has_md5 = md5->n > 0};
    bool ok = (!h.has_sha256 || put_hex(h.sha256, sizeof(h.sha256), sha256)) &&
              (!h.has_md5 || put_hex(h.md5, sizeof(h.md5), md5));

    if (ok) {
        a->ha1 = h;
        a->has_ha1 = h.has_sha256 || h.has_md5;
    }
    secret_wipe(&h, sizeof(h));
    return ok ? 0 : -EINVAL;
}

static bool is_stale(const struct sip_msg *rsp, enum sip_hdr_id id)
{
    struct sip_digest_challenge c;

    for (const struct sip_hdr *h = sip_msg_hdr(rsp, id); h; h = sip_msg_hdr_next(rsp, h)) {
        if (sip_digest_challenge_parse(h->value, &c) == SIP_DIGEST_OK && c.stale)
            return true;
    }
    return false;
}

const char *phone_auth_answer(struct phone_auth *a, const struct sip_msg *rsp, struct slice method,
                              struct slice uri, struct buf *b, bool *ret_stale)
{
    enum sip_hdr_id id = rsp->status == 407 ? SIP_HDR_PROXY_AUTHENTICATE : SIP_HDR_WWW_AUTHENTICATE;

    if (!a->has_password && !a->has_ha1)
        return "the server asks for a password; give it with --password-stdin or SOTTO_PASSWORD, "
               "or run this where the server's data folder can be read (-d DATA)";
    a->credentials.username = slice_from_str(a->username);
    a->credentials.password = slice_from_str(a->has_password ? a->password : "");
    a->credentials.ha1 = a->has_password ? NULL : &a->ha1;
    if (dialog_auth_answer(&a->credentials, rsp, method, uri, b) < 0)
        return "the server asks for a login of a kind that is not spoken here (Digest with SHA-256 "
               "or MD5 is)";
    *ret_stale = is_stale(rsp, id);
    return b->overflow ? "the server's challenge is too long" : NULL;
}
