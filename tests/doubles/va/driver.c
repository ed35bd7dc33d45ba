/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "driver.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <va/va_drmcommon.h>

struct vd_double *vd_lock(VADriverContextP driver)
{
    struct vd_double *d = driver->pDriverData;
    pthread_mutex_lock(&d->lock);
    return d;
}

VAStatus vd_unlock(struct vd_double *d, VAStatus status)
{
    pthread_mutex_unlock(&d->lock);
    return status;
}

static VAStatus terminate(VADriverContextP driver)
{
    struct vd_double *d = driver->pDriverData;
    for (unsigned i = 0; i < VD_BUFFERS; i++)
        vd_buffer_free(&d->buffers[i]);
    for (unsigned i = 0; i < VD_SURFACES; i++)
        vd_surface_free(&d->surfaces[i]);
    pthread_mutex_destroy(&d->lock);
    free(d);
    driver->pDriverData = NULL;
    vd_log("terminate");
    return VA_STATUS_SUCCESS;
}

/* N of /dev/dri/renderDN; 0: of anything else. */
static unsigned node_of(VADriverContextP driver)
{
    static const char begin[] = "/dev/dri/renderD";
    const struct drm_state *state = driver->drm_state;
    char link[32], path[64] = "";
    if (!state)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", state->fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    path[size < 0 ? 0 : size] = 0;
    return strncmp(path, begin, sizeof begin - 1) ? 0 : (unsigned)strtoul(path + sizeof begin - 1, NULL, 10);
}

VAStatus __vaDriverInit_1_0(VADriverContextP driver) // NOLINT(bugprone-reserved-identifier)
{
    vd_log_open();
    struct vd_double *d = calloc(1, sizeof *d);
    if (!d)
        return VA_STATUS_ERROR_ALLOCATION_FAILED;
    const unsigned node = node_of(driver);
    if (!vd_orders_read(&d->orders, node) || pthread_mutex_init(&d->lock, NULL)) {
        free(d);
        return VA_STATUS_ERROR_UNKNOWN;
    }
    vd_log("init va=%d.%d main10=%d node=%u", VA_MAJOR_VERSION, VA_MINOR_VERSION, d->orders.main10, node);
    if (d->orders.crash_init)
        raise(SIGSEGV);
    if (d->orders.hang_init)
        vd_orders_hang("init");

    driver->pDriverData = d;
    driver->version_major = VA_MAJOR_VERSION;
    driver->version_minor = VA_MINOR_VERSION;
    driver->max_profiles = 2;
    driver->max_entrypoints = 2;
    driver->max_attributes = 16;
    driver->max_image_formats = 2;
    driver->max_subpic_formats = 1;
    driver->max_display_attributes = 1;
    driver->str_vendor = "vidriera VA driver double, I_PCM only";

    driver->vtable->vaTerminate = terminate;
    vd_fill_configs(driver->vtable);
    vd_fill_surfaces(driver->vtable);
    vd_fill_images(driver->vtable);
    vd_fill_pictures(driver->vtable);
    vd_fill_refusals(driver->vtable);
#if VA_CHECK_VERSION(1, 21, 0)
    driver->vtable->vaMapBuffer2 = NULL; /* then libva takes vaMapBuffer */
#endif
    return VA_STATUS_SUCCESS;
}
