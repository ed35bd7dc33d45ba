/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What OpenCL drivers are installed, for doctor, and whether ours was built for NVIDIA's. One thread. */
#ifndef VIDRIERA_DRIVERS_H
#define VIDRIERA_DRIVERS_H

#include <stdbool.h>

/* The device of --device opencl:N, for N from 0. */
struct vd_opencl_facts {
    char platform[64], name[96], version[64];
    bool gpu;           /* else a processor, or an accelerator */
    bool shares_memory; /* with the host */
    bool maps_vaapi;    /* cl_intel_va_api_media_sharing */
};

enum { VD_OPENCL_DEVICES = 64 };

/* Loads every OpenCL driver: in a child, for one may crash or hang. Returns how many. */
int vd_drivers_opencl(struct vd_opencl_facts list[VD_OPENCL_DEVICES]);

/* Whether the cuda backend is in this build: a clang that compiles to PTX was there. */
bool vd_drivers_cuda_built(void);

#endif
