/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/text.h"

#include <stdint.h>
#include <string.h>

/* Bytes of the character at c when it is well formed (Unicode 15, table 3-7) and no control character; else 0. */
static int good(const unsigned char *c)
{
    static const uint32_t least[] = {0, 0x20, 0xa0, 0x800, 0x10000}; /* of that many bytes; C1 ends at 0x9f */
    int size = c[0] < 0x80 ? 1 : c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : c[0] >= 0xc2 ? 2 : 0;
    if (size == 0 || c[0] == 0x7f || c[0] > 0xf4)
        return 0;
    uint32_t code = size == 1 ? c[0] : c[0] & (0x7fu >> size);
    for (int i = 1; i < size; i++) {
        if ((c[i] & 0xc0) != 0x80) /* true of the 0 at the end as well */
            return 0;
        code = code << 6 | (c[i] & 0x3f);
    }
    return code < least[size] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? 0 : size;
}

void vd_text_clean(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c;) {
        int size = good(c);
        if (!size)
            *c = '?';
        c += size ? size : 1;
    }
}
