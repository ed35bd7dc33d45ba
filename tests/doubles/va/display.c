/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * To be preloaded: a display over any file that can be opened, where libva's own wants a DRM node. Which driver it gets
 * is left to LIBVA_DRIVER_NAME; without it, it is the double. And stat() takes what is called /dev/dri/renderD* for the
 * render node of that number, whatever device it is.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <va/va_backend.h>
#include <va/va_drm.h>
#include <va/va_drmcommon.h>

/* Of libva, which exports them without a header. */
extern VADisplayContextP va_newDisplayContext(void);
extern VADriverContextP va_newDriverContext(VADisplayContextP display);

static const char *driver_name(void)
{
    const char *name = getenv("LIBVA_DRIVER_NAME");
    return name ? name : "vd_double";
}

static VAStatus one_name(char **name)
{
    *name = strdup(driver_name());
    return *name ? VA_STATUS_SUCCESS : VA_STATUS_ERROR_ALLOCATION_FAILED;
}

#if VA_CHECK_VERSION(1, 21, 0)
static VAStatus names(VADisplayContextP display, char **list, unsigned *count)
{
    (void)display;
    if (!*count)
        return VA_STATUS_ERROR_MAX_NUM_EXCEEDED;
    *count = 1;
    return one_name(list);
}

static void set_names(VADisplayContextP display)
{
    display->vaGetDriverNames = names;
}
#else
static int valid(VADisplayContextP display)
{
    return display != NULL;
}

static VAStatus name(VADisplayContextP display, char **out)
{
    (void)display;
    return one_name(out);
}

static VAStatus count_names(VADisplayContextP display, int *count)
{
    (void)display;
    *count = 1;
    return VA_STATUS_SUCCESS;
}

static VAStatus name_at(VADisplayContextP display, char **out, int i)
{
    (void)display;
    return i ? VA_STATUS_ERROR_INVALID_PARAMETER : one_name(out);
}

static void set_names(VADisplayContextP display)
{
    display->vaIsValid = valid;
    display->vaGetDriverName = name;
    display->vaGetNumCandidates = count_names;
    display->vaGetDriverNameByIndex = name_at;
}
#endif

static void destroy(VADisplayContextP display)
{
    free(display->pDriverContext->drm_state);
    free(display->pDriverContext);
    free(display);
}

__attribute__((visibility("default"))) int stat(const char *path, struct stat *st)
{
    static const char node[] = "/dev/dri/renderD";
    enum { DRM_MAJOR = 226 };
    int ret = fstatat(AT_FDCWD, path, st, 0);
    if (ret == 0 && S_ISCHR(st->st_mode) && !strncmp(path, node, sizeof node - 1))
        st->st_rdev = makedev(DRM_MAJOR, (unsigned)strtoul(path + sizeof node - 1, NULL, 10));
    return ret;
}

__attribute__((visibility("default"))) VADisplay vaGetDisplayDRM(int fd)
{
    struct drm_state *state = calloc(1, sizeof *state);
    VADisplayContextP display = state ? va_newDisplayContext() : NULL;
    VADriverContextP driver = display ? va_newDriverContext(display) : NULL;
    if (!driver) {
        free(display);
        free(state);
        return NULL;
    }
    state->fd = fd;
    state->auth_type = VA_DRM_AUTH_CUSTOM;
    driver->drm_state = state;
    driver->display_type = VA_DISPLAY_DRM_RENDERNODES;
    display->vaDestroy = destroy;
    set_names(display);
    return display;
}
