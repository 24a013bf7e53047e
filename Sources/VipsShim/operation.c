// SPDX-License-Identifier: Apache-2.0
#include "VipsShim.h"
#include <vips/vips.h>

VipsOperation *vs_operation_new(const char *nick) { return vips_operation_new(nick); }

void vs_operation_free(VipsOperation *operation) {
    vips_object_unref_outputs(VIPS_OBJECT(operation));
    g_object_unref(operation);
}

void vs_set_image(VipsOperation *operation, const char *name, VipsImage *image) {
    g_object_set(operation, name, image, NULL);
}

void vs_set_images(VipsOperation *operation, const char *name, VipsImage *const *images, int count) {
    VipsArrayImage *array = vips_array_image_new((VipsImage **)images, count);
    g_object_set(operation, name, array, NULL);
    vips_area_unref(VIPS_AREA(array));
}

void vs_set_integer(VipsOperation *operation, const char *name, int value) { g_object_set(operation, name, value, NULL); }

void vs_set_number(VipsOperation *operation, const char *name, double value) {
    g_object_set(operation, name, value, NULL);
}

void vs_set_numbers(VipsOperation *operation, const char *name, const double *values, int count) {
    VipsArrayDouble *array = vips_array_double_new(values, count);
    g_object_set(operation, name, array, NULL);
    vips_area_unref(VIPS_AREA(array));
}

void vs_set_flag(VipsOperation *operation, const char *name, bool value) {
    g_object_set(operation, name, (gboolean)value, NULL);
}

void vs_set_text(VipsOperation *operation, const char *name, const char *value) {
    g_object_set(operation, name, value, NULL);
}

void vs_set_bytes(VipsOperation *operation, const char *name, const void *bytes, size_t length) {
    VipsBlob *blob = vips_blob_new(NULL, bytes, length);
    g_object_set(operation, name, blob, NULL);
    vips_area_unref(VIPS_AREA(blob));
}

int vs_set_choice(VipsOperation *operation, const char *name, const char *nick) {
    GParamSpec *property = g_object_class_find_property(G_OBJECT_GET_CLASS(operation), name);
    if (!property || !G_IS_PARAM_SPEC_ENUM(property)) {
        vips_error("magpie", "%s is no choice", name);
        return -1;
    }
    int value = vips_enum_from_nick("magpie", G_PARAM_SPEC_VALUE_TYPE(property), nick);
    if (value < 0) return -1;
    g_object_set(operation, name, value, NULL);
    return 0;
}

int vs_operation_run(VipsOperation *operation) { return vips_object_build(VIPS_OBJECT(operation)); }

VipsImage *vs_get_image(VipsOperation *operation, const char *name) {
    VipsImage *image = NULL;
    g_object_get(operation, name, &image, NULL);
    return image;
}

int vs_get_integer(VipsOperation *operation, const char *name) {
    int value = 0;
    g_object_get(operation, name, &value, NULL);
    return value;
}

// g_object_get gives a reference to arrays and blobs; the operation holds another, which is the one that is lent.
const double *vs_get_numbers(VipsOperation *operation, const char *name, int *count) {
    VipsArrayDouble *array = NULL;
    g_object_get(operation, name, &array, NULL);
    if (!array) return NULL;
    const double *values = vips_array_double_get(array, count);
    vips_area_unref(VIPS_AREA(array));
    return values;
}

const void *vs_get_bytes(VipsOperation *operation, const char *name, size_t *length) {
    VipsBlob *blob = NULL;
    g_object_get(operation, name, &blob, NULL);
    if (!blob) return NULL;
    const void *bytes = vips_blob_get(blob, length);
    vips_area_unref(VIPS_AREA(blob));
    return bytes;
}
