/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What FFmpeg's loader demands of libnvcuvid.so.1 beside the decoder: parser, sources and locks, of which nvdec.c calls none. */
#include "cuda.h"

VD_ABSENT(cuvidReconfigureDecoder)
VD_ABSENT(cuvidCtxLockCreate)
VD_ABSENT(cuvidCtxLockDestroy)
VD_ABSENT(cuvidCtxLock)
VD_ABSENT(cuvidCtxUnlock)
VD_ABSENT(cuvidCreateVideoSource)
VD_ABSENT(cuvidCreateVideoSourceW)
VD_ABSENT(cuvidDestroyVideoSource)
VD_ABSENT(cuvidSetVideoSourceState)
VD_ABSENT(cuvidGetVideoSourceState)
VD_ABSENT(cuvidGetSourceVideoFormat)
VD_ABSENT(cuvidGetSourceAudioFormat)
VD_ABSENT(cuvidCreateVideoParser)
VD_ABSENT(cuvidParseVideoData)
VD_ABSENT(cuvidDestroyVideoParser)
