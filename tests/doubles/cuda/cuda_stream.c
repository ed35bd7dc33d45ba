/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Streams and events: who asks for their state waits for them. Handles are checked. */
#include "cuda_queue.h"

#include <stdint.h>
#include <stdlib.h>

struct CUstream_st {
    struct CUstream_st *self;
    bool blocking;
};

struct CUevent_st {
    struct CUevent_st *self;
    CUstream stream; /* where it was recorded last */
};

VD_EXPORT tcuStreamCreate cuStreamCreate;
VD_EXPORT tcuStreamQuery cuStreamQuery;
VD_EXPORT tcuStreamSynchronize cuStreamSynchronize;
VD_EXPORT tcuStreamDestroy_v2 cuStreamDestroy_v2;
VD_EXPORT tcuStreamAddCallback cuStreamAddCallback;
VD_EXPORT tcuEventCreate cuEventCreate;
VD_EXPORT tcuEventDestroy_v2 cuEventDestroy_v2;
VD_EXPORT tcuEventSynchronize cuEventSynchronize;
VD_EXPORT tcuEventQuery cuEventQuery;
VD_EXPORT tcuEventRecord cuEventRecord;
VD_EXPORT CUresult cuCtxSynchronize(void);
VD_EXPORT CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned flags);

bool vd_is_blocking(CUstream stream)
{
    return (uintptr_t)stream <= 2 || stream->blocking;
}

/* NULL, 1 and 2 are the driver's own streams. */
static CUresult check_stream(CUstream stream)
{
    CUresult result = vd_context_check();
    if (!result && (uintptr_t)stream > 2 && stream->self != stream)
        result = VD_INVALID_HANDLE;
    return result;
}

static CUresult wait(CUstream stream)
{
    CUresult result = check_stream(stream);
    if (result)
        return result;
    vd_queue_wait(stream);
    return vd_context_check();
}

static CUresult check_event(CUevent event)
{
    CUresult result = vd_context_check();
    return result || (event && event->self == event) ? result : VD_INVALID_HANDLE;
}

CUresult cuStreamCreate(CUstream *stream, unsigned flags)
{
    CUresult result = vd_context_check();
    if (result)
        return result;
    *stream = malloc(sizeof(**stream));
    if (!*stream)
        return VD_OUT_OF_MEMORY;
    **stream = (struct CUstream_st){*stream, !(flags & CU_STREAM_NON_BLOCKING)};
    return CUDA_SUCCESS;
}

CUresult cuStreamQuery(CUstream stream)
{
    return wait(stream);
}

CUresult cuStreamSynchronize(CUstream stream)
{
    CUresult result = wait(stream);
    vd_log("sync result=%d", result);
    return result;
}

CUresult cuCtxSynchronize(void)
{
    vd_queue_finish();
    return cuStreamSynchronize(NULL);
}

CUresult cuStreamDestroy_v2(CUstream stream)
{
    CUresult result = check_stream(stream);
    if (result || (uintptr_t)stream <= 2)
        return result ? result : VD_INVALID_HANDLE;
    vd_queue_wait(stream);
    stream->self = NULL;
    free(stream);
    return CUDA_SUCCESS;
}

CUresult cuStreamAddCallback(CUstream stream, CUstreamCallback *callback, void *data, unsigned flags)
{
    (void)flags;
    CUresult result = wait(stream);
    if (!result)
        callback(stream, CUDA_SUCCESS, data);
    return result;
}

CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned flags)
{
    (void)flags;
    CUresult result = check_stream(stream);
    return result ? result : cuEventSynchronize(event);
}

CUresult cuEventCreate(CUevent *event, unsigned flags)
{
    (void)flags;
    CUresult result = vd_context_check();
    if (result)
        return result;
    *event = malloc(sizeof(**event));
    if (!*event)
        return VD_OUT_OF_MEMORY;
    **event = (struct CUevent_st){*event, NULL};
    return CUDA_SUCCESS;
}

CUresult cuEventDestroy_v2(CUevent event)
{
    CUresult result = check_event(event);
    if (result)
        return result;
    event->self = NULL;
    free(event);
    return CUDA_SUCCESS;
}

CUresult cuEventSynchronize(CUevent event)
{
    CUresult result = check_event(event);
    return result ? result : wait(event->stream);
}

CUresult cuEventQuery(CUevent event)
{
    return cuEventSynchronize(event);
}

CUresult cuEventRecord(CUevent event, CUstream stream)
{
    CUresult result = check_stream(stream);
    if (!result)
        result = check_event(event);
    if (!result)
        event->stream = stream;
    return result;
}
