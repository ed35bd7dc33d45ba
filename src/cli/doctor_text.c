/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The document as tables for a person, in 100 columns. What drivers and nodes call themselves is cleaned by vd_text_clean. */
#include "doctor.h"

#include "vidriera/text.h"

#include <stdlib.h>
#include <string.h>

enum { WIDTH = 100, WORD = 128 };

static const char *text_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text ? text : "";
}

static bool is_true(const json_t *object, const char *member)
{
    return json_is_true(json_object_get(object, member));
}

/* Words from a column on; lines that follow begin there too. */
static void wrap(FILE *to, int column, const char *text)
{
    int at = column;
    for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
        int size = (int)strcspn(text, " ");
        if (at > column && at + 1 + size > WIDTH) {
            fprintf(to, "\n%*s", column, "");
            at = column;
        }
        at += fprintf(to, "%s%.*s", at > column ? " " : "", size, text);
        text += size;
    }
    fputc('\n', to);
}

/* Text and number, or the number alone. */
static void name_id(char text[WORD], const json_t *object, const char *name, const char *id)
{
    long long number = json_integer_value(json_object_get(object, id));
    if (*text_of(object, name))
        snprintf(text, WORD, "%s (%lld)", text_of(object, name), number);
    else
        snprintf(text, WORD, "%lld", number);
}

static void print_machine(FILE *to, const json_t *document)
{
    const json_t *machine = json_object_get(document, "machine");
    char word[WORD], all[4096];
    size_t i, used;
    json_t *group;
    fprintf(to, "vidriera %s, FFmpeg %s, on %s\n", text_of(document, "vidriera"), text_of(document, "ffmpeg"),
            text_of(machine, "kernel"));
    if (!is_true(document, "cuda_built"))
        fputs("built without the cuda backend: there was no clang >= 15, which compiles its kernels\n", to);
    name_id(word, json_object_get(machine, "user"), "name", "uid");
    used = (size_t)snprintf(all, sizeof all, "user %s, groups", word);
    json_array_foreach (json_object_get(machine, "groups"), i, group) {
        name_id(word, group, "name", "gid");
        if (used < sizeof all)
            used += (size_t)snprintf(all + used, sizeof all - used, "%s %s", i ? "," : "", word);
    }
    wrap(to, 0, all);
}

static void print_nodes(FILE *to, const json_t *document)
{
    const json_t *nodes = json_object_get(document, "nodes");
    size_t i;
    json_t *node;
    char group[WORD];
    fputs("\nNodes of GPUs\n", to);
    if (!json_array_size(nodes))
        fputs("  none: no /dev/dri/renderD*, no /dev/nvidia*; in a container they must be passed on\n", to);
    json_array_foreach ((json_t *)nodes, i, node) {
        name_id(group, node, "group", "gid");
        fprintf(to, "  %-20s  %-14s  %-9s  %-18s  %s\n", text_of(node, "path"), group, text_of(node, "pci"),
                text_of(node, "driver"), is_true(node, "usable") ? "this user may use it" : "not usable");
        if (*text_of(node, "refusal")) {
            fputs("      ", to);
            wrap(to, 6, text_of(node, "refusal"));
        }
    }
}

static void print_opencl(FILE *to, const json_t *document)
{
    const json_t *opencl = json_object_get(document, "opencl"), *devices = json_object_get(opencl, "devices");
    size_t i;
    json_t *device;
    fputs("\nOpenCL devices\n", to);
    if (*text_of(opencl, "problem")) {
        fputs("  ", to);
        wrap(to, 2, text_of(opencl, "problem"));
    } else if (!json_array_size(devices))
        fputs("  none\n", to);
    json_array_foreach ((json_t *)devices, i, device) {
        char line[512];
        snprintf(line, sizeof line, "%s, %s, driver %s: %s%s%s", text_of(device, "name"), text_of(device, "platform"),
                 text_of(device, "version"), is_true(device, "gpu") ? "a GPU" : "a processor",
                 is_true(device, "shares_memory") ? ", memory shared with the host" : "",
                 is_true(device, "maps_vaapi") ? ", maps VAAPI's surfaces" : "");
        vd_text_clean(line);
        fputs("  ", to);
        wrap(to, 2, line);
    }
}

