/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of files that are made from other names, and paths in commands that a person is to run. Pure; any thread. */
#ifndef VIDRIERA_STORE_NAMES_H
#define VIDRIERA_STORE_NAMES_H

#include "vidriera/order.h"
#include "vidriera/roots.h"

#include <stdbool.h>
#include <stddef.h>

enum { VD_NAME = 256, VD_MEND = 360 };

/* 8 hex digits of the text's hash. */
void vd_hash8(char hex[9], const char *text, size_t size);

/*
 * stem and ending. A stem that makes more than `most` bytes of it is cut between characters, and "-" and the 8 hex
 * digits of its hash stand where it was cut: true.
 */
bool vd_name_join(char name[VD_NAME], const char *stem, size_t size, const char *ending, size_t most);

/* Bytes before the extension's dot; all of it when there is none. */
size_t vd_stem_size(const char *name);

/* The name in a path, and the folder ("": none) that it is in. */
const char *vd_path_name(const char *path);
void vd_path_folder(const char *path, char folder[VD_ORDER_PATH]);

/*
 * "run as root: <command> '<top>/<rest>'", fit for a shell whatever the path (rest may be empty); words that do without
 * the path when it is too long to be shown whole. A top that is or lies beneath data is named as the host has it.
 */
const char *vd_mend(char mend[VD_MEND], const struct vd_roots *roots, const char *command, const char *top,
                    const char *rest);

#endif
