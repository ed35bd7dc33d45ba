/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "parse.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char digits[] = "0123456789";
static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* What is too large counts as the largest. Returns behind it; NULL: no digit is there. */
static const char *read_number(const char *text, uint64_t *number)
{
    size_t count = strspn(text, digits);
    *number = 0;
    for (size_t i = 0; i < count; i++)
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, (uint64_t)(text[i] - '0'), number)) {
            *number = UINT64_MAX;
            break;
        }
    return count ? text + count : NULL;
}

bool vd_number_parse(const char *text, uint64_t *number)
{
    const char *end = read_number(text, number);
    return end && !*end && *number < UINT64_MAX;
}

static enum vd_range part_of(uint64_t first, uint64_t last, uint64_t size, struct vd_span *span)
{
    if (first >= size)
        return VD_RANGE_OUTSIDE;
    if (last >= size)
        last = size - 1;
    *span = (struct vd_span){first, last - first + 1};
    return VD_RANGE_PART;
}

enum vd_range vd_range_parse(const char *text, uint64_t size, struct vd_span *span)
{
    uint64_t first, last = UINT64_MAX;
    *span = (struct vd_span){0, size};
    if (!text || strncasecmp(text, "bytes=", 6))
        return VD_RANGE_WHOLE;
    text += 6;
    if (*text == '-') { /* the last so many bytes */
        const char *end = read_number(text + 1, &last);
        if (!end || *end)
            return VD_RANGE_WHOLE;
        return last ? part_of(last < size ? size - last : 0, UINT64_MAX, size, span) : VD_RANGE_OUTSIDE;
    }
    text = read_number(text, &first);
    if (!text || *text++ != '-')
        return VD_RANGE_WHOLE;
    if (*text && (!(text = read_number(text, &last)) || *text || last < first))
        return VD_RANGE_WHOLE;
    return part_of(first, last, size, span);
}

/* ":8870" or nothing. */
static bool read_port(const char *text, char port[6])
{
    port[0] = '\0';
    if (!*text)
        return true;
    size_t count = strspn(text + 1, digits);
    if (*text != ':' || !count || count > 5 || text[1 + count])
        return false;
    memcpy(port, text + 1, count + 1);
    return true;
}

bool vd_host_parse(const char *text, struct vd_host *host)
{
    unsigned char binary[sizeof(struct in6_addr)];
    bool six = *text == '[';
    text += six;
    size_t size = six ? strcspn(text, "]") : strcspn(text, ":");
    if (!size || size >= VD_HOST || (six && text[size] != ']'))
        return false;
    for (size_t i = 0; i < size; i++) {
        bool upper = text[i] >= 'A' && text[i] <= 'Z';
        if (!six && !strchr(letters, text[i]) && !strchr(digits, text[i]) && !strchr(".-_", text[i]))
            return false;
        host->name[i] = (char)(upper ? text[i] + ('a' - 'A') : text[i]);
    }
    host->name[size] = '\0';
    host->number = inet_pton(six ? AF_INET6 : AF_INET, host->name, binary) == 1;
    return (!six || host->number) && read_port(text + size + six, host->port);
}

bool vd_origin_parse(const char *text, struct vd_host *host)
{
    if (!strncmp(text, "http://", 7))
        return vd_host_parse(text + 7, host);
    return !strncmp(text, "https://", 8) && vd_host_parse(text + 8, host);
}

bool vd_host_listed(const struct vd_host *host, const char *list)
{
    size_t size = strlen(host->name);
    while (list && *list) {
        list += strspn(list, ", \t");
        size_t word = strcspn(list, ", \t");
        if (word == size && !strncasecmp(list, host->name, size))
            return true;
        list += word;
    }
    return false;
}

socklen_t vd_listen_parse(const char *text, struct sockaddr_storage *address)
{
    struct sockaddr_in *four = (struct sockaddr_in *)address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)address;
    struct vd_host host;
    uint64_t port;
    memset(address, 0, sizeof *address);
    if (!vd_host_parse(text, &host) || !vd_number_parse(host.port, &port) || port > 65535)
        return 0;
    if (text[0] == '[') {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons((uint16_t)port);
        return inet_pton(AF_INET6, host.name, &six->sin6_addr) == 1 ? sizeof *six : 0;
    }
    four->sin_family = AF_INET;
    four->sin_port = htons((uint16_t)port);
    const char *name = !strcmp(host.name, "localhost") ? "127.0.0.1" : host.name;
    return inet_pton(AF_INET, name, &four->sin_addr) == 1 ? sizeof *four : 0;
}

bool vd_is_loopback(const struct sockaddr_storage *address)
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
    if (address->ss_family == AF_INET)
        return ntohl(four->sin_addr.s_addr) >> 24 == 127;
    return address->ss_family == AF_INET6 &&
           (IN6_IS_ADDR_LOOPBACK(&six->sin6_addr) ||
            (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr) && six->sin6_addr.s6_addr[12] == 127));
}

/* Bytes of the job's name that the path goes on with; 0: it is none. */
static size_t job_size(const char *path)
{
    size_t size = strcspn(path, "/");
    if (!size || size >= VD_PATH_JOB || (!strchr(letters, path[0]) && !strchr(digits, path[0])))
        return 0;
    for (size_t i = 1; i < size; i++)
        if (!strchr(letters, path[i]) && !strchr(digits, path[i]) && !strchr("._-", path[i]))
            return 0;
    return size;
}

bool vd_path_is(const char *path, const char *pattern, char job[VD_PATH_JOB])
{
    size_t before = strcspn(pattern, "*");
    job[0] = '\0';
    if (!pattern[before])
        return !strcmp(path, pattern);
    if (strncmp(path, pattern, before))
        return false;
    size_t size = job_size(path + before);
    if (!size || strcmp(path + before + size, pattern + before + 1))
        return false;
    memcpy(job, path + before, size);
    job[size] = '\0';
    return true;
}

const char *vd_media_type(const char *name)
{
    static const struct {
        const char *extension, *type;
    } rows[] = {
        {".mp4", "video/mp4"},   {".m4v", "video/mp4"},       {".mov", "video/quicktime"}, {".mkv", "video/x-matroska"},
        {".webm", "video/webm"}, {".avi", "video/x-msvideo"}, {".ts", "video/mp2t"},       {".mts", "video/mp2t"},
        {".m2ts", "video/mp2t"}, {".mpg", "video/mpeg"},      {".mpeg", "video/mpeg"},     {".vob", "video/mpeg"},
        {".flv", "video/x-flv"}, {".3gp", "video/3gpp"},      {".3g2", "video/3gpp2"},     {".mj2", "video/mj2"},
    };
    const char *slash = strrchr(name, '/'), *dot = strrchr(name, '.');
    if (slash)
        name = slash + 1;
    if (!dot || dot < name || name[0] == '.')
        return NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!strcasecmp(dot, rows[i].extension))
            return rows[i].type;
    return NULL;
}
