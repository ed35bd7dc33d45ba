/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The driver without libva, so that sanitizers see all of it: slices that are damaged, numbers that lie. */
#include "bits.h"
#include "driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WIDTH = 40, HEIGHT = 24, COLUMNS = 3, ROWS = 2, MACROBLOCKS = COLUMNS * ROWS, ROOM = 8192 };

static struct VADriverVTable table;
static struct VADriverContext driver = {.vtable = &table};
static VAContextID decoder, encoder;
static VASurfaceID source, target;

static VAContextID context_for(VAEntrypoint entrypoint)
{
    VAConfigID config;
    VAContextID context;
    assert_int_equal(table.vaCreateConfig(&driver, VAProfileH264ConstrainedBaseline, entrypoint, NULL, 0, &config), 0);
    assert_int_equal(table.vaCreateContext(&driver, config, WIDTH, HEIGHT, 0, NULL, 0, &context), 0);
    return context;
}

static VASurfaceID surface(unsigned width, unsigned height)
{
    VASurfaceID id;
    assert_int_equal(table.vaCreateSurfaces2(&driver, VA_RT_FORMAT_YUV420, width, height, &id, 1, NULL, 0),
                     VA_STATUS_SUCCESS);
    return id;
}

static int setup(void **state)
{
    (void)state;
    memset(&table, 0, sizeof table);
    assert_int_equal(__vaDriverInit_1_0(&driver), VA_STATUS_SUCCESS);
    decoder = context_for(VAEntrypointVLD);
    encoder = context_for(VAEntrypointEncSlice);
    source = surface(WIDTH, HEIGHT);
    target = surface(WIDTH, HEIGHT);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return table.vaTerminate(&driver) != VA_STATUS_SUCCESS;
}

static VABufferID buffer(VAContextID context, VABufferType type, size_t size, const void *data)
{
    VABufferID id;
    void *copy = NULL;
    if (data) { /* its end is where a sanitizer sees it */
        copy = malloc(size ? size : 1);
        assert_non_null(copy);
        memcpy(copy, data, size);
    }
    assert_int_equal(table.vaCreateBuffer(&driver, context, type, (unsigned)size, 1, copy, &id), VA_STATUS_SUCCESS);
    free(copy);
    return id;
}

static VAStatus picture(VAContextID context, VASurfaceID surface_id, VABufferID *list, int count)
{
    assert_int_equal(table.vaBeginPicture(&driver, context, surface_id), VA_STATUS_SUCCESS);
    VAStatus status = table.vaRenderPicture(&driver, context, list, count);
    VAStatus end = table.vaEndPicture(&driver, context);
    for (int i = 0; i < count; i++)
        table.vaDestroyBuffer(&driver, list[i]);
    return status ? status : end;
}

static struct vd_double_plane plane_of(VASurfaceID id, unsigned plane)
{
    struct vd_double_plane out;
    assert_true(vd_double_plane(&driver, id, plane, &out));
    return out;
}

static void fill(VASurfaceID id, unsigned *seed, unsigned mask)
{
    for (unsigned plane = 0; plane < 2; plane++) {
        struct vd_double_plane out = plane_of(id, plane);
        for (unsigned i = 0; i < out.rows * out.pitch; i++)
            out.memory[i] = (uint8_t)((*seed = *seed * 1103515245 + 12345) >> 16 & mask);
    }
}

static void assert_same_picture(void)
{
    for (unsigned plane = 0; plane < 2; plane++) {
        struct vd_double_plane a = plane_of(source, plane), b = plane_of(target, plane);
        for (unsigned y = 0; y < a.rows; y++)
            assert_memory_equal(a.memory + (size_t)y * a.pitch, b.memory + (size_t)y * b.pitch, WIDTH);
    }
}

/* What an encoder is asked; a test makes one of it a lie. */
struct request {
    VAEncSequenceParameterBufferH264 sequence;
    VAEncPictureParameterBufferH264 picture;
    VAEncPackedHeaderParameterBuffer packed;
    VAEncSliceParameterBufferH264 slice;
    uint8_t header[16];
    size_t header_size;
};

/* Headers as an application escapes them: of `bits` bits after two zero bytes, all ones or all zeros. */
static struct request request(unsigned bits, bool ones, bool predicted)
{
    struct request made = {
        .sequence = {.picture_width_in_mbs = COLUMNS, .picture_height_in_mbs = ROWS},
        .packed = {.type = VAEncPackedHeaderSlice, .has_emulation_bytes = 1},
        .slice = {.num_macroblocks = MACROBLOCKS, .slice_type = predicted ? 0 : 2},
        .header = {0, 0, 0, 1, 0x65, 0, 0},
        .header_size = 7,
    };
    uint8_t last = ones ? (uint8_t)(0xff00 >> bits) : 0;
    if (last <= 3)
        made.header[made.header_size++] = 3;
    made.header[made.header_size++] = last;
    made.packed.bit_length = (uint32_t)(made.header_size * 8 - (8 - bits));
    return made;
}

