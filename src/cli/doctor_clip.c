/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A recording of the user's, made on each device that works, in slots as a job would be; nothing of it stays. */
#include "doctor.h"

#include "vidriera/now.h"
#include "vidriera/slot.h"
#include "vidriera/store.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* So good that what differs between two outputs is the devices' doing; below the floor nobody takes them for the same. */
enum { QUALITY = 12, FLOOR_DB = 30 };

/* Without a name: on disk, as a recording may be long; else in memory. */
static int open_output(void)
{
    const char *folder = getenv("TMPDIR");
    int fd = open(folder && *folder ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    return fd >= 0 ? fd : memfd_create("vidriera-doctor", MFD_CLOEXEC);
}

static void died(const struct vd_slot_message *message, struct vd_err *err)
{
    const char *name = message->signal ? sigabbrev_np(message->signal) : NULL;
    if (name)
        vd_fail(err, VD_UNAVAILABLE, "", "the media process died of SIG%s; bring the driver up to date", name);
    else
        vd_fail(err, VD_UNAVAILABLE, "", "the media process died (%s %d); bring the driver up to date",
                message->signal ? "signal" : "status", message->signal ? message->signal : message->status);
}

/* The answer to an order, the caller's; NULL and *err: there is none. */
static json_t *wait_for(struct vd_slot *slot, int64_t stall_s, struct vd_err *err)
{
    double moved_at = vd_monotonic(), left;
    int64_t work = -1;
    while ((left = moved_at + (double)stall_s - vd_monotonic()) > 0) {
        struct vd_slot_message message;
        struct pollfd polled = {.fd = slot->socket, .events = POLLIN};
        if (poll(&polled, 1, (int)(fmin(left, 60) * 1000) + 1) <= 0)
            continue;
        vd_slot_receive(slot, &message);
        switch (message.event) {
        case VD_SLOT_PROGRESS:
            if (message.progress.work != work)
                moved_at = vd_monotonic();
            work = message.progress.work;
            break;
        case VD_SLOT_DONE:
            return message.report;
        case VD_SLOT_FAILED:
            *err = message.err;
            return NULL;
        case VD_SLOT_DIED:
            died(&message, err);
            return NULL;
        default:
            break;
        }
    }
    vd_fail(err, VD_UNAVAILABLE, "", "no progress for %lld s", (long long)stall_s);
    return NULL;
}

static json_t *make(const struct vd_settings *settings, const char *device, int input, int output, struct vd_err *err)
{
    struct vd_slot slot;
    struct vd_job job = settings->job;
    json_t *report = NULL;
    snprintf(job.device, sizeof job.device, "%s", device);
    job.demanded = strcmp(settings->device, "auto") != 0; /* auto makes in software what a device does not code */
    job.recipe.quality = QUALITY;
    const struct vd_slot_setup setup = {.limits = &job.limits, .device = device, .cache = settings->cache};
    const struct vd_slot_order order = {.job = &job, .io = {input, output, -1}, .claim = -1};
    if (vd_slot_start(&slot, &setup, err) == 0) {
        vd_slot_send(&slot, &order); /* when it is gone, the next message says how */
        report = wait_for(&slot, job.limits.stall_s, err);
    }
    vd_slot_stop(&slot);
    return report;
}

static json_t *compare(const struct vd_settings *settings, int a, int b, struct vd_err *err)
{
    struct vd_slot slot;
    json_t *report = NULL;
    const struct vd_limits *limits = &settings->job.limits;
    if (vd_slot_start(&slot, &(struct vd_slot_setup){.limits = limits}, err) == 0) {
        vd_slot_compare(&slot, a, b, limits);
        report = wait_for(&slot, limits->duration_s, err); /* it tells no progress */
    }
    vd_slot_stop(&slot);
    return report;
}

/* Of the worst plane; infinite: all are equal. */
static double worst_of(const json_t *difference)
{
    const char *plane;
    json_t *value;
    double worst = INFINITY;
    json_object_foreach (json_object_get(difference, "psnr"), plane, value)
        if (json_is_number(value))
            worst = fmin(worst, json_number_value(value));
    return worst;
}

/* report: NULL, it was not made; difference: NULL, there is nothing to compare with. */
static json_t *run_object(const char *device, const json_t *report, const json_t *difference, const struct vd_err *err)
{
    const json_t *metrics = json_object_get(report, "metrics"), *used = json_object_get(report, "device");
    json_t *object = json_pack("{s:s, s:b, s:s?, s:O?, s:O?, s:O?, s:O?}", "device", device, "works", !err->code,
                               "error", err->code ? err->text : NULL, "seconds", json_object_get(metrics, "wall_s"),
                               "speed", json_object_get(metrics, "speed"), "copies_per_frame",
                               json_object_get(used, "copies_per_frame"), "psnr", json_object_get(difference, "psnr"));
    if (used)
        json_object_set(object, "used", (json_t *)used);
    return object;
}

/* reference: the processor's output; -1: this is it. *err: the device fails. */
static json_t *run(const struct vd_settings *settings, const char *device, int input, int output, int reference,
                   struct vd_err *err)
{
    json_t *difference = NULL, *report = make(settings, device, input, output, err);
    if (report && reference >= 0)
        difference = compare(settings, reference, output, err);
    double worst = worst_of(difference);
    if (worst < FLOOR_DB)
        vd_fail(err, VD_UNAVAILABLE, "",
                "its pictures are not the processor's: a PSNR of %.1f dB, below %d; bring the driver up to date", worst,
                FLOOR_DB);
    json_t *object = run_object(device, report, difference, err);
    json_decref(report);
    json_decref(difference);
    return object;
}

json_t *vd_doctor_clip(const struct vd_settings *settings, const char *const *devices, int count, struct vd_err *err)
{
    struct stat st;
    int input = vd_input_open(settings->input, &st, err), reference = -1;
    if (input < 0)
        return NULL;
    json_t *runs = json_array();
    for (int i = 0; i < count; i++) {
        struct vd_err why = {0};
        int output = open_output();
        if (output < 0) {
            vd_fail(err, VD_NO_OUTPUT, "", "no room for an output: %s; set TMPDIR", strerror(errno));
            break;
        }
        json_array_append_new(runs, run(settings, devices[i], input, output, i ? reference : -1, &why));
        if (i || why.code)
            close(output);
        else
            reference = output;
        if (!i && why.code) { /* nothing to compare with: it is the recording's fault, not a device's */
            *err = why;
            break;
        }
    }
    if (reference >= 0)
        close(reference);
    close(input);
    if (!err->code)
        return runs;
    json_decref(runs);
    return NULL;
}
