/* Within keying: walking attribute lines, "a=name:value" each. */
#ifndef SOTTO_KEYING_TEXT_H
#define SOTTO_KEYING_TEXT_H

#include "base/slice.h"

/* The value of the next line of that name; false: no more. Start with *rest the whole text. */
static inline bool keying_text_next(struct slice *rest, struct slice name, struct slice *ret_value)
{
    while (rest->n) {
        struct slice line = slice_trim(slice_cut(rest, '\n'));
        if (!slice_starts_with(line, SLICE_LIT("a=")))
            continue;
        line = slice_skip(line, 2);
        if (slice_eq(slice_cut(&line, ':'), name)) {
            *ret_value = slice_trim(line);
            return true;
        }
    }
    return false;
}

static inline bool keying_text_has(struct slice text, struct slice name)
{
    struct slice value;
    return keying_text_next(&text, name, &value);
}

#endif
