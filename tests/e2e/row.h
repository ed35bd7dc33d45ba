/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One recording through `vidriera process`, and everything about the result that can be told from outside. A row names
 * only what is special: all checks are made unless the row says why one cannot hold, and nothing may be dropped or
 * warned of unless the row expects it.
 */
#ifndef E2E_ROW_H
#define E2E_ROW_H

#include "inspect.h"
#include "make.h"
#include "proc.h"
#include "suite.h"

#include <jansson.h>

enum check {
    TIMES = 1 << 0,    /* of every frame, exactly */
    START = 1 << 1,    /* of the first frame; without it all streams may be shifted alike */
    AUDIO = 1 << 2,    /* every packet, and where it lies beside the picture */
    COLOUR = 1 << 3,   /* 0.7 of the input and 0.3 of each colour, in both halves of every frame */
    TAGS = 1 << 4,     /* colour range, matrix, primaries, transfer */
    FIELDS = 1 << 5,   /* interlaced or not, and which field is first */
    SHAPE = 1 << 6,    /* sample aspect and display matrix */
    TEXT = 1 << 7,     /* subtitles and chapters */
    METADATA = 1 << 8, /* and languages */
    WARNINGS = 1 << 9, /* there may be any */
    LOSS = 1 << 10,    /* damaged packets of the input are its loss */
    REPAIRED = 1 << 11 /* TIMES of frames that do not rise are only known to lie between their neighbours' */
};

struct row {
    const char *name;
    const char *input;                                       /* its name */
    const char *make;                                        /* script that makes it */
    void (*craft)(const struct folder *f, const char *path); /* changes it then; NULL: nothing to change */
    const char *options;                                     /* of vidriera, divided by spaces */
    const char *output;                                      /* -o; NULL: not given */
    unsigned except;                                         /* enum check: what does not hold here */
    const char *container, *codec;                           /* expected; NULL: mp4, h264 */
    const char *format;                                      /* FFmpeg's name of the pixel format; NULL: yuv420p */
    const char *warning, *dropped;                           /* a part of what must be said */
    bool (*meant)(const struct seen *in); /* is the input what the row is about? lest a row tests nothing */
    size_t frames;                        /* so many at least, for the same reason; 0: 1 */
};

/* Runs every row as a test of that name. For main(). */
int rows_run(const char *group, const struct row *rows, size_t count);

/* The folder, the outcome and both recordings of one run, for tests that look further. */
struct run {
    struct folder folder;
    const struct row *row;
    struct outcome outcome;
    json_t *result;
    char output[64];
    struct seen in, out;
    int complaints;
};

/* Makes the input, runs vidriera, reads both. Fails the test when there is no result to be checked. */
void run_make(struct run *run, const struct row *row);
void run_check(struct run *run);
void run_drop(struct run *run);

/* Says what is wrong and goes on: the test fails in run_check(), with everything told at once. */
void complain(struct run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* argv of `vidriera process`; words: options divided by spaces. Valid until the next call; words are copied. */
char **process_argv(const char *input, const char *output, const char *words);

#endif
