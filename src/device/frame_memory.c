/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/frame_memory.h"

#include <libavutil/mem.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

/* Pictures a chunk: what is not touched yet takes no memory. */
enum { HUGE_PAGE = 2 << 20, PAGE = 4096, LINE = 64, PICTURES = 6 };

/* Where the next buffer is cut from. Used under the pool's own lock. */
struct chunk {
    AVBufferRef *memory;
    size_t used;
};

/* A chunk's memory as it is known by address. */
struct mapping {
    AVBufferRef weak; /* not counted */
    struct mapping *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct mapping *mappings;

static void unmap(void *opaque, uint8_t *data)
{
    struct mapping *mapping = opaque, **link = &mappings;
    pthread_mutex_lock(&lock);
    while (*link != mapping)
        link = &(*link)->next;
    *link = mapping->next;
    pthread_mutex_unlock(&lock);
    munmap(data, mapping->weak.size);
    av_free(mapping);
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
    struct mapping *mapping = av_mallocz(sizeof *mapping);
    AVBufferRef *memory = mapping ? av_buffer_create(data, size, unmap, mapping, 0) : NULL;
    if (!memory) {
        av_free(mapping);
        munmap(data, size);
        return NULL;
    }
    pthread_mutex_lock(&lock);
    *mapping = (struct mapping){.weak = *memory, .next = mappings};
    mappings = mapping;
    pthread_mutex_unlock(&lock);
    return memory;
}

AVBufferRef *vd_frame_memory(const uint8_t *data)
{
    pthread_mutex_lock(&lock);
    const struct mapping *mapping = mappings;
    while (mapping && (data < mapping->weak.data || data >= mapping->weak.data + mapping->weak.size))
        mapping = mapping->next;
    AVBufferRef *memory = mapping ? av_buffer_ref(&mapping->weak) : NULL;
    pthread_mutex_unlock(&lock);
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
    size_t step = (bytes + PAGE - 1) / PAGE * PAGE;
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
    size_t whole = (bytes + LINE - 1) / LINE * LINE;
    AVBufferPool *pool = chunk ? av_buffer_pool_init2(whole, chunk, cut, free_chunk) : NULL;
    if (!pool)
        av_free(chunk);
    return pool;
}
