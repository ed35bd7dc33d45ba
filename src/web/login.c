/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The token, once, for a cookie that scripts cannot read and other sites cannot send. */
#include "vidriera/now.h"

#include "answers.h"
#include "routes.h"

#include <stdio.h>
#include <string.h>

enum { TOKEN = 257 };

struct form {
    char token[TOKEN];
    size_t size;
    bool bad;
};

static enum MHD_Result take(void *opaque, enum MHD_ValueKind kind, const char *key, const char *file, const char *type,
                            const char *coding, const char *data, uint64_t offset, size_t size)
{
    struct form *form = opaque;
    (void)kind, (void)file, (void)type, (void)coding, (void)offset;
    if (!key || strcmp(key, "token"))
        return MHD_YES;
    if (size >= TOKEN - form->size || (size && memchr(data, 0, size))) {
        form->bad = true;
        return MHD_NO;
    }
    if (size)
        memcpy(form->token + form->size, data, size);
    form->size += size;
    return MHD_YES;
}

/* False: the body is no form with a token. */
static bool read_form(struct vd_asked *asked, struct form *form)
{
    struct MHD_PostProcessor *reader = MHD_create_post_processor(asked->connection, 1024, take, form);
    if (!reader)
        return false;
    form->bad |= MHD_post_process(reader, asked->body, asked->size) != MHD_YES;
    form->bad |= MHD_destroy_post_processor(reader) != MHD_YES;
    form->token[form->size] = '\0';
    return !form->bad && form->size;
}

static enum MHD_Result answer_cookie(struct vd_asked *asked, const char *key, int seconds)
{
    char cookie[VD_COOKIE_NAME + VD_SESSION_TEXT + 80];
    const char *origin = vd_asked_header(asked, "Origin");
    bool tls = origin && !strncmp(origin, "https://", 8); /* the page's, through a proxy: never sent in the clear */
    struct MHD_Response *response = vd_response_static("", 0);
    snprintf(cookie, sizeof cookie, "%s=%s; Path=/; Max-Age=%d; HttpOnly; SameSite=Strict%s", asked->web->guard.cookie,
             key, seconds, tls ? "; Secure" : "");
    if (response)
        MHD_add_response_header(response, "Set-Cookie", cookie);
    return vd_answer(asked, MHD_HTTP_NO_CONTENT, response);
}

enum MHD_Result vd_answer_login(struct vd_asked *asked)
{
    char key[VD_SESSION_TEXT];
    struct form form = {.size = 0};
    if (!read_form(asked, &form))
        return vd_answer_error(asked, MHD_HTTP_BAD_REQUEST, "this is no form with a token");
    int ret = vd_guard_login(&asked->web->guard, form.token, vd_monotonic(), key);
    explicit_bzero(&form, sizeof form);
    explicit_bzero(asked->body, asked->size);
    if (ret < 0)
        return vd_answer_error(asked, MHD_HTTP_UNAUTHORIZED,
                               "this is not the token; it is the line in the file that http.token_file names");
    return answer_cookie(asked, key, (int)vd_session_s);
}

enum MHD_Result vd_answer_logout(struct vd_asked *asked)
{
    const char *key = MHD_lookup_connection_value(asked->connection, MHD_COOKIE_KIND, asked->web->guard.cookie);
    if (key)
        vd_guard_logout(&asked->web->guard, key);
    return answer_cookie(asked, "", 0);
}
