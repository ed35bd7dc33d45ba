/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One file for every row of the whitelists, made at test time, opens and tells the decoder that the row names; and what
 * is in no row does not open. */
#include "scratch.h"

#include "source.h"
#include "whitelist.h"

/* How a file is made that needs that demuxer or decoder. "ff" is ffmpeg with a picture and a sound as inputs 0 and 1. */
struct sample {
    const char *row;
    const char *file;
    const char *make; /* a command of the shell */
};

#define FF "ffmpeg -v error -y -f lavfi -i testsrc2=s=176x144:r=25:d=0.4 -f lavfi -i sine=r=48000:d=0.4 -bitexact "
#define VIDEO(codec, file) FF "-map 0 -c:v " codec " " file
#define AUDIO(codec, file) FF "-map 0 -map 1 -c:v mpeg4 -strict -2 -c:a " codec " " file
#define WORDS "printf '1\\n00:00:00,000 --> 00:00:00,300\\nwords\\n' > w.srt && "
#define TEXT(codec, file) WORDS FF "-i w.srt -map 0 -map 2 -c:v mpeg4 -c:s " codec " " file
/* frames of nothing behind a header: there is no encoder */
#define AMR(magic, header, bytes, file)                                                                                \
    "{ printf '" magic "\\n'; for i in 1 2 3 4 5 6 7 8; do printf '" header "'; head -c " bytes " /dev/zero; done; } " \
    "> s.amr && " FF "-i s.amr -map 0 -map 2 -c:v mpeg4 -c:a copy " file

static const struct sample demuxers[] = {
    {"avi", "x.avi", VIDEO("mpeg4", "x.avi")},
    {"flv", "x.flv", VIDEO("flv", "x.flv")},
    {"matroska,webm", "x.webm", VIDEO("libvpx -b:v 200k", "x.webm")},
    {"mov,mp4,m4a,3gp,3g2,mj2", "x.3gp", VIDEO("h263", "x.3gp")},
    {"mpeg", "x.mpg", VIDEO("mpeg2video", "x.mpg")},
    {"mpegts", "x.ts", VIDEO("mpeg2video", "x.ts")},
};

