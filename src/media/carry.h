/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A stream that goes through beside the picture: sound copied byte for byte, subtitles copied or converted, cover art,
 * attachments. Set up once by mux.c, then fed by its thread.
 */
#ifndef VIDRIERA_MEDIA_CARRY_H
#define VIDRIERA_MEDIA_CARRY_H

#include "plan.h"

#include <libavcodec/bsf.h>
#include <xxhash.h>

struct vd_carry {
    const AVStream *in;
    AVStream *out;                      /* NULL: this stream does not go through */
    AVBSFContext *framing;              /* takes the input container's own framing off (ADTS); NULL: none */
    AVCodecContext *text_in, *text_out; /* a subtitle that the container wants in other words; NULL: copied */
    XXH3_state_t *hash;                 /* of all bytes that went out; NULL when it is not sound */
    int64_t bytes, packets;
    int64_t damaged;   /* packets that had to be left out */
    int64_t first_pts; /* in out->time_base */
    int64_t last_dts;  /* in out->time_base */
    int64_t delta;     /* state of av_rescale_delta */
    bool inside;       /* a packet inside the edit list has been seen */
};

/*
 * Makes the output stream for `in` when the container can hold it; else says so in notes (what stays behind on purpose,
 * a chapter track for one, is not worth a word). Negative AVERROR on failure, *err filled.
 */
int vd_carry_open(struct vd_carry *carry, AVFormatContext *out, const struct vd_plan *plan, const AVStream *in,
                  struct vd_notes *notes, struct vd_err *err);
/* A track without packets is left out of mp4 and mov. */
bool vd_carry_vanishes(const struct vd_carry *carry, const struct vd_plan *plan);

void vd_carry_close(struct vd_carry *carry);

/*
 * Makes *packet (in in's time base) ready for the muxer: converted, rescaled, its time repaired where it does not rise.
 * 1: write it; 0: there is nothing to write now; negative AVERROR. repaired is counted up.
 */
int vd_carry_packet(struct vd_carry *carry, AVPacket *packet, const struct vd_plan *plan, int64_t *repaired);

#endif
