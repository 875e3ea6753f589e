/* The table told to people: --check, the annotated example, the man page. */
#include "app/config_key.h"

#define COLUMNS 96

/* A list longer than a line may be goes on in the next one, indented. */
static void put_value(struct buf *b, const struct config_key *k, const struct app_config *c)
{
    char text[4096];
    struct buf t = buf_over(text, sizeof(text));
    k->type->put(k, &t, config_field_const(c, k));
    struct slice v = buf_slice(&t);
    for (size_t column = strlen(k->name) + 3; v.n;) {
        size_t word = k->type->is_list ? slice_find_char(v, ' ') + 1 : v.n;
        struct slice w = slice_take(v, word);
        if (column + w.n > COLUMNS && k->type->is_list) {
            BUF_PUT_LIT(b, "\n    ");
            column = 4;
        }
        buf_put_slice(b, w);
        column += w.n;
        v = slice_skip(v, word);
    }
    buf_put_char(b, '\n');
}

void config_put(struct buf *b, const struct app_config *c)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *k = &config_keys[i];
        if (i == 0 || strcmp(k->section, config_keys[i - 1].section) != 0)
            buf_printf(b, "%s[%s]\n", i ? "\n" : "", k->section);
        buf_printf(b, "%s = ", k->name);
        put_value(b, k, c);
    }
}

/* --- the example --- */

/* One paragraph, broken at spaces, each line behind `# `. */
static void put_comment(struct buf *b, struct slice text)
{
    while (text.n) {
        size_t n = text.n;
        if (n > COLUMNS) {
            n = COLUMNS;
            while (n > 0 && text.p[n] != ' ')
                n--;
            n = n ? n : COLUMNS;
        }
        BUF_PUT_LIT(b, "# ");
        buf_put(b, text.p, n);
        buf_put_char(b, '\n');
        text = slice_trim(slice_skip(text, n));
    }
}

static void put_key_comment(struct buf *b, const struct config_key *k)
{
    char text[1024];
    struct buf t = buf_over(text, sizeof(text));
    buf_put_str(&t, k->help);
    put_comment(b, buf_slice(&t));
    t.n = 0;
    BUF_PUT_LIT(&t, "Allowed: ");
    k->type->put_allowed(k, &t);
    buf_put_str(&t, k->fixed ? ". Needs a restart." : ".");
    put_comment(b, buf_slice(&t));
}

/* A default longer than a line may be goes on in the next one, indented. */
static void put_default(struct buf *b, const struct config_key *k)
{
    struct slice v = slice_from_str(k->fallback);
    buf_printf(b, "#%s =", k->name);
    for (size_t column = strlen(k->name); v.n;) {
        struct slice word = slice_trim(slice_cut(&v, ' '));
        if (column + word.n > COLUMNS) {
            BUF_PUT_LIT(b, "\n#   ");
            column = 0;
        }
        buf_put_char(b, ' ');
        buf_put_slice(b, word);
        column += word.n + 1;
    }
    buf_put_char(b, '\n');
}

void config_put_example(struct buf *b)
{
    put_comment(b, SLICE_LIT("sotto.conf: settings of the server. Every line is a comment: what "
                             "stands here are the defaults. Files conf.d/NAME.conf beside this one "
                             "are read after it, in order of their names. `sotto serve --check` "
                             "tells mistakes and warnings; sotto.conf(5) says the same as this "
                             "file."));
    for (size_t i = 0; i < config_section_count; i++) {
        const struct config_section *s = &config_sections[i];
        buf_put_char(b, '\n');
        put_comment(b, slice_from_str(s->help));
        buf_printf(b, "[%s]\n", s->name);
        for (size_t j = 0; j < config_key_count; j++) {
            const struct config_key *k = &config_keys[j];
            if (strcmp(k->section, s->name) != 0)
                continue;
            buf_put_char(b, '\n');
            put_key_comment(b, k);
            put_default(b, k);
        }
    }
}