static void print_names(FILE *to, const char *what, const json_t *names)
{
    char all[512] = "";
    size_t i, used = (size_t)snprintf(all, sizeof all, "%s", what);
    json_t *name;
    json_array_foreach ((json_t *)names, i, name)
        if (used < sizeof all)
            used += (size_t)snprintf(all + used, sizeof all - used, " %s", json_string_value(name));
    wrap(to, 13, all);
}

static void print_codecs(FILE *to, const json_t *document)
{
    size_t i;
    json_t *family;
    fputs("\nWhat this FFmpeg has, whatever the devices can\n", to);
    json_array_foreach (json_object_get(document, "ffmpeg_codecs"), i, family) {
        const json_t *encoders = json_object_get(family, "encoders"), *decoders = json_object_get(family, "decoders");
        fprintf(to, "  %-9s  ", text_of(family, "family"));
        print_names(to, json_array_size(encoders) ? "encoders:" : "no encoder", encoders);
        if (json_array_size(decoders)) {
            fprintf(to, "%13s", "");
            print_names(to, "decoders:", decoders);
        }
    }
}

/* A number, or what its absence means. */
static void print_figure(FILE *to, int width, const json_t *value, const char *absent)
{
    if (json_is_number(value))
        fprintf(to, "  %*.*f", width, json_is_integer(value) ? 0 : 1, json_number_value(value));
    else
        fprintf(to, "  %*s", width, absent);
}

static int widest(const json_t *list, const char *member, int least)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)list, i, item)
        if ((int)strlen(text_of(item, member)) > least)
            least = (int)strlen(text_of(item, member));
    return least;
}

static void print_probe(FILE *to, const json_t *probe)
{
    char size[32];
    snprintf(size, sizeof size, "%lldx%lld", json_integer_value(json_object_get(probe, "width")),
             json_integer_value(json_object_get(probe, "height")));
    fprintf(to, "  %-7s  %-10s  %-13s  %-10s", size, text_of(probe, "decoder"), text_of(probe, "kernel"),
            text_of(probe, "encoder"));
    print_figure(to, 6, json_object_get(probe, "copies_per_frame"), "?");
    print_figure(to, 5, json_object_get(probe, "psnr"), "same");
    print_figure(to, 5, json_object_get(probe, "tint_gb_per_s"), "?");
    fputc('\n', to);
}

static bool is_own(const json_t *codec, const char *member)
{
    const char *name = text_of(codec, member), *end = strrchr(name, '_');
    return end && (!strcmp(end, "_vaapi") || !strcmp(end, "_nvenc") || !strcmp(end, "_nvdec"));
}

/* What its driver calls itself, and what goes in and out of it, as far as it was tried. */
static void print_own_codecs(FILE *to, const json_t *candidate)
{
    static const char *const members[] = {"encoder", "decoder"}, *const words[] = {"encodes", "decodes"};
    const json_t *codecs = json_object_get(candidate, "codecs");
    const char *model = text_of(json_array_get(json_object_get(candidate, "trials"), 0), "model");
    size_t i;
    json_t *codec;
    if (*model) {
        char *line = strdup(model);
        fputs("      ", to);
        if (line)
            vd_text_clean(line);
        wrap(to, 6, line ? line : "?");
        free(line);
    }
    for (int what = 0; json_is_array(codecs) && what < 2; what++) {
        char line[256];
        int used = snprintf(line, sizeof line, "%s:", words[what]);
        json_array_foreach ((json_t *)codecs, i, codec)
            if (is_own(codec, members[what]) && used < (int)sizeof line)
                used += snprintf(line + used, sizeof line - (size_t)used, " %s%s", text_of(codec, "codec"),
                                 json_integer_value(json_object_get(codec, "bits")) > 8 ? "-10" : "");
        fputs("      ", to);
        wrap(to, 6, line);
    }
    json_array_foreach ((json_t *)codecs, i, codec)
        if (*text_of(codec, "error")) {
            char line[600];
            snprintf(line, sizeof line, "not %s of %lld bits: %s", text_of(codec, "codec"),
                     json_integer_value(json_object_get(codec, "bits")), text_of(codec, "error"));
            fputs("      ", to);
            wrap(to, 6, line);
        }
}

