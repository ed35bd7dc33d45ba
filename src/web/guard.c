/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guard.h"

#include "parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

int vd_guard_init(struct vd_guard *guard, const char *token, const char *hosts)
{
    *guard = (struct vd_guard){.cookie = "vidriera"};
    pthread_mutex_init(&guard->lock, NULL);
    if (token)
        guard->token = strdup(token);
    if (hosts)
        guard->hosts = strdup(hosts);
    if ((!token || guard->token) && (!hosts || guard->hosts))
        return 0;
    vd_guard_finish(guard);
    return -1;
}

void vd_guard_finish(struct vd_guard *guard)
{
    if (guard->token)
        explicit_bzero(guard->token, strlen(guard->token));
    free(guard->token);
    free(guard->hosts);
    explicit_bzero(guard->sessions, sizeof guard->sessions);
    pthread_mutex_destroy(&guard->lock);
    *guard = (struct vd_guard){.token = NULL};
}

/* In a time that depends on `shown` alone. */
static bool same(const char *secret, const char *shown)
{
    size_t size = strlen(secret), length = strlen(shown);
    volatile unsigned char differs = size != length;
    for (size_t i = 0; i < length; i++)
        differs |= (unsigned char)(secret[i % (size + 1)] ^ shown[i]);
    return !differs;
}

bool vd_guard_host(const struct vd_guard *guard, const char *text)
{
    struct vd_host host;
    return text && vd_host_parse(text, &host) &&
           (host.number || !strcmp(host.name, "localhost") || vd_host_listed(&host, guard->hosts));
}

bool vd_guard_origin(const char *origin, const char *site, const char *host, enum vd_who who)
{
    struct vd_host from, to;
    if (site && strcmp(site, "same-origin") && strcmp(site, "none"))
        return false;
    if (!origin)
        return who != VD_VISITOR;
    return vd_origin_parse(origin, &from) && host && vd_host_parse(host, &to) && !strcmp(from.name, to.name) &&
           !strcmp(from.port, to.port);
}

/* Whatever is found, all of them are looked at. Locked. */
static struct vd_session *find(struct vd_guard *guard, const char *key, double now)
{
    struct vd_session *found = NULL;
    if (!*key)
        return NULL;
    for (size_t i = 0; i < VD_SESSIONS; i++)
        if (same(guard->sessions[i].key, key) && guard->sessions[i].until > now)
            found = &guard->sessions[i];
    return found;
}

enum vd_who vd_guard_who(struct vd_guard *guard, const char *authorization, const char *cookie, double now)
{
    if (authorization && !strncasecmp(authorization, "Bearer ", 7)) /* other schemes are a proxy's */
        return guard->token && same(guard->token, authorization + 7) ? VD_BEARER : VD_STRANGER;
    if (!cookie)
        return VD_NOBODY;
    pthread_mutex_lock(&guard->lock);
    bool known = find(guard, cookie, now) != NULL;
    pthread_mutex_unlock(&guard->lock);
    return known ? VD_VISITOR : VD_STRANGER;
}

int vd_guard_login(struct vd_guard *guard, const char *token, double now, char key[VD_SESSION_TEXT])
{
    unsigned char bytes[(VD_SESSION_TEXT - 1) / 2];
    if (!guard->token || !same(guard->token, token) || getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return -1;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(key + 2 * i, 3, "%02x", bytes[i]);
    pthread_mutex_lock(&guard->lock);
    struct vd_session *place = guard->sessions;
    for (size_t i = 1; i < VD_SESSIONS; i++)
        if (guard->sessions[i].until < place->until)
            place = &guard->sessions[i];
    memcpy(place->key, key, VD_SESSION_TEXT);
    place->until = now + vd_session_s;
    pthread_mutex_unlock(&guard->lock);
    return 0;
}

void vd_guard_logout(struct vd_guard *guard, const char *key)
{
    pthread_mutex_lock(&guard->lock);
    struct vd_session *session = find(guard, key, 0);
    if (session)
        *session = (struct vd_session){.until = 0};
    pthread_mutex_unlock(&guard->lock);
}
