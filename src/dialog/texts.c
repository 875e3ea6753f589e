#include "dialog/texts.h"

#include <assert.h>
#include <stdlib.h>

void dialog_texts_each(struct dialog_texts *t, struct dialog_text ret[DIALOG_TEXT_COUNT])
{
    const struct dialog_text all[DIALOG_TEXT_COUNT] = {
        {t->call_id, sizeof(t->call_id)},       {t->local_tag, sizeof(t->local_tag)},
        {t->remote_tag, sizeof(t->remote_tag)}, {t->local_uri, sizeof(t->local_uri)},
        {t->remote_uri, sizeof(t->remote_uri)}, {t->remote_target, sizeof(t->remote_target)},
        {t->routes, sizeof(t->routes)},
    };
    memcpy(ret, all, sizeof(all));
}

static void places(struct dialog *d, const char **ret[DIALOG_TEXT_COUNT])
{
    const char **const all[DIALOG_TEXT_COUNT] = {
        &d->call_id,    &d->local_tag,     &d->remote_tag, &d->local_uri,
        &d->remote_uri, &d->remote_target, &d->routes,
    };
    memcpy(ret, all, sizeof(all));
}

void dialog_texts_from(const struct dialog *d, struct dialog_texts *ret)
{
    struct dialog copy = *d;
    struct dialog_text to[DIALOG_TEXT_COUNT];
    const char **from[DIALOG_TEXT_COUNT];
    dialog_texts_each(ret, to);
    places(&copy, from);
    for (size_t i = 0; i < DIALOG_TEXT_COUNT; i++) {
        bool fits = slice_to_str(slice_from_str(*from[i] ? *from[i] : ""), to[i].p, to[i].cap);
        assert(fits); /* it came from one */
    }
}

int dialog_texts_into(struct dialog *d, struct dialog_texts *t)
{
    struct dialog_text from[DIALOG_TEXT_COUNT];
    const char **to[DIALOG_TEXT_COUNT];
    size_t len[DIALOG_TEXT_COUNT], n = 0;
    dialog_texts_each(t, from);
    for (size_t i = 0; i < DIALOG_TEXT_COUNT; i++)
        n += len[i] = strlen(from[i].p) + 1;
    char *block = malloc(n), *at = block;
    if (!block)
        return DIALOG_NO_MEMORY;
    places(d, to);
    for (size_t i = 0; i < DIALOG_TEXT_COUNT; at += len[i++])
        *to[i] = memcpy(at, from[i].p, len[i]);
    free(d->texts);
    d->texts = block;
    return DIALOG_OK;
}

void dialog_fini(struct dialog *d)
{
    free(d->texts);
    *d = (struct dialog){0};
}

int dialog_copy(struct dialog *dst, const struct dialog *src)
{
    struct dialog_texts t UNINITIALIZED;
    struct dialog n = *src;
    n.texts = NULL;
    dialog_texts_from(src, &t);
    int r = dialog_texts_into(&n, &t);
    if (r == DIALOG_OK)
        *dst = n;
    return r;
}
