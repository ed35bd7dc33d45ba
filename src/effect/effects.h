/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the rows of the table in effect.c point to. */
#ifndef VIDRIERA_EFFECT_EFFECTS_H
#define VIDRIERA_EFFECT_EFFECTS_H

#include "vidriera/effect.h"

/* Called with checked parameters and a zeroed plan. */
typedef int vd_effect_plan_fn(struct vd_effect_plan *plan, const struct vd_effect_params *params,
                              const struct vd_layout *layout, struct vd_err *err);

vd_effect_plan_fn vd_split_tint_plan;

#endif
