/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The recording that a result was made of, wherever it went since. Any thread. */
#ifndef VIDRIERA_ORIGINAL_H
#define VIDRIERA_ORIGINAL_H

#include "vidriera/roots.h"

#include <jansson.h>

/*
 * document: a result. Looked for at its path beneath the root that the order named, then in archived, failed and
 * recordings, there under the names too that vd_archive() gives. It must be as long as the document tells, and, where
 * "replay" is there, as old: another file may have taken the name. Of a document that tells no length it is nowhere.
 * Returns the descriptor, as vd_root_input(). VD_NO_INPUT: it is nowhere; VD_IO: the root where it should be is away.
 */
int vd_original_open(const struct vd_roots *roots, const json_t *document, struct stat *st, struct vd_err *err);

#endif
