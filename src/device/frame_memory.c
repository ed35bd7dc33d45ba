/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/frame_memory.h"

#include <libavutil/mem.h>
#include <stdint.h>
#include <sys/mman.h>

/* Pictures a chunk: what is not touched yet takes no memory. */
enum { HUGE_PAGE = 2 << 20, ALIGN = 64, PICTURES = 6 };

/* Where the next buffer is cut from. Used under the pool's own lock. */
struct chunk {
    AVBufferRef *memory;
    size_t used;
};

static void unmap(void *opaque, uint8_t *data)
{
    munmap(data, (size_t)(uintptr_t)opaque);
}

/* Fresh pages, all zero: what a damaged picture leaves unset must not be what memory held before. */
static uint8_t *map_aligned(size_t size)
{
    uint8_t *raw = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED)
        return NULL;
    size_t before = (HUGE_PAGE - (uintptr_t)raw % HUGE_PAGE) % HUGE_PAGE;
    if (before)
        munmap(raw, before);
    munmap(raw + before + size, HUGE_PAGE - before);
    return raw + before;
}

static AVBufferRef *new_memory(size_t bytes)
{
    size_t size = (bytes * PICTURES + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    uint8_t *data = map_aligned(size);
    if (!data)
        return NULL;
    madvise(data, size, MADV_HUGEPAGE); /* a refusal costs time only */
    AVBufferRef *memory = av_buffer_create(data, size, unmap, (void *)(uintptr_t)size, 0);
    if (!memory)
        munmap(data, size);
    return memory;
}

/* A buffer holds a reference to its chunk. */
static void free_cut(void *opaque, uint8_t *data)
{
    AVBufferRef *memory = opaque;
    (void)data;
    av_buffer_unref(&memory);
}

static AVBufferRef *cut(void *opaque, size_t bytes)
{
    struct chunk *chunk = opaque;
    size_t step = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    if (!chunk->memory || chunk->used + step > chunk->memory->size) {
        AVBufferRef *fresh = new_memory(step);
        if (!fresh)
            return NULL;
        av_buffer_unref(&chunk->memory);
        chunk->memory = fresh;
        chunk->used = 0;
    }
    AVBufferRef *held = av_buffer_ref(chunk->memory);
    AVBufferRef *buffer = held ? av_buffer_create(held->data + chunk->used, bytes, free_cut, held, 0) : NULL;
    if (!buffer)
        av_buffer_unref(&held);
    else
        chunk->used += step;
    return buffer;
}

static void free_chunk(void *opaque)
{
    struct chunk *chunk = opaque;
    av_buffer_unref(&chunk->memory);
    av_free(chunk);
}

AVBufferPool *vd_frame_pool(size_t bytes)
{
    struct chunk *chunk = av_mallocz(sizeof *chunk);
    AVBufferPool *pool = chunk ? av_buffer_pool_init2(bytes, chunk, cut, free_chunk) : NULL;
    if (!pool)
        av_free(chunk);
    return pool;
}
