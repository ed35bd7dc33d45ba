/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

union control {
    char bytes[CMSG_SPACE(sizeof(int) * VD_WIRE_FDS)];
    struct cmsghdr aligned;
};

int vd_wire_send(int socket, json_t *object, const int *fds, int count)
{
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    size_t size = text ? strlen(text) : 0;
    struct iovec part = {text, size};
    union control control = {0};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
        memcpy(CMSG_DATA(header), fds, sizeof(int) * (size_t)count);
    }
    ssize_t sent = -1;
    if (text && size <= VD_WIRE_BYTES)
        do
            sent = sendmsg(socket, &message, MSG_NOSIGNAL);
        while (sent < 0 && errno == EINTR);
    free(text);
    return sent < 0 ? -1 : 0;
}

static void take_descriptors(struct msghdr *message, int fds[VD_WIRE_FDS], int *count)
{
    *count = 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        *count = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(fds, CMSG_DATA(header), sizeof(int) * (size_t)*count);
    }
}

json_t *vd_wire_receive(int socket, int fds[VD_WIRE_FDS], int *count)
{
    char *text = malloc(VD_WIRE_BYTES);
    struct iovec part = {text, VD_WIRE_BYTES};
    union control control;
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t got = -1;
    *count = 0;
    if (text)
        do
            got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
        while (got < 0 && errno == EINTR);
    json_t *object = NULL;
    if (got > 0) {
        take_descriptors(&message, fds, count);
        if (!(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
            object = json_loadb(text, (size_t)got, JSON_REJECT_DUPLICATES, NULL);
    }
    if (!object || !json_is_object(object)) {
        for (int i = 0; i < *count; i++)
            close(fds[i]);
        *count = 0;
        json_decref(object);
        object = NULL;
    }
    free(text);
    return object;
}
