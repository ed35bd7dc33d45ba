/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the driver can do, and configurations of it. */
#include "driver.h"

#include <string.h>

struct vd_config *vd_config(struct vd_double *d, VAConfigID id)
{
    unsigned i = id - VD_FIRST_CONFIG;
    return i < VD_CONFIGS && d->configs[i].used ? &d->configs[i] : NULL;
}

static bool has_profile(const struct vd_double *d, VAProfile profile)
{
    if (d->orders.no_profile)
        return false;
    return profile == VAProfileH264ConstrainedBaseline || (profile == VAProfileHEVCMain10 && d->orders.main10);
}

static bool has_entrypoint(const struct vd_double *d, VAEntrypoint entrypoint)
{
    return (entrypoint == VAEntrypointVLD && !d->orders.no_decode) ||
           (entrypoint == VAEntrypointEncSlice && !d->orders.no_encode);
}

static VAStatus check(const struct vd_double *d, VAProfile profile, VAEntrypoint entrypoint)
{
    if (!has_profile(d, profile))
        return VA_STATUS_ERROR_UNSUPPORTED_PROFILE;
    return has_entrypoint(d, entrypoint) ? VA_STATUS_SUCCESS : VA_STATUS_ERROR_UNSUPPORTED_ENTRYPOINT;
}

static unsigned rt_format(VAProfile profile)
{
    return profile == VAProfileHEVCMain10 ? VA_RT_FORMAT_YUV420_10 : VA_RT_FORMAT_YUV420;
}

static unsigned fourcc(VAProfile profile)
{
    return profile == VAProfileHEVCMain10 ? VA_FOURCC_P010 : VA_FOURCC_NV12;
}

static VAStatus query_profiles(VADriverContextP driver, VAProfile *list, int *count)
{
    static const VAProfile all[] = {VAProfileH264ConstrainedBaseline, VAProfileHEVCMain10};
    struct vd_double *d = vd_lock(driver);
    *count = 0;
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        if (has_profile(d, all[i]))
            list[(*count)++] = all[i];
    return vd_unlock(d, VA_STATUS_SUCCESS);
}

static VAStatus query_entrypoints(VADriverContextP driver, VAProfile profile, VAEntrypoint *list, int *count)
{
    static const VAEntrypoint all[] = {VAEntrypointVLD, VAEntrypointEncSlice};
    struct vd_double *d = vd_lock(driver);
    *count = 0;
    if (!has_profile(d, profile))
        return vd_unlock(d, VA_STATUS_ERROR_UNSUPPORTED_PROFILE);
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        if (has_entrypoint(d, all[i]))
            list[(*count)++] = all[i];
    return vd_unlock(d, VA_STATUS_SUCCESS);
}

static unsigned attribute(VAProfile profile, VAEntrypoint entrypoint, VAConfigAttribType type)
{
    bool encoder = entrypoint == VAEntrypointEncSlice;
    switch (type) {
    case VAConfigAttribRTFormat:
        return rt_format(profile);
    case VAConfigAttribMaxPictureWidth:
    case VAConfigAttribMaxPictureHeight:
        return VD_MAX_SIDE;
    case VAConfigAttribDecSliceMode:
        return encoder ? VA_ATTRIB_NOT_SUPPORTED : VA_DEC_SLICE_MODE_NORMAL;
    case VAConfigAttribRateControl: /* any, for none makes a difference */
        return encoder ? VA_RC_CQP | VA_RC_CBR | VA_RC_VBR : VA_ATTRIB_NOT_SUPPORTED;
    case VAConfigAttribEncPackedHeaders:
        return encoder ? VA_ENC_PACKED_HEADER_SEQUENCE | VA_ENC_PACKED_HEADER_PICTURE | VA_ENC_PACKED_HEADER_SLICE |
                             VA_ENC_PACKED_HEADER_MISC | VA_ENC_PACKED_HEADER_RAW_DATA
                       : VA_ATTRIB_NOT_SUPPORTED;
    case VAConfigAttribEncMaxRefFrames: /* none in list 1: no B pictures */
        return encoder ? 1 : VA_ATTRIB_NOT_SUPPORTED;
    case VAConfigAttribEncMaxSlices:
        return encoder ? 64 : VA_ATTRIB_NOT_SUPPORTED;
    case VAConfigAttribEncSliceStructure:
        return encoder ? VA_ENC_SLICE_STRUCTURE_ARBITRARY_ROWS | VA_ENC_SLICE_STRUCTURE_EQUAL_ROWS
                       : VA_ATTRIB_NOT_SUPPORTED;
    default:
        return VA_ATTRIB_NOT_SUPPORTED;
    }
}

static VAStatus get_attributes(VADriverContextP driver, VAProfile profile, VAEntrypoint entrypoint,
                               VAConfigAttrib *list, int count)
{
    struct vd_double *d = vd_lock(driver);
    VAStatus status = check(d, profile, entrypoint);
    for (int i = 0; i < count && status == VA_STATUS_SUCCESS; i++)
        list[i].value = attribute(profile, entrypoint, list[i].type);
    return vd_unlock(d, status);
}

