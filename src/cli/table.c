/* Aligned columns. */
#include "cli/cli_priv.h"

#include <assert.h>

enum { COLUMNS_MAX = 16, CELL_MAX = 200 };

struct cli_table {
    size_t columns;
    size_t width[COLUMNS_MAX];
    json_t *cells; /* of every row, one after the other, the heads first */
};

void cli_print_text(FILE *to, const char *s)
{
    for (const uint8_t *p = (const uint8_t *)s; *p; p++) {
        bool c1 = *p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;
        if (c1)
            p++;
        fputc(c1 || (*p < 0x20 && *p != '\n') || *p == 0x7f ? '?' : *p, to);
    }
}

/* Letters, not bytes: what is not the middle of a UTF-8 sequence. */
static size_t width_of(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((uint8_t)*s & 0xc0) != 0x80;
    return n;
}

struct cli_table *cli_table_new(const char *const *heads, size_t n)
{
    struct cli_table *t = calloc(1, sizeof(*t));
    assert(n > 0 && n <= COLUMNS_MAX);
    if (!t)
        abort();
    t->columns = n;
    t->cells = json_array();
    for (size_t i = 0; i < n; i++)
        cli_table_put(t, heads[i]);
    return t;
}

void cli_table_put(struct cli_table *t, const char *cell)
{
    char cut[CELL_MAX + 1];
    size_t column = json_array_size(t->cells) % t->columns;
    if (!slice_to_str(slice_from_str(cell), cut, sizeof(cut))) {
        size_t n = CELL_MAX;
        while (n && ((uint8_t)cell[n] & 0xc0) == 0x80)
            n--; /* not in the middle of a letter */
        memcpy(cut, cell, n);
        cut[n] = '\0';
    }
    (void)json_array_append_new(t->cells, json_string(cut));
    size_t w = width_of(cut);
    if (w > t->width[column])
        t->width[column] = w;
}

void cli_table_print(struct cli_table *t, const char *if_empty)
{
    size_t n = json_array_size(t->cells);
    if (n == t->columns)
        printf("%s\n", if_empty);
    for (size_t i = 0; n > t->columns && i < n; i++) {
        const char *cell = json_string_value(json_array_get(t->cells, i));
        bool last = (i + 1) % t->columns == 0;
        cli_print_text(stdout, cell ? cell : "?");
        for (size_t w = width_of(cell ? cell : "?"); !last && w < t->width[i % t->columns] + 2; w++)
            putchar(' ');
        if (last)
            putchar('\n');
    }
    json_decref(t->cells);
    free(t);
}
