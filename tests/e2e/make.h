/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recordings made at test time: by the ffmpeg program from its own sources, and by changing bytes where no program
 * makes what a test needs. Everything lies in a folder of its own, which goes when the test is over (VD_KEEP=1: stays).
 * Every function fails the test when it cannot do its work.
 */
#ifndef E2E_MAKE_H
#define E2E_MAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct folder {
    char path[256];
};

void folder_make(struct folder *folder);
void folder_drop(const struct folder *folder);

/* "folder/name"; in one of four buffers that take turns. */
const char *folder_path(const struct folder *folder, const char *name);

/* All names in it but . and .., in alphabetical order, each followed by '\n'. The caller frees it. */
char *folder_list(const struct folder *folder);

/* Runs a shell script in the folder. `ff` in it is ffmpeg, quiet; see also the words below. */
void make_by(const struct folder *folder, const char *script);

/* Words for those scripts. Pictures are tiny, but not below what encoders accept. */
#define PICTURE " -f lavfi -i testsrc2=s=192x144:r=25:d=1 "
#define SOUND " -f lavfi -i sine=f=440:r=48000:d=1 "
#define X264 " -c:v libx264 -preset ultrafast -threads 1 "
#define X265 " -c:v libx265 -preset ultrafast -x265-params log-level=error:pools=1:frame-threads=1"
#define AAC " -c:a aac -b:a 64k "

/* Whole files. The caller frees what read_file() returns; it is followed by a 0. */
uint8_t *read_file(const char *path, size_t *size);
void write_file(const char *path, const void *data, size_t size);

/* Big-endian numbers, as most containers have them. */
uint32_t get32(const uint8_t *p);
void put32(uint8_t *p, uint32_t value);

/* Turns the viewer's picture: the nine numbers go into the tkhd box of the video track of an mp4 or mov. */
void patch_display_matrix(const char *path, const int32_t matrix[9]);

/* Takes the PTS (and DTS) away from some video packets of a transport stream: from every nth, the first one never. */
void patch_ts_times_away(const char *path, int nth);

#endif
