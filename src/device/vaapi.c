/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vaapi.h"

#include "vidriera/node.h"

#include <errno.h>
#include <fcntl.h>
#include <libavutil/hwcontext.h>
#include <libavutil/hwcontext_vaapi.h>
#include <libavutil/pixdesc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <va/va.h>

static const char *packages_of(unsigned vendor)
{
    switch (vendor) {
    case 0x8086:
        return "install intel-media-va-driver (or i965-va-driver for Gen7 and before)";
    case 0x1002:
        return "install mesa-va-drivers";
    case 0x10de:
        return "use --device cuda";
    default:
        return "install the driver of its maker, and see vainfo";
    }
}

/* Rules of a container are not seen in a node's permissions. */
static bool is_forbidden(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd < 0 && errno == EPERM;
}

static int refuse(const struct vd_node *node, struct vd_err *err)
{
    if (is_forbidden(node->path))
        return vd_fail(err, VD_UNAVAILABLE, "open",
                       "vaapi %s: this container may not use the node; start it with --device /dev/dri", node->path);
    return vd_fail(err, VD_UNAVAILABLE, "open", "vaapi %s: no VA driver answers for it; %s", node->path,
                   packages_of(node->vendor));
}

/* Tries what is no node of a GPU too: the driver will tell. */
static int open_node(struct vd_device *device, const struct vd_node *node, struct vd_err *err)
{
    const char *path = node->path;
    AVDictionary *options = NULL;
    AVBufferRef *va = NULL;
    if (!node->open)
        return vd_fail(err, VD_UNAVAILABLE, "open", "%s", node->refusal);
    /* else FFmpeg takes the path for an X display when it is no GPU */
    int ret = av_dict_set(&options, "connection_type", "drm", 0);
    if (ret >= 0)
        ret = av_hwdevice_ctx_create(&va, AV_HWDEVICE_TYPE_VAAPI, path, options, 0);
    av_dict_free(&options);
    switch (ret) {
    case 0:
        break;
    case AVERROR(ENOMEM):
        return vd_fail(err, VD_AGAIN, "open", "vaapi %s: no memory to open it; raise --max-memory", path);
    case AVERROR_EXTERNAL:
        return vd_fail(err, VD_UNAVAILABLE, "open", "vaapi %s: not the render node of a GPU; see ls -l /dev/dri", path);
    default:
        return refuse(node, err);
    }
    device->traits = (struct vd_device_traits){
        .family = VD_FAMILY_VAAPI,
        .surface = AV_PIX_FMT_VAAPI,
        .hardware = va,
    };
    AVVAAPIDeviceContext *vaapi = ((AVHWDeviceContext *)va->data)->hwctx;
    const char *model = vaQueryVendorString(vaapi->display);
    snprintf(device->traits.model, sizeof device->traits.model, "%s", model ? model : "");
    return 0;
}

/* The first refusal is told: of the node that most machines have alone. */
static int open_any(struct vd_device *device, const struct vd_node *nodes, int count, struct vd_err *err)
{
    struct vd_err first = {0};
    for (int i = 0; i < count; i++) {
        struct vd_err why = {0};
        if (open_node(device, &nodes[i], &why) == 0)
            return 0;
        if (!first.code)
            first = why;
    }
    if (!count)
        return vd_fail(err, VD_UNAVAILABLE, "open", "%s", vd_node_none(VD_NODE_RENDER));
    *err = first;
    return -1;
}

int vd_vaapi_open(struct vd_device *device, const char *place, struct vd_err *err)
{
    struct vd_node nodes[VD_NODES];
    char *end;
    long index = strtol(place, &end, 10);
    if (*end) {
        vd_node_look("", VD_NODE_RENDER, place, &nodes[0]);
        return open_node(device, &nodes[0], err);
    }
    int count = vd_nodes_find("", VD_NODE_RENDER, nodes);
    if (!*place)
        return open_any(device, nodes, count, err);
    if (index < 0 || index >= count)
        return vd_fail(err, VD_UNAVAILABLE, "open",
                       "vaapi:%s: there are not so many render nodes, the first is 0; see ls -l /dev/dri", place);
    return open_node(device, &nodes[index], err);
}

