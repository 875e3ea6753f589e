/* Inside of cli: the table of verbs, what was typed, how results are shown. */
#ifndef SOTTO_CLI_CLI_PRIV_H
#define SOTTO_CLI_CLI_PRIV_H

#include <limits.h>

#include "api/api.h"
#include "cli/cli.h"

enum cli_kind {
    CLI_TRUE,     /* no value: key = true */
    CLI_FALSE,    /* no value: key = false */
    CLI_TEXT,     /* key = "…" */
    CLI_WORD,     /* as text; `inherit`: null */
    CLI_LIST,     /* comma-separated; `inherit`: null */
    CLI_INT,      /* key = number */
    CLI_DURATION, /* 90, 90s, 10m, 2h: seconds */
    CLI_STDIN,    /* no value: one line of standard input */
    CLI_FOLDER    /* for the command line itself: where files go */
};

struct cli_option {
    const char *name;  /* "--protection" */
    const char *value; /* how help calls its value; NULL: takes none */
    const char *key;   /* of api's argument */
    enum cli_kind kind;
    const char *help;
};

enum cli_where {
    CLI_ASK,  /* a running server */
    CLI_BOTH, /* a running server, or the store itself */
    CLI_HERE, /* always here: it is about files that a server may not touch */
    CLI_ELSE  /* other parts of the program; here for help only */
};

struct cli_verb {
    const char *words;   /* "user add"; as api calls it, where it is a command of api */
    const char *operand; /* how help calls it; NULL: takes none */
    const char *key;     /* of api's argument for it */
    enum cli_where where;
    bool makes; /* works before the first start: makes DATA */
    const struct cli_option *options[2];
    void (*print)(const json_t *result, const struct cli_verb *verb);
    const char *summary;
    const char *more; /* paragraphs for help VERB; NULL: none */
};
extern const struct cli_verb cli_verbs[];
extern const size_t cli_verb_count;

/* What was typed. */
struct cli_line {
    const struct cli_verb *verb;
    char data[PATH_MAX];
    const char *folder; /* -o */
    bool json, help;
    json_t *args; /* owned */
};

/* 0 or API_USAGE (told on stderr). `argv` starts with the verb. */
int cli_line_parse(int argc, char **argv, struct cli_line *ret) MUST_CHECK;
/* The verb that the first words name, and how many words that are; NULL: none. */
const struct cli_verb *cli_verb_find(int argc, char **argv, int *ret_words);
void cli_say_unknown_verb(int argc, char **argv);

/* Gets the reply (owned by the caller), from a server or by itself. 0, or the exit status where
 * there is no reply (told on stderr). */
int cli_ask(const struct cli_line *line, json_t **ret) MUST_CHECK;

int cli_help(int argc, char **argv); /* the words after help */
void cli_usage(FILE *to);
void cli_verb_usage(FILE *to, const struct cli_verb *v);

/* --- showing --- */
void cli_print_text(FILE *to, const char *s); /* nothing in it can steer the terminal */
struct cli_table;
struct cli_table *cli_table_new(const char *const *heads,
                                size_t n); /* never NULL: ends the program */
void cli_table_put(struct cli_table *t, const char *cell);
void cli_table_print(struct cli_table *t, const char *if_empty); /* and frees */

void cli_print_domain(const json_t *r, const struct cli_verb *v);
void cli_print_quirk(const json_t *r, const struct cli_verb *v);
void cli_print_quirks(const json_t *r, const struct cli_verb *v);
void cli_print_domains(const json_t *r, const struct cli_verb *v);
void cli_print_user(const json_t *r, const struct cli_verb *v);
void cli_print_users(const json_t *r, const struct cli_verb *v);
void cli_print_admin(const json_t *r, const struct cli_verb *v);
void cli_print_deleted(const json_t *r, const struct cli_verb *v);
void cli_print_cert_deleted(const json_t *r, const struct cli_verb *v);
void cli_print_certs(const json_t *r, const struct cli_verb *v);
void cli_print_calls(const json_t *r, const struct cli_verb *v);
void cli_print_explained(const json_t *r, const struct cli_verb *v);
void cli_print_any(const json_t *r, const struct cli_verb *v);
void cli_print_done(const json_t *r, const struct cli_verb *v);
/* Writes the files of `cert client` and says where they are. Exit status. */
int cli_write_client(const json_t *r, const struct cli_line *line);

#endif
