/* Runs a fuzz target over its corpus as an ordinary test: every file of the folders (or the files)
 * given, and every truncation of each, up to TRUNCATE_MAX bytes. Needs no libFuzzer, so each
 * compiler and each sanitizer build replays the same inputs. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TRUNCATE_MAX 4096
#define PATH_LIMIT 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long files_run, inputs_run;

static void die(const char *what, const char *path)
{
    fprintf(stderr, "%s: %s: %s\n", path, what, strerror(errno));
    exit(1);
}

/* A block of exactly `n` bytes, so that a sanitizer sees the first byte read past the end. */
static void run_one(const uint8_t *data, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);

    if (!copy)
        die("malloc", "input");
    if (n)
        memcpy(copy, data, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
    inputs_run++;
}

static uint8_t *read_all(const char *path, size_t size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = malloc(size ? size : 1);

    if (!f || !data)
        die("cannot open", path);
    if (fread(data, 1, size, f) != size)
        die("cannot read", path);
    fclose(f);
    return data;
}

static void run_file(const char *path, size_t size)
{
    uint8_t *data = read_all(path, size);
    size_t last = size < TRUNCATE_MAX ? size : TRUNCATE_MAX;

    run_one(data, size);
    for (size_t n = 0; n < last; n++)
        run_one(data, n);
    free(data);
    files_run++;
}

static void run_path(const char *path);

static void run_folder(const char *path)
{
    struct dirent **names;
    int count = scandir(path, &names, NULL, alphasort);

    if (count < 0)
        die("cannot list", path);
    for (int i = 0; i < count; i++) {
        char sub[PATH_LIMIT];

        if (names[i]->d_name[0] != '.' &&
            snprintf(sub, sizeof(sub), "%s/%s", path, names[i]->d_name) < (int)sizeof(sub))
            run_path(sub);
        free(names[i]);
    }
    free(names);
}

static void run_path(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0) {
        /* A fuzzer without seeds yet is no failure: the empty input still runs. */
        printf("%s: %s\n", path, strerror(errno));
        return;
    }
    if (S_ISDIR(st.st_mode))
        run_folder(path);
    else
        run_file(path, (size_t)st.st_size);
}

int main(int argc, char **argv)
{
    run_one(NULL, 0);
    for (int i = 1; i < argc; i++)
        run_path(argv[i]);
    printf("%lu files, %lu inputs\n", files_run, inputs_run);
    return 0;
}
