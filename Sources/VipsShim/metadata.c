// SPDX-License-Identifier: Apache-2.0
#include "VipsShim.h"
#include <vips/vips.h>

bool vs_field_exists(const VipsImage *image, const char *name) { return vips_image_get_typeof(image, name) != 0; }

bool vs_field_integer(const VipsImage *image, const char *name, int *value) {
    return vips_image_get_typeof(image, name) == G_TYPE_INT && vips_image_get_int(image, name, value) == 0;
}

const char *vs_field_text(const VipsImage *image, const char *name) {
    const char *value = NULL;
    GType type = vips_image_get_typeof(image, name);
    if (type != VIPS_TYPE_REF_STRING && type != G_TYPE_STRING) return NULL;
    return vips_image_get_string(image, name, &value) ? NULL : value;
}

const int *vs_field_integers(const VipsImage *image, const char *name, int *count) {
    int *values = NULL;
    if (vips_image_get_typeof(image, name) != VIPS_TYPE_ARRAY_INT) return NULL;
    if (vips_image_get_array_int((VipsImage *)image, name, &values, count)) return NULL;
    return values;
}

VipsImage *vs_image_copy(VipsImage *image) {
    VipsImage *copy = NULL;
    return vips_copy(image, &copy, NULL) ? NULL : copy;
}

void vs_field_set_integer(VipsImage *image, const char *name, int value) { vips_image_set_int(image, name, value); }

void vs_field_set_integers(VipsImage *image, const char *name, const int *values, int count) {
    vips_image_set_array_int(image, name, values, count);
}

void vs_field_remove(VipsImage *image, const char *name) { vips_image_remove(image, name); }

void vs_field_names(VipsImage *image, void (*visit)(const char *name, void *context), void *context) {
    gchar **names = vips_image_get_fields(image);
    for (gchar **name = names; *name; name++) visit(*name, context);
    g_strfreev(names);
}