static VAStatus encode(struct request *asked, VABufferID coded)
{
    asked->picture.coded_buf = coded;
    VABufferID list[] = {
        buffer(encoder, VAEncSequenceParameterBufferType, sizeof asked->sequence, &asked->sequence),
        buffer(encoder, VAEncPictureParameterBufferType, sizeof asked->picture, &asked->picture),
        buffer(encoder, VAEncPackedHeaderParameterBufferType, sizeof asked->packed, &asked->packed),
        buffer(encoder, VAEncPackedHeaderDataBufferType, asked->header_size, asked->header),
        buffer(encoder, VAEncSliceParameterBufferType, sizeof asked->slice, &asked->slice),
    };
    return picture(encoder, source, list, sizeof list / sizeof *list);
}

struct coded {
    uint8_t data[ROOM];
    size_t size;
};

static void encoded(struct request *asked, struct coded *out)
{
    VABufferID coded = buffer(encoder, VAEncCodedBufferType, ROOM, NULL);
    assert_int_equal(encode(asked, coded), VA_STATUS_SUCCESS);
    VACodedBufferSegment *segment;
    assert_int_equal(table.vaMapBuffer(&driver, coded, (void **)&segment), VA_STATUS_SUCCESS);
    out->size = segment->size;
    memcpy(out->data, segment->buf, segment->size);
    table.vaDestroyBuffer(&driver, coded);
}

static VAStatus decode(const VASliceParameterBufferH264 *slice, const VAPictureParameterBufferH264 *parameters,
                       const uint8_t *nal, size_t size)
{
    VABufferID list[] = {
        buffer(decoder, VAPictureParameterBufferType, sizeof *parameters, parameters),
        buffer(decoder, VASliceParameterBufferType, sizeof *slice, slice),
        buffer(decoder, VASliceDataBufferType, size, nal),
    };
    return picture(decoder, target, list, 3);
}

static const VAPictureParameterBufferH264 whole = {.picture_width_in_mbs_minus1 = COLUMNS - 1,
                                                   .picture_height_in_mbs_minus1 = ROWS - 1,
                                                   .seq_fields.bits.chroma_format_idc = 1};

static VASliceParameterBufferH264 slice_of(unsigned bits, bool predicted, size_t size)
{
    return (VASliceParameterBufferH264){.slice_data_size = (uint32_t)size,
                                        .slice_data_bit_offset = (uint16_t)(24 + bits),
                                        .slice_type = predicted ? 0 : 2};
}

/* Clause 7.4.1: no start code within, and 3 after two zeros only before something that needs it. */
static void assert_escaped(const uint8_t *nal, size_t size)
{
    assert_true(size > 0 && nal[size - 1]);
    for (size_t i = 0; i + 3 < size; i++)
        if (!nal[i] && !nal[i + 1])
            assert_true(nal[i + 2] > 3 || (nal[i + 2] == 3 && nal[i + 3] <= 3));
}

static void a_header_may_end_anywhere(void **state)
{
    unsigned seed = 1;
    (void)state;
    for (unsigned bits = 1; bits <= 8; bits++) {
        for (unsigned variant = 0; variant < 8; variant++) {
            bool ones = variant & 1, predicted = variant & 2;
            fill(source, &seed, variant & 4 ? 1 : 255);
            struct request asked = request(bits, ones, predicted);
            struct coded coded;
            encoded(&asked, &coded);
            assert_memory_equal(coded.data, asked.header, 7);
            assert_escaped(coded.data + 4, coded.size - 4);
            VASliceParameterBufferH264 slice = slice_of(bits, predicted, coded.size - 4);
            assert_int_equal(decode(&slice, &whole, coded.data + 4, coded.size - 4), VA_STATUS_SUCCESS);
            assert_same_picture();
        }
    }
}

