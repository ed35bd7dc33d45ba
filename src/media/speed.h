/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef VIDRIERA_MEDIA_SPEED_H
#define VIDRIERA_MEDIA_SPEED_H

#include "vidriera/device.h"

/*
 * How fast the device tints pictures that lie where its decoder would put them: 10^9 bytes a second, those that it reads
 * and those that it writes. Takes a fifth of a second at most, once the device is warm. Negative: it cannot be had. The
 * device's thread.
 */
double vd_speed_of_tint(struct vd_device *device, bool deep);

#endif
