/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/drivers.h"

#include "kernels/source.h"
#include "opencl.h"

#include <stdlib.h>
#include <string.h>

static void text_of(cl_device_id device, cl_device_info what, char *text, size_t size)
{
    *text = '\0';
    clGetDeviceInfo(device, what, size - 1, text, NULL);
}

static void describe(const struct vd_opencl_found *found, struct vd_opencl_facts *facts)
{
    char extensions[16384] = "";
    cl_bool unified = CL_FALSE;
    *facts = (struct vd_opencl_facts){.gpu = found->type & CL_DEVICE_TYPE_GPU};
    snprintf(facts->platform, sizeof facts->platform, "%.63s", found->platform);
    snprintf(facts->name, sizeof facts->name, "%.95s", found->name);
    text_of(found->id, CL_DRIVER_VERSION, facts->version, sizeof facts->version);
    text_of(found->id, CL_DEVICE_EXTENSIONS, extensions, sizeof extensions);
    clGetDeviceInfo(found->id, CL_DEVICE_HOST_UNIFIED_MEMORY, sizeof unified, &unified, NULL);
    facts->shares_memory = unified;
    facts->maps_vaapi = strstr(extensions, "cl_intel_va_api_media_sharing");
}

int vd_drivers_opencl(struct vd_opencl_facts list[VD_OPENCL_DEVICES])
{
    struct vd_opencl_found *found = calloc(VD_OPENCL_DEVICES, sizeof *found);
    int code, count = found ? vd_opencl_list(found, &code) : 0;
    for (int i = 0; i < count; i++)
        describe(&found[i], &list[i]);
    free(found);
    return count;
}

bool vd_drivers_cuda_built(void)
{
    return *vd_tint_ptx != '\0';
}