static void damaged_slices_are_refused_or_decoded(void **state)
{
    unsigned seed = 7, refused = 0;
    (void)state;
    fill(source, &seed, 255);
    struct request asked = request(3, true, false);
    struct coded good;
    encoded(&asked, &good);
    for (unsigned i = 0; i < 4000; i++) {
        struct coded bad = good;
        seed = seed * 1103515245 + 12345;
        unsigned a = seed >> 16;
        seed = seed * 1103515245 + 12345;
        unsigned b = seed >> 16;
        size_t size = i % 3 ? good.size - 4 : a % (good.size - 4) + 1;
        bad.data[4 + b % (i % 2 ? 16 : good.size - 4)] ^= (uint8_t)(1u << a % 8);
        VASliceParameterBufferH264 slice = slice_of(i % 5 ? 3 : a, i % 7 == 0, size);
        if (i % 11 == 0)
            slice.first_mb_in_slice = (uint16_t)b;
        refused += decode(&slice, &whole, bad.data + 4, size) == VA_STATUS_ERROR_DECODING_ERROR;
    }
    assert_in_range(refused, 1000, 3999);
}

static void a_decoder_is_told_lies(void **state)
{
    unsigned seed = 3;
    (void)state;
    fill(source, &seed, 255);
    struct request asked = request(8, true, false);
    struct coded good;
    encoded(&asked, &good);
    const uint8_t *nal = good.data + 4;
    size_t size = good.size - 4;
    VASliceParameterBufferH264 slice = slice_of(8, false, size);
    VAPictureParameterBufferH264 lie;
#define REFUSED(change)                                                                                                \
    do {                                                                                                               \
        VASliceParameterBufferH264 was = slice;                                                                        \
        lie = whole;                                                                                                   \
        change;                                                                                                        \
        assert_int_equal(decode(&slice, &lie, nal, size), VA_STATUS_ERROR_DECODING_ERROR);                             \
        slice = was;                                                                                                   \
    } while (0)
    REFUSED(slice.slice_data_size = UINT32_MAX);
    REFUSED(slice.slice_data_offset = UINT32_MAX);
    REFUSED((slice.slice_data_offset = 8, slice.slice_data_size = (uint32_t)size));
    REFUSED(slice.slice_data_bit_offset = UINT16_MAX);
    REFUSED(slice.first_mb_in_slice = 1);
    REFUSED(slice.slice_type = 1);
    REFUSED(slice.slice_data_flag = VA_SLICE_DATA_FLAG_BEGIN);
    REFUSED((lie.chroma_qp_index_offset = 12, slice.slice_alpha_c0_offset_div2 = slice.slice_beta_offset_div2 = 6));
    REFUSED(lie.pic_fields.bits.entropy_coding_mode_flag = 1);
    REFUSED(lie.bit_depth_luma_minus8 = 2);
    REFUSED(lie.seq_fields.bits.chroma_format_idc = 3);
    REFUSED(lie.picture_height_in_mbs_minus1 = UINT16_MAX);
    REFUSED(lie.picture_width_in_mbs_minus1 = UINT16_MAX);
#undef REFUSED
    assert_int_equal(decode(&slice, &whole, nal, size), VA_STATUS_SUCCESS);
    assert_same_picture();

    VABufferID alone = buffer(decoder, VASliceDataBufferType, size, nal);
    assert_int_equal(picture(decoder, target, &alone, 1), VA_STATUS_ERROR_DECODING_ERROR);
    assert_int_equal(picture(decoder, target, NULL, 0), VA_STATUS_ERROR_DECODING_ERROR);
    target = surface(16, 16); /* a larger picture than there is room for */
    assert_int_equal(decode(&slice, &whole, nal, size), VA_STATUS_SUCCESS);
}

static void an_encoder_is_told_lies(void **state)
{
    (void)state;
    VABufferID coded = buffer(encoder, VAEncCodedBufferType, ROOM, NULL);
    VABufferID small = buffer(encoder, VAEncCodedBufferType, 100, NULL);
    VABufferID other = buffer(encoder, VAEncMiscParameterBufferType, ROOM, NULL);
    struct request asked;
#define REFUSED(change, where)                                                                                         \
    do {                                                                                                               \
        asked = request(5, true, false);                                                                               \
        change;                                                                                                        \
        assert_int_not_equal(encode(&asked, where), VA_STATUS_SUCCESS);                                                \
    } while (0)
    REFUSED(asked.slice.macroblock_address = 1, coded);
    REFUSED(asked.slice.macroblock_address = UINT32_MAX, coded);
    REFUSED(asked.slice.num_macroblocks = UINT32_MAX, coded);
    REFUSED(asked.slice.slice_type = 1, coded);
    REFUSED(asked.sequence.picture_width_in_mbs = UINT16_MAX, coded);
    REFUSED(asked.packed.bit_length = UINT32_MAX, coded);
    REFUSED(asked.packed.bit_length = 0, coded);
    REFUSED(asked.packed.bit_length = 32, coded);
    REFUSED(asked.packed.has_emulation_bytes = 0, coded);
    REFUSED(asked.packed.type = VAEncPackedHeaderSequence, coded);
    REFUSED(asked.header[3] = 0, coded);
    REFUSED(asked.picture.pic_fields.bits.entropy_coding_mode_flag = 1, coded);
    REFUSED(asked.slice = asked.slice, small);
    REFUSED(asked.slice = asked.slice, other);
    REFUSED(asked.slice = asked.slice, VA_INVALID_ID);
#undef REFUSED
    asked = request(5, true, false);
    assert_int_equal(encode(&asked, coded), VA_STATUS_SUCCESS);
}

