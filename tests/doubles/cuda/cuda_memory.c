/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Device memory: one reserve of shared pages, mapped twice, see cuda.h. Copies: those with the host at once. */
#include "cuda_queue.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define RESERVE ((size_t)1 << 30)
#define UNIT ((size_t)512) /* what the driver aligns allocations and pitches to */
#define MAX_BLOCKS 4096
#define GARBAGE 0xa5 /* what fresh memory holds */

struct block {
    size_t offset, size;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned char *device, *shadow;  /* unreadable; readable */
static struct block blocks[MAX_BLOCKS]; /* in use, by offset */
static int block_count;

VD_EXPORT tcuMemAllocManaged cuMemAllocManaged;
VD_EXPORT tcuMemsetD8Async cuMemsetD8Async;
VD_EXPORT tcuMemcpy cuMemcpy;
VD_EXPORT tcuMemcpyAsync cuMemcpyAsync;
VD_EXPORT tcuMemcpy2D_v2 cuMemcpy2D_v2;
VD_EXPORT tcuMemcpy2DAsync_v2 cuMemcpy2DAsync_v2;
VD_EXPORT tcuMemcpyHtoD_v2 cuMemcpyHtoD_v2;
VD_EXPORT tcuMemcpyHtoDAsync_v2 cuMemcpyHtoDAsync_v2;
VD_EXPORT tcuMemcpyDtoH_v2 cuMemcpyDtoH_v2;
VD_EXPORT tcuMemcpyDtoHAsync_v2 cuMemcpyDtoHAsync_v2;
VD_EXPORT tcuMemcpyDtoD_v2 cuMemcpyDtoD_v2;
VD_EXPORT tcuMemcpyDtoDAsync_v2 cuMemcpyDtoDAsync_v2;
VD_EXPORT CUresult cuMemGetInfo_v2(size_t *left, size_t *total);
VD_EXPORT CUresult cuMemHostAlloc(void **memory, size_t size, unsigned flags);
VD_EXPORT CUresult cuMemAllocHost_v2(void **memory, size_t size);
VD_EXPORT CUresult cuMemFreeHost(void *memory);

/* With the lock. The old size 0 makes mremap() map shared pages a second time. */
static bool reserve(void)
{
    if (device)
        return true;
    void *first = mmap(NULL, RESERVE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (first == MAP_FAILED)
        return false;
    void *second = mremap(first, 0, RESERVE, MREMAP_MAYMOVE);
    if (second == MAP_FAILED || mprotect(second, RESERVE, PROT_NONE)) {
        munmap(first, RESERVE);
        return false;
    }
    shadow = first;
    device = second;
    return true;
}

/* With the lock: the first gap that is wide enough; its place in the list, or -1. */
static int find_gap(size_t size, size_t *offset)
{
    size_t end = 0;
    if (block_count == MAX_BLOCKS)
        return -1;
    for (int i = 0; i <= block_count; i++) {
        size_t next = i < block_count ? blocks[i].offset : RESERVE;
        if (next - end >= size) {
            *offset = end;
            return i;
        }
        end = (blocks[i].offset + blocks[i].size + UNIT - 1) / UNIT * UNIT;
    }
    return -1;
}

CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t size)
{
    CUresult result = vd_context_check();
    if (result)
        return result;
    if (!size)
        return VD_INVALID_VALUE;
    if (size > RESERVE || vd_fails("alloc"))
        return VD_OUT_OF_MEMORY;

    result = VD_OUT_OF_MEMORY;
    pthread_mutex_lock(&lock);
    size_t offset;
    int at = reserve() ? find_gap(size, &offset) : -1;
    if (at >= 0) {
        memmove(blocks + at + 1, blocks + at, sizeof(blocks[0]) * (size_t)(block_count - at));
        blocks[at] = (struct block){offset, size};
        block_count++;
        memset(shadow + offset, GARBAGE, size);
        *address = (CUdeviceptr)(uintptr_t)(device + offset);
        result = CUDA_SUCCESS;
    }
    pthread_mutex_unlock(&lock);
    if (!result)
        vd_log("alloc bytes=%zu", size);
    return result;
}

CUresult cuMemAllocPitch_v2(CUdeviceptr *address, size_t *pitch, size_t width, size_t height, unsigned unit)
{
    if (!width || !height || (unit != 4 && unit != 8 && unit != 16))
        return VD_INVALID_VALUE;
    *pitch = (width + UNIT - 1) / UNIT * UNIT;
    return cuMemAlloc_v2(address, *pitch * height);
}

CUresult cuMemAllocManaged(CUdeviceptr *address, size_t size, unsigned flags)
{
    (void)address;
    (void)size;
    (void)flags;
    return VD_NOT_SUPPORTED;
}

CUresult cuMemFree_v2(CUdeviceptr address)
{
    CUresult result = vd_context_check();
    if (result)
        return result;
    vd_queue_finish();
    return vd_device_free(address);
}

CUresult vd_device_free(CUdeviceptr address)
{
    CUresult result = VD_INVALID_VALUE;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < block_count; i++)
        if ((uintptr_t)address == (uintptr_t)(device + blocks[i].offset)) {
            block_count--;
            memmove(blocks + i, blocks + i + 1, sizeof(blocks[0]) * (size_t)(block_count - i));
            result = CUDA_SUCCESS;
            break;
        }
    pthread_mutex_unlock(&lock);
    return result;
}

