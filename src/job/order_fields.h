/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fields of an order, for vd_fields_take() into a struct vd_order: every one is written here, once. */
#ifndef VIDRIERA_JOB_ORDER_FIELDS_H
#define VIDRIERA_JOB_ORDER_FIELDS_H

#include "fields.h"

extern const struct vd_field vd_order_fields[];

#endif
