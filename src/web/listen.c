/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 256 };

static void put_address(const struct sockaddr_storage *address, uint16_t *port, char text[VD_ADDRESS])
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
    char number[INET6_ADDRSTRLEN] = "";
    bool is_six = address->ss_family == AF_INET6;
    inet_ntop(address->ss_family, is_six ? (const void *)&six->sin6_addr : &four->sin_addr, number, sizeof number);
    *port = ntohs(is_six ? six->sin6_port : four->sin_port);
    snprintf(text, VD_ADDRESS, is_six ? "[%s]:%u" : "%s:%u", number, *port);
}

static int fail(int fd, const char *text, struct vd_err *err)
{
    int cause = errno;
    if (cause == EADDRINUSE)
        vd_fail(err, VD_CONFIG, "http", "http.listen: %s is taken by another program; choose another port", text);
    else if (cause == EADDRNOTAVAIL)
        vd_fail(err, VD_CONFIG, "http", "http.listen: %s is no address of this machine; choose one that is", text);
    else
        vd_fail(err, VD_CONFIG, "http", "http.listen: %s: %s; choose another address or port", text, strerror(cause));
    if (fd >= 0)
        close(fd);
    errno = cause;
    return -1;
}

int vd_listen(struct vd_web *web, const struct sockaddr_storage *address, socklen_t size, uint16_t *port,
              struct vd_err *err)
{
    struct sockaddr_storage bound = *address;
    int on = 1, off = 0, fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    put_address(address, port, web->address);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        return fail(fd, web->address, err);
    if (address->ss_family == AF_INET6) /* [::] is every address, of IPv4 too */
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, (const struct sockaddr *)address, size) < 0 || listen(fd, BACKLOG) < 0 ||
        getsockname(fd, (struct sockaddr *)&bound, &size) < 0)
        return fail(fd, web->address, err);
    put_address(&bound, port, web->address);
    return fd;
}
