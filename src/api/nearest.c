#include "api/api.h"

enum { WORD_MAX = 40 };

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Edits (one letter added, left out, changed, or two swapped) between two words; bounded. */
static size_t distance(struct slice a, struct slice b)
{
    size_t row[3][WORD_MAX + 1];
    for (size_t j = 0; j <= b.n; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t *now = row[i % 3], *last = row[(i - 1) % 3];
        const size_t *before = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            bool same = slice_lower(a.p[i - 1]) == slice_lower(b.p[j - 1]);
            now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + !same);
            if (i > 1 && j > 1 && slice_lower(a.p[i - 1]) == slice_lower(b.p[j - 2]) &&
                slice_lower(a.p[i - 2]) == slice_lower(b.p[j - 1]) && before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
    }
    return row[a.n % 3][b.n];
}

const char *api_nearest(struct slice word, const char *const *names, size_t n)
{
    const char *best = NULL;
    if (word.n == 0 || word.n > WORD_MAX)
        return NULL;
    /* A third of the letters wrong is a typing error, more is another word. */
    size_t limit = word.n < 4 ? 1 : (word.n + 2) / 3;
    for (size_t i = 0; i < n; i++) {
        struct slice name = slice_from_str(names[i]);
        if (name.n > WORD_MAX)
            continue;
        size_t d = distance(word, name);
        if (d > limit)
            continue;
        limit = d ? d - 1 : 0;
        best = names[i];
        if (d == 0)
            break;
    }
    return best;
}
