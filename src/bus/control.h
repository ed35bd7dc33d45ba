/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A thread that reads the control topic from its beginning, outside of the group, and that knows meanwhile whether a
 * broker answers: it sees to the topics at the first answer, and tells when answers stop and come again.
 */
#ifndef VIDRIERA_BUS_CONTROL_H
#define VIDRIERA_BUS_CONTROL_H

#include "inbox.h"

struct vd_control;

/* The setup and the inbox must live longer. */
int vd_control_open(struct vd_control **control, const struct vd_bus_setup *setup, struct vd_inbox *inbox,
                    struct vd_err *err);

/* The topics are there: orders can be asked for. */
bool vd_control_ready(struct vd_control *control);

/* Empty until a broker answered; the text stays where it is then. */
const char *vd_control_cluster(struct vd_control *control);

/* Blocks, for seconds when no broker answers. Accepts NULL. */
void vd_control_close(struct vd_control *control);

#endif
