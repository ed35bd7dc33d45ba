/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/codecs.h"

#include "plan.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
#include <stdio.h>
#include <string.h>

const char *vd_codecs_ffmpeg(void)
{
    return av_version_info();
}

const char *vd_codecs_library(int i, char version[16])
{
    static const struct {
        const char *name;
        unsigned (*version)(void);
    } libraries[] = {{"libavformat", avformat_version},
                     {"libavcodec", avcodec_version},
                     {"libavutil", avutil_version},
                     {"libswscale", swscale_version}};
    if (i >= (int)(sizeof libraries / sizeof *libraries))
        return NULL;
    unsigned number = libraries[i].version();
    snprintf(version, 16, "%u.%u.%u", number >> 16, number >> 8 & 0xff, number & 0xff);
    return libraries[i].name;
}

static int add(const char *names[VD_CODECS_MAX], int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(names[i], name))
            return count;
    if (count < VD_CODECS_MAX)
        names[count++] = name;
    return count;
}

int vd_codecs_encoders(enum vd_family family, const char *names[VD_CODECS_MAX])
{
    static const enum vd_codec codecs[] = {VD_CODEC_H264, VD_CODEC_HEVC, VD_CODEC_AV1};
    int count = 0;
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++) {
        const struct vd_encoder *encoder = vd_encoder_for(codecs[i], family);
        if (encoder && avcodec_find_encoder_by_name(encoder->name))
            count = add(names, count, encoder->name);
    }
    return count;
}

static bool decodes_on(const AVCodec *codec, enum AVHWDeviceType type)
{
    const AVCodecHWConfig *config;
    for (int i = 0; (config = avcodec_get_hw_config(codec, i)); i++)
        if (config->device_type == type && config->methods & AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX)
            return true;
    return false;
}

int vd_codecs_decoders(enum vd_family family, const char *names[VD_CODECS_MAX])
{
    const AVCodec *codec;
    void *at = NULL;
    int count = 0;
    enum AVHWDeviceType type = family == VD_FAMILY_VAAPI ? AV_HWDEVICE_TYPE_VAAPI : AV_HWDEVICE_TYPE_CUDA;
    while (family != VD_FAMILY_SOFTWARE && (codec = av_codec_iterate(&at)))
        if (av_codec_is_decoder(codec) && codec->type == AVMEDIA_TYPE_VIDEO && decodes_on(codec, type))
            count = add(names, count, avcodec_get_name(codec->id));
    return count;
}
