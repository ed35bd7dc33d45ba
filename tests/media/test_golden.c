/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Checksums of every picture after decoding and effect, no encoder: a change of a single bit in any format is seen. The
 * pictures come out of FFmpeg's own test source, drawn in the format itself and coded losslessly; their checksum before
 * the effect stands beside, so that a new FFmpeg with other pictures is told from a change of ours.
 *
 * `test_golden --print` prints the table as it is now.
 */
#include "tinted.h"

#include <libavutil/pixdesc.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

struct golden {
    const char *format; /* FFmpeg's name */
    const char *size;
    const char *more; /* filters behind it, and options of the coder: none that make FFmpeg convert */
    uint64_t before, after;
};

static const struct golden goldens[] = {
#include "golden_table.h"
};

enum { GOLDENS = sizeof goldens / sizeof *goldens };

static void hash_frame(XXH3_state_t *state, const AVFrame *frame, int width, int height)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(frame->format);
    for (int plane = 0; plane < 3 && frame->data[plane]; plane++) {
        int w = plane ? AV_CEIL_RSHIFT(width, desc->log2_chroma_w) : width;
        int h = plane ? AV_CEIL_RSHIFT(height, desc->log2_chroma_h) : height;
        size_t bytes = (size_t)w * (desc->comp[0].depth > 8 ? 2 : 1);
        if (plane && desc->comp[1].plane == desc->comp[2].plane)
            bytes *= 2;
        for (int y = 0; y < h; y++)
            XXH3_64bits_update(state, frame->data[plane] + (ptrdiff_t)y * frame->linesize[plane], bytes);
    }
}

static void make(const struct scratch *scratch, const struct golden *golden)
{
    scratch_run(scratch,
                "ffmpeg -v error -y -f lavfi -i testsrc2=s=%s:r=5:d=1,format=%s%s -bitexact -c:v ffv1 -level 3 in.mkv",
                golden->size, golden->format, golden->more);
}

static void measure(const struct golden *golden, uint64_t *before, uint64_t *after)
{
    struct scratch scratch;
    struct tinted tinted;
    XXH3_state_t *in = XXH3_createState(), *out = XXH3_createState();
    const struct vd_picture *picture = &tinted.plan.picture;
    XXH3_64bits_reset(in);
    XXH3_64bits_reset(out);
    scratch_make(&scratch);
    make(&scratch, golden);
    int fd = scratch_open(&scratch, "in.mkv"), frames = 0;
    tinted_open(&tinted, fd);
    for (AVFrame *frame; (frame = tinted_decode(&tinted)); frames++) {
        hash_frame(in, frame, picture->width, picture->height);
        tinted_apply(&tinted, &frame);
        hash_frame(out, frame, picture->padded_width, picture->padded_height);
        av_frame_free(&frame);
    }
    assert_int_equal(frames, 5);
    *before = XXH3_64bits_digest(in);
    *after = XXH3_64bits_digest(out);
    tinted_close(&tinted);
    XXH3_freeState(in);
    XXH3_freeState(out);
    close(fd);
    scratch_drop(&scratch);
}

static void test_format(void **state)
{
    const struct golden *golden = *state;
    uint64_t before, after;
    measure(golden, &before, &after);
    if (before != golden->before)
        fail_msg("%s %s: the test source itself is another one: %016llx", golden->format, golden->size,
                 (unsigned long long)before);
    assert_int_equal(after, golden->after);
}

static void print_table(void)
{
    printf("/* SPDX-License-Identifier: GPL-3.0-or-later */\n/* clang-format off */\n");
    for (int i = 0; i < GOLDENS; i++) {
        uint64_t before, after;
        measure(&goldens[i], &before, &after);
        printf("    {\"%s\", \"%s\", \"%s\", 0x%016llx, 0x%016llx},\n", goldens[i].format, goldens[i].size,
               goldens[i].more, (unsigned long long)before, (unsigned long long)after);
    }
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[GOLDENS];
    static char names[GOLDENS][64];
    if (argc > 1 && !strcmp(argv[1], "--print")) {
        print_table();
        return 0;
    }
    for (int i = 0; i < GOLDENS; i++) {
        snprintf(names[i], sizeof names[i], "%s %s", goldens[i].format, goldens[i].size);
        tests[i] = (struct CMUnitTest){
            .name = names[i], .test_func = test_format, .initial_state = (void *)&goldens[i]};
    }
    return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
