/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parent's side of a slot. What the child says is checked like any input: it has read a hostile file. */
#include "vidriera/slot.h"

#include "sandbox.h"
#include "slot_child.h"
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

enum { LEAVE_MS = 10000 };

/* The child leaves without the parent's exit handlers, and says what it leaked. */
static _Noreturn void child_main(int socket, pid_t parent, const struct vd_limits *limits)
{
    int kept = vd_sandbox_enter(socket, parent, limits);
    int status = kept < 0 ? vd_code_exit(VD_DEFECT) : vd_slot_child(kept);
#if defined(__SANITIZE_ADDRESS__)
    __lsan_do_leak_check();
#endif
    _exit(status);
}

int vd_slot_start(struct vd_slot *slot, const struct vd_limits *limits, struct vd_err *err)
{
    int ends[2];
    pid_t parent = getpid();
    *slot = VD_SLOT_NONE;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return vd_fail(err, VD_AGAIN, "open", "no socket for the media process: %s; try again later", strerror(errno));
    pid_t pid = fork();
    if (pid == 0)
        child_main(ends[1], parent, limits);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return vd_fail(err, VD_AGAIN, "open", "no media process: %s; try again later", strerror(errno));
    }
    *slot = (struct vd_slot){pid, ends[0]};
    return 0;
}

int vd_slot_send(struct vd_slot *slot, const struct vd_job *job, const struct vd_media_io *io)
{
    int fds[VD_WIRE_FDS], count = 0;
    fds[count++] = io->input;
    if (!job->decode_only)
        fds[count++] = io->output;
    if (io->preview >= 0)
        fds[count++] = io->preview;
    json_t *order = json_pack("{s:o, s:b}", "job", vd_job_to_json(job), "preview", io->preview >= 0);
    return order ? vd_wire_send(slot->socket, order, fds, count) : -1;
}

static void read_failed(const json_t *failed, struct vd_err *err)
{
    const char *code = "", *stage = "", *text = "";
    enum vd_code known;
    json_unpack((json_t *)failed, "{s:s, s:s, s:s}", "code", &code, "stage", &stage, "text", &text);
    vd_fail(err, vd_code_parse(code, &known) < 0 || known == VD_OK ? VD_DEFECT : known, stage, "%s", text);
}

/* False when it is none of the messages that a child sends. */
static bool read_message(const json_t *object, struct vd_slot_message *message)
{
    json_t *planned = json_object_get(object, "planned"), *progress = json_object_get(object, "progress");
    json_t *done = json_object_get(object, "done"), *failed = json_object_get(object, "failed");
    json_int_t frames = 0, moved = 0;
    const char *container = NULL;
    if (json_is_object(planned) && json_unpack(planned, "{s:s}", "container", &container) == 0) {
        message->event = VD_SLOT_PLANNED;
        snprintf(message->container, sizeof message->container, "%s", container);
        return true;
    }
    if (json_is_object(progress)) {
        struct vd_media_progress *to = &message->progress;
        message->event = VD_SLOT_PROGRESS;
        int ret = json_unpack(progress, "{s:F, s:I, s:F, s:I}", "fraction", &to->fraction, "frames", &frames,
                              "position_s", &to->position_s, "work", &moved);
        to->frames = frames;
        to->work = moved;
        return ret == 0;
    }
    if (json_is_object(done)) {
        message->event = VD_SLOT_DONE;
        message->report = json_incref(done);
        return true;
    }
    if (!json_is_object(failed))
        return false;
    message->event = VD_SLOT_FAILED;
    read_failed(failed, &message->err);
    return true;
}

static void reap(struct vd_slot *slot, struct vd_slot_message *message)
{
    int status = 0;
    pid_t got;
    do
        got = waitpid(slot->pid, &status, 0);
    while (got < 0 && errno == EINTR);
    if (message) {
        message->event = VD_SLOT_DIED;
        message->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        message->status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    }
    close(slot->socket);
    *slot = VD_SLOT_NONE;
}

void vd_slot_receive(struct vd_slot *slot, struct vd_slot_message *message)
{
    int fds[VD_WIRE_FDS], count;
    *message = (struct vd_slot_message){0};
    json_t *object = vd_wire_receive(slot->socket, fds, &count);
    for (int i = 0; i < count; i++)
        close(fds[i]);
    if (!object || !read_message(object, message)) {
        kill(slot->pid, SIGKILL); /* gone already, or not itself any more */
        reap(slot, message);
    }
    json_decref(object);
}

int vd_slot_finish(struct vd_slot *slot)
{
    struct vd_slot_message end;
    if (slot->pid <= 0)
        return 0;
    struct pollfd child = {.fd = pidfd_open(slot->pid, 0), .events = POLLIN};
    shutdown(slot->socket, SHUT_WR);
    if (child.fd < 0 || poll(&child, 1, LEAVE_MS) <= 0)
        kill(slot->pid, SIGKILL);
    if (child.fd >= 0)
        close(child.fd);
    reap(slot, &end);
    return end.signal || end.status ? -1 : 0;
}

void vd_slot_stop(struct vd_slot *slot)
{
    if (slot->pid <= 0)
        return;
    kill(slot->pid, SIGKILL);
    reap(slot, NULL);
}
