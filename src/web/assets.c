#include "web/assets.h"

const struct web_asset *web_asset_find(struct slice path)
{
    if (slice_eq_str(path, "/"))
        path = SLICE_LIT("/index.html");
    for (size_t i = 0; i < web_asset_count; i++) {
        if (slice_eq_str(path, web_assets[i].path))
            return &web_assets[i];
    }
    return NULL;
}

/* "q=0", "q=0.0", …: not wanted. */
static bool is_refused(struct slice params)
{
    struct slice q = slice_trim(params);
    if (!slice_starts_with_nocase(q, SLICE_LIT("q=0")))
        return false;
    for (size_t i = 3; i < q.n; i++) {
        if (q.p[i] >= '1' && q.p[i] <= '9')
            return false;
    }
    return true;
}

bool web_accepts_gzip(struct slice accept_encoding)
{
    bool any = false;
    while (accept_encoding.n) {
        struct slice params = slice_cut(&accept_encoding, ',');
        struct slice name = slice_trim(slice_cut(&params, ';'));
        if (slice_eq_nocase_str(name, "gzip"))
            return !is_refused(params);
        any = any || (slice_eq_str(name, "*") && !is_refused(params));
    }
    return any;
}

bool web_etag_matches(struct slice if_none_match, const char *etag)
{
    while (if_none_match.n) {
        struct slice one = slice_trim(slice_cut(&if_none_match, ','));
        if (slice_starts_with(one, SLICE_LIT("W/")))
            one = slice_skip(one, 2);
        if (slice_eq_str(one, "*") || slice_eq_str(one, etag))
            return true;
    }
    return false;
}
