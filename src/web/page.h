/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of page/ as texts in the program, made by embed.cmake. */
#ifndef VIDRIERA_WEB_PAGE_H
#define VIDRIERA_WEB_PAGE_H

#include <stddef.h>

struct vd_page {
    const char *path; /* "/page.css"; of index.html "/" */
    const char *type, *tag;
    const char *text;
    size_t size;
};

extern const struct vd_page vd_pages[];
extern const size_t vd_page_count;

#endif
