/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A media process that behaves as its device is called, or its place where it is called cuda: "right", "wrong", "late",
 * "busy", "crash", "exit", "hang", each perhaps with a place; "fickle", "full", "fragile" and "leaving" are right when
 * tried, and fail in a job; "idle" makes the recording that it was given. The test is its own slot: main() hands over here.
 * Every start is written down.
 */
#ifndef TESTS_UNIT_FAKE_SLOT_H
#define TESTS_UNIT_FAKE_SLOT_H

#include "capture.h"

#include "slot_child.h"
#include "wire.h"

#include "vidriera/slot.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* The variable that every slot gets names no instruction set here, so that none is chosen by it, but the file where the
 * starts are written down, a line each. */
#define FAKE_NOTES "VD_CPU"

static inline bool fake_is(const char *words, const char *name)
{
    words += strncmp(words, "cuda:", 5) ? 0 : 5;
    return !strncmp(words, name, strlen(name)) && strchr(":", words[strlen(name)]);
}

static inline void fake_note(const char *words)
{
    FILE *notes = fopen(getenv(FAKE_NOTES), "a");
    if (notes) {
        fprintf(notes, "%s\n", words);
        fclose(notes);
    }
}

static inline json_t *fake_failed(const char *code, const char *text)
{
    return json_pack("{s:{s:s, s:s, s:s}}", "failed", "code", code, "stage", "effect", "text", text);
}

static inline void fake_crash(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
}

static inline json_t *fake_idle(const int *fds)
{
    char part[4096];
    off_t at = 0;
    for (ssize_t got; (got = pread(fds[0], part, sizeof part, at)) > 0; at += got)
        if (write(fds[1], part, (size_t)got) != got)
            return fake_failed("io", "the output is full");
    return json_pack("{s:{s:{s:f, s:f}, s:{s:s, s:i}}}", "done", "metrics", "wall_s", 0.5, "speed", 2.0, "device",
                     "backend", "idle", "copies_per_frame", 1);
}

/* A job gets so far as to say what it makes, and to leave something in the output. */
static inline json_t *fake_job(const char *words, const int *fds)
{
    static char junk[100000];
    if (fake_is(words, "idle"))
        return fake_idle(fds);
    vd_wire_send(VD_SLOT_SOCKET, json_pack("{s:{s:s}}", "planned", "container", "mp4"), NULL, 0);
    if (write(fds[1], junk, sizeof junk) != (ssize_t)sizeof junk)
        return fake_failed("io", "the output is full");
    if (fake_is(words, "fragile"))
        fake_crash();
    if (fake_is(words, "leaving"))
        _exit(3);
    if (fake_is(words, "full"))
        return fake_failed("again", "full: all sessions are taken; try again later");
    return fake_failed("unavailable", "fickle: a surface is lost; see dmesg");
}

static inline json_t *fake_answer(const char *words, int turn)
{
    if (fake_is(words, "wrong") || (fake_is(words, "late") && turn))
        return fake_failed("unavailable", "wrong: the pixels are not right; see vidriera doctor");
    if (fake_is(words, "busy"))
        return fake_failed("again", "busy: all sessions are taken; try again later");
    return json_pack("{s:{s:s, s:s, s:s, s:i, s:f, s:f}}", "done", "decoder", "h264_fake", "kernel", "fake", "encoder",
                     "h264_fake", "copies_per_frame", 2, "psnr", 48.5, "tint_gb_per_s", 9.5);
}

/* As the slot of a device that is none of ours; any other is real. */
static inline int fake_slot(void)
{
    static char text[4096], words[64];
    int fds[VD_WIRE_FDS], count;
    ssize_t got = recv(VD_SLOT_SOCKET, text, sizeof text, MSG_PEEK);
    json_t *hello = json_loadb(text, got > 0 ? (size_t)got : 0, 0, NULL);
    const char *device = json_string_value(json_object_get(hello, "device"));
    snprintf(words, sizeof words, "%s", device ? device : "");
    json_decref(hello); /* else a sanitizer counts it among a real slot's losses */
    fake_note(*words ? words : "none");
    if (!*words || fake_is(words, "cpu"))
        return vd_slot_main();
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    json_decref(vd_wire_receive(VD_SLOT_SOCKET, fds, &count));
    for (int turn = 0;; turn++) {
        json_t *order = vd_wire_receive(VD_SLOT_SOCKET, fds, &count);
        if (!order)
            return 0;
        bool probe = json_object_get(order, "probe");
        json_decref(order);
        if (fake_is(words, "crash"))
            fake_crash();
        if (fake_is(words, "exit"))
            _exit(3);
        while (fake_is(words, "hang"))
            pause();
        vd_wire_send(VD_SLOT_SOCKET, probe ? fake_answer(words, turn) : fake_job(words, fds), NULL, 0);
        for (int i = 0; i < count; i++)
            close(fds[i]);
    }
}

#endif
