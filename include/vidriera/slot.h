/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A slot: a child process that does the media work, so that a crash or a hang in a decoder or driver costs one attempt
 * and not the program. It has descriptors only: no names, no environment, no signals but SIGKILL, and it ends when its
 * parent does.
 *
 * Parent and child talk over one SOCK_SEQPACKET socket, one JSON object a message:
 *
 *     parent: {"job": …, "preview": bool}        with the descriptors input, output (not when decode_only), preview
 *     child:  {"planned": {"container"}}         once the output's container is known
 *             {"progress": {…}}                  at most ten a second
 *             {"done": {…report…}} or {"failed": {"code", "stage", "text"}}
 *
 * One thread of the parent owns a struct vd_slot.
 */
#ifndef VIDRIERA_SLOT_H
#define VIDRIERA_SLOT_H

#include "vidriera/media.h"

#include <sys/types.h>

struct vd_slot {
    pid_t pid;  /* 0: none */
    int socket; /* readable when there is a message, or the child is gone; -1: none */
};

#define VD_SLOT_NONE ((struct vd_slot){.pid = 0, .socket = -1})

enum vd_slot_event {
    VD_SLOT_PLANNED,  /* container */
    VD_SLOT_PROGRESS, /* progress */
    VD_SLOT_DONE,     /* report */
    VD_SLOT_FAILED,   /* err */
    VD_SLOT_DIED,     /* without a word: signal, or exit status when signal is 0 */
};

struct vd_slot_message {
    enum vd_slot_event event;
    char container[8];
    struct vd_media_progress progress;
    json_t *report; /* the receiver's to free */
    struct vd_err err;
    int signal, status;
};

/*
 * Starts the child by fork: the caller must have no threads yet. VD_AGAIN: no process to be had. The limits are the
 * child's for its whole life.
 */
int vd_slot_start(struct vd_slot *slot, const struct vd_limits *limits, struct vd_err *err);

/* Hands over a job. The descriptors stay the caller's too. -1: the child is gone; the next message says how. */
int vd_slot_send(struct vd_slot *slot, const struct vd_job *job, const struct vd_media_io *io);

/* Waits for the next message; call it when socket is readable. After VD_SLOT_DIED the slot is empty. */
void vd_slot_receive(struct vd_slot *slot, struct vd_slot_message *message);

/* Lets an idle child leave by itself, within seconds, else it is killed. -1 when it did not end well: its work is done all
 * the same. Accepts an empty slot. */
int vd_slot_finish(struct vd_slot *slot);

/* SIGKILL and wait. Accepts an empty slot. */
void vd_slot_stop(struct vd_slot *slot);

#endif
