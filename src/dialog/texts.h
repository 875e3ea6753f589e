/* The texts of a dialog while they are worked on: each with room for its limit. Private to dialog/. */
#ifndef SOTTO_DIALOG_TEXTS_H
#define SOTTO_DIALOG_TEXTS_H

#include "dialog/dialog.h"

#define DIALOG_TEXT_COUNT 7

struct dialog_texts {
    char call_id[DIALOG_CALL_ID_MAX];
    char local_tag[DIALOG_TAG_MAX];
    char remote_tag[DIALOG_TAG_MAX];
    char local_uri[DIALOG_URI_MAX];
    char remote_uri[DIALOG_URI_MAX];
    char remote_target[DIALOG_URI_MAX];
    char routes[DIALOG_ROUTE_MAX];
};

struct dialog_text {
    char *p;
    size_t cap;
};

/* In the order of the struct, which is the order of a saved dialog. */
void dialog_texts_each(struct dialog_texts *t, struct dialog_text ret[DIALOG_TEXT_COUNT]);
void dialog_texts_from(const struct dialog *d, struct dialog_texts *ret);
/* Takes the place of those that d has. */
int dialog_texts_into(struct dialog *d, struct dialog_texts *t) MUST_CHECK; /* DIALOG_NO_MEMORY */

#endif
