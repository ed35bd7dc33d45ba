/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a recording goes when its job is over: archived/ or failed/, at the same path. It is opened again beneath its
 * root and must still be the file of the document's "replay" (vd_done_same_file()); then renamed, or, across
 * file systems, copied from that descriptor, synced, compared by digest, and only then unlinked. Nothing is ever
 * replaced, the only copy never deleted. May take long (a copy): for a thread of its own. Idempotent: after a crash in
 * the middle it is simply called again.
 */
#ifndef VIDRIERA_ARCHIVE_H
#define VIDRIERA_ARCHIVE_H

#include "vidriera/roots.h"

#include <jansson.h>

enum vd_archived {
    VD_ARCHIVE_MOVED,   /* or it was moved before */
    VD_ARCHIVE_GONE,    /* it is nowhere to be found: somebody else took it */
    VD_ARCHIVE_CHANGED, /* another file stands in its place, or it was written to: left */
    VD_ARCHIVE_CANNOT,  /* it may not be moved: err tells why, and the command that mends it */
    VD_ARCHIVE_LATER,   /* the host's fault: err */
};

/*
 * document: a result with "replay". Completed (and cancelled) ones go to archived, failed ones to failed with
 * `<name>.reason.json` (the document) beside. A taken name gets `.2`, `.3` … before its extension. When no recording is
 * left in its folder, metadata.json and .vidriera-final follow. Nothing is done (MOVED) when it is there already, or
 * lies in processed, which is no place of originals.
 */
enum vd_archived vd_archive(const struct vd_roots *roots, const json_t *document, struct vd_err *err);

/*
 * The way back, for a failed one that is tried again: from failed/ to where the document says it was, with what describes
 * its session when it is the last there; the reason beside it goes. Only if it is the document's file, and into nobody's
 * place. MOVED: it is back, or was never away; GONE: it is not in failed; CHANGED: another file has its place. Idempotent.
 */
enum vd_archived vd_restore(const struct vd_roots *roots, const json_t *document, struct vd_err *err);

/* Names that may be recordings (by extension): what counts for "no recording is left", and what watch looks at. */
bool vd_is_media_name(const char *name);

#endif