static const struct sample decoders[] = {
    {"dnxhd", "x.mov",
     "ffmpeg -v error -y -f lavfi -i testsrc2=s=1280x720:r=25:d=0.2 -pix_fmt yuv422p -c:v dnxhd -b:v 90M x.mov"},
    {"ffv1", "x.mkv", VIDEO("ffv1", "x.mkv")},
    {"flv", "x.flv", VIDEO("flv", "x.flv")},
    {"h263", "x.3gp", VIDEO("h263", "x.3gp")},
    {"h264", "x.mp4", VIDEO("libx264 -preset ultrafast", "x.mp4")},
    {"hevc", "x.mp4", VIDEO("libx265 -preset ultrafast -x265-params log-level=error", "x.mp4")},
    {"libdav1d", "x.mp4", VIDEO("libaom-av1 -cpu-used 8 -strict -2", "x.mp4")},
    {"mjpeg", "x.avi", VIDEO("mjpeg", "x.avi")},
    {"mpeg1video", "x.mpg", VIDEO("mpeg1video", "x.mpg")},
    {"mpeg2video", "x.ts", VIDEO("mpeg2video", "x.ts")},
    {"mpeg4", "x.avi", VIDEO("mpeg4", "x.avi")},
    {"msmpeg4", "x.avi", VIDEO("msmpeg4", "x.avi")},
    {"png", "x.mov", VIDEO("png", "x.mov")},
    {"prores", "x.mov", VIDEO("prores_ks", "x.mov")},
    {"qtrle", "x.mov", VIDEO("qtrle", "x.mov")},
    {"rawvideo", "x.avi", VIDEO("rawvideo -pix_fmt yuv420p", "x.avi")},
    {"vp8", "x.webm", VIDEO("libvpx -b:v 200k", "x.webm")},
    {"vp9", "x.webm", VIDEO("libvpx-vp9 -b:v 200k -deadline realtime", "x.webm")},
    {"aac", "x.mp4", AUDIO("aac", "x.mp4")},
    {"aac_latm", "x.ts", AUDIO("aac -mpegts_flags +latm", "x.ts")},
    {"ac3", "x.mkv", AUDIO("ac3", "x.mkv")},
    {"adpcm_ima_qt", "x.mov", AUDIO("adpcm_ima_qt", "x.mov")},
    {"adpcm_ima_wav", "x.avi", AUDIO("adpcm_ima_wav", "x.avi")},
    {"adpcm_ms", "x.avi", AUDIO("adpcm_ms", "x.avi")},
    {"adpcm_swf", "x.flv", FF "-map 0 -map 1 -c:v flv -c:a adpcm_swf -ar 22050 x.flv"},
    {"alac", "x.mov", AUDIO("alac", "x.mov")},
    {"amrnb", "x.3gp", AMR("#!AMR", "\\074", "31", "x.3gp")},
    {"amrwb", "x.3gp", AMR("#!AMR-WB", "\\004", "17", "x.3gp")},
    {"dca", "x.mkv", AUDIO("dca", "x.mkv")},
    {"eac3", "x.mkv", AUDIO("eac3", "x.mkv")},
    {"flac", "x.mkv", AUDIO("flac", "x.mkv")},
    {"mp2", "x.mpg", FF "-map 0 -map 1 -c:v mpeg2video -c:a mp2 x.mpg"},
    {"mp3float", "x.avi", AUDIO("libmp3lame", "x.avi")},
    {"nellymoser", "x.flv", FF "-map 0 -map 1 -c:v flv -c:a nellymoser -ar 22050 x.flv"},
    {"opus", "x.mkv", AUDIO("libopus", "x.mkv")},
    {"pcm_alaw", "x.mov", AUDIO("pcm_alaw", "x.mov")},
    {"pcm_f32le", "x.mov", AUDIO("pcm_f32le", "x.mov")},
    {"pcm_mulaw", "x.avi", AUDIO("pcm_mulaw", "x.avi")},
    {"pcm_s16be", "x.mov", AUDIO("pcm_s16be", "x.mov")},
    {"pcm_s16le", "x.avi", AUDIO("pcm_s16le", "x.avi")},
    {"pcm_s24be", "x.mov", AUDIO("pcm_s24be", "x.mov")},
    {"pcm_s24le", "x.mov", AUDIO("pcm_s24le", "x.mov")},
    {"pcm_s32le", "x.mov", AUDIO("pcm_s32le", "x.mov")},
    {"pcm_u8", "x.avi", AUDIO("pcm_u8", "x.avi")},
    {"speex", "x.flv", FF "-map 0 -map 1 -c:v flv -c:a libspeex -ar 16000 x.flv"},
    {"truehd", "x.mkv", AUDIO("truehd", "x.mkv")},
    {"vorbis", "x.mkv", AUDIO("libvorbis", "x.mkv")},
    {"mov_text", "x.mp4", TEXT("mov_text", "x.mp4")},
    {"srt", "x.mkv", TEXT("srt", "x.mkv")},
    {"ssa", "x.mkv", TEXT("ass", "x.mkv")},
    {"webvtt", "x.mkv", TEXT("webvtt", "x.mkv")},
};

enum { DEMUXERS = sizeof demuxers / sizeof *demuxers, DECODERS = sizeof decoders / sizeof *decoders };

static void open_sample(const struct sample *sample, struct scratch *scratch, struct vd_source *source)
{
    struct vd_err err = {0};
    struct vd_job job;
    static atomic_llong moved;
    vd_job_defaults(&job);
    scratch_make(scratch);
    scratch_run(scratch, "%s", sample->make);
    int fd = scratch_open(scratch, sample->file);
    if (vd_source_open(source, fd, &job.limits, &moved, &err) < 0)
        fail_msg("%s: %s", sample->row, err.text);
}