/* --- the man page --- */

/* roff: a minus is a hyphen unless escaped; a line must not begin with a dot or quote. */
static void put_roff(struct buf *b, struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '-')
            BUF_PUT_LIT(b, "\\-");
        else if (c == '\\')
            BUF_PUT_LIT(b, "\\e");
        else if ((c == '.' || c == '\'') && (i == 0 || s.p[i - 1] == '\n'))
            buf_printf(b, "\\&%c", c);
        else
            buf_put_char(b, c);
    }
    buf_put_char(b, '\n');
}

static void put_man_key(struct buf *b, const struct config_key *k)
{
    char text[1024];
    struct buf t = buf_over(text, sizeof(text));
    buf_printf(b, ".TP\n.B %s\n", k->name);
    put_roff(b, slice_from_str(k->help));
    BUF_PUT_LIT(b, ".br\nAllowed: ");
    k->type->put_allowed(k, &t);
    buf_put_char(&t, '.');
    put_roff(b, buf_slice(&t));
    BUF_PUT_LIT(b, ".br\nDefault: ");
    t.n = 0;
    buf_printf(&t, "%s.%s", *k->fallback ? k->fallback : "empty",
               k->fixed ? " Needs a restart." : "");
    put_roff(b, buf_slice(&t));
}

static const char man_head[] =
    ".TH SOTTO.CONF 5 \"\" \"sotto\" \"File formats\"\n"
    ".SH NAME\n"
    "sotto.conf \\- settings of the calling server sotto\n"
    ".SH DESCRIPTION\n"
    "The server needs no settings: without a file it is secure. The file is read from where\n"
    ".B sotto serve \\-c\n"
    "says, else from\n"
    ".I sotto.conf\n"
    "in the folder that the variable CONFIGURATION_DIRECTORY names (as systemd sets it), else in "
    "the\n"
    "data folder. Then files\n"
    ".I conf.d/NAME.conf\n"
    "beside it are read in order of their names; a later setting replaces an earlier one.\n"
    "Users, routes and everything else that an administrator manages are not here but in the "
    "store;\n"
    "see\n"
    ".BR sotto (1).\n"
    ".PP\n"
    "A line is\n"
    ".B [section]\n"
    "or\n"
    ".B key = value\n"
    "or, after # or ;, a comment. A value that is a list may go on in the next line, indented. "
    "Lines\n"
    "have at most 198 characters. An unknown section or key, a value that is not allowed, or a key "
    "set\n"
    "twice in one file is an error:\n"
    ".B sotto serve\n"
    "names all of them with file and line, and ends with status 3;\n"
    ".B sotto serve \\-\\-check\n"
    "does so without starting.\n"
    ".PP\n"
    ".B sotto reload\n"
    "or SIGHUP reads the files again; where they are wrong, the old settings stay in force. Keys "
    "that\n"
    "need a restart say so below.\n";

static const char man_tail[] = ".SH EXAMPLE\n"
                               ".nf\n"
                               "[server]\n"
                               "domain = example.org\n"
                               "\n"
                               "[sip]\n"
                               "listen = tls:[::]:5061, tls:0.0.0.0:5061\n"
                               "advertise = sip.example.org\n"
                               "\n"
                               "[media]\n"
                               "advertise = 203.0.113.7\n"
                               ".fi\n"
                               ".SH SEE ALSO\n"
                               ".BR sotto (1)\n";

void config_put_man(struct buf *b)
{
    buf_put_str(b, man_head);
    for (size_t i = 0; i < config_section_count; i++) {
        const struct config_section *s = &config_sections[i];
        buf_printf(b, ".SH \"SECTION [%s]\"\n", s->name);
        put_roff(b, slice_from_str(s->help));
        for (size_t j = 0; j < config_key_count; j++) {
            if (strcmp(config_keys[j].section, s->name) == 0)
                put_man_key(b, &config_keys[j]);
        }
    }
    buf_put_str(b, man_tail);
}
