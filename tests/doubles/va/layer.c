/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A layer of OpenCL's loader (OPENCL_LAYERS) that adds cl_intel_va_api_media_sharing to PoCL, for displays of the VA
 * driver double: an image of a surface's plane is its memory itself. As Intel's runtime does it, the image has the size of
 * the surface as it lies in memory, acquiring waits for the surface, and planes above 1 and other flags are refused.
 */
#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS

#include "driver.h"

#include <CL/cl.h>
#include <CL/cl_icd.h>
#include <CL/cl_layer.h>
#include <CL/cl_va_api_media_sharing_intel.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PROPERTIES = 32, CONTEXTS = 64, IMAGES = 4096 };

struct shared_context {
    cl_context context; /* NULL: free */
    VADisplay display;
    bool user_sync;
    cl_context_properties properties[PROPERTIES]; /* as they were given, with the 0 at their end */
    size_t property_count;
};

struct shared_image {
    cl_mem image; /* NULL: free */
    VADisplay display;
    bool user_sync;
    VASurfaceID surface;
    unsigned plane;
    cl_mem_flags access;
};

static const struct _cl_icd_dispatch *below;
static struct _cl_icd_dispatch ours;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct shared_context contexts[CONTEXTS];
static struct shared_image images[IMAGES];

static const char extension[] = " cl_intel_va_api_media_sharing";

static bool is_pocl(cl_platform_id platform)
{
    char name[128] = "";
    return below->clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof name, name, NULL) == CL_SUCCESS &&
           strcmp(name, "Portable Computing Language") == 0;
}

static struct shared_context *find_context(cl_context context)
{
    for (unsigned i = 0; i < CONTEXTS; i++)
        if (contexts[i].context == context)
            return &contexts[i];
    return NULL;
}

static struct shared_image *find_image(cl_mem image)
{
    for (unsigned i = 0; i < IMAGES; i++)
        if (images[i].image == image)
            return &images[i];
    return NULL;
}

static cl_int CL_API_CALL get_device_info(cl_device_id device, cl_device_info what, size_t room, void *out,
                                          size_t *size)
{
    cl_platform_id platform;
    cl_int status = below->clGetDeviceInfo(device, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL);
    if (what != CL_DEVICE_EXTENSIONS || status != CL_SUCCESS || !is_pocl(platform))
        return below->clGetDeviceInfo(device, what, room, out, size);

    char words[8192];
    size_t length = 0;
    status = below->clGetDeviceInfo(device, what, sizeof words - sizeof extension, words, &length);
    if (status != CL_SUCCESS)
        return status;
    strcat(words, extension);
    length = strlen(words) + 1;
    if (size)
        *size = length;
    if (out && room < length)
        return CL_INVALID_VALUE;
    if (out)
        memcpy(out, words, length);
    return CL_SUCCESS;
}

/* *to: what PoCL knows of the properties. False: too many of them. */
static bool split_properties(const cl_context_properties *from, cl_context_properties *to, struct shared_context *own)
{
    size_t kept = 0;
    for (; *from; from += 2) {
        if (own->property_count + 3 > PROPERTIES)
            return false;
        own->properties[own->property_count++] = from[0];
        own->properties[own->property_count++] = from[1];
        if (from[0] == CL_CONTEXT_VA_API_DISPLAY_INTEL) {
            own->display = (VADisplay)from[1];
        } else if (from[0] == CL_CONTEXT_INTEROP_USER_SYNC) {
            own->user_sync = from[1] != CL_FALSE;
        } else {
            to[kept++] = from[0];
            to[kept++] = from[1];
        }
    }
    own->properties[own->property_count++] = 0;
    to[kept] = 0;
    return true;
}

typedef void CL_CALLBACK notify_fn(const char *, const void *, size_t, void *);

static cl_context CL_API_CALL create_context(const cl_context_properties *properties, cl_uint count,
                                             const cl_device_id *devices, notify_fn *notify, void *user, cl_int *error)
{
    struct shared_context own = {0};
    cl_context_properties kept[PROPERTIES];
    if (!properties || !split_properties(properties, kept, &own) || !own.display)
        return below->clCreateContext(properties, count, devices, notify, user, error);
    own.context = below->clCreateContext(kept, count, devices, notify, user, error);
    if (!own.context)
        return NULL;

    pthread_mutex_lock(&lock);
    /* PoCL keeps what its queues use: not all that goes is seen to go */
    struct shared_context *room = find_context(own.context);
    if (!room)
        room = find_context(NULL);
    if (room)
        *room = own;
    pthread_mutex_unlock(&lock);
    if (room)
        return own.context;
    below->clReleaseContext(own.context);
    if (error)
        *error = CL_OUT_OF_HOST_MEMORY;
    return NULL;
}

