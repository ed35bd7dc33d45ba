/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "src/effect/effects.h"

#include <stdio.h>
#include <string.h>

/* The tint of strength 0: it has no colour that a matrix could refuse, and every picture comes out as it went in. */
static int none_plan(struct vd_effect_plan *plan, const struct vd_effect_params *params, const struct vd_layout *layout,
                     struct vd_err *err)
{
    struct vd_effect_params untouched = *params;
    untouched.strength = 0;
    return vd_split_tint_plan(plan, &untouched, layout, err);
}

static const struct {
    const char *name;
    vd_effect_plan_fn *plan;
} effects[] = {
    {"none", none_plan},
    {"split-tint", vd_split_tint_plan},
};

#define N_EFFECTS ((int)(sizeof effects / sizeof effects[0]))

void vd_effect_defaults(struct vd_effect_params *params)
{
    *params = (struct vd_effect_params){
        .name = "split-tint",
        .left = {0, 0, 255},
        .right = {255, 0, 0},
        .strength = 0.3,
        .split = 5000,
    };
}

const char *vd_effect_name(int i)
{
    return i >= 0 && i < N_EFFECTS ? effects[i].name : NULL;
}

static int unknown(const char name[16], struct vd_err *err)
{
    char known[128] = "";
    for (int i = 0; i < N_EFFECTS; i++) {
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? " or " : "", effects[i].name);
    }
    return vd_fail(err, VD_USAGE, "", "effect '%.16s': there is none of that name; take %s", name, known);
}

int vd_effect_plan(struct vd_effect_plan *plan, const struct vd_effect_params *params, const struct vd_layout *layout,
                   struct vd_err *err)
{
    int row = 0;
    while (row < N_EFFECTS && strncmp(effects[row].name, params->name, sizeof params->name) != 0)
        row++;
    if (row == N_EFFECTS)
        return unknown(params->name, err);

    /* Written so that NaN fails. */
    if (!(params->strength >= 0 && params->strength <= 1))
        return vd_fail(err, VD_USAGE, "", "strength %g: out of range; give a number from 0 to 1", params->strength);
    if (params->split < 0 || params->split > 10000)
        return vd_fail(err, VD_USAGE, "", "split %g: out of range; give a number from 0 to 1", params->split / 1e4);

    *plan = (struct vd_effect_plan){0};
    return effects[row].plan(plan, params, layout, err);
}

static void apply_rows(const struct vd_plane_plan *p, vd_tint_fn *tint, uint8_t *dst, ptrdiff_t dst_stride,
                       const uint8_t *src, ptrdiff_t src_stride)
{
    for (int part = 0; part < 3; part++) {
        int n[3] = {0};
        n[part] = p->width;
        tint(dst, dst_stride, src, src_stride, n, p->n[part], &p->tint);
        dst += p->n[part] * dst_stride;
        src += p->n[part] * src_stride;
    }
}

void vd_effect_apply(const struct vd_effect_plan *plan, const struct vd_planes *dst, const struct vd_planes *src)
{
    vd_tint_fn *tint = plan->wide ? vd_dsp()->tint16 : vd_dsp()->tint8;

    for (int i = 0; i < plan->planes; i++) {
        const struct vd_plane_plan *p = &plan->plane[i];
        if (p->by_rows)
            apply_rows(p, tint, dst->data[i], dst->stride[i], src->data[i], src->stride[i]);
        else
            tint(dst->data[i], dst->stride[i], src->data[i], src->stride[i], p->n, p->rows, &p->tint);
    }
}
