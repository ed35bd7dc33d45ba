/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text from outside, made fit to be shown. Pure; any thread. */
#ifndef VIDRIERA_TEXT_H
#define VIDRIERA_TEXT_H

/*
 * Makes it one line of valid UTF-8 that moves no cursor: control characters (C0, DEL, C1) and bytes that are not UTF-8
 * become '?', byte by byte. In place; the length stays.
 */
void vd_text_clean(char *text);

#endif
