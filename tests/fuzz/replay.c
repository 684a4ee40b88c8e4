/* Runs every file of the given directories through the fuzz target, each in memory of just its size
 * for the sanitizer's sake. A directory without files fails: a corpus that went missing is not a
 * test that passed. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return -1;
    }
    static uint8_t bytes[1 << 20];
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    uint8_t *exact = malloc(size == 0 ? 1 : size);
    if (exact == NULL)
        return -1;
    for (size_t i = 0; i < size; i++)
        exact[i] = bytes[i];
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 0;
}

/* The number of files, or -1. */
static int replay_directory(const char *directory)
{
    DIR *dir = opendir(directory);
    if (dir == NULL) {
        perror(directory);
        return -1;
    }
    int count = 0;
    for (struct dirent *entry; count >= 0 && (entry = readdir(dir)) != NULL;) {
        char path[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        count = replay_file(path) == 0 ? count + 1 : -1;
    }
    closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;
    for (int i = 1; i < argc; i++) {
        int count = replay_directory(argv[i]);
        printf("%s: %d files replayed\n", argv[i], count);
        if (count <= 0)
            failed = 1;
    }
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