void vd_vaapi_close(struct vd_device *device)
{
    av_buffer_unref(&device->traits.hardware);
}

int vd_vaapi_fail(const struct vd_filter *filter, const char *what, int code, struct vd_err *err)
{
    return vd_fail(err, VD_UNAVAILABLE, "effect", "%s: %s: %s; see vidriera doctor", filter->device->backend->name,
                   what, av_err2str(code));
}

/* A fixed pool; NULL and FFmpeg's error otherwise. */
static AVBufferRef *pool_of(AVBufferRef *device, enum AVPixelFormat format, int width, int height, int count, int *ret)
{
    AVBufferRef *ref = av_hwframe_ctx_alloc(device);
    *ret = AVERROR(ENOMEM);
    if (!ref)
        return NULL;
    AVHWFramesContext *frames = (AVHWFramesContext *)ref->data;
    frames->format = AV_PIX_FMT_VAAPI;
    frames->sw_format = format;
    frames->width = width;
    frames->height = height;
    frames->initial_pool_size = count;
    *ret = av_hwframe_ctx_init(ref);
    if (*ret < 0)
        av_buffer_unref(&ref);
    return ref;
}

static bool gives_any(AVBufferRef *device, enum AVPixelFormat format)
{
    int ret;
    AVBufferRef *pool = pool_of(device, format, 128, 128, 1, &ret);
    av_buffer_unref(&pool);
    return ret >= 0;
}

/* FFmpeg has one error for whatever a driver says to a surface: what else it gives tells what was meant. Where there is no
 * room, others hold what is free later. */
static int refuse_pool(const struct vd_filter *filter, struct vd_err *err)
{
    const struct vd_picture *picture = &filter->picture;
    AVBufferRef *device = filter->device->traits.hardware;
    enum vd_code code = VD_UNAVAILABLE;
    const char *why = "nor any other; see vidriera doctor";
    if (gives_any(device, picture->target)) {
        code = VD_AGAIN;
        why = "no room; let it do less at once";
    } else if (picture->target != AV_PIX_FMT_NV12 && gives_any(device, AV_PIX_FMT_NV12)) {
        code = VD_UNFIT;
        why = "not that format; see vidriera doctor";
    }
    return vd_fail(err, code, "effect", "%s: the device gives no %d surfaces of %dx%d in %s: %s",
                   filter->device->backend->name, filter->held, picture->padded_width, picture->padded_height,
                   av_get_pix_fmt_name(picture->target), why);
}

int vd_vaapi_pool(struct vd_filter *filter, struct vd_err *err)
{
    const struct vd_picture *picture = &filter->picture;
    int ret;
    filter->frames = pool_of(filter->device->traits.hardware, picture->target, picture->padded_width,
                             picture->padded_height, filter->held, &ret);
    return filter->frames ? 0 : refuse_pool(filter, err);
}

AVFrame *vd_vaapi_surface(struct vd_filter *filter, const AVFrame *like, struct vd_err *err)
{
    AVFrame *surface = av_frame_alloc();
    if (!surface) {
        vd_fail(err, VD_INPUT, "effect", "no memory for a picture; raise --max-memory");
        return NULL;
    }
    int ret = av_hwframe_get_buffer(filter->frames, surface, 0);
    if (ret < 0) {
        vd_vaapi_fail(filter, "no surface is free", ret, err);
        goto fail;
    }
    ret = av_frame_copy_props(surface, like);
    if (ret < 0) {
        vd_fail(err, VD_INPUT, "effect", "no memory for a picture; raise --max-memory");
        goto fail;
    }
    surface->crop_left = surface->crop_right = surface->crop_top = surface->crop_bottom = 0;
    return surface;
fail:
    av_frame_free(&surface);
    return NULL;
}
