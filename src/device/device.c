/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of backends, and what is the same for all of them. */
#include "backend.h"

#include <libavutil/hwcontext.h>
#include <libavutil/mem.h>
#include <stdio.h>
#include <string.h>

/* In the order in which auto takes them. */
static const struct vd_backend *const backends[] = {
    &vd_backend_vaapi_opencl, &vd_backend_cuda, &vd_backend_vaapi_host, &vd_backend_cpu, &vd_backend_opencl,
};

enum { BACKENDS = sizeof backends / sizeof *backends };

const struct vd_backend *const *vd_backends(int *count)
{
    *count = BACKENDS;
    return backends;
}

const char *vd_backend_place(const struct vd_backend *backend, const char *words)
{
    size_t size = strcspn(words, ":");
    bool named = (strlen(backend->name) == size && !strncmp(words, backend->name, size)) ||
                 (strlen(backend->words) == size && !strncmp(words, backend->words, size));
    if (!named)
        return NULL;
    return words[size] ? words + size + 1 : words + size;
}

bool vd_device_known(const char *words)
{
    for (int i = 0; i < BACKENDS; i++)
        if (vd_backend_place(backends[i], words))
            return true;
    return false;
}

static int open_row(struct vd_device *device, const struct vd_backend *backend, const char *place, struct vd_err *err)
{
    *device = (struct vd_device){.backend = backend, .traits.surface = AV_PIX_FMT_NONE};
    int ret = backend->open(device, place, err);
    device->traits.backend = backend->name;
    return ret;
}

/* The first refusal is of the best row: it tells most. */
struct vd_device *vd_device_open(const char *words, struct vd_err *err)
{
    struct vd_device *device = av_mallocz(sizeof *device);
    struct vd_err first = {0}, why;
    if (!device) {
        vd_fail(err, VD_INPUT, "open", "no memory to start; raise --max-memory");
        return NULL;
    }
    for (int i = 0; i < BACKENDS; i++) {
        const char *place = vd_backend_place(backends[i], words);
        if (!place)
            continue;
        why = (struct vd_err){0};
        if (open_row(device, backends[i], place, &why) == 0) {
            snprintf(device->traits.refused, sizeof device->traits.refused, "%s", first.text);
            return device;
        }
        if (!first.code)
            first = why;
    }
    av_free(device);
    if (first.code)
        *err = first;
    else
        vd_fail(err, VD_UNAVAILABLE, "open", "device %s: this build has none of that name; see vidriera doctor", words);
    return NULL;
}

void vd_device_close(struct vd_device *device)
{
    if (!device)
        return;
    device->backend->close(device);
    av_free(device);
}

const struct vd_device_traits *vd_device_traits(const struct vd_device *device)
{
    return &device->traits;
}

void vd_device_doubt_decoder(struct vd_device *device)
{
    device->decoder_doubted = true;
}

bool vd_device_decoder_doubted(const struct vd_device *device)
{
    return device->decoder_doubted;
}

struct vd_filter *vd_filter_open(struct vd_device *device, const struct vd_effect_plan *effect,
                                 const struct vd_picture *picture, int held, struct vd_err *err)
{
    struct vd_filter *filter = av_mallocz(sizeof *filter);
    if (!filter) {
        vd_fail(err, VD_INPUT, "effect", "no memory to start; raise --max-memory");
        return NULL;
    }
    *filter = (struct vd_filter){.device = device, .effect = *effect, .picture = *picture, .held = held};
    if (device->backend->start(filter, err) == 0)
        return filter;
    vd_filter_close(filter);
    return NULL;
}

void vd_filter_close(struct vd_filter *filter)
{
    if (!filter)
        return;
    filter->device->backend->stop(filter);
    av_buffer_unref(&filter->frames);
    av_free(filter);
}

AVBufferRef *vd_filter_frames(const struct vd_filter *filter)
{
    return filter->frames;
}

struct vd_filter_facts vd_filter_facts(const struct vd_filter *filter)
{
    return filter->facts;
}

int vd_filter_process(struct vd_filter *filter, AVFrame **frame, struct vd_err *err)
{
    filter->facts.frames++;
    return filter->device->backend->process(filter, frame, err);
}

static int download(struct vd_filter *filter, AVFrame *host, const AVFrame *surface, struct vd_err *err)
{
    if (filter->device->backend->download)
        return filter->device->backend->download(filter, host, surface, err);
    int ret = av_hwframe_transfer_data(host, surface, 0);
    return ret < 0 ? vd_fail(err, ret == AVERROR(ENOMEM) ? VD_INPUT : VD_UNAVAILABLE, "effect",
                             "%s: a picture cannot be read back: %s; see vidriera doctor",
                             filter->device->traits.backend, av_err2str(ret))
                   : 0;
}

int vd_filter_show(struct vd_filter *filter, const AVFrame *frame, AVFrame **shown, struct vd_err *err)
{
    *shown = frame->hw_frames_ctx ? av_frame_alloc() : av_frame_clone(frame);
    if (!*shown)
        return vd_fail(err, VD_INPUT, "effect", "no memory for a picture; raise --max-memory");
    if (!frame->hw_frames_ctx)
        return 0;
    if (download(filter, *shown, frame, err) == 0) {
        if (av_frame_copy_props(*shown, frame) >= 0)
            return 0;
        vd_fail(err, VD_INPUT, "effect", "no memory for a picture; raise --max-memory");
    }
    av_frame_free(shown);
    return -1;
}

int vd_filter_download(struct vd_filter *filter, AVFrame **frame, struct vd_err *err)
{
    AVFrame *host;
    if (!(*frame)->hw_frames_ctx)
        return 0;
    filter->facts.copies++;
    int ret = vd_filter_show(filter, *frame, &host, err);
    av_frame_free(frame);
    *frame = host;
    return ret;
}
