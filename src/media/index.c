/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/index.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BOXES = 65536, /* looked at; of a file with more, those decide */
    ELEMENTS = 64,
    HEADER = 16, /* of a box, or of an EBML element, at most */
};

/* Reads up to size bytes; what lies past the end is zero. -1: it cannot be read. */
static int read_at(int fd, uint64_t at, uint8_t *to, size_t size)
{
    ssize_t got;
    memset(to, 0, size);
    do
        got = pread(fd, to, size, (off_t)at);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -1 : 0;
}

static uint64_t big_endian(const uint8_t *from, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | from[i];
    return value;
}

static bool is(const uint8_t *box, const char *type)
{
    return !memcmp(box + 4, type, 4);
}

/* What may come first in such a file. */
static bool is_iso(const uint8_t *box)
{
    static const char first[][5] = {"ftyp", "styp", "moov", "mdat", "free", "skip",
                                    "wide", "pnot", "junk", "pict", "uuid"};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        if (is(box, first[i]))
            return true;
    return false;
}

static bool iso_readable(int fd, uint64_t size)
{
    bool index = false, data = false;
    uint64_t at = 0;
    for (int i = 0; i < BOXES && size - at >= 8; i++) {
        uint8_t box[HEADER];
        if (read_at(fd, at, box, sizeof box) < 0)
            return false;
        uint64_t length = big_endian(box, 4), header = 8;
        bool moov = is(box, "moov"), mdat = is(box, "mdat"), open_ended = length == 0;
        if (length == 1) {
            length = big_endian(box + 8, 8);
            header = 16;
        }
        if (open_ended)
            length = size - at;
        /* FFmpeg writes moov with the size 0 first, and the true one when it is whole */
        if (length < header || length > size - at || (moov && open_ended)) {
            if (moov || mdat || is(box, "moof"))
                return false;
            break; /* padding, or something that was appended */
        }
        index = index || moov;
        data = data || mdat;
        at += length;
    }
    return index && data;
}

/* An EBML variable-size number at from, of at most `most` bytes. Returns how many it takes, 0 when it is none. */
static int variable(const uint8_t *from, int most, bool keep_marker, uint64_t *value)
{
    int bytes = 1;
    while (bytes <= most && !(from[0] & (0x80 >> (bytes - 1))))
        bytes++;
    if (bytes > most)
        return 0;
    *value = big_endian(from, bytes);
    if (!keep_marker)
        *value &= (UINT64_C(1) << 7 * bytes) - 1;
    return bytes;
}

static bool matroska_readable(int fd, uint64_t size)
{
    uint64_t at = 0;
    for (int i = 0; i < ELEMENTS && at < size; i++) {
        uint8_t element[HEADER];
        uint64_t id = 0, length = 0;
        if (read_at(fd, at, element, sizeof element) < 0)
            return false;
        int id_bytes = variable(element, 4, true, &id);
        int length_bytes = id_bytes ? variable(element + id_bytes, 8, false, &length) : 0;
        uint64_t header = (uint64_t)id_bytes + (uint64_t)length_bytes;
        if (!length_bytes || header > size - at)
            return false;
        bool segment = id == 0x18538067;
        if (segment && length == (UINT64_C(1) << 7 * length_bytes) - 1) /* unknown: as long as the file is */
            return header < size - at;
        if (length > size - at - header)
            return false;
        if (segment)
            return length > 0;
        at += header + length;
    }
    return false;
}

bool vd_index_readable(int fd)
{
    static const uint8_t ebml[] = {0x1a, 0x45, 0xdf, 0xa3};
    uint8_t first[8];
    struct stat st;
    if (fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof first || read_at(fd, 0, first, sizeof first) < 0)
        return false;
    if (is_iso(first))
        return iso_readable(fd, (uint64_t)st.st_size);
    return memcmp(first, ebml, sizeof ebml) != 0 || matroska_readable(fd, (uint64_t)st.st_size);
}
