// SPDX-License-Identifier: Apache-2.0
#include "VipsShim.h"
#include <vips/vips.h>

void vs_image_free(VipsImage *image) { g_object_unref(image); }

int vs_image_width(const VipsImage *image) { return image->Xsize; }
int vs_image_height(const VipsImage *image) { return image->Ysize; }
int vs_image_bands(const VipsImage *image) { return image->Bands; }
const char *vs_image_sample_format(const VipsImage *image) {
    return vips_enum_nick(VIPS_TYPE_BAND_FORMAT, image->BandFmt);
}
int vs_image_sample_bytes(const VipsImage *image) { return (int)VIPS_IMAGE_SIZEOF_ELEMENT(image); }
bool vs_image_has_alpha(VipsImage *image) {
    // Packed pixels, as of Lab in TIFF, have bytes and no bands.
    return image->Coding == VIPS_CODING_NONE && vips_image_hasalpha(image);
}

const char *vs_image_interpretation(const VipsImage *image) {
    return vips_enum_nick(VIPS_TYPE_INTERPRETATION, image->Type);
}

VipsImage *vs_image_from_bytes(const void *bytes, int width, int height, int bands) {
    return vips_image_new_from_memory_copy(
        bytes, (size_t)width * height * bands, width, height, bands, VIPS_FORMAT_UCHAR);
}

VipsImage *vs_matrix_new(const double *numbers, int width, int height) {
    return vips_image_new_matrix_from_array(width, height, numbers, width * height);
}

VipsImage *vs_image_in_memory(VipsImage *image) { return vips_image_copy_memory(image); }

const void *vs_image_pixels(VipsImage *image, size_t *length) {
    *length = VIPS_IMAGE_SIZEOF_IMAGE(image);
    return vips_image_get_data(image);
}