static void print_candidate(FILE *to, const json_t *candidate, int width)
{
    size_t i;
    json_t *probe;
    const json_t *probes = json_object_get(candidate, "trials");
    bool works = is_true(candidate, "works");
    fprintf(to, "  %-*s", json_array_size(probes) ? width : 0, text_of(candidate, "device"));
    json_array_foreach ((json_t *)probes, i, probe) {
        if (i)
            fprintf(to, "  %*s", width, "");
        print_probe(to, probe);
    }
    if (works) {
        print_own_codecs(to, candidate);
        return;
    }
    fprintf(to, "%s", json_array_size(probes) ? "      " : "\n      ");
    char line[600];
    snprintf(line, sizeof line, "%s: %s", is_true(candidate, "tried") ? "does not work" : "not tried",
             text_of(candidate, "error"));
    wrap(to, 6, line);
}

static void print_candidates(FILE *to, const json_t *document)
{
    const json_t *list = json_object_get(document, "candidates");
    int width = widest(list, "device", 12);
    size_t i;
    json_t *candidate;
    fprintf(to, "\nWhat was tried\n  %-*s  %-7s  %-10s  %-13s  %-10s  %6s  %5s  %5s\n", width, "device", "picture",
            "decoder", "kernel", "encoder", "copies", "PSNR", "GB/s");
    json_array_foreach ((json_t *)list, i, candidate)
        print_candidate(to, candidate, width);
    fputs("  copies: pictures that cross between host and device, for each frame; GB/s: of the tint alone\n", to);
}

static void print_clip(FILE *to, const json_t *document)
{
    const json_t *clip = json_object_get(document, "clip"), *runs = json_object_get(clip, "runs");
    int width = widest(runs, "device", 12);
    size_t i;
    json_t *run;
    if (!clip)
        return;
    char *path = strdup(text_of(clip, "path"));
    if (path)
        vd_text_clean(path);
    fprintf(to, "\n%s on each of them\n  %-*s  %8s  %7s  %6s  %s\n", path ? path : "", width, "device", "seconds",
            "speed", "copies", "PSNR against the processor's (Y, U, V)");
    free(path);
    json_array_foreach ((json_t *)runs, i, run) {
        const json_t *psnr = json_object_get(run, "psnr");
        const char *absent = json_is_object(psnr) ? "same" : "-";
        if (*text_of(run, "error")) {
            fprintf(to, "  %s\n      ", text_of(run, "device"));
            wrap(to, 6, text_of(run, "error"));
            continue;
        }
        fprintf(to, "  %-*s  %8.2f  %6.1fx", width, text_of(run, "device"),
                json_number_value(json_object_get(run, "seconds")), json_number_value(json_object_get(run, "speed")));
        print_figure(to, 6, json_object_get(run, "copies_per_frame"), "?");
        print_figure(to, 5, json_object_get(psnr, "y"), absent);
        print_figure(to, 5, json_object_get(psnr, "u"), absent);
        print_figure(to, 5, json_object_get(psnr, "v"), absent);
        fputc('\n', to);
    }
}

static void print_taken(FILE *to, const json_t *document)
{
    const json_t *takes = json_object_get(document, "takes");
    const char *wanted = text_of(takes, "wanted"), *device = text_of(takes, "device");
    size_t i;
    json_t *why;
    fprintf(to, "\n--device %s %s%s\n", wanted, *device ? "takes " : "does not work here", device);
    json_array_foreach (json_object_get(takes, "not"), i, why) {
        char line[600];
        const char *error = text_of(why, "error"), *cure = strrchr(error, ';'); /* told above */
        snprintf(line, sizeof line, "not %s: %.*s", text_of(why, "device"),
                 (int)(cure ? (size_t)(cure - error) : strlen(error)), error);
        fputs("  ", to);
        wrap(to, 6, line);
    }
}

static void print_lines(FILE *to, const char *title, const char *lines)
{
    fprintf(to, "\n%s\n", title);
    for (const char *end; *lines; lines = *end ? end + 1 : end) {
        end = strchrnul(lines, '\n');
        fprintf(to, "  %.*s\n", (int)(end - lines), lines);
    }
}

void vd_doctor_print(const json_t *document, FILE *to)
{
    const json_t *deploy = json_object_get(document, "deploy");
    print_machine(to, document);
    print_nodes(to, document);
    print_opencl(to, document);
    print_codecs(to, document);
    print_candidates(to, document);
    print_clip(to, document);
    print_taken(to, document);
    if (json_is_object(deploy)) {
        print_lines(to, "For docker-compose.yml", text_of(deploy, "docker_compose"));
        print_lines(to, "For Kubernetes", text_of(deploy, "kubernetes"));
    }
}
