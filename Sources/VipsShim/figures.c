// SPDX-License-Identifier: Apache-2.0
// Figures with smooth edges on a transparent ground.
//
// How much of a pixel a figure covers is told by how far its centre is from the figure's edge, and exactly where edges are straight and
// upright. It is an operation like any other of libvips: it computes what is asked for when it is asked for.
#include "VipsShim.h"
#include <math.h>
#include <string.h>
#include <vips/vips.h>

struct figures {
    int count;
    struct vs_figure items[];
};

static inline double within(double share) { return share < 0 ? 0 : share > 1 ? 1 : share; }

// How much of the pixel from `x` to `x + 1` lies between two borders.
static inline double overlap(double x, double from, double to) { return within(fmin(x + 1, to) - fmax(x, from)); }

static double in_box(const struct vs_figure *figure, double grown, double x, double y) {
    return overlap(x, figure->x - grown, figure->x + figure->width + grown)
        * overlap(y, figure->y - grown, figure->y + figure->height + grown);
}

// How far a point is outside of a rectangle with round corners; less than nothing inside.
static double from_round_box(const struct vs_figure *figure, double x, double y) {
    double half_width = figure->width / 2, half_height = figure->height / 2;
    double radius = fmin(figure->radius, fmin(half_width, half_height));
    double across = fabs(x - figure->x - half_width) - half_width + radius;
    double down = fabs(y - figure->y - half_height) - half_height + radius;
    return hypot(fmax(across, 0), fmax(down, 0)) + fmin(fmax(across, down), 0) - radius;
}

// The figure's edge is drawn half inside and half outside of it; what is filled has all that is inside.
static double painted(const struct vs_figure *figure, double distance) {
    if (figure->stroke <= 0) return within(0.5 - distance);
    return within(0.5 + figure->stroke / 2 - fabs(distance));
}

static double on_line(const struct vs_figure *figure, double x, double y) {
    double length = hypot(figure->width, figure->height);
    if (length <= 0) return 0;
    double across = figure->width / length, down = figure->height / length;
    double along = (x - figure->x) * across + (y - figure->y) * down;
    double aside = (y - figure->y) * across - (x - figure->x) * down;
    return within(0.5 + figure->stroke / 2 - fabs(aside)) * within(fmin(along, length - along) + 0.5);
}

// Which part of the pixel at `x` and `y` it covers.
static double coverage(const struct vs_figure *figure, int x, int y) {
    switch (figure->shape) {
    case VS_RECTANGLE:
        if (figure->radius > 0) return painted(figure, from_round_box(figure, x + 0.5, y + 0.5));
        if (figure->stroke <= 0) return in_box(figure, 0, x, y);
        return within(in_box(figure, figure->stroke / 2, x, y) - in_box(figure, -figure->stroke / 2, x, y));
    case VS_CIRCLE:
        return painted(figure, hypot(x + 0.5 - figure->x, y + 0.5 - figure->y) - figure->radius);
    case VS_LINE: return on_line(figure, x + 0.5, y + 0.5);
    }
    return 0;
}

// Where it may be, without being exact.
static VipsRect bounds(const struct vs_figure *figure, const VipsRect *within_area) {
    double room = fmax(figure->stroke, 0) + 2;
    double left = figure->x, top = figure->y, right = figure->x, bottom = figure->y;
    if (figure->shape == VS_CIRCLE) {
        room += figure->radius;
    } else {
        left = fmin(left, figure->x + figure->width);
        right = fmax(right, figure->x + figure->width);
        top = fmin(top, figure->y + figure->height);
        bottom = fmax(bottom, figure->y + figure->height);
    }
    double limits[] = {left - room, top - room, right + room, bottom + room};
    int edges[4];
    for (int index = 0; index < 4; index++) edges[index] = (int)fmin(fmax(limits[index], -1e9), 1e9);
    VipsRect place = {edges[0], edges[1], edges[2] - edges[0], edges[3] - edges[1]};
    vips_rect_intersectrect(&place, within_area, &place);
    return place;
}

// Lays a colour over one: both have their colours multiplied by their opacity.
static inline void lay(float *pixel, const uint8_t *colour, double share) {
    float opacity = (float)(share * colour[3] / 255);
    for (int band = 0; band < 3; band++) pixel[band] = colour[band] * opacity + pixel[band] * (1 - opacity);
    pixel[3] = opacity + pixel[3] * (1 - opacity);
}

static void paint_line(const struct figures *figures, const VipsRect *area, int y, float *line) {
    memset(line, 0, sizeof(float) * 4 * area->width);
    for (int index = 0; index < figures->count; index++) {
        const struct vs_figure *figure = &figures->items[index];
        VipsRect place = bounds(figure, area);
        if (y < place.top || y >= VIPS_RECT_BOTTOM(&place)) continue;
        for (int x = place.left; x < VIPS_RECT_RIGHT(&place); x++) {
            double share = coverage(figure, x, y);
            if (share > 0) lay(line + (gsize)4 * (x - area->left), figure->colour, share);
        }
    }
}

static int generate(VipsRegion *out, void *sequence, void *source, void *context, gboolean *stops) {
    const VipsRect *area = &out->valid;
    float *line = g_new(float, (gsize)4 * area->width);
    for (int y = area->top; y < VIPS_RECT_BOTTOM(area); y++) {
        paint_line(context, area, y, line);
        guint8 *result = VIPS_REGION_ADDR(out, area->left, y);
        for (int x = 0; x < area->width; x++) {
            const float *pixel = line + (gsize)4 * x;
            for (int band = 0; band < 3; band++)
                result[4 * x + band] = pixel[3] > 0 ? (guint8)CLAMP(pixel[band] / pixel[3] + 0.5f, 0, 255) : 0;
            result[4 * x + 3] = (guint8)CLAMP(pixel[3] * 255 + 0.5f, 0, 255);
        }
    }
    g_free(line);
    return 0;
}

VipsImage *vs_image_of_figures(int width, int height, const struct vs_figure *items, int count) {
    struct figures *figures = g_malloc0(sizeof(struct figures) + sizeof(struct vs_figure) * count);
    figures->count = count;
    if (count > 0) memcpy(figures->items, items, sizeof(struct vs_figure) * count);
    VipsImage *image = vips_image_new();
    g_object_set_data_full(G_OBJECT(image), "magpie-figures", figures, g_free);
    vips_image_init_fields(
        image, width, height, 4, VIPS_FORMAT_UCHAR, VIPS_CODING_NONE, VIPS_INTERPRETATION_sRGB, 1, 1);
    if (vips_image_pipelinev(image, VIPS_DEMAND_STYLE_ANY, NULL) || vips_image_generate(image, NULL, generate, NULL, NULL, figures)) {
        g_object_unref(image);
        return NULL;
    }
    return image;
}