void *vd_device_memory(CUdeviceptr address, size_t size, size_t *left)
{
    void *found = NULL;
    pthread_mutex_lock(&lock);
    size_t offset = (uintptr_t)address - (uintptr_t)device;
    for (int i = 0; i < block_count && !found; i++) {
        size_t end = blocks[i].offset + blocks[i].size;
        if (offset >= blocks[i].offset && offset < end && size <= end - offset) {
            found = shadow + offset;
            if (left)
                *left = end - offset;
        }
    }
    pthread_mutex_unlock(&lock);
    return found;
}

bool vd_is_device(const void *address, size_t size)
{
    uintptr_t from = (uintptr_t)address, base = (uintptr_t)device;
    return device && from < base + RESERVE && from + size > base;
}

CUresult cuMemGetInfo_v2(size_t *left, size_t *total)
{
    *left = *total = RESERVE;
    return vd_context_check();
}

CUresult cuMemHostAlloc(void **memory, size_t size, unsigned flags)
{
    (void)flags;
    CUresult result = vd_context_check();
    if (result)
        return result;
    *memory = aligned_alloc(4096, (size + 4095) / 4096 * 4096);
    return *memory ? CUDA_SUCCESS : VD_OUT_OF_MEMORY;
}

CUresult cuMemAllocHost_v2(void **memory, size_t size)
{
    return cuMemHostAlloc(memory, size, 0);
}

CUresult cuMemFreeHost(void *memory)
{
    CUresult result = vd_context_check();
    if (!result)
        free(memory);
    return result;
}

/* Rows of one side of a copy. Where the last row ends is where the memory must reach. */
struct side {
    CUmemorytype type;
    const void *host;
    CUdeviceptr device;
    size_t x, y, pitch;
};

static unsigned char *find_rows(const struct side *side, size_t width, size_t height)
{
    size_t from = side->y * side->pitch + side->x, size = (height - 1) * side->pitch + width;
    if (side->type == CU_MEMORYTYPE_DEVICE)
        return vd_device_memory(side->device + from, size, NULL);
    if (side->type != CU_MEMORYTYPE_HOST || !side->host || vd_is_device(side->host, from + size))
        return NULL;
    return (unsigned char *)(uintptr_t)side->host + from;
}

static CUresult copy_on_device(const struct vd_work *work)
{
    size_t width = work->copy.width, height = work->copy.height;
    struct side to = {.type = CU_MEMORYTYPE_DEVICE, .device = work->dst, .pitch = work->copy.dst_pitch};
    struct side from = {.type = CU_MEMORYTYPE_DEVICE, .device = work->src, .pitch = work->copy.src_pitch};
    unsigned char *dst = find_rows(&to, width, height);
    const unsigned char *src = find_rows(&from, width, height);
    if (!dst || !src)
        return VD_ILLEGAL_ADDRESS;
    for (size_t y = 0; y < height; y++)
        memmove(dst + y * to.pitch, src + y * from.pitch, width);
    return CUDA_SUCCESS;
}

