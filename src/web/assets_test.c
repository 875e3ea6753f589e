#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "web/assets.h"

static void test_find(void **state)
{
    (void)state;
    const struct web_asset *a = web_asset_find(SLICE_LIT("/"));
    assert_non_null(a);
    assert_ptr_equal(a, web_asset_find(SLICE_LIT("/index.html")));
    assert_true(slice_starts_with(slice_from_str(a->type), SLICE_LIT("text/html")));
    assert_int_equal(a->etag[0], '"');
    assert_null(web_asset_find(SLICE_LIT("/index.htm")));
    assert_null(web_asset_find(SLICE_LIT("index.html")));
    assert_null(web_asset_find(SLICE_NONE));
    for (size_t i = 0; i < web_asset_count; i++) {
        assert_ptr_equal(web_asset_find(slice_from_str(web_assets[i].path)), &web_assets[i]);
        assert_true(!web_assets[i].packed || web_assets[i].packed_n < web_assets[i].raw_n);
    }
}

static void test_encodings(void **state)
{
    static const struct {
        const char *field;
        bool gzip;
    } rows[] = {{"gzip", true},
                {"br, GZIP;q=0.5", true},
                {"*", true},
                {"deflate, *;q=0.1", true},
                {"", false},
                {"br", false},
                {"gzip;q=0", false},
                {"gzip; q=0.000", false},
                {"gzip;q=0.001", true},
                {"*;q=0", false},
                {"gzip;q=0, *", false},
                {"xgzip", false}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(web_accepts_gzip(slice_from_str(rows[i].field)), rows[i].gzip);
}

static void test_tags(void **state)
{
    (void)state;
    assert_true(web_etag_matches(SLICE_LIT("\"a\""), "\"a\""));
    assert_true(web_etag_matches(SLICE_LIT("\"b\", W/\"a\""), "\"a\""));
    assert_true(web_etag_matches(SLICE_LIT("*"), "\"a\""));
    assert_false(web_etag_matches(SLICE_LIT("\"b\", a"), "\"a\""));
    assert_false(web_etag_matches(SLICE_NONE, "\"a\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_encodings),
        cmocka_unit_test(test_tags),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
