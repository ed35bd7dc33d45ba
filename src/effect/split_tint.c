/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The picture in two parts as the viewer sees them, each drawn towards a colour of its own. */
#include "kernels/tint.h"
#include "src/effect/effects.h"

#include <assert.h>

/* The parts of the picture in coded order: along rows of samples, or down the rows. */
struct geometry {
    bool by_rows;
    bool swapped; /* the viewer's left comes last */
    int mid;      /* luma columns (rows) before it are the first part */
};

static struct geometry geometry(const struct vd_layout *layout, int split)
{
    struct geometry g = {
        .by_rows = layout->left == VD_EDGE_TOP || layout->left == VD_EDGE_BOTTOM,
        .swapped = layout->left == VD_EDGE_RIGHT || layout->left == VD_EDGE_BOTTOM,
    };
    int size = g.by_rows ? layout->height : layout->width;
    g.mid = (int)((int64_t)size * split / 10000);
    if (g.swapped)
        g.mid = size - g.mid;
    return g;
}

/* Splits samples that each cover 2^log2 of size columns (rows), the last of them perhaps fewer. A sample straddles when
 * it covers some on both sides of mid. */
static void parts(int n[3], int size, int log2, int mid)
{
    int samples = (size + (1 << log2) - 1) >> log2;
    n[0] = mid == size ? samples : mid >> log2;
    n[1] = mid < size && (mid & ((1 << log2) - 1)) != 0;
    n[2] = samples - n[0] - n[1];
}

static struct vd_plane_plan plane(const struct vd_layout *layout, const struct geometry *g, bool chroma)
{
    int log2_w = chroma ? layout->log2_chroma_w : 0, log2_h = chroma ? layout->log2_chroma_h : 0;
    int components = chroma && layout->interleaved ? 2 : 1;
    struct vd_plane_plan p = {
        .by_rows = g->by_rows,
        .width = components * ((layout->width + (1 << log2_w) - 1) >> log2_w),
        .rows = (layout->height + (1 << log2_h) - 1) >> log2_h,
        .tint = {.depth = layout->depth, .shift = layout->shift},
    };
    if (g->by_rows)
        parts(p.n, layout->height, log2_h, g->mid);
    else
        parts(p.n, layout->width, log2_w, g->mid);
    for (int i = 0; i < 3 && !g->by_rows; i++)
        p.n[i] *= components;
    return p;
}

/* odd: the component of every second sample, the same as even in a plane of one component. */
static void constants(struct vd_tint *tint, double strength, double codes[3][3], int even, int odd)
{
    tint->a = vd_tint_a(strength, tint->depth);
    for (int part = 0; part < 3; part++) {
        tint->b[part][0] = vd_tint_b(strength, codes[part][even], tint->depth);
        tint->b[part][1] = vd_tint_b(strength, codes[part][odd], tint->depth);
    }
}

int vd_split_tint_plan(struct vd_effect_plan *plan, const struct vd_effect_params *params,
                       const struct vd_layout *layout, struct vd_err *err)
{
    assert(layout->width > 0 && layout->height > 0);
    assert(layout->depth >= 8 && layout->depth <= 12);
    assert(layout->depth == 8 ? layout->shift == 0 : layout->shift >= 0 && layout->shift <= 16 - layout->depth);

    const struct geometry g = geometry(layout, params->split);
    const struct vd_rgb first = g.swapped ? params->right : params->left;
    const struct vd_rgb last = g.swapped ? params->left : params->right;

    plan->identity = params->strength == 0;
    double codes[3][3] = {{0}};
    if (!plan->identity && (vd_colour_codes(first, layout->matrix, layout->full_range, layout->depth, codes[0]) < 0 ||
                            vd_colour_codes(last, layout->matrix, layout->full_range, layout->depth, codes[2]) < 0))
        return vd_fail(err, VD_INPUT, "effect",
                       "colour matrix %d of ITU-T H.273: a colour has no place in it that can be mixed; "
                       "convert the recording to BT.709 first",
                       layout->matrix);
    for (int i = 0; i < 3; i++)
        codes[1][i] = (codes[0][i] + codes[2][i]) / 2;

    plan->wide = layout->depth > 8;
    plan->planes = layout->interleaved ? 2 : 3;
    for (int i = 0; i < plan->planes; i++) {
        plan->plane[i] = plane(layout, &g, i > 0);
        constants(&plan->plane[i].tint, params->strength, codes, i, i > 0 && layout->interleaved ? 2 : i);
    }
    return 0;
}
