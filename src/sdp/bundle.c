/* BUNDLE groups (RFC 8843): several m-lines over one transport. */
#include "sdp/attr.h"

static bool has_name(struct slice value, struct slice mid)
{
    for (struct slice t = sdp_token(&value); t.n; t = sdp_token(&value)) {
        if (slice_eq(t, mid))
            return true;
    }
    return false;
}

/* The names in the BUNDLE group that m-line i is in; or empty. */
static struct slice group_of(const struct sdp *d, size_t i)
{
    const struct sdp_attr *mid = sdp_attr_find(d, &d->media[i], SDP_A_MID);

    for (size_t k = 0; mid && k < d->attr_count; k++) {
        if (d->attrs[k].id != SDP_A_GROUP)
            continue;
        struct slice names = sdp_attr_value(&d->attrs[k]);
        if (slice_eq(sdp_token(&names), SLICE_LIT("BUNDLE")) &&
            has_name(names, slice_trim(sdp_attr_value(mid))))
            return names;
    }
    return SLICE_NONE;
}

static int media_named(const struct sdp *d, struct slice name)
{
    for (size_t i = 0; i < d->media_count; i++) {
        const struct sdp_attr *mid = sdp_attr_find(d, &d->media[i], SDP_A_MID);
        if (mid && slice_eq(slice_trim(sdp_attr_value(mid)), name))
            return (int)i;
    }
    return -1;
}

int sdp_bundle_owner(const struct sdp *d, size_t i, unsigned mask)
{
    if (i >= d->media_count || !(mask & 1u << i))
        return -1;
    struct slice names = group_of(d, i);
    for (struct slice t = sdp_token(&names); t.n; t = sdp_token(&names)) {
        int k = media_named(d, t);
        if (k >= 0 && mask & 1u << k)
            return k;
    }
    return -1;
}

/* s.7.2.2: such a line has port 0 and is alive all the same. */
void sdp_bundle_revive(struct sdp *d)
{
    unsigned alive = 0;

    for (size_t i = 0; i < d->media_count; i++)
        alive |= d->media[i].port ? 1u << i : 0;
    for (size_t i = 0; i < d->media_count; i++) {
        struct sdp_media *m = &d->media[i];
        if (m->port || m->pt_count == 0 || !sdp_attr_find(d, m, SDP_A_BUNDLE_ONLY))
            continue;
        int owner = sdp_bundle_owner(d, i, alive | 1u << i);
        if (owner >= 0 && (size_t)owner != i)
            m->port = d->media[owner].port;
    }
}
