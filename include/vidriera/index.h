/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is a recording complete, as far as its container tells? A cheap look at its outermost structure, without FFmpeg, so
 * that the process that holds the secrets may do it: the bytes are hostile, reads are bounded in size and number, and
 * nothing is allocated. Any thread.
 */
#ifndef VIDRIERA_INDEX_H
#define VIDRIERA_INDEX_H

#include <stdbool.h>

/*
 * MP4 and MOV (ISO/IEC 14496-12, 4.2): moov is there and whole, and so is every mdat. Matroska (RFC 8794, RFC 9559): an
 * EBML header and a segment, whole unless its size is unknown. Other containers need no index: true when there are
 * bytes at all. fd is a regular file; its position stays.
 */
bool vd_index_readable(int fd);

#endif
