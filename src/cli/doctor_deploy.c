/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a container needs to reach this machine's GPUs. Groups are numbers: names inside an image mean other ones. */
#include "doctor.h"

#include <stdlib.h>
#include <string.h>

struct wish {
    bool render, nvidia, intel, amd;
    json_int_t gids[16];
    int groups;
};

static const char *text_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text ? text : "";
}

/* A render node that VAAPI can use: not of NVIDIA's own driver. */
static bool is_render(const json_t *node)
{
    return !strcmp(text_of(node, "kind"), "render") && *text_of(node, "pci") &&
           strcmp(text_of(node, "driver"), "nvidia") != 0;
}

static void add_gid(struct wish *wish, json_int_t gid)
{
    for (int i = 0; i < wish->groups; i++)
        if (wish->gids[i] == gid)
            return;
    if (wish->groups < 16)
        wish->gids[wish->groups++] = gid;
}

static struct wish wish_for(const json_t *nodes)
{
    struct wish wish = {0};
    size_t i;
    json_t *node;
    json_array_foreach ((json_t *)nodes, i, node) {
        const char *pci = text_of(node, "pci");
        wish.nvidia |= !strcmp(text_of(node, "kind"), "nvidia");
        if (!is_render(node))
            continue;
        wish.render = true;
        wish.intel |= !strncmp(pci, "8086:", 5);
        wish.amd |= !strncmp(pci, "1002:", 5);
        add_gid(&wish, json_integer_value(json_object_get(node, "gid")));
    }
    return wish;
}

static void print_compose(FILE *to, const struct wish *wish, const json_t *nodes)
{
    size_t i;
    json_t *node;
    fputs("services:\n  worker:\n", to);
    if (wish->render) {
        fputs("    devices:\n", to);
        json_array_foreach ((json_t *)nodes, i, node)
            if (is_render(node))
                fprintf(to, "      - %s:%s\n", text_of(node, "path"), text_of(node, "path"));
        fputs("    group_add:\n", to);
        for (int k = 0; k < wish->groups; k++)
            fprintf(to, "      - \"%lld\"\n", (long long)wish->gids[k]);
    }
    fputs("    environment:\n"
          "      VIDRIERA_PROCESS_DEVICE: auto\n"
          "      VIDRIERA_CACHE: /tmp/vidriera\n",
          to);
    if (wish->nvidia)
        fputs("      NVIDIA_DRIVER_CAPABILITIES: compute,video,utility\n"
              "    deploy:\n"
              "      resources:\n"
              "        reservations:\n"
              "          devices:\n"
              "            - driver: nvidia\n"
              "              count: 1\n"
              "              capabilities: [gpu]\n",
              to);
}

static void print_kubernetes(FILE *to, const struct wish *wish)
{
    fputs("spec:\n", to);
    for (int k = 0; k < wish->groups; k++)
        fprintf(to, "%s%lld%s", k ? ", " : "  securityContext:\n    supplementalGroups: [", (long long)wish->gids[k],
                k + 1 == wish->groups ? "]\n" : "");
    fputs("  containers:\n    - name: vidriera\n", to);
    if (wish->nvidia)
        fputs("      env:\n"
              "        - name: NVIDIA_DRIVER_CAPABILITIES\n"
              "          value: compute,video,utility\n",
              to);
    if (wish->intel || wish->amd || wish->nvidia)
        fputs("      resources:\n        limits:\n", to);
    if (wish->intel)
        fputs("          gpu.intel.com/i915: 1 # or gpu.intel.com/xe, as Intel's device plugin has it\n", to);
    if (wish->amd)
        fputs("          amd.com/gpu: 1\n", to);
    if (wish->nvidia)
        fputs("          nvidia.com/gpu: 1\n", to);
}

json_t *vd_doctor_deploy(const json_t *nodes)
{
    const struct wish wish = wish_for(nodes);
    char *compose = NULL, *kubernetes = NULL;
    size_t compose_size, kubernetes_size;
    if (!wish.render && !wish.nvidia)
        return json_null();
    FILE *first = open_memstream(&compose, &compose_size), *second = open_memstream(&kubernetes, &kubernetes_size);
    if (first)
        print_compose(first, &wish, nodes);
    if (second)
        print_kubernetes(second, &wish);
    if (first)
        fclose(first);
    if (second)
        fclose(second);
    json_t *lines = json_pack("{s:s?, s:s?}", "docker_compose", compose, "kubernetes", kubernetes);
    free(compose);
    free(kubernetes);
    return lines;
}
