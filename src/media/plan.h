/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every decision about an output, taken once from the job, the opened source and its first picture, before any work: the
 * container, the encoder, the format, the tags, the clock. Read-only afterwards, so every stage may look at it.
 */
#ifndef VIDRIERA_MEDIA_PLAN_H
#define VIDRIERA_MEDIA_PLAN_H

#include "notes.h"
#include "picture.h"
#include "source.h"

#include "vidriera/device.h"

/* A row of the table in encoder.c. */
struct vd_encoder {
    enum vd_codec codec;
    enum vd_family family;
    const char *name;   /* FFmpeg's */
    bool interlaced;    /* can code fields and say so */
    int side_min;       /* pictures with a shorter side are refused */
    int side_max;       /* and with a longer one; 0: no limit */
    int depth_max;      /* of hardware: bits of a code, 4:2:0; 0: what FFmpeg tells of it */
    int threads_max;    /* 0: no limit */
    int quality_offset; /* what x264's scale is shifted by to look about the same */
    int quality_max;
    const char *hdr_option, *mastering_key, *light_key; /* where static HDR metadata goes; NULL: nowhere */
};

/* A row of the table in container.c. */
struct vd_container {
    const char *name;  /* mp4, mov, mkv: also the extension */
    const char *muxer; /* FFmpeg's */
    int ticks;         /* its clock: ticks of a second for video, 0: as fine as asked for */
};

struct vd_hdr {
    const uint8_t *mastering, *light; /* AVMasteringDisplayMetadata, AVContentLightMetadata; NULL: none */
    size_t mastering_size, light_size;
};

struct vd_plan {
    enum vd_family family; /* of the encoder: the device's, or software where that does not take such a recording */
    char unfit[200];       /* why not the device's; empty: it is */
    const struct vd_container *container;
    const struct vd_encoder *encoder;
    struct vd_picture picture;
    struct vd_converted converted; /* what swscale makes of a frame that is not picture.source */
    struct vd_effect_plan effect;

    int64_t shift;         /* added to all times, in time_base: what begins before zero would not be shown */
    AVRational time_base;  /* of everything from the decoder to the encoder's packets */
    AVRational frame_rate; /* nominal */
    AVRational sample_aspect_ratio;
    enum AVColorRange range;
    enum AVColorSpace matrix;
    enum AVColorPrimaries primaries;
    enum AVColorTransferCharacteristic transfer;
    enum AVChromaLocation chroma_location;
    bool interlaced, top_first;
    int32_t display_matrix[9];
    bool rotated;         /* display_matrix is to be kept */
    struct vd_hdr hdr;    /* in first's or the source's side data */
    const AVFrame *first; /* the first picture, as decoded */
};

/*
 * Decides. family: of the device's encoders; another one is taken only when the job does not demand the device. VD_USAGE:
 * the wanted container cannot hold what the input has; VD_INPUT: no encoder or effect fits; VD_UNAVAILABLE: the encoder is
 * not in this FFmpeg; VD_UNFIT: the device that is demanded has none for such a recording. plan keeps pointers into source
 * and first.
 */
int vd_plan_make(struct vd_plan *plan, const struct vd_job *job, enum vd_family family, const struct vd_source *source,
                 const AVFrame *first, struct vd_notes *notes, struct vd_err *err);

/* encoder.c: the row for a codec, which is not AUTO. */
const struct vd_encoder *vd_encoder_for(enum vd_codec codec, enum vd_family family);

/* encoder.c: the formats that an encoder takes, on its device's surfaces where it has some; ended by AV_PIX_FMT_NONE. NULL:
 * it is not in this FFmpeg. */
const enum AVPixelFormat *vd_encoder_takes(const struct vd_encoder *encoder);

/*
 * encoder.c: an opened encoder; the caller frees it. frames: those of its device; NULL: host memory. NULL and *err on
 * failure: of a device VD_UNAVAILABLE, or VD_AGAIN when it is busy.
 */
AVCodecContext *vd_encoder_open(const struct vd_plan *plan, const struct vd_job *job, AVBufferRef *frames,
                                struct vd_err *err);

/* encoder.c: whether the family's encoder opens for what each that is one takes: H.264 of 8 bits, of a middling size. */
bool vd_encoder_works(enum vd_family family, AVBufferRef *device);

/* container.c: the container for this input, by the rule in README. NULL and *err on failure. */
const struct vd_container *vd_container_choose(const struct vd_job *job, const struct vd_source *source, bool rotated,
                                               struct vd_notes *notes, struct vd_err *err);

/* container.c: whether the container takes that stream as it is. */
bool vd_container_holds(const struct vd_container *container, const AVStream *stream);

#endif
