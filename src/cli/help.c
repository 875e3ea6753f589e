#include "cli/cli_priv.h"

static int word_width(void)
{
    size_t widest = 0;
    for (size_t i = 0; i < cli_verb_count; i++) {
        const struct cli_verb *v = &cli_verbs[i];
        size_t n = strlen(v->words) + (v->operand ? 1 + strlen(v->operand) : 0);
        widest = n > widest ? n : widest;
    }
    return (int)widest;
}

void cli_usage(FILE *to)
{
    int width = word_width();
    fprintf(to, "usage: sotto VERB [-d DATA] [--json] ...\n\n");
    for (size_t i = 0; i < cli_verb_count; i++) {
        const struct cli_verb *v = &cli_verbs[i];
        char left[80];
        (void)snprintf(left, sizeof(left), "%s%s%s", v->words, v->operand ? " " : "",
                       v->operand ? v->operand : "");
        fprintf(to, "  %-*s  %s\n", width, left, v->summary);
    }
    fprintf(to, "\nsotto help VERB tells more of one, sotto --version which sotto this is.\n"
                "DATA is ./data where that is, else /var/lib/sotto.\n");
}

void cli_verb_usage(FILE *to, const struct cli_verb *v)
{
    bool any = v->options[0] || v->options[1];
    if (v->where == CLI_ELSE) {
        fprintf(to, "usage: %s\n\n%s: %s. sotto %s --help tells more.\n", v->more, v->words,
                v->summary, v->words);
        return;
    }
    fprintf(to, "usage: sotto %s%s%s%s\n\n%s: %s.\n", v->words, v->operand ? " " : "",
            v->operand ? v->operand : "", any ? " [options]" : "", v->words, v->summary);
    if (v->more)
        fprintf(to, "%s\n", v->more);
    fprintf(to, "\noptions:\n");
    for (size_t l = 0; l < ARRAY_LEN(v->options); l++)
        for (const struct cli_option *o = v->options[l]; o && o->name; o++) {
            char left[40];
            (void)snprintf(left, sizeof(left), "%s%s%s", o->name, o->value ? " " : "",
                           o->value ? o->value : "");
            fprintf(to, "  %-19s %s\n", left, o->help);
        }
    fprintf(to, "  %-19s %s\n  %-19s %s\n", "-d DATA", "the data folder", "--json",
            "the result for machines");
}

int cli_help(int argc, char **argv)
{
    int words;
    bool found = false;
    if (argc == 0) {
        cli_usage(stdout);
        return API_DONE;
    }
    const struct cli_verb *v = cli_verb_find(argc, argv, &words);
    if (v && words == argc) {
        cli_verb_usage(stdout, v);
        return API_DONE;
    }
    /* `help user`: all that start with that word. */
    for (size_t i = 0; argc == 1 && i < cli_verb_count; i++) {
        size_t n = strlen(argv[0]);
        if (strncmp(cli_verbs[i].words, argv[0], n) != 0 || cli_verbs[i].words[n] != ' ')
            continue;
        fputs(found ? "\n" : "", stdout);
        cli_verb_usage(stdout, &cli_verbs[i]);
        found = true;
    }
    if (found)
        return API_DONE;
    cli_say_unknown_verb(argc, argv);
    return API_USAGE;
}
