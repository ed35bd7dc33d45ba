/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vidriera run`: the whole appliance on one machine. Broker, watch and worker in this process; the folders are the queue
 * and the memory, the broker is a pipe between the two. */
#include "people.h"
#include "services.h"
#include "settings.h"

#include "vidriera/embedded.h"
#include "vidriera/join.h"
#include "vidriera/log.h"
#include "vidriera/state.h"
#include "vidriera/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* The embedded broker keeps 5 MiB a partition and drops what is older: so many orders of at most 64 KiB fit well. */
enum { OUTSTANDING = 100, WATCH_STOP_MS = 10000 };

struct appliance {
    struct vd_settings settings;
    struct vd_roots roots;
    int lock; /* one `run` for each data folder */
    struct vd_embedded *broker;
    struct vd_embedded_address address;
    struct vd_bus_setup bus;
    struct vd_supervisor_setup worker;
    struct vd_people people;

    struct vd_watch_state watch;
    struct vd_watch_setup watch_setup;
    pthread_t thread;
    bool watching, watch_failed;
    bool hangs; /* a thread is left in a folder that does not answer: nothing is freed */
    struct vd_err watch_err;
};

static void *watch_main(void *opaque)
{
    struct appliance *all = opaque;
    if (vd_watch_run(&all->watch_setup, &all->watch, &all->watch_err) < 0) {
        all->watch_failed = true;
        kill(getpid(), SIGTERM); /* a worker without a watch would wait for nothing */
    }
    return NULL;
}

/* Threads inherit it: signals are for the supervisor alone. */
static void block_signals(void)
{
    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGABRT);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
}

static int lock_data(struct appliance *all, struct vd_err *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    all->lock = openat(all->roots.state, "run.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (all->lock < 0)
        return vd_fail(err, VD_IO, "", "%s: cannot be locked: %s; check the disk", all->roots.data, strerror(errno));
    if (fcntl(all->lock, F_OFD_SETLK, &lock) < 0)
        return vd_fail(err, VD_AGAIN, "",
                       "%s: another vidriera run is at work here; stop it first, or give another --data",
                       all->roots.data);
    return 0;
}

static int open_broker(struct appliance *all, struct vd_err *err)
{
    if (vd_embedded_open(&all->broker, err) < 0)
        return -1;
    const char *address = vd_embedded_address(all->broker);
    vd_services_embedded(&all->settings, address, &all->bus, &all->address);
    vd_log(VD_LOG_INFO, "the broker is embedded, at %s: any user of this machine can reach it", address);
    return vd_broker_write(&all->roots, address, err);
}

static int start_watch(struct appliance *all, struct vd_err *err)
{
    if (vd_watch_state_init(&all->watch, err) < 0)
        return -1;
    all->watch_setup = (struct vd_watch_setup){
        .roots = &all->roots,
        .bus = &all->bus,
        .recipe = &all->settings.job.recipe,
        .quiet_s = (int)all->settings.quiet_s,
        .rescan_s = (int)all->settings.rescan_s,
        .outstanding = OUTSTANDING,
    };
    if (pthread_create(&all->thread, NULL, watch_main, all)) {
        vd_watch_state_finish(&all->watch);
        return vd_fail(err, VD_AGAIN, "", "no thread to start: too many are running; try again later");
    }
    pthread_setname_np(all->thread, "watch");
    all->watching = true;
    return 0;
}

/* False: it did not end well, and *err says why. */
static bool stop_watch(struct appliance *all, struct vd_err *err)
{
    const uint64_t one = 1;
    if (!all->watching)
        return true;
    atomic_store(&all->watch.stop, true);
    if (write(all->watch.wake, &one, sizeof one) < 0)
        vd_log(VD_LOG_DEBUG, "the watch is awake already");
    if (!vd_join_for(all->thread, WATCH_STOP_MS)) {
        pthread_detach(all->thread);
        vd_log(VD_LOG_WARNING, "a folder does not answer while the watch looks at it; it is left alone");
        all->hangs = true;
        return true;
    }
    vd_watch_state_finish(&all->watch);
    if (all->watch_failed)
        *err = all->watch_err;
    return !all->watch_failed;
}

static int run(struct appliance *all, struct vd_reload *reload, struct vd_supervisor_end *end, struct vd_err *err)
{
    if (vd_services_roots(&all->settings, &all->roots, err) < 0 || lock_data(all, err) < 0 ||
        open_broker(all, err) < 0 ||
        vd_services_supervisor(&all->settings, &all->roots, &all->bus, &all->worker, err) < 0 ||
        vd_people_start(&all->people, &all->settings, "run", all->worker.slots, &all->bus, &all->roots, err) < 0 ||
        start_watch(all, err) < 0)
        return -1;
    all->worker.board = all->people.board;
    all->worker.exit_when_idle = all->settings.exit_when_idle;
    all->worker.watch = &all->watch;
    int ret = vd_supervisor_run(&all->worker, vd_services_reload, reload, end, err);
    struct vd_err why;
    all->hangs = end->hangs;
    if (!stop_watch(all, &why) && ret == 0) {
        *err = why;
        ret = -1;
    }
    return ret;
}

static void clean_up(struct appliance *all)
{
    struct vd_err ignored;
    bool people_hang = !vd_people_stop(&all->people);
    if (all->broker)
        vd_broker_write(&all->roots, NULL, &ignored);
    if (all->hangs || people_hang)
        return;
    vd_embedded_close(all->broker);
    if (all->lock >= 0)
        close(all->lock);
    vd_roots_close(&all->roots);
    vd_settings_finish(&all->settings);
}

/* Recordings that were refused are no failure of the appliance; a host that stood in the way is. */
static int say_end(const struct vd_supervisor_end *end, struct vd_err *err)
{
    vd_log(VD_LOG_INFO, "run ended: completed=%lld failed=%lld rejected=%lld duplicates=%lld",
           (long long)end->completed, (long long)end->failed, (long long)end->rejected, (long long)end->duplicates);
    if (!end->host_fault)
        return 0;
    return vd_fail(err, VD_AGAIN, "", "recordings are waiting for this machine: see above; mend it and start again");
}

int vd_cmd_run(const struct vd_command *self, int argc, char **argv)
{
    static struct appliance all = {.roots = VD_ROOTS_NONE, .lock = -1};
    struct vd_reload reload = {self, argc, argv};
    struct vd_supervisor_end end = {0};
    struct vd_err err = {0};
    int ret = vd_settings_read(&all.settings, self, argc, argv, &err);
    if (ret == 0) {
        block_signals();
        ret = run(&all, &reload, &end, &err);
        if (ret == 0)
            ret = say_end(&end, &err);
    }
    clean_up(&all);
    return vd_command_end(ret, &err);
}
