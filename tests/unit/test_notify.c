/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is read from the environment is read once, so each case has a process of its own. */
#include "capture.h"

#include "vidriera/notify.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

struct listener {
    char folder[32], name[108];
    int socket;
};

/* As systemd's: a path, or with '@' an abstract name. */
static void listen_at(struct listener *listener, bool abstract)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    folder_make(listener->folder);
    snprintf(listener->name, sizeof listener->name, "%s%s/notify", abstract ? "@" : "", listener->folder);
    strcpy(address.sun_path, listener->name);
    size_t size = offsetof(struct sockaddr_un, sun_path) + strlen(listener->name);
    if (abstract)
        address.sun_path[0] = '\0';
    listener->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(listener->socket >= 0);
    assert_int_equal(bind(listener->socket, (struct sockaddr *)&address, (socklen_t)(size + !abstract)), 0);
    setenv("NOTIFY_SOCKET", listener->name, 1);
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

static void listen_no_more(struct listener *listener)
{
    close(listener->socket);
    if (listener->name[0] == '/')
        unlink(listener->name);
    rmdir(listener->folder);
}

/* cmocka's assertions do not reach across processes. */
static void must(bool right, const char *what)
{
    if (right)
        return;
    fprintf(stderr, "not so: %s\n", what);
    _exit(1);
}

/* The next datagram is this; NULL: there is none. */
static void expect(const struct listener *listener, const char *wanted)
{
    char got[1000];
    ssize_t size = recv(listener->socket, got, sizeof got - 1, 0);
    if (!wanted) {
        must(size < 0 && errno == EAGAIN, "nothing is sent");
        return;
    }
    must(size >= 0, wanted);
    got[size] = '\0';
    if (strcmp(got, wanted))
        fprintf(stderr, "got %s\n", got);
    must(!strcmp(got, wanted), wanted);
}

static void in_child(void (*body)(const struct listener *), const struct listener *listener)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        body(listener);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void a_life(const struct listener *listener)
{
    vd_notify_extend(20.5);
    expect(listener, "EXTEND_TIMEOUT_USEC=20500000");
    vd_notify_ready();
    expect(listener, "READY=1");
    vd_notify_status("%d jobs\nrun", 2);
    expect(listener, "STATUS=2 jobs?run");
    vd_notify_status("2 jobs\nrun");
    expect(listener, NULL);
    vd_notify_status("idle");
    expect(listener, "STATUS=idle");
    vd_notify_alive(1);
    expect(listener, NULL); /* there is no watchdog */
    must(isinf(vd_notify_patience()), "no watchdog asks for patience");
    vd_notify_ready();
    expect(listener, NULL);
    vd_notify_stopping();
    expect(listener, "STOPPING=1");
    vd_notify_stopping();
    expect(listener, NULL);
}

static void at_a_path(void **state)
{
    struct listener listener;
    (void)state;
    listen_at(&listener, false);
    in_child(a_life, &listener);
    listen_no_more(&listener);
}

static void at_an_abstract_name(void **state)
{
    struct listener listener;
    (void)state;
    listen_at(&listener, true);
    in_child(a_life, &listener);
    listen_no_more(&listener);
}

static void feed(const struct listener *listener)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    must(vd_notify_patience() == 2.5, "a quarter of 10 s");
    vd_notify_alive(100);
    expect(listener, "WATCHDOG=1");
    vd_notify_alive(104.9);
    expect(listener, NULL);
    vd_notify_alive(105);
    expect(listener, "WATCHDOG=1");
    vd_notify_alive(107.5);
    expect(listener, NULL);
}

static void feed_nobody(const struct listener *listener)
{
    must(isinf(vd_notify_patience()), "the watchdog is another process's");
    vd_notify_alive(100);
    expect(listener, NULL);
}

static void watchdog(void **state)
{
    struct listener listener;
    (void)state;
    listen_at(&listener, false);
    setenv("WATCHDOG_USEC", "10000000", 1);
    in_child(feed, &listener);
    setenv("WATCHDOG_PID", "1", 1);
    in_child(feed_nobody, &listener);
    setenv("WATCHDOG_USEC", "0", 1);
    unsetenv("WATCHDOG_PID");
    in_child(feed_nobody, &listener);
    listen_no_more(&listener);
}

/* Its queue is full: nothing waits, and READY, without which systemd ends the service, goes out later. */
static void full(const struct listener *listener)
{
    char got[100];
    int sent = 0;
    while (sent < 10000) {
        vd_notify_extend(1);
        if (recv(listener->socket, got, sizeof got, MSG_PEEK) < 0)
            break;
        sent++;
    }
    vd_notify_ready();
    vd_notify_status("idle");
    while (recv(listener->socket, got, sizeof got, 0) > 0)
        must(strncmp(got, "READY", 5) != 0, "there was no room for READY");
    vd_notify_alive(1);
    expect(listener, "READY=1");
    vd_notify_status("idle");
    expect(listener, "STATUS=idle");
}

static void never_waits(void **state)
{
    struct listener listener;
    (void)state;
    listen_at(&listener, false);
    in_child(full, &listener);
    listen_no_more(&listener);
}

static void all_calls(const struct listener *listener)
{
    (void)listener;
    vd_notify_ready();
    vd_notify_status("x");
    vd_notify_alive(1);
    vd_notify_extend(1);
    vd_notify_stopping();
    must(isinf(vd_notify_patience()), "nobody asks for patience");
}

static void nobody(void **state)
{
    static const char *const names[] = {"", "relative", "/", "@", "vsock:2:1234", "/nowhere/to/be/found"};
    char name[200];
    (void)state;
    setenv("WATCHDOG_USEC", "10000000", 1);
    unsetenv("NOTIFY_SOCKET");
    in_child(all_calls, NULL);
    for (size_t i = 0; i + 1 < sizeof names / sizeof *names; i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        in_child(all_calls, NULL);
    }
    memset(name, 'x', sizeof name); /* longer than an address can be */
    name[0] = '/';
    name[sizeof name - 1] = '\0';
    setenv("NOTIFY_SOCKET", name, 1);
    in_child(all_calls, NULL);
    unsetenv("WATCHDOG_USEC");
    setenv("NOTIFY_SOCKET", names[sizeof names / sizeof *names - 1], 1);
    in_child(all_calls, NULL);
    unsetenv("NOTIFY_SOCKET");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_a_path), cmocka_unit_test(at_an_abstract_name),
        cmocka_unit_test(watchdog),  cmocka_unit_test(never_waits),
        cmocka_unit_test(nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