static cl_int CL_API_CALL get_context_info(cl_context context, cl_context_info what, size_t room, void *out,
                                           size_t *size)
{
    if (what != CL_CONTEXT_PROPERTIES)
        return below->clGetContextInfo(context, what, room, out, size);
    pthread_mutex_lock(&lock);
    const struct shared_context *found = find_context(context);
    size_t length = found ? found->property_count * sizeof *found->properties : 0;
    cl_int status = out && room < length ? CL_INVALID_VALUE : CL_SUCCESS;
    if (size)
        *size = length;
    if (found && out && status == CL_SUCCESS)
        memcpy(out, found->properties, length);
    pthread_mutex_unlock(&lock);
    return found ? status : below->clGetContextInfo(context, what, room, out, size);
}

static cl_int CL_API_CALL release_context(cl_context context)
{
    cl_uint references = 0;
    below->clGetContextInfo(context, CL_CONTEXT_REFERENCE_COUNT, sizeof references, &references, NULL);
    pthread_mutex_lock(&lock);
    struct shared_context *found = references == 1 ? find_context(context) : NULL;
    if (found)
        *found = (struct shared_context){0};
    pthread_mutex_unlock(&lock);
    return below->clReleaseContext(context);
}

static cl_int CL_API_CALL release_image(cl_mem image)
{
    cl_uint references = 0;
    below->clGetMemObjectInfo(image, CL_MEM_REFERENCE_COUNT, sizeof references, &references, NULL);
    pthread_mutex_lock(&lock);
    struct shared_image *found = references == 1 ? find_image(image) : NULL;
    if (found)
        *found = (struct shared_image){0};
    pthread_mutex_unlock(&lock);
    return below->clReleaseMemObject(image);
}

static cl_int CL_API_CALL get_devices(cl_platform_id platform, cl_va_api_device_source_intel source, void *adapter,
                                      cl_va_api_device_set_intel set, cl_uint room, cl_device_id *devices,
                                      cl_uint *count)
{
    (void)set;
    if (source != CL_VA_API_DISPLAY_INTEL || !vaDisplayIsValid(adapter))
        return CL_INVALID_VA_API_MEDIA_ADAPTER_INTEL;
    return below->clGetDeviceIDs(platform, CL_DEVICE_TYPE_CPU, room, devices, count);
}

static bool plane_of(VADisplay display, VASurfaceID surface, unsigned plane, struct vd_double_plane *out)
{
    VADriverContextP driver = ((VADisplayContextP)display)->pDriverContext;
    vd_double_plane_fn *find = NULL;
    *(void **)&find = driver->handle ? dlsym(driver->handle, "vd_double_plane") : NULL;
    return find && find(driver, surface, plane, out);
}

/* Whether plane 1 can be an image of pairs, or is told to be or not to be one. */
static bool has_pairs(cl_context context, cl_mem_flags flags, cl_channel_type type)
{
    const char *wanted = getenv("VD_DOUBLE_PLANE1");
    if (wanted)
        return strcmp(wanted, "rg") == 0;
    cl_image_format formats[256];
    cl_uint count = 0;
    below->clGetSupportedImageFormats(context, flags, CL_MEM_OBJECT_IMAGE2D, 256, formats, &count);
    for (cl_uint i = 0; i < count && i < 256; i++)
        if (formats[i].image_channel_order == CL_RG && formats[i].image_channel_data_type == type)
            return true;
    return false;
}

static cl_mem make_image(const struct shared_context *context, cl_mem_flags flags, VASurfaceID surface, cl_uint plane,
                         cl_int *status)
{
    struct vd_double_plane memory;
    if (!plane_of(context->display, surface, plane, &memory)) {
        *status = CL_INVALID_VA_API_MEDIA_SURFACE_INTEL;
        return NULL;
    }
    cl_image_format format = {CL_R, memory.sample_bytes == 2 ? CL_UNORM_INT16 : CL_UNORM_INT8};
    cl_image_desc desc = {.image_type = CL_MEM_OBJECT_IMAGE2D,
                          .image_width = memory.columns,
                          .image_height = memory.rows,
                          .image_row_pitch = memory.pitch};
    if (plane && has_pairs(context->context, flags, format.image_channel_data_type))
        format.image_channel_order = CL_RG;
    else if (plane)
        desc.image_width *= 2;
    cl_mem image = below->clCreateImage(context->context, flags | CL_MEM_USE_HOST_PTR, &format, &desc, memory.memory,
                                        status);
    vd_log("share surface=%u plane=%u order=%s size=%zux%zu access=%s decoded=%d status=%d", surface, plane,
           format.image_channel_order == CL_RG ? "RG" : "R", desc.image_width, desc.image_height,
           flags == CL_MEM_READ_ONLY    ? "read"
           : flags == CL_MEM_WRITE_ONLY ? "write"
                                        : "read-write",
           memory.decoded, *status);
    return image;
}

