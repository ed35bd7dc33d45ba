/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "courier.h"

#include "vidriera/log.h"
#include "vidriera/state.h"

void vd_courier_init(struct vd_courier *courier, const struct vd_roots *roots, const struct vd_bus_setup *bus,
                     const struct vd_recipe *recipe)
{
    *courier = (struct vd_courier){.setup = {.roots = roots, .bus = bus}, .recipe = *recipe};
    courier->setup.recipe = &courier->recipe;
}

static bool found(void *opaque, const char *name, const char *text, size_t size)
{
    (void)name, (void)text, (void)size;
    *(bool *)opaque = true;
    return false;
}

static bool spool_holds_something(const struct vd_courier *courier)
{
    struct vd_err err;
    bool something = false;
    vd_spool_each(courier->setup.roots, found, &something, &err);
    return something;
}

bool vd_courier_round(struct vd_courier *courier)
{
    struct vd_err err;
    if (!courier->open) {
        if (!spool_holds_something(courier))
            return false;
        if (vd_watch_out_open(&courier->out, &courier->setup, &courier->state, &courier->tree, &err) < 0) {
            vd_log(VD_LOG_WARNING, "spool: %s", err.text);
            return false;
        }
        courier->open = true;
    }
    vd_watch_out_serve(&courier->out);
    vd_watch_out_spool(&courier->out);
    if (!vd_watch_out_spool_empty(&courier->out))
        return true;
    vd_courier_finish(courier);
    return false;
}

void vd_courier_finish(struct vd_courier *courier)
{
    if (courier->open)
        vd_watch_out_close(&courier->out);
    courier->open = false;
}
