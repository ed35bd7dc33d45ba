/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OpenCL C's functions about work-items, under the names that clang gives them. */
#include "kernels_host.h"

size_t vd_host_id[3], vd_host_size[3], vd_host_local_size[3];

size_t vd_host_global_id(unsigned axis) __asm__("_Z13get_global_idj");
size_t vd_host_global_size(unsigned axis) __asm__("_Z15get_global_sizej");
size_t vd_host_local_id(unsigned axis) __asm__("_Z12get_local_idj");
size_t vd_host_group_size(unsigned axis) __asm__("_Z14get_local_sizej");
size_t vd_host_group_id(unsigned axis) __asm__("_Z12get_group_idj");
size_t vd_host_group_count(unsigned axis) __asm__("_Z14get_num_groupsj");

size_t vd_host_global_id(unsigned axis)
{
    return vd_host_id[axis];
}

size_t vd_host_global_size(unsigned axis)
{
    return vd_host_size[axis];
}

size_t vd_host_local_id(unsigned axis)
{
    return vd_host_id[axis] % vd_host_local_size[axis];
}

size_t vd_host_group_size(unsigned axis)
{
    return vd_host_local_size[axis];
}

size_t vd_host_group_id(unsigned axis)
{
    return vd_host_id[axis] / vd_host_local_size[axis];
}

size_t vd_host_group_count(unsigned axis)
{
    return vd_host_size[axis] / vd_host_local_size[axis];
}