static void images_stay_within(void **state)
{
    (void)state;
    VAImageFormat format = {.fourcc = VA_FOURCC_NV12};
    VAImage image, derived;
    assert_int_equal(table.vaCreateImage(&driver, &format, WIDTH, HEIGHT, &image), VA_STATUS_SUCCESS);
    assert_int_equal(table.vaDeriveImage(&driver, source, &derived), VA_STATUS_SUCCESS);
    assert_int_equal(table.vaGetImage(&driver, source, 0, 0, WIDTH, HEIGHT, image.image_id), VA_STATUS_SUCCESS);
    static const int wrong[][4] = {{1, 0, WIDTH, 1}, {0, 1, 1, HEIGHT}, {-1, 0, 1, 1}, {0, -2, 1, 1}, {0, 0, -1, 1}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const int *w = wrong[i];
        assert_int_not_equal(
            table.vaGetImage(&driver, source, w[0], w[1], (unsigned)w[2], (unsigned)w[3], image.image_id), 0);
        assert_int_not_equal(table.vaPutImage(&driver, source, image.image_id, w[0], w[1], (unsigned)w[2],
                                              (unsigned)w[3], 0, 0, (unsigned)w[2], (unsigned)w[3]),
                             0);
    }
    void *memory;
    assert_int_equal(table.vaDestroySurfaces(&driver, &source, 1), VA_STATUS_SUCCESS);
    assert_int_equal(table.vaMapBuffer(&driver, derived.buf, &memory), VA_STATUS_ERROR_INVALID_SURFACE);
    assert_int_equal(table.vaDestroyImage(&driver, derived.image_id), VA_STATUS_SUCCESS);
    assert_int_equal(table.vaDestroyImage(&driver, derived.image_id), VA_STATUS_ERROR_INVALID_IMAGE);
}

static void what_is_not_there(void **state)
{
    static const unsigned ids[] = {0, VA_INVALID_ID, VD_FIRST_SURFACE + 999, VD_FIRST_BUFFER + 999, 0x80000000};
    VASurfaceID none;
    void *memory;
    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        VASurfaceID id = ids[i];
        assert_int_equal(table.vaSyncSurface(&driver, id), VA_STATUS_ERROR_INVALID_SURFACE);
        assert_int_equal(table.vaDestroySurfaces(&driver, &id, 1), VA_STATUS_ERROR_INVALID_SURFACE);
        assert_int_equal(table.vaMapBuffer(&driver, id, &memory), VA_STATUS_ERROR_INVALID_BUFFER);
        assert_int_equal(table.vaSyncBuffer(&driver, id, 0), VA_STATUS_ERROR_INVALID_BUFFER);
        assert_int_equal(table.vaBeginPicture(&driver, id, source), VA_STATUS_ERROR_INVALID_CONTEXT);
        assert_int_equal(table.vaEndPicture(&driver, id), VA_STATUS_ERROR_INVALID_CONTEXT);
        assert_int_equal(table.vaRenderPicture(&driver, decoder, &id, 1), VA_STATUS_ERROR_INVALID_CONTEXT);
        assert_int_equal(table.vaDestroyConfig(&driver, id), VA_STATUS_ERROR_INVALID_CONFIG);
    }
    assert_int_equal(table.vaCreateSurfaces2(&driver, VA_RT_FORMAT_YUV420, 1u << 31, 2, &none, 1, NULL, 0),
                     VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED);
    assert_int_equal(table.vaCreateBuffer(&driver, decoder, VASliceDataBufferType, UINT32_MAX, UINT32_MAX, NULL, &none),
                     VA_STATUS_ERROR_ALLOCATION_FAILED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_header_may_end_anywhere), TEST(damaged_slices_are_refused_or_decoded),
        TEST(a_decoder_is_told_lies),    TEST(an_encoder_is_told_lies),
        TEST(images_stay_within),        TEST(what_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
