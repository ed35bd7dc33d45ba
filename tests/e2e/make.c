/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "make.h"

#include "proc.h"
#include "suite.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void folder_make(struct folder *folder)
{
    const char *above = getenv("TMPDIR");
    snprintf(folder->path, sizeof(folder->path), "%s/vidriera-e2e-XXXXXX", above && *above ? above : "/tmp");
    assert_non_null(mkdtemp(folder->path));
}

static int drop_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st, (void)type, (void)walk;
    return remove(path);
}

void folder_drop(const struct folder *folder)
{
    if (getenv("VD_KEEP"))
        print_message("kept: %s\n", folder->path);
    else
        nftw(folder->path, drop_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *folder_path(const struct folder *folder, const char *name)
{
    static char buffers[4][1024];
    static unsigned turn;
    char *path = buffers[turn++ % 4];
    snprintf(path, sizeof(buffers[0]), "%s/%s", folder->path, name);
    return path;
}

static int visible(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

char *folder_list(const struct folder *folder)
{
    struct dirent **entries;
    int count = scandir(folder->path, &entries, visible, alphasort);
    assert_true(count >= 0);
    char *list = NULL;
    size_t size;
    FILE *text = open_memstream(&list, &size);
    assert_non_null(text);
    for (int i = 0; i < count; i++) {
        fprintf(text, "%s\n", entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    fclose(text);
    return list;
}

void make_by(const struct folder *folder, const char *script)
{
    static const char prelude[] = "set -e\n"
                                  "ff() { ffmpeg -nostdin -hide_banner -v error -y \"$@\"; }\n";
    char *text = malloc(sizeof(prelude) + strlen(script));
    assert_non_null(text);
    strcpy(text, prelude);
    strcat(text, script);

    struct outcome outcome;
    char *argv[] = {"sh", "-c", text, NULL};
    proc_run(&outcome, folder->path, argv);
    if (proc_code(&outcome))
        fail_msg("the input cannot be made (%d): %s\n%s", proc_code(&outcome), script, outcome.err);
    proc_forget(&outcome);
    free(text);
}

uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rbe");
    if (!file)
        fail_msg("%s cannot be read", path);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *data = calloc(1, *size + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *size, file), *size);
    fclose(file);
    return data;
}

void write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wbe");
    if (!file)
        fail_msg("%s cannot be written", path);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

void put32(uint8_t *p, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* ISO/IEC 14496-12, 8.3.2: a version 0 tkhd has the matrix 40 bytes after its version, then width and height. */
void patch_display_matrix(const char *path, const int32_t matrix[9])
{
    size_t size;
    uint8_t *data = read_file(path, &size);
    int found = 0;
    for (size_t i = 4; i + 88 <= size; i++) {
        uint8_t *box = data + i + 4;
        if (memcmp(data + i, "tkhd", 4) != 0 || get32(data + i - 4) != 92 || get32(box + 76) == 0)
            continue;
        for (int j = 0; j < 9; j++)
            put32(box + 40 + 4 * j, (uint32_t)matrix[j]);
        found++;
    }
    assert_int_equal(found, 1);
    write_file(path, data, size);
    free(data);
}

/* ISO/IEC 13818-1, 2.4.3.2 and 2.4.3.6: the flags leave, the bytes stay as stuffing. */
void patch_ts_times_away(const char *path, int nth)
{
    size_t size;
    uint8_t *data = read_file(path, &size);
    int seen = 0;
    for (uint8_t *packet = data; packet + 188 <= data + size; packet += 188) {
        bool starts = packet[1] & 0x40;
        size_t header = packet[3] & 0x20 ? 5 + (size_t)packet[4] : 4;
        if (!starts || header + 19 > 188)
            continue;
        uint8_t *pes = packet + header;
        if (pes[0] != 0 || pes[1] != 0 || pes[2] != 1 || (pes[3] & 0xf0) != 0xe0 || seen++ % nth != nth - 1)
            continue;
        pes[7] &= 0x3f;
        memset(pes + 9, 0xff, pes[8]);
    }
    assert_true(seen >= nth);
    write_file(path, data, size);
    free(data);
}
