/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files made box by box, real ones cut short at every kind of place, and hostile ones. */
#include "capture.h"

#include "vidriera/index.h"

#include <stdbool.h>
#include <sys/stat.h>

static int fd;

static int make(void **state)
{
    (void)state;
    fd = memfd_create("index", MFD_CLOEXEC);
    return fd < 0;
}

static int drop(void **state)
{
    (void)state;
    return close(fd);
}

static void put(const void *bytes, size_t size)
{
    assert_int_equal(write(fd, bytes, size), size);
}

/* A box whose size field says `says`, with that many bytes after the header. */
static void box(const char *type, uint32_t says, int bytes)
{
    uint8_t header[8] = {says >> 24, says >> 16 & 255, says >> 8 & 255, says & 255};
    memcpy(header + 4, type, 4);
    put(header, sizeof header);
    for (int i = 0; i < bytes; i++)
        put("", 1);
}

static void whole(const char *type, int bytes)
{
    box(type, (uint32_t)bytes + 8, bytes);
}

static void large(const char *type, uint8_t says, int bytes)
{
    uint8_t header[16] = {0, 0, 0, 1, [15] = says};
    memcpy(header + 4, type, 4);
    put(header, sizeof header);
    for (int i = 0; i < bytes; i++)
        put("", 1);
}

static void assert_readable(bool readable)
{
    assert_int_equal(vd_index_readable(fd), readable);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
}

static void index_at_the_end(void **state)
{
    (void)state;
    whole("ftyp", 24);
    whole("free", 0);
    whole("mdat", 100);
    whole("moov", 60);
    assert_readable(true);
    whole("ftyp", 24);
    large("mdat", 116, 100);
    whole("moov", 60);
    assert_readable(true);
}

static void index_in_front(void **state)
{
    (void)state;
    whole("moov", 60);
    whole("mdat", 100);
    assert_readable(true);
    whole("ftyp", 24);
    whole("moov", 60);
    box("mdat", 0, 100); /* to the end of the file */
    assert_readable(true);
}

static void fragments(void **state)
{
    (void)state;
    whole("ftyp", 24);
    whole("moov", 60);
    for (int i = 0; i < 3; i++) {
        whole("moof", 20);
        whole("mdat", 100);
    }
    assert_readable(true);
}

/* ffmpeg at work, or killed. */
static void no_index(void **state)
{
    (void)state;
    whole("ftyp", 24);
    whole("free", 0);
    box("mdat", 0, 100);
    assert_readable(false);
    whole("ftyp", 24);
    whole("mdat", 100);
    assert_readable(false);
    whole("ftyp", 24);
    whole("mdat", 100);
    box("moov", 0, 60); /* its size is written last */
    assert_readable(false);
    whole("ftyp", 24);
    whole("moov", 60); /* nothing that it tells of */
    assert_readable(false);
    whole("ftyp", 24);
    assert_readable(false);
}

/* A copy on its way. */
static void cut(void **state)
{
    (void)state;
    whole("ftyp", 24);
    whole("moov", 60);
    box("mdat", 108, 99);
    assert_readable(false);
    whole("ftyp", 24);
    whole("mdat", 100);
    box("moov", 68, 59);
    assert_readable(false);
    whole("ftyp", 24);
    whole("moov", 60);
    large("mdat", 200, 100);
    assert_readable(false);
    whole("ftyp", 24);
    whole("moov", 60);
    whole("mdat", 100);
    box("moof", 60, 5);
    assert_readable(false);
}

static void appended(void **state)
{
    (void)state;
    whole("ftyp", 24);
    whole("mdat", 100);
    whole("moov", 60);
    put("some words that are no box", 26);
    assert_readable(true);
    whole("ftyp", 24);
    whole("mdat", 100);
    whole("moov", 60);
    put("\0\0\0\0\0\0\0\0\0\0\0\0", 12);
    assert_readable(true);
    whole("ftyp", 24);
    whole("mdat", 100);
    whole("moov", 60);
    put("\0\0\0", 3);
    assert_readable(true);
}

static void wrong_sizes(void **state)
{
    (void)state;
    whole("ftyp", 24);
    box("mdat", 4, 100); /* smaller than its header */
    whole("moov", 60);
    assert_readable(false);
    whole("ftyp", 24);
    large("mdat", 3, 100);
    whole("moov", 60);
    assert_readable(false);
    whole("ftyp", 24);
    put("\0\0\0\1mdat\xff\xff\xff\xff\xff\xff\xff\xf8", 16);
    whole("moov", 60);
    assert_readable(false);
}

/* A sparse terabyte of boxes of 8 bytes: it comes to an end, and soon. */
static void endless(void **state)
{
    (void)state;
    whole("ftyp", 24);
    for (int i = 0; i < 100000; i++)
        put("\0\0\0\10free", 8);
    assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
    assert_readable(false);
}

