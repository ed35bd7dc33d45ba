/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vidriera config`: is the configuration fit, and what is it? Touches nothing. */
#include "services.h"

#include "vidriera/text.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static int check_folder(const struct vd_settings *settings, const char *key, const char *path, struct vd_err *err)
{
    struct stat st;
    if (!path)
        return 0;
    int error = stat(path, &st) < 0 ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
    const struct vd_conf_value *value = vd_conf_find(&settings->conf, key);
    if (error == 0)
        return 0;
    return vd_fail(err, VD_CONFIG, "", "%s: %s = %.200s: %s; make the folder, or name another",
                   value ? value->where : "default", key, path, strerror(error));
}

static int check(const struct vd_settings *settings, struct vd_err *err)
{
    if (vd_services_kafka_check(settings, err) < 0 || vd_settings_device(settings, err) < 0 ||
        check_folder(settings, "data", settings->data, err) < 0)
        return -1;
    for (int i = 0; i < VD_ROOTS; i++)
        if (check_folder(settings, vd_root_name((enum vd_root)i), settings->folder[i], err) < 0)
            return -1;
    if (!settings->data)
        vd_log(VD_LOG_WARNING, "data is not set; the services need --data DIR then");
    if (!vd_services_names_broker(settings))
        vd_log(VD_LOG_WARNING,
               "no broker is named in kafka { bootstrap.servers }; that is enough for vidriera run only");
    puts("ok");
    return 0;
}

/* As libconfuse reads it back. */
static void print_value(const char *text)
{
    static const char word[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    if (*text && !text[strspn(text, word)]) {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c < ' ' || *c == 0x7f) {
            printf("\\x%02x", *c);
            continue;
        }
        if (strchr("\"\\$", *c)) /* ${NAME} is a variable there */
            putchar('\\');
        putchar(*c);
    }
    putchar('"');
}

static void print_line(const char *indent, const char *name, const char *text, const char *where)
{
    char from[256];
    snprintf(from, sizeof from, "%s", where);
    vd_text_clean(from);
    printf("%s%s = ", indent, name);
    print_value(text);
    printf("  # %s\n", from);
}

/* What must not be seen: by its name, or because it came from a file of its own. */
static bool is_secret(const struct vd_conf_value *value)
{
    static const char *const words[] = {"password", "secret", ".pem", "oauthbearer.config", "token", "jaas"};
    const char *file = strstr(value->where, "_FILE");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(value->key, words[i]))
            return true;
    return file && !file[strlen("_FILE")];
}

static void print_kafka(const struct vd_settings *settings, const char *indent)
{
    char key[160];
    for (int i = 0; i < settings->kafka_count; i++) {
        snprintf(key, sizeof key, "kafka.%s", settings->kafka[i].name);
        const struct vd_conf_value *value = vd_conf_find(&settings->conf, key);
        if (is_secret(value))
            printf("%s# %s is hidden  # %s\n", indent, settings->kafka[i].name, value->where);
        else
            print_line(indent, settings->kafka[i].name, value->text, value->where);
    }
}

static void print_row(const struct vd_settings *settings, const struct vd_setting *row, const char *indent)
{
    const struct vd_conf_value *value = vd_conf_find(&settings->conf, row->key);
    const char *dot = strchr(row->key, '.'), *name = dot ? dot + 1 : row->key;
    if (vd_setting_free(row))
        print_kafka(settings, indent);
    else if (value)
        print_line(indent, name, value->text, value->where);
    else if (row->shown)
        print_line(indent, name, row->shown, "default");
    else
        printf("%s# %s is not set\n", indent, name);
}

static size_t section_length(const char *key)
{
    const char *dot = key ? strchr(key, '.') : NULL;
    return dot ? (size_t)(dot - key) : 0;
}

/* Every key of the section that begins at row i; nothing when it began earlier. */
static void print_section(const struct vd_settings *settings, const struct vd_setting *table, int rows, int i)
{
    size_t length = section_length(table[i].key);
    for (int k = 0; k < i; k++)
        if (section_length(table[k].key) == length && !strncmp(table[k].key, table[i].key, length))
            return;
    printf("\n%.*s {\n", (int)length, table[i].key);
    for (int k = i; k < rows; k++)
        if (section_length(table[k].key) == length && !strncmp(table[k].key, table[i].key, length))
            print_row(settings, &table[k], "    ");
    puts("}");
}

static void print(const struct vd_settings *settings)
{
    int rows;
    const struct vd_setting *table = vd_settings_table(&rows);
    puts("# vidriera " VD_VERSION ": the configuration in force");
    for (int i = 0; i < rows; i++)
        if (table[i].key && !section_length(table[i].key))
            print_row(settings, &table[i], "");
    for (int i = 0; i < rows; i++)
        if (section_length(table[i].key))
            print_section(settings, table, rows, i);
}

int vd_cmd_config(const struct vd_command *self, int argc, char **argv)
{
    struct vd_settings settings;
    struct vd_err err = {0};
    int ret = vd_settings_read(&settings, self, argc, argv, &err);
    if (ret == 0 && settings.check == settings.print)
        ret = vd_fail(&err, VD_USAGE, "", "config: what of it?; give --check or --print");
    if (ret == 0 && settings.print)
        print(&settings);
    if (ret == 0 && settings.check)
        ret = check(&settings, &err);
    if (ret == 0)
        ret = vd_command_printed(&err);
    vd_settings_finish(&settings);
    return vd_command_end(ret, &err);
}
