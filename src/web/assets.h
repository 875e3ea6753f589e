/* The pages, as tools/embed.py has put them into the program. */
#ifndef SOTTO_WEB_ASSETS_H
#define SOTTO_WEB_ASSETS_H

#include "base/slice.h"

struct web_asset {
    const char *path, *type;
    const char *etag; /* quotes included */
    bool immutable;   /* its name changes with its content */
    const uint8_t *raw;
    size_t raw_n;
    const uint8_t *packed; /* by gzip; NULL: would be no shorter */
    size_t packed_n;
};

extern const struct web_asset web_assets[];
extern const size_t web_asset_count;

/* `path` as in the request, without its query; "/" is the page. NULL: there is none. */
const struct web_asset *web_asset_find(struct slice path);
/* Does the value of Accept-Encoding take gzip (RFC 9110 s.12.5.3)? */
bool web_accepts_gzip(struct slice accept_encoding);
/* Does the value of If-None-Match name the tag (weak comparison)? */
bool web_etag_matches(struct slice if_none_match, const char *etag);

#endif
