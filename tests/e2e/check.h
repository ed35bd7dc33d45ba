/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is compared after a run; each complains through complain(). Called by run_check() alone.
 */
#ifndef E2E_CHECK_H
#define E2E_CHECK_H

#include "row.h"

/* The result document: its schema, and that it says what the judge sees. What was dropped and warned of. */
void check_result(struct run *run);

/* Container, codec, format, size, index; streams that may only leave by name. */
void check_container(struct run *run);

/* Number, times, fields, colours and tags of frames. check_colour.c has the colours. */
void check_picture(struct run *run);
void check_colours(struct run *run);

void check_sound(struct run *run);

/* Subtitles, chapters, metadata, languages. */
void check_text(struct run *run);

/* True when a string of that array of the result ("warnings", "dropped") contains the part, in any case. */
bool result_says(const struct run *run, const char *array, const char *part);

#endif
