/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An AVIOContext on a descriptor of ours: FFmpeg never sees a name, so it can open nothing. Reads and writes carry their
 * own position (pread, pwrite), so that several contexts share one descriptor. One thread per context.
 */
#ifndef VIDRIERA_MEDIA_IO_H
#define VIDRIERA_MEDIA_IO_H

#include <libavformat/avformat.h>
#include <stdatomic.h>

/* moved: counts bytes read and written, for whoever watches for progress; it outlives the context. NULL when there is no
 * memory. */
AVIOContext *vd_io_reader(int fd, atomic_llong *moved);
AVIOContext *vd_io_writer(int fd, atomic_llong *moved);

/* The errno of the first read or write that the system refused; 0 when none was. */
int vd_io_errno(const AVIOContext *io);

/* Frees the context, not the descriptor; what a writer still holds is not flushed. Accepts NULL. */
void vd_io_free(AVIOContext **io);

/*
 * For a context that reads: every attempt of a demuxer to open a second resource is refused.
 * For a context that writes: the one read-only re-open that the mov muxer does to move its index to the front is served
 * from the same descriptor; everything else is refused.
 */
void vd_io_guard(AVFormatContext *format);

#endif
