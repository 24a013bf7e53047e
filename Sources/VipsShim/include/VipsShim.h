// SPDX-License-Identifier: Apache-2.0
// libvips without variadic functions and without its macros: what Swift can call.
//
// Ownership: a function whose name ends in `_new` or that is said to give a reference gives one, which the caller drops with
// the matching `_free`. Everything else is borrowed. Functions that can fail return 0 for success and -1 for failure; what went
// wrong is then in the error buffer (`vs_take_error`), which all threads share.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// --- the library (runtime.c) ---------------------------------------------------------------------------------------------

/// Starts libvips: once in a process, before anything else. One thread per image, nothing cached, and every loader and saver
/// that libvips itself does not trust with foreign bytes blocked. From then on allocations of 4 MiB and more go back to the system
/// when they are freed, those of the whole process.
int vs_start(void);
/// Lets a blocked class of operations run again, with those derived of it.
void vs_unblock(const char *class_name);
/// `8.14.1`.
const char *vs_version(void);
/// Copies what went wrong into `into`, ended by a zero, and forgets it. Returns its length. The buffer is the process's: words of
/// other threads may be among it, or may have been taken by them.
size_t vs_take_error(char *into, size_t size);
/// Gives back what libvips keeps for the calling thread.
void vs_thread_done(void);
/// The most bytes of pixels held at one time since the start.
size_t vs_memory_high_water(void);

// --- images (image.c) ----------------------------------------------------------------------------------------------------

typedef struct _VipsImage VipsImage;

void vs_image_free(VipsImage *image);
int vs_image_width(const VipsImage *image);
int vs_image_height(const VipsImage *image);
int vs_image_bands(const VipsImage *image);
/// The nick of the kind of samples: `uchar`, `ushort`, `float`...
const char *vs_image_sample_format(const VipsImage *image);
/// The bytes of one sample: 1, 2, 4, 8 or 16.
int vs_image_sample_bytes(const VipsImage *image);
bool vs_image_has_alpha(VipsImage *image);
/// The nick of the colour space: `srgb`, `b-w`, `cmyk`, `rgb16`...
const char *vs_image_interpretation(const VipsImage *image);
/// An image over a copy of `width * height * bands` bytes. Gives a reference, or NULL.
VipsImage *vs_image_from_bytes(const void *bytes, int width, int height, int bands);
/// A copy of a matrix, row by row. Gives a reference, or NULL.
VipsImage *vs_matrix_new(const double *numbers, int width, int height);
/// Computes all pixels into memory. Gives a reference, or NULL.
VipsImage *vs_image_in_memory(VipsImage *image);
/// The pixels of an image that `vs_image_in_memory` gave: as long as the image lives.
const void *vs_image_pixels(VipsImage *image, size_t *length);

/// Whether `vs_image_narrow` takes it: samples of 8 bits, 1, 3 or 4 a pixel, and `width` less, though no less than an eighth.
bool vs_image_can_narrow(const VipsImage *image, int width);
/// Makes it `width` wide with a Lanczos kernel of three lobes; its height stays. Pixels are computed later. Gives a reference, or NULL.
VipsImage *vs_image_narrow(VipsImage *image, int width);

// --- figures (figures.c) --------------------------------------------------------------------------------------------------

enum vs_shape { VS_RECTANGLE, VS_CIRCLE, VS_LINE };

/// A figure in pixels, from the upper left.
struct vs_figure {
    enum vs_shape shape;
    /// The corner of a rectangle, the centre of a circle, the beginning of a line.
    double x, y;
    /// Of a rectangle. Of a line: how far its end is from its beginning, which may be less than nothing.
    double width, height;
    /// Of a circle, and of the corners of a rectangle.
    double radius;
    /// How wide its edge is drawn. 0 fills it, which a line can't be.
    double stroke;
    /// Red, green, blue and opacity.
    uint8_t colour[4];
};

/// Figures one over the other, in the order given, on a transparent ground. The figures are copied. Pixels are computed later. Gives a
/// reference, or NULL.
VipsImage *vs_image_of_figures(int width, int height, const struct vs_figure *figures, int count);

// --- what images say of themselves (metadata.c) ---------------------------------------------------------------------------

bool vs_field_exists(const VipsImage *image, const char *name);
/// False when there is none such or it is no integer.
bool vs_field_integer(const VipsImage *image, const char *name, int *value);
/// Borrowed. NULL when there is none such or it is no text.
const char *vs_field_text(const VipsImage *image, const char *name);
/// Borrowed. NULL when there is none such or it is no list of integers.
const int *vs_field_integers(const VipsImage *image, const char *name, int *count);
// An image's fields may only be changed while nobody else has it: on the result of `vs_image_copy`.
/// Shares the pixels, has its own fields. Gives a reference, or NULL.
VipsImage *vs_image_copy(VipsImage *image);
void vs_field_set_integer(VipsImage *image, const char *name, int value);
void vs_field_set_integers(VipsImage *image, const char *name, const int *values, int count);
void vs_field_remove(VipsImage *image, const char *name);
/// Calls `visit` with the name of every field, while none is added or removed.
void vs_field_names(VipsImage *image, void (*visit)(const char *name, void *context), void *context);

// --- stopping (watch.c) --------------------------------------------------------------------------------------------------

/// Calls `tick` again and again on the calling thread while pixels of `image`, or of what is made of it, are computed. Instead of
/// what an earlier call said for the image.
void vs_image_watch(VipsImage *image, void (*tick)(void *context), void *context);
void vs_image_unwatch(VipsImage *image);
/// Makes every computation of pixels of `image` fail soon. From any thread.
void vs_image_kill(VipsImage *image);

// --- operations (operation.c) --------------------------------------------------------------------------------------------

typedef struct _VipsOperation VipsOperation;

/// An operation by its nick, with no argument set. NULL when there is none such.
VipsOperation *vs_operation_new(const char *nick);
/// Drops the operation and its outputs; references taken from it stay.
void vs_operation_free(VipsOperation *operation);
void vs_set_image(VipsOperation *operation, const char *name, VipsImage *image);
void vs_set_images(VipsOperation *operation, const char *name, VipsImage *const *images, int count);
void vs_set_integer(VipsOperation *operation, const char *name, int value);
void vs_set_number(VipsOperation *operation, const char *name, double value);
void vs_set_numbers(VipsOperation *operation, const char *name, const double *values, int count);
void vs_set_flag(VipsOperation *operation, const char *name, bool value);
void vs_set_text(VipsOperation *operation, const char *name, const char *value);
/// Encoded bytes, not copied: they have to stay where they are until every image made of them is dropped.
void vs_set_bytes(VipsOperation *operation, const char *name, const void *bytes, size_t length);
/// One of an enumeration's values, by its nick.
int vs_set_choice(VipsOperation *operation, const char *name, const char *nick);
/// Checks the arguments and makes the outputs. Pixels are mostly computed later, when something asks for them.
int vs_operation_run(VipsOperation *operation);
/// Gives a reference.
VipsImage *vs_get_image(VipsOperation *operation, const char *name);
int vs_get_integer(VipsOperation *operation, const char *name);
/// Borrowed: as long as the operation lives.
const double *vs_get_numbers(VipsOperation *operation, const char *name, int *count);
/// Borrowed: as long as the operation lives.
const void *vs_get_bytes(VipsOperation *operation, const char *name, size_t *length);