static cl_mem CL_API_CALL create_from_surface(cl_context context, cl_mem_flags flags, VASurfaceID *surface,
                                              cl_uint plane, cl_int *error)
{
    cl_int ignored;
    cl_int *status = error ? error : &ignored;
    *status = CL_SUCCESS;
    if (plane > 1 || (flags != CL_MEM_READ_ONLY && flags != CL_MEM_WRITE_ONLY && flags != CL_MEM_READ_WRITE)) {
        *status = CL_INVALID_VALUE;
        return NULL;
    }

    pthread_mutex_lock(&lock);
    const struct shared_context *found = find_context(context);
    struct shared_image *room = find_image(NULL);
    cl_mem image = NULL;
    if (!found)
        *status = CL_INVALID_CONTEXT;
    else if (!room)
        *status = CL_OUT_OF_HOST_MEMORY;
    else
        image = make_image(found, flags, *surface, plane, status);
    struct shared_image *stale = image ? find_image(image) : NULL;
    if (stale)
        room = stale;
    if (image)
        *room = (struct shared_image){.image = image,
                                      .display = found->display,
                                      .user_sync = found->user_sync,
                                      .surface = *surface,
                                      .plane = plane,
                                      .access = flags};
    pthread_mutex_unlock(&lock);
    return image;
}

/* Of all of them, or none: CL_SUCCESS, or why not. */
static cl_int hand_over(cl_uint count, const cl_mem *list, const char *what, bool waits)
{
    for (cl_uint i = 0; i < count; i++) {
        pthread_mutex_lock(&lock);
        const struct shared_image *found = list[i] ? find_image(list[i]) : NULL;
        struct shared_image image = found ? *found : (struct shared_image){0};
        pthread_mutex_unlock(&lock);
        if (!found)
            return CL_INVALID_MEM_OBJECT;
        if (waits && !image.user_sync && vaSyncSurface(image.display, image.surface) != VA_STATUS_SUCCESS)
            return CL_OUT_OF_RESOURCES;
        vd_log("%s surface=%u plane=%u", what, image.surface, image.plane);
    }
    return CL_SUCCESS;
}

static cl_int CL_API_CALL acquire(cl_command_queue queue, cl_uint count, const cl_mem *list, cl_uint wait_count,
                                  const cl_event *wait, cl_event *event)
{
    cl_int status = hand_over(count, list, "acquire", true);
    return status ? status : below->clEnqueueMarkerWithWaitList(queue, wait_count, wait, event);
}

static cl_int CL_API_CALL release(cl_command_queue queue, cl_uint count, const cl_mem *list, cl_uint wait_count,
                                  const cl_event *wait, cl_event *event)
{
    cl_int status = hand_over(count, list, "release", false);
    return status ? status : below->clEnqueueMarkerWithWaitList(queue, wait_count, wait, event);
}

static void *CL_API_CALL get_function(cl_platform_id platform, const char *name)
{
    if (!is_pocl(platform))
        return below->clGetExtensionFunctionAddressForPlatform(platform, name);
    if (strcmp(name, "clGetDeviceIDsFromVA_APIMediaAdapterINTEL") == 0)
        return (void *)get_devices;
    if (strcmp(name, "clCreateFromVA_APIMediaSurfaceINTEL") == 0)
        return (void *)create_from_surface;
    if (strcmp(name, "clEnqueueAcquireVA_APIMediaSurfacesINTEL") == 0)
        return (void *)acquire;
    if (strcmp(name, "clEnqueueReleaseVA_APIMediaSurfacesINTEL") == 0)
        return (void *)release;
    return below->clGetExtensionFunctionAddressForPlatform(platform, name);
}

VD_EXPORTED cl_int CL_API_CALL clGetLayerInfo(cl_layer_info what, size_t room, void *out, size_t *size)
{
    if (what != CL_LAYER_API_VERSION || (out && room < sizeof(cl_layer_api_version)))
        return CL_INVALID_VALUE;
    if (out)
        *(cl_layer_api_version *)out = CL_LAYER_API_VERSION_100;
    if (size)
        *size = sizeof(cl_layer_api_version);
    return CL_SUCCESS;
}

VD_EXPORTED cl_int CL_API_CALL clInitLayer(cl_uint entries, const struct _cl_icd_dispatch *target, cl_uint *our_entries,
                                           const struct _cl_icd_dispatch **table)
{
    size_t size = entries * sizeof(void *);
    if (size > sizeof ours)
        size = sizeof ours;
    vd_log_open();
    below = target;
    memcpy(&ours, target, size);
    ours.clGetDeviceInfo = get_device_info;
    ours.clCreateContext = create_context;
    ours.clGetContextInfo = get_context_info;
    ours.clReleaseContext = release_context;
    ours.clReleaseMemObject = release_image;
    ours.clGetExtensionFunctionAddressForPlatform = get_function;
    *our_entries = (cl_uint)(size / sizeof(void *));
    *table = &ours;
    return CL_SUCCESS;
}