static const uint8_t ebml[] = {0x1a, 0x45, 0xdf, 0xa3, 0x84, 'w', 'e', 'b', 'm'};

static void matroska(void **state)
{
    (void)state;
    put(ebml, sizeof ebml);
    put("\xec\x82..", 4); /* Void */
    put("\x18\x53\x80\x67\x85.....", 10);
    assert_readable(true);
    put(ebml, sizeof ebml);
    put("\x18\x53\x80\x67\x01\0\0\0\0\0\0\5.....", 17);
    assert_readable(true);
    put(ebml, sizeof ebml);
    put("\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff.", 13); /* live: of unknown size */
    assert_readable(true);
    put(ebml, sizeof ebml);
    put("\x18\x53\x80\x67\xff.", 6);
    assert_readable(true);
}

static void matroska_cut(void **state)
{
    (void)state;
    put(ebml, sizeof ebml);
    put("\x18\x53\x80\x67\x85....", 9);
    assert_readable(false);
    put(ebml, sizeof ebml);
    put("\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff", 12);
    assert_readable(false);
    put(ebml, sizeof ebml - 1);
    assert_readable(false);
    put(ebml, sizeof ebml);
    assert_readable(false);
    put(ebml, sizeof ebml);
    put("\0\0\0\0\0\0\0\0\0\0\0\0\0", 13);
    assert_readable(false);
    put(ebml, sizeof ebml);
    for (int i = 0; i < 100000; i++)
        put("\xec\x80", 2);
    assert_readable(false);
}

/* No index is needed; empty is never finished. */
static void others(void **state)
{
    (void)state;
    assert_readable(false);
    put("1234567", 7);
    assert_readable(false);
    put("RIFF\0\0\0\0AVI LIST", 16);
    assert_readable(true);
    put("FLV\1\5\0\0\0\11\0\0\0\0", 13);
    assert_readable(true);
    put("\x47\x40\x11\x10\0\x42\xf0\x25", 8);
    assert_readable(true);
}

static void folder_is_none(void **state)
{
    int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)state;
    assert_false(vd_index_readable(folder));
    assert_false(vd_index_readable(-1));
    close(folder);
}

static int read_clip(const char *name, uint8_t **bytes, size_t *size)
{
    char path[512];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", VD_CLIPS_FOLDER, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return -1;
    assert_int_equal(fstat(fileno(file), &st), 0);
    *size = (size_t)st.st_size;
    *bytes = malloc(*size);
    assert_non_null(*bytes);
    assert_int_equal(fread(*bytes, 1, *size, file), *size);
    fclose(file);
    return 0;
}

/* Half copied is not whole, wherever its index lies. */
static void real_clip(void **state)
{
    uint8_t *bytes;
    size_t size;
    (void)state;
    if (read_clip("bigbuckbunny.mp4", &bytes, &size) < 0)
        skip();
    put(bytes, size);
    assert_readable(true);
    for (size_t part = 1; part < 50; part++) {
        put(bytes, size * part / 50);
        assert_readable(false);
    }
    put(bytes, size - 1);
    assert_readable(false);
    free(bytes);
}

/* Whatever the bytes: it ends, and ASan has nothing to say. */
static void mutations(void **state)
{
    (void)state;
    srandom(4);
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[96] = {0};
        size_t used = 0;
        static const char types[][5] = {"ftyp", "moov", "mdat", "moof", "free", "wide"};
        while (used + 8 <= sizeof bytes) {
            bytes[used + 3] = (uint8_t)(random() % 24);
            memcpy(bytes + used + 4, types[(size_t)random() % 6], 4);
            used += random() % 3 ? 8 : 16;
        }
        if (round % 2)
            memcpy(bytes, ebml, sizeof ebml);
        for (int i = 0; i < 4; i++)
            bytes[(size_t)random() % sizeof bytes] = (uint8_t)random();
        put(bytes, (size_t)random() % sizeof bytes);
        (void)vd_index_readable(fd);
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(index_at_the_end, make, drop),
        cmocka_unit_test_setup_teardown(index_in_front, make, drop),
        cmocka_unit_test_setup_teardown(fragments, make, drop),
        cmocka_unit_test_setup_teardown(no_index, make, drop),
        cmocka_unit_test_setup_teardown(cut, make, drop),
        cmocka_unit_test_setup_teardown(appended, make, drop),
        cmocka_unit_test_setup_teardown(wrong_sizes, make, drop),
        cmocka_unit_test_setup_teardown(endless, make, drop),
        cmocka_unit_test_setup_teardown(matroska, make, drop),
        cmocka_unit_test_setup_teardown(matroska_cut, make, drop),
        cmocka_unit_test_setup_teardown(others, make, drop),
        cmocka_unit_test_setup_teardown(folder_is_none, make, drop),
        cmocka_unit_test_setup_teardown(real_clip, make, drop),
        cmocka_unit_test_setup_teardown(mutations, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