static VAStatus create_config(VADriverContextP driver, VAProfile profile, VAEntrypoint entrypoint, VAConfigAttrib *list,
                              int count, VAConfigID *id)
{
    struct vd_double *d = vd_lock(driver);
    VAStatus status = check(d, profile, entrypoint);
    for (int i = 0; i < count && status == VA_STATUS_SUCCESS; i++)
        if (list[i].type == VAConfigAttribRTFormat && list[i].value != rt_format(profile))
            status = VA_STATUS_ERROR_UNSUPPORTED_RT_FORMAT;
    if (status != VA_STATUS_SUCCESS)
        return vd_unlock(d, status);

    for (unsigned i = 0; i < VD_CONFIGS; i++) {
        if (d->configs[i].used)
            continue;
        d->configs[i] = (struct vd_config){.used = true, .profile = profile, .entrypoint = entrypoint};
        *id = VD_FIRST_CONFIG + i;
        vd_log("config id=%u profile=%s entrypoint=%s", *id,
               profile == VAProfileHEVCMain10 ? "hevc-main10" : "h264-constrained-baseline",
               entrypoint == VAEntrypointVLD ? "decode" : "encode");
        return vd_unlock(d, VA_STATUS_SUCCESS);
    }
    return vd_unlock(d, VA_STATUS_ERROR_ALLOCATION_FAILED);
}

static VAStatus destroy_config(VADriverContextP driver, VAConfigID id)
{
    struct vd_double *d = vd_lock(driver);
    struct vd_config *config = vd_config(d, id);
    if (config)
        config->used = false;
    return vd_unlock(d, config ? VA_STATUS_SUCCESS : VA_STATUS_ERROR_INVALID_CONFIG);
}

static VAStatus query_config(VADriverContextP driver, VAConfigID id, VAProfile *profile, VAEntrypoint *entrypoint,
                             VAConfigAttrib *list, int *count)
{
    struct vd_double *d = vd_lock(driver);
    const struct vd_config *config = vd_config(d, id);
    if (!config)
        return vd_unlock(d, VA_STATUS_ERROR_INVALID_CONFIG);
    *profile = config->profile;
    *entrypoint = config->entrypoint;
    list[0] = (VAConfigAttrib){VAConfigAttribRTFormat, rt_format(config->profile)};
    *count = 1;
    return vd_unlock(d, VA_STATUS_SUCCESS);
}

static VAStatus query_surface_attributes(VADriverContextP driver, VAConfigID id, VASurfaceAttrib *list, unsigned *count)
{
    struct vd_double *d = vd_lock(driver);
    const struct vd_config *config = vd_config(d, id);
    if (!config)
        return vd_unlock(d, VA_STATUS_ERROR_INVALID_CONFIG);
    const struct {
        VASurfaceAttribType type;
        unsigned flags;
        int value;
    } all[] = {
        {VASurfaceAttribPixelFormat, VA_SURFACE_ATTRIB_GETTABLE | VA_SURFACE_ATTRIB_SETTABLE,
         (int)fourcc(config->profile)},
        {VASurfaceAttribMemoryType, VA_SURFACE_ATTRIB_GETTABLE | VA_SURFACE_ATTRIB_SETTABLE,
         VA_SURFACE_ATTRIB_MEM_TYPE_VA},
        {VASurfaceAttribMinWidth, VA_SURFACE_ATTRIB_GETTABLE, 16},
        {VASurfaceAttribMinHeight, VA_SURFACE_ATTRIB_GETTABLE, 16},
        {VASurfaceAttribMaxWidth, VA_SURFACE_ATTRIB_GETTABLE, VD_MAX_SIDE},
        {VASurfaceAttribMaxHeight, VA_SURFACE_ATTRIB_GETTABLE, VD_MAX_SIDE},
    };
    unsigned room = list ? *count : 0, there = sizeof all / sizeof *all;
    *count = there;
    if (list && room < there)
        return vd_unlock(d, VA_STATUS_ERROR_MAX_NUM_EXCEEDED);
    for (unsigned i = 0; i < room && i < there; i++) {
        memset(&list[i], 0, sizeof list[i]);
        list[i].type = all[i].type;
        list[i].flags = all[i].flags;
        list[i].value.type = VAGenericValueTypeInteger;
        list[i].value.value.i = all[i].value;
    }
    return vd_unlock(d, VA_STATUS_SUCCESS);
}

void vd_fill_configs(struct VADriverVTable *table)
{
    table->vaQueryConfigProfiles = query_profiles;
    table->vaQueryConfigEntrypoints = query_entrypoints;
    table->vaGetConfigAttributes = get_attributes;
    table->vaCreateConfig = create_config;
    table->vaDestroyConfig = destroy_config;
    table->vaQueryConfigAttributes = query_config;
    table->vaQuerySurfaceAttributes = query_surface_attributes;
}
