/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "progress.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BAR_EVERY_S 0.1
#define LINE_EVERY_S 5.0

enum { BAR_MIN = 10, BAR_MAX = 40 };

static void wipe_before_lines(bool wipe)
{
    struct vd_log_setup setup = vd_log_get();
    setup.wipe = wipe;
    vd_log_init(&setup);
}

void vd_progress_init(struct vd_progress *progress, enum vd_progress_mode mode)
{
    *progress = (struct vd_progress){.show = VD_SHOW_NOTHING, .shown_at = -LINE_EVERY_S}; /* the first one at once */
    if (vd_log_get().level < VD_LOG_INFO)
        return;
    if (mode == VD_PROGRESS_PLAIN)
        progress->show = VD_SHOW_LINES;
    else if (mode == VD_PROGRESS_AUTO && isatty(STDERR_FILENO))
        progress->show = VD_SHOW_BAR;
    setlocale(LC_CTYPE, "");
    wipe_before_lines(progress->show == VD_SHOW_BAR);
}

/* "  42.0 %  frame 630  125 fps  4.2x  0:07 left" */
static void describe(const struct vd_progress_state *state, char *text, size_t size)
{
    size_t used = 0;
    if (state->fraction >= 0)
        used += (size_t)snprintf(text, size, "%5.1f %%  ", state->fraction > 1 ? 100 : 100 * state->fraction);
    used += (size_t)snprintf(text + used, size - used, "frame %lld", (long long)state->frames);
    if (state->spent_s > 0)
        used += (size_t)snprintf(text + used, size - used, "  %.0f fps  %.1fx", (double)state->frames / state->spent_s,
                                 state->position_s / state->spent_s);
    if (state->fraction > 0 && state->fraction < 1) {
        long left = (long)(state->spent_s / state->fraction - state->spent_s + 0.5);
        snprintf(text + used, size - used, "  %ld:%02ld left", left / 60, left % 60);
    }
}

static int terminal_width(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

static void draw_bar(struct vd_progress *progress, const struct vd_progress_state *state)
{
    char text[120], bar[3 * BAR_MAX + 1] = "";
    double fraction = state->fraction > 1 ? 1 : state->fraction;
    bool blocks = !strcmp(nl_langinfo(CODESET), "UTF-8");
    describe(state, text, sizeof text);
    int room = terminal_width() - (int)strlen(text) - 4;
    int width = room > BAR_MAX ? BAR_MAX : room;
    int filled = fraction > 0 ? (int)(fraction * width) : 0;
    if (width >= BAR_MIN && state->fraction >= 0)
        for (int i = 0; i < width; i++)
            strcat(bar, i < filled ? (blocks ? "█" : "#") : (blocks ? "░" : "."));
    fprintf(stderr, "\r\033[K%s%s%.*s", bar, *bar ? " " : "", terminal_width() - 1, text);
    fflush(stderr);
    progress->drawn = true;
}

static void print_line(const struct vd_progress_state *state)
{
    char text[120];
    describe(state, text, sizeof text);
    vd_log(VD_LOG_INFO, "%s", text + strspn(text, " "));
}

void vd_progress_update(struct vd_progress *progress, const struct vd_progress_state *state)
{
    double every = progress->show == VD_SHOW_BAR ? BAR_EVERY_S : LINE_EVERY_S;
    if (progress->show == VD_SHOW_NOTHING || state->spent_s - progress->shown_at < every)
        return;
    progress->shown_at = state->spent_s;
    if (progress->show == VD_SHOW_BAR)
        draw_bar(progress, state);
    else
        print_line(state);
}

void vd_progress_end(struct vd_progress *progress, const struct vd_progress_state *state)
{
    if (progress->drawn) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        progress->drawn = false;
    }
    wipe_before_lines(false);
    if (progress->show == VD_SHOW_LINES && state->frames)
        print_line(state);
}
