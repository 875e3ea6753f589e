#include "keying/mikey_cert.h"

static const char *const verdict_why[CRYPTO_RSA_VERDICT_COUNT] = {
    [CRYPTO_RSA_UNREADABLE] = "the certificate in the MIKEY message cannot be read",
    [CRYPTO_RSA_UNFIT] =
        "the certificate in the MIKEY message is not fit for MIKEY, which signs and "
        "encrypts with RSA: `sotto cert client USER --rsa` makes one",
    [CRYPTO_RSA_FOREIGN] = "the certificate in the MIKEY message is not of the CA that is trusted "
                           "here",
    [CRYPTO_RSA_EXPIRED] = "the certificate in the MIKEY message has expired",
    [CRYPTO_RSA_NOT_YET] = "the certificate in the MIKEY message is not valid yet",
    [CRYPTO_RSA_OTHER] = "the certificate in the MIKEY message is of another",
};

/* As the PSK mode has it: a name that is said must be the right one. */
static const char *check_ids(const struct mikey_msg *m, const struct mikey_terms *t, bool is_answer)
{
    if (m->id_count > 0 && !mikey_id_is(&m->id[0], t->peer))
        return "the MIKEY message is of another than the user";
    if (!is_answer && m->id_count > 1 && !mikey_id_is(&m->id[1], t->self))
        return "the MIKEY message is for another";
    return NULL;
}

const char *mikey_cert_authenticate(const struct mikey_msg *m, const struct keying_local *l,
                                    const struct mikey_terms *t, const struct mikey_msg *init,
                                    struct crypto_rsa_peer **ret)
{
    if (!m->cert.n)
        return "the MIKEY message brings no certificate";
    int v = crypto_rsa_peer_new(l->rsa, m->cert, t->peer, t->unix_s, ret);
    if (v != CRYPTO_RSA_OK)
        return v < 0 ? "there is no memory for a MIKEY message" : verdict_why[v];
    if (!mikey_sign_fits(m, *ret, init)) {
        *ret = crypto_rsa_peer_free(*ret);
        return "the signature of the MIKEY message is wrong";
    }
    return check_ids(m, t, init != NULL);
}

const char *mikey_cert_open(struct mikey_msg *m, const struct keying_local *l,
                            const struct mikey_terms *t, uint8_t *room, struct secret *ret)
{
    struct mikey_id who;

    if (!m->has_kemac || !m->pke.n)
        return "the MIKEY message has no key, or no envelope";
    if (m->kemac_encr != MIKEY_ENCR_AES_CM_128 || m->kemac_mac != MIKEY_MAC_HMAC_SHA1)
        return "the key in the MIKEY message is not encrypted by AES-CM-128 and authenticated";
    crypto_rsa_open(l->rsa, m->pke, ret);
    /* One sentence for a bad envelope and for bad contents: see crypto_rsa_open. */
    if (!mikey_kemac_fits(m, ret) || mikey_envelope_open(m, ret, room, &who) != 0)
        return "the envelope of the MIKEY message is not for the certificate in use here, or its "
               "contents were changed";
    /* s.3.2: nobody may put another's envelope into a message that he signs. */
    return mikey_id_is(&who, t->peer) ? NULL : "the keys of the MIKEY message are of another";
}

struct crypto_rsa_peer *mikey_cert_peer(const struct keying_local *l, const struct mikey_terms *t)
{
    struct crypto_rsa_peer *peer = NULL;

    if (l->rsa_peer.n &&
        crypto_rsa_peer_new(l->rsa, l->rsa_peer, t->peer, t->unix_s, &peer) != CRYPTO_RSA_OK)
        return NULL;
    return peer;
}
