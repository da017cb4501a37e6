/*
 * replay: runs a fuzz target once over every file of a folder, as libFuzzer's own main does with a
 * list of files, but without clang.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -1;
    }
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    /* Exactly as large as the input, so that a sanitizer sees one byte too far. */
    uint8_t *data = size > 0 ? malloc((size_t)size) : NULL;
    int rc = -1;
    if (size >= 0 && (size == 0 || (data && fread(data, 1, (size_t)size, file) == (size_t)size))) {
        LLVMFuzzerTestOneInput(data, (size_t)size);
        rc = 0;
    }
    free(data);
    fclose(file);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    DIR *folder = opendir(argv[1]);
    if (!folder) {
        fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    int count = 0;
    struct dirent *entry;
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
        if (run_file(path) < 0)
            return 1;
        count++;
    }
    closedir(folder);
    if (count == 0) {
        fprintf(stderr, "%s: no inputs\n", argv[1]);
        return 1;
    }
    printf("%d inputs\n", count);
    return 0;
}
