/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What may be read at all: demuxers and decoders, by FFmpeg's own names. Everything else that FFmpeg was built with
 * (playlists, network, image sequences, hundreds of game codecs) stays out of reach of a hostile file. Any thread.
 */
#ifndef VIDRIERA_MEDIA_WHITELIST_H
#define VIDRIERA_MEDIA_WHITELIST_H

#include <stdbool.h>

/* Row i of each table; NULL past the end. A demuxer's name is FFmpeg's whole list, e.g. "matroska,webm". */
const char *vd_demuxer_name(int i);
const char *vd_decoder_name(int i);

/* Comma-separated, as AVFormatContext.format_whitelist and codec_whitelist want it. Made once, never freed. */
const char *vd_demuxer_whitelist(void);
const char *vd_decoder_whitelist(void);

bool vd_decoder_allowed(const char *name);

#endif
