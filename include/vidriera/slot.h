/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A slot: a child process that does the media work, so that a crash or a hang in a decoder or driver costs one attempt
 * and not the program. It is this program once more (`vidriera slot`, started by exec, so that the parent may have
 * threads). It has descriptors only: no names, no network, no environment, no signals but SIGKILL (see
 * src/worker/sandbox.h), and it ends when its parent does. It lives on between jobs.
 *
 * Parent and child talk over one SOCK_SEQPACKET socket, one JSON object a message:
 *
 *     parent: {"parent", "memory", "warn", "log", "device", "without_landlock"}
 *                                                  first of all: what src/worker/slot_child.c begins with
 *             {"job": …, "preview": bool, "claim": bool, "id", "trace"}
 *                                                  with the descriptors input, output (not when decode_only), preview,
 *                                                  claim
 *             {"digest": true}                     with the descriptor input
 *             {"probe": {…}, "job"}                see vd_media_probe()
 *             {"compare": true, "job"}             with two recordings; of the job its limits
 *     child:  {"planned": {"container"}}           once the output's container is known
 *             {"progress": {…}}                    at most ten a second
 *             {"digest": "xxh3-128:…"}             the answer to a digest order
 *             {"done": {…report…}} or {"failed": {"code", "stage", "text"}}
 *
 * One thread of the parent owns a struct vd_slot. When the thread that started it ends, the child does too.
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
    VD_SLOT_DIGEST,   /* digest */
    VD_SLOT_FAILED,   /* err */
    VD_SLOT_DIED,     /* without a word: signal, or exit status when signal is 0 */
};

/* The exit status of a child that could not become a slot: the host's fault, or the installation's, and no job's. */
enum { VD_SLOT_UNSTARTED = 127 };

struct vd_slot_message {
    enum vd_slot_event event;
    char container[8];
    struct vd_media_progress progress;
    json_t *report; /* the receiver's to free */
    char digest[48];
    struct vd_err err;
    int signal, status;
};

struct vd_slot_setup {
    const struct vd_limits *limits; /* the child's for its whole life */
    const char *device;             /* words for vd_device_open(); NULL or empty: cpu */
    const char *cache;              /* what drivers compile goes to "drivers" in that folder; NULL: where they like */
};

/*
 * Starts the child, with a device opened (before it is locked in) and kept for its whole life: each of its jobs names the
 * same. A device that does not open is the answer to every order. VD_AGAIN: no process to be had. Its log goes to our
 * standard error, in our form.
 */
int vd_slot_start(struct vd_slot *slot, const struct vd_slot_setup *setup, struct vd_err *err);

/* A job for a slot. The descriptors stay the caller's too; the child closes its own when the job is over. */
struct vd_slot_order {
    const struct vd_job *job;
    struct vd_media_io io;
    int claim;              /* held by the child as long as it works on the job; -1: none */
    const char *id, *trace; /* for its log; NULL: none */
};

/* -1: the child is gone; the next message says how. */
int vd_slot_send(struct vd_slot *slot, const struct vd_slot_order *order);

/* vd_media_probe() and vd_media_compare() in the child: VD_SLOT_DONE with its report, or VD_SLOT_FAILED. -1 as above. */
int vd_slot_probe(struct vd_slot *slot, const struct vd_media_probe *probe, const struct vd_limits *limits);
int vd_slot_compare(struct vd_slot *slot, int a, int b, const struct vd_limits *limits);

/* The digest of a whole file: VD_SLOT_DIGEST or VD_SLOT_FAILED follows, with VD_SLOT_PROGRESS before. */
int vd_slot_digest(struct vd_slot *slot, int input);

/* Waits for the next message; call it when socket is readable. After VD_SLOT_DIED the slot is empty. */
void vd_slot_receive(struct vd_slot *slot, struct vd_slot_message *message);

/* Lets an idle child leave by itself, within seconds, else it is killed. -1 when it did not end well: its work is done all
 * the same. Accepts an empty slot. */
int vd_slot_finish(struct vd_slot *slot);

/* SIGKILL and wait. Accepts an empty slot. */
void vd_slot_stop(struct vd_slot *slot);

/* In the child: whether vd_slot_start() made this process, then all that it is for. Returns its exit status. */
bool vd_slot_started(void);
int vd_slot_main(void);

#endif
