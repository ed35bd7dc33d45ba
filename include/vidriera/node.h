/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The nodes through which a process reaches a GPU: /dev/dri/renderD*, /dev/nvidia0 and on. Looked at from outside, by
 * stat(), access() and sysfs: nothing is opened, because that alone may wake a GPU for a second. Any thread.
 */
#ifndef VIDRIERA_NODE_H
#define VIDRIERA_NODE_H

#include <stdbool.h>
#include <sys/types.h>

enum vd_node_kind { VD_NODE_RENDER, VD_NODE_NVIDIA };

struct vd_node {
    char path[64];
    gid_t gid;
    char group[64];          /* that gid's name; empty: it has none here */
    unsigned vendor, device; /* by PCI; 0: sysfs does not tell */
    char driver[48];         /* the kernel's, NVIDIA's with its version; empty: not known */
    bool gpu;                /* it is what it is called; else refusal says what it is not */
    bool open;               /* this process may use it, and it is there */
    char refusal[320];       /* "<what>: <why>; <what to do>"; empty when it can be used */
};

enum { VD_NODES = 10 }; /* of a kind: three rows of them and the processor are fewer than VD_CANDIDATES */

/* All nodes of a kind, by their number: VD_NODES at most. root: what stands in front of every path, empty but in tests. */
int vd_nodes_find(const char *root, enum vd_node_kind kind, struct vd_node list[VD_NODES]);

/* The one of that path, there or not. */
void vd_node_look(const char *root, enum vd_node_kind kind, const char *path, struct vd_node *node);

/* The words for none at all. */
const char *vd_node_none(enum vd_node_kind kind);

#endif
