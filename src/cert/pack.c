/* Certificates of domains as plain bytes: per domain three lengths, then name, chain and key. Both
 * ends are the same build on the same machine, so lengths lie as the machine has them. */
#include "cert/cert_priv.h"
#include "cert/domains.h"

enum { LENGTHS = 3 };

void cert_pack_fini(struct cert_pack *k)
{
    if (k->p)
        secret_wipe(k->p, k->n);
    free(k->p);
    *k = (struct cert_pack){0};
}

/* By hand, for realloc would leave a key behind where it moves the block. */
static int grow(struct cert_pack *k, size_t more)
{
    size_t cap = k->cap ? k->cap : 16384;
    while (cap - k->n < more)
        cap *= 2;
    if (cap == k->cap)
        return 0;
    char *p = malloc(cap);
    if (!p)
        return -ENOMEM;
    if (k->n)
        memcpy(p, k->p, k->n);
    struct cert_pack old = *k;
    *k = (struct cert_pack){.p = p, .n = old.n, .cap = cap};
    cert_pack_fini(&old);
    return 0;
}

static bool fits(size_t name, size_t chain, size_t key)
{
    return name && name <= CERT_DOMAIN_NAME_MAX && chain && chain <= CERT_DOMAIN_CHAIN_MAX && key &&
           key <= CERT_PEM_MAX;
}

static size_t count(struct slice pack)
{
    struct cert_domain unused;
    size_t n = 0;
    while (cert_pack_next(&pack, &unused))
        n++;
    return n;
}

int cert_pack_add(struct cert_pack *k, const struct cert_domain *d)
{
    const struct slice parts[LENGTHS] = {d->name, d->chain, d->key};
    uint32_t lengths[LENGTHS];
    if (!fits(d->name.n, d->chain.n, d->key.n) || count(slice_from(k->p, k->n)) == CERT_DOMAINS_MAX)
        return CERT_REFUSED;
    int r = grow(k, sizeof(lengths) + d->name.n + d->chain.n + d->key.n);
    if (r)
        return r;
    for (size_t i = 0; i < LENGTHS; i++)
        lengths[i] = (uint32_t)parts[i].n;
    memcpy(k->p + k->n, lengths, sizeof(lengths));
    k->n += sizeof(lengths);
    for (size_t i = 0; i < LENGTHS; i++) {
        memcpy(k->p + k->n, parts[i].p, parts[i].n);
        k->n += parts[i].n;
    }
    return 0;
}

bool cert_pack_next(struct slice *rest, struct cert_domain *ret)
{
    uint32_t lengths[LENGTHS];
    if (rest->n < sizeof(lengths))
        return false;
    memcpy(lengths, rest->p, sizeof(lengths));
    struct slice body = slice_skip(*rest, sizeof(lengths));
    if (!fits(lengths[0], lengths[1], lengths[2]) ||
        body.n < (size_t)lengths[0] + lengths[1] + lengths[2])
        return false;
    ret->name = slice_take(body, lengths[0]);
    ret->chain = slice_take(slice_skip(body, lengths[0]), lengths[1]);
    ret->key = slice_take(slice_skip(body, (size_t)lengths[0] + lengths[1]), lengths[2]);
    *rest = slice_skip(body, (size_t)lengths[0] + lengths[1] + lengths[2]);
    return true;
}
