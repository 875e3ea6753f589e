/* The table behind config.h: private to src/app/config*.c. */
#ifndef SOTTO_APP_CONFIG_KEY_H
#define SOTTO_APP_CONFIG_KEY_H

#include "app/config.h"

struct config_key;

/* How a kind of value is read, shown and described. */
struct config_type {
    int (*parse)(const struct config_key *k, struct slice v, void *field); /* 0 or -EINVAL */
    void (*put)(const struct config_key *k, struct buf *b, const void *field);
    void (*put_allowed)(const struct config_key *k, struct buf *b);
    bool is_list; /* may go on in the next line */
};

struct config_key {
    const char *section, *name;
    const struct config_type *type;
    size_t offset, size; /* of the field in struct app_config */
    uint32_t min, max;
    const char *(*value_name)(
        uint32_t i);      /* words: the one with this index, NULL behind the last */
    const char *fallback; /* the default, as one would write it */
    const char *help;
    bool fixed; /* a change takes effect at the next start, not at a reload */
};

extern const struct config_key config_keys[];
extern const size_t config_key_count;

struct config_section {
    const char *name, *help;
};
extern const struct config_section config_sections[];
extern const size_t config_section_count;

const struct config_key *config_key_find(struct slice section, struct slice name);
const struct config_section *config_section_find(struct slice name);

static inline void *config_field(struct app_config *c, const struct config_key *k)
{
    return (char *)c + k->offset;
}

static inline const void *config_field_const(const struct app_config *c, const struct config_key *k)
{
    return (const char *)c + k->offset;
}

/* How many letters to insert, remove or change to make one of the other (at most 63 each). */
uint32_t config_distance(struct slice a, struct slice b);

#endif
