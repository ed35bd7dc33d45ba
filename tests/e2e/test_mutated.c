/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Small recordings with bytes changed at random, the same ones in every run: each either comes out or is refused, as
 * unusable or (turned by chance) as not for mkv, in one line, with nothing left behind; never a defect of ours, never a
 * signal, never a hang. The child's sanitizers, where it was built with them, have their say
 * as well.
 *
 * $VD_MUTATIONS: how many of each recording, 12 unless told; more finds more.
 */
#include "row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SMALL "ff -f lavfi -i testsrc2=s=160x96:r=25:d=0.6 -f lavfi -i sine=r=48000:d=0.6 "

struct victim {
    const char *name, *make;
};

static const struct victim victims[] = {
    {"in.mp4", SMALL X264 "-bf 2" AAC "-movflags +faststart in.mp4"},
    {"in.mov", SMALL "-c:v mjpeg -c:a pcm_s16le in.mov"},
    {"in.mkv", SMALL X264 "-c:a libopus in.mkv"},
    {"in.webm", SMALL "-c:v libvpx-vp9 -deadline realtime -c:a libopus in.webm"},
    {"in.ts", SMALL X264 "-bf 2" AAC "in.ts"},
    {"in.mpg", SMALL "-c:v mpeg2video -c:a mp2 in.mpg"},
    {"in.avi", SMALL "-c:v mpeg4 -bf 2 -c:a libmp3lame in.avi"},
    {"in.flv", SMALL "-c:v flv -c:a libmp3lame -ar 44100 in.flv"},
};

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* Every other one is hurt in its first 2 KiB alone, where the structure is. */
static void hurt(uint8_t *data, size_t size, uint32_t seed)
{
    size_t reach = seed % 2 && size > 2048 ? 2048 : size;
    for (uint32_t n = 1 + next(&seed) % 12; n; n--)
        data[next(&seed) % reach] = (uint8_t)next(&seed);
}

static void check_outcome(const struct folder *folder, const struct outcome *outcome, const char *name, uint32_t seed)
{
    int code = proc_code(outcome);
    char *files = folder_list(folder);
    size_t lines = 0;
    for (const char *c = outcome->err; *c; c++)
        lines += *c == '\n';
    bool kept = strstr(files, "out.mkv");
    if (outcome->timed_out || (code != 0 && code != 65 && code != 64) || kept != (code == 0) ||
        strstr(files, ".part") || (code != 0 && lines != 1))
        fail_msg("%s, seed %u: exit %d%s, folder:\n%sit said:\n%s", name, seed, code,
                 outcome->timed_out ? " (hung)" : "", files, outcome->err);
    free(files);
}

static void test_victim(void **state)
{
    const struct victim *victim = *state;
    struct folder folder;
    size_t size;
    const char *wanted = getenv("VD_MUTATIONS");
    uint32_t count = wanted ? (uint32_t)strtoul(wanted, NULL, 10) : 12;
    folder_make(&folder);
    make_by(&folder, victim->make);
    uint8_t *whole = read_file(folder_path(&folder, victim->name), &size);
    uint8_t *hurting = malloc(size);
    assert_non_null(hurting);
    for (uint32_t seed = 1; seed <= count; seed++) {
        struct outcome outcome;
        memcpy(hurting, whole, size);
        hurt(hurting, size, seed);
        write_file(folder_path(&folder, victim->name), hurting, size);
        proc_run(&outcome, folder.path,
                 process_argv(victim->name, "out.mkv", "-q --preset ultrafast --threads 1 --stall 20 --overwrite"));
        check_outcome(&folder, &outcome, victim->name, seed);
        proc_forget(&outcome);
        unlink(folder_path(&folder, "out.mkv"));
    }
    free(hurting);
    free(whole);
    folder_drop(&folder);
}

enum { VICTIMS = sizeof(victims) / sizeof(*victims) };

int main(void)
{
    struct CMUnitTest tests[VICTIMS];
    for (int i = 0; i < VICTIMS; i++)
        tests[i] = (struct CMUnitTest){victims[i].name, test_victim, NULL, NULL, (void *)&victims[i]};
    return cmocka_run_group_tests_name("mutated", tests, NULL, NULL);
}
