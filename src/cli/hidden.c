/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vidriera slot`: the other commands start it, nobody else. */
#include "cli.h"

#include "vidriera/log.h"
#include "vidriera/slot.h"

int vd_cmd_slot(void)
{
    if (vd_slot_started())
        return vd_slot_main();
    vd_log(VD_LOG_ERROR, "slot: this command is not for people, other commands start it; see vidriera --help");
    return vd_code_exit(VD_USAGE);
}
