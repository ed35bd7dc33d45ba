/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading a JSON object by a table of its fields. Values that do not fit are refused with what would; so are fields
 * that the table does not have, unless their name begins with "x-": those are left to whoever wrote them. Any thread.
 */
#ifndef VIDRIERA_JOB_FIELDS_H
#define VIDRIERA_JOB_FIELDS_H

#include "vidriera/err.h"

#include <jansson.h>

enum { VD_WANTED = 160 };

/*
 * Takes the value into *to. -1: it does not fit; then wanted holds what would, as the end of a sentence: "a number from
 * 0 to 1".
 */
typedef int vd_field_take(const json_t *value, void *to, char wanted[VD_WANTED]);

/* A table ends with an empty row. */
struct vd_field {
    const char *name;
    vd_field_take *take;           /* NULL: an object of the fields below */
    const struct vd_field *fields; /* they are taken into the same *to */
    const char *missing;           /* what to give when it is not there; NULL: it may be left out */
};

/*
 * Takes every field that fits, also when others do not; the first that does not is told. VD_USAGE. where: the object's
 * own name, "" at the top.
 */
int vd_fields_take(const json_t *object, const char *where, const struct vd_field *fields, void *to,
                   struct vd_err *err);

#endif