static void test_demuxer(void **state)
{
    const struct sample *sample = *state;
    struct scratch scratch;
    struct vd_source source;
    open_sample(sample, &scratch, &source);
    assert_string_equal(source.format->iformat->name, sample->row);
    vd_source_close(&source);
    scratch_drop(&scratch);
}

static void test_decoder(void **state)
{
    const struct sample *sample = *state;
    struct scratch scratch;
    struct vd_source source;
    bool found = false;
    open_sample(sample, &scratch, &source);
    for (unsigned i = 0; i < source.format->nb_streams; i++) {
        const AVCodecParameters *par = source.format->streams[i]->codecpar;
        const AVCodec *decoder = avcodec_find_decoder(par->codec_id);
        bool named = decoder && !strcmp(decoder->name, sample->row);
        found = found || named;
        if (named && par->codec_type == AVMEDIA_TYPE_AUDIO)
            assert_int_not_equal(par->format, -1); /* only a decoder that was let in knows */
    }
    assert_true(found);
    if (source.video->codecpar->codec_id == avcodec_find_decoder_by_name(sample->row)->id)
        assert_string_equal(source.decoder->name, sample->row);
    vd_source_close(&source);
    scratch_drop(&scratch);
}

/* Both ways: no row without a sample, no sample without a row. */
static void test_every_row(void **state)
{
    (void)state;
    for (int i = 0; i < DEMUXERS; i++)
        assert_string_equal(vd_demuxer_name(i), demuxers[i].row);
    assert_null(vd_demuxer_name(DEMUXERS));
    for (int i = 0; i < DECODERS; i++)
        assert_string_equal(vd_decoder_name(i), decoders[i].row);
    assert_null(vd_decoder_name(DECODERS));
}

static void test_outsiders(void **state)
{
    static const char *const outside[] = {FF "-c:v gif x.gif",
                                          FF "-map 0 -c:v rawvideo -f nut x.nut",
                                          FF "-map 0 -c:v mpeg4 -f asf x.asf",
                                          FF "-map 0 -c:v huffyuv -pix_fmt yuv422p x.avi",
                                          FF "-map 0 -f yuv4mpegpipe -pix_fmt yuv420p x.y4m",
                                          "printf '#EXTM3U\\n#EXTINF:1,\\nother.ts\\n' > x.mp4",
                                          "printf 'ffconcat version 1.0\\nfile other.mp4\\n' > x.mp4"};
    struct vd_job job;
    atomic_llong moved = 0;
    (void)state;
    vd_job_defaults(&job);
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        struct scratch scratch;
        struct vd_source source;
        struct vd_err err = {0};
        scratch_make(&scratch);
        scratch_run(&scratch, "%s && mv x.* x", outside[i]);
        int fd = scratch_open(&scratch, "x");
        assert_int_equal(vd_source_open(&source, fd, &job.limits, &moved, &err), -1);
        assert_int_equal(err.code, VD_INPUT);
        close(fd);
        scratch_drop(&scratch);
    }
}

int main(void)
{
    struct CMUnitTest tests[2 + DEMUXERS + DECODERS] = {cmocka_unit_test(test_every_row),
                                                        cmocka_unit_test(test_outsiders)};
    for (int i = 0; i < DEMUXERS; i++)
        tests[2 + i] = (struct CMUnitTest){demuxers[i].row, test_demuxer, NULL, NULL, (void *)&demuxers[i]};
    for (int i = 0; i < DECODERS; i++)
        tests[2 + DEMUXERS + i] = (struct CMUnitTest){decoders[i].row, test_decoder, NULL, NULL, (void *)&decoders[i]};
    return cmocka_run_group_tests_name("whitelist", tests, NULL, NULL);
}