static CUresult copy(const struct side *to, const struct side *from, size_t width, size_t height, CUstream stream)
{
    CUresult result = vd_context_check();
    if (result || !width || !height)
        return result;
    if (height > 1 && (width > to->pitch || width > from->pitch))
        return VD_INVALID_VALUE;
    unsigned char *dst = find_rows(to, width, height);
    const unsigned char *src = find_rows(from, width, height);
    if (!dst || !src) {
        vd_log("memcpy refused");
        return VD_INVALID_VALUE;
    }
    bool to_host = to->type == CU_MEMORYTYPE_HOST, from_host = from->type == CU_MEMORYTYPE_HOST;
    vd_log("memcpy kind=%cto%c width=%zu rows=%zu bytes=%zu", from_host ? 'H' : 'D', to_host ? 'H' : 'D', width, height,
           width * height);
    if (!to_host && !from_host) {
        vd_queue_add(&(struct vd_work){.stream = stream,
                                       .run = copy_on_device,
                                       .dst = to->device + to->y * to->pitch + to->x,
                                       .src = from->device + from->y * from->pitch + from->x,
                                       .copy = {to->pitch, from->pitch, width, height}});
        return CUDA_SUCCESS;
    }
    vd_queue_wait(stream);
    for (size_t y = 0; y < height; y++)
        memmove(dst + y * to->pitch, src + y * from->pitch, width);
    return vd_context_check();
}

/* With unified addressing an address tells by itself what it is. */
static struct side any_side(CUdeviceptr address)
{
    const void *host = (const void *)(uintptr_t)address;
    bool on_device = vd_is_device(host, 1);
    return (struct side){
        .type = on_device ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST, .host = host, .device = address};
}

CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *rows, CUstream stream)
{
    struct side to = {rows->dstMemoryType, rows->dstHost, rows->dstDevice,
                      rows->dstXInBytes,   rows->dstY,    rows->dstPitch};
    struct side from = {rows->srcMemoryType, rows->srcHost, rows->srcDevice,
                        rows->srcXInBytes,   rows->srcY,    rows->srcPitch};
    return copy(&to, &from, rows->WidthInBytes, rows->Height, stream);
}

CUresult cuMemcpyAsync(CUdeviceptr dst, CUdeviceptr src, size_t size, CUstream stream)
{
    struct side to = any_side(dst), from = any_side(src);
    return copy(&to, &from, size, 1, stream);
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr dst, const void *src, size_t size, CUstream stream)
{
    struct side to = {.type = CU_MEMORYTYPE_DEVICE, .device = dst}, from = {.type = CU_MEMORYTYPE_HOST, .host = src};
    return copy(&to, &from, size, 1, stream);
}

CUresult cuMemcpyDtoHAsync_v2(void *dst, CUdeviceptr src, size_t size, CUstream stream)
{
    struct side to = {.type = CU_MEMORYTYPE_HOST, .host = dst}, from = {.type = CU_MEMORYTYPE_DEVICE, .device = src};
    return copy(&to, &from, size, 1, stream);
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr dst, CUdeviceptr src, size_t size, CUstream stream)
{
    struct side to = {.type = CU_MEMORYTYPE_DEVICE, .device = dst},
                from = {.type = CU_MEMORYTYPE_DEVICE, .device = src};
    return copy(&to, &from, size, 1, stream);
}

CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D *rows)
{
    return cuMemcpy2DAsync_v2(rows, NULL);
}

CUresult cuMemcpy(CUdeviceptr dst, CUdeviceptr src, size_t size)
{
    return cuMemcpyAsync(dst, src, size, NULL);
}

CUresult cuMemcpyHtoD_v2(CUdeviceptr dst, const void *src, size_t size)
{
    return cuMemcpyHtoDAsync_v2(dst, src, size, NULL);
}

CUresult cuMemcpyDtoH_v2(void *dst, CUdeviceptr src, size_t size)
{
    return cuMemcpyDtoHAsync_v2(dst, src, size, NULL);
}

CUresult cuMemcpyDtoD_v2(CUdeviceptr dst, CUdeviceptr src, size_t size)
{
    return cuMemcpyDtoDAsync_v2(dst, src, size, NULL);
}

static CUresult set_on_device(const struct vd_work *work)
{
    void *memory = vd_device_memory(work->dst, work->set.size, NULL);
    if (!memory)
        return VD_ILLEGAL_ADDRESS;
    memset(memory, work->set.value, work->set.size);
    return CUDA_SUCCESS;
}

CUresult cuMemsetD8Async(CUdeviceptr address, unsigned char value, size_t size, CUstream stream)
{
    CUresult result = vd_context_check();
    if (result)
        return result;
    if (!vd_device_memory(address, size, NULL))
        return VD_INVALID_VALUE;
    vd_queue_add(&(struct vd_work){.stream = stream, .run = set_on_device, .dst = address, .set = {value, size}});
    return CUDA_SUCCESS;
}
