/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 256 * 1024 };

struct io {
    int fd;
    int error;
    int64_t position;
    atomic_llong *moved;
};

static int io_read(void *opaque, uint8_t *data, int size)
{
    struct io *io = opaque;
    ssize_t got;
    do
        got = pread(io->fd, data, (size_t)size, io->position);
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        io->error = io->error ? io->error : errno;
        return AVERROR(errno);
    }
    if (got == 0)
        return AVERROR_EOF;
    io->position += got;
    atomic_fetch_add_explicit(io->moved, got, memory_order_relaxed);
    return (int)got;
}

static int io_write(void *opaque,
#if LIBAVFORMAT_VERSION_MAJOR >= 61
                    const
#endif
                    uint8_t *data,
                    int size)
{
    struct io *io = opaque;
    for (int done = 0; done < size;) {
        ssize_t put = pwrite(io->fd, data + done, (size_t)(size - done), io->position);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0) {
            io->error = io->error ? io->error : errno;
            return AVERROR(errno);
        }
        done += (int)put;
        io->position += put;
        atomic_fetch_add_explicit(io->moved, put, memory_order_relaxed);
    }
    return size;
}

static int64_t io_seek(void *opaque, int64_t offset, int whence)
{
    struct io *io = opaque;
    struct stat st;
    whence &= ~AVSEEK_FORCE;
    if (whence == AVSEEK_SIZE || whence == SEEK_END) {
        if (fstat(io->fd, &st) < 0)
            return AVERROR(errno);
        if (whence == AVSEEK_SIZE)
            return st.st_size;
        offset += st.st_size;
    } else if (whence == SEEK_CUR) {
        offset += io->position;
    } else if (whence != SEEK_SET) {
        return AVERROR(EINVAL);
    }
    if (offset < 0)
        return AVERROR(EINVAL);
    return io->position = offset;
}

static AVIOContext *io_create(int fd, bool writes, atomic_llong *moved)
{
    struct io *io = av_mallocz(sizeof *io);
    uint8_t *buffer = av_malloc(BUFFER_BYTES);
    AVIOContext *context = NULL;
    if (io && buffer) {
        *io = (struct io){.fd = fd, .moved = moved};
        context = avio_alloc_context(buffer, BUFFER_BYTES, writes, io, io_read, writes ? io_write : NULL, io_seek);
    }
    if (!context) {
        av_free(buffer);
        av_free(io);
    }
    return context;
}

AVIOContext *vd_io_reader(int fd, atomic_llong *moved)
{
    return io_create(fd, false, moved);
}

AVIOContext *vd_io_writer(int fd, atomic_llong *moved)
{
    return io_create(fd, true, moved);
}

int vd_io_errno(const AVIOContext *io)
{
    return io ? ((const struct io *)io->opaque)->error : 0;
}

void vd_io_free(AVIOContext **io)
{
    if (!*io)
        return;
    av_freep(&(*io)->opaque);
    av_freep(&(*io)->buffer);
    avio_context_free(io);
}

static int guard_open(AVFormatContext *format, AVIOContext **io, const char *url, int flags, AVDictionary **options)
{
    (void)options;
    if (!format->oformat || !format->pb || flags != AVIO_FLAG_READ) {
        av_log(format, AV_LOG_WARNING, "refused to open a second resource: %s\n", url ? url : "");
        return AVERROR(EACCES);
    }
    const struct io *own = format->pb->opaque;
    *io = vd_io_reader(own->fd, own->moved);
    return *io ? 0 : AVERROR(ENOMEM);
}

static int guard_close(AVFormatContext *format, AVIOContext *io)
{
    (void)format;
    vd_io_free(&io);
    return 0;
}

void vd_io_guard(AVFormatContext *format)
{
    format->io_open = guard_open;
    format->io_close2 = guard_close;
    format->flags |= AVFMT_FLAG_CUSTOM_IO;
}
