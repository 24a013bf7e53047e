// SPDX-License-Identifier: Apache-2.0
// Making an image narrower, for samples of 8 bits.
//
// The horizontal pass of libvips 8.14 goes sample by sample and takes six times as long as its vertical one, which takes whole lines
// into vector registers. Here eight lines are laid side by side for every column, so that one column is a vector, too. It is otherwise
// an operation like any other of libvips: it computes what is asked for when it is asked for.
#include "VipsShim.h"
#include <math.h>
#include <vips/vips.h>

enum {
    ROWS = 8,
    MOST_BANDS = 4,
    MOST_LANES = ROWS * MOST_BANDS,
    MOST_FACTOR = 8,
    MOST_TAPS = 6 * MOST_FACTOR,
    // Weights are fractions of it. The sum of their absolute values stays below 1.6, so samples times weights fit 32 bits.
    ONE_BITS = 14,
    ONE = 1 << ONE_BITS,
};

// Which columns make one column of the result, and how much each counts.
struct weights {
    int count;
    int *first;
    gint16 *values;
};

static void weights_free(gpointer data) {
    struct weights *weights = data;
    g_free(weights->first);
    g_free(weights->values);
    g_free(weights);
}

static double lanczos3(double x) {
    if (fabs(x) < 1e-9) return 1;
    if (fabs(x) >= 3) return 0;
    double angle = G_PI * x;
    return 3 * sin(angle) * sin(angle / 3) / (angle * angle);
}

// For one column: `values`, which add up to ONE, so that a plain area stays what it is.
static void weigh(double centre, double factor, int first, int count, gint16 *values) {
    double parts[MOST_TAPS], sum = 0;
    for (int tap = 0; tap < count; tap++) sum += parts[tap] = lanczos3((first + tap - centre) / factor);
    int rest = ONE, heaviest = 0;
    for (int tap = 0; tap < count; tap++) {
        values[tap] = (gint16)lrint(parts[tap] / sum * ONE);
        rest -= values[tap];
        if (values[tap] > values[heaviest]) heaviest = tap;
    }
    values[heaviest] += (gint16)rest;
}

static struct weights *weights_new(int from, int to) {
    struct weights *weights = g_new0(struct weights, 1);
    double factor = (double)from / to;
    weights->count = MIN(from, (int)ceil(6 * factor));
    weights->first = g_new(int, to);
    weights->values = g_new(gint16, (gsize)to * weights->count);
    for (int x = 0; x < to; x++) {
        double centre = (x + 0.5) * factor - 0.5;
        weights->first[x] = CLAMP((int)floor(centre - 3 * factor) + 1, 0, from - weights->count);
        weigh(centre, factor, weights->first[x], weights->count, weights->values + (gsize)x * weights->count);
    }
    return weights;
}

// What one thread works with.
struct worker {
    VipsRegion *source;
    // ROWS lines: all samples of a column one after the other.
    gint16 *columns;
    guint8 *results;
};

static void *start(VipsImage *image, void *source, void *context) {
    VipsImage *input = source;
    struct worker *worker = g_new0(struct worker, 1);
    worker->source = vips_region_new(input);
    worker->columns = g_new0(gint16, (gsize)input->Xsize * input->Bands * ROWS);
    worker->results = g_new0(guint8, (gsize)image->Xsize * input->Bands * ROWS);
    return worker;
}

static int stop(void *sequence, void *source, void *context) {
    struct worker *worker = sequence;
    g_object_unref(worker->source);
    g_free(worker->columns);
    g_free(worker->results);
    g_free(worker);
    return 0;
}

// `lanes` is a constant to the compiler, which makes vectors of the loops over it.
static inline __attribute__((always_inline)) void filter(
    const struct weights *weights, const VipsRect *area, const gint16 *restrict columns, guint8 *restrict results, const int lanes) {
    int origin = weights->first[area->left];
    for (int x = 0; x < area->width; x++) {
        const gint16 *values = weights->values + (gsize)(area->left + x) * weights->count;
        const gint16 *column = columns + (gsize)(weights->first[area->left + x] - origin) * lanes;
        int sums[MOST_LANES];
        for (int lane = 0; lane < lanes; lane++) sums[lane] = ONE / 2;
        for (int tap = 0; tap < weights->count; tap++, column += lanes) {
            gint16 weight = values[tap];
            for (int lane = 0; lane < lanes; lane++) sums[lane] += column[lane] * weight;
        }
        for (int lane = 0; lane < lanes; lane++) {
            int value = sums[lane] >> ONE_BITS;
            results[x * lanes + lane] = (guint8)CLAMP(value, 0, 255);
        }
    }
}

static inline __attribute__((always_inline)) void gather(const guint8 *line, int width, gint16 *restrict columns, const int bands) {
    for (int x = 0; x < width; x++)
        for (int band = 0; band < bands; band++) columns[x * bands * ROWS + band] = line[x * bands + band];
}

static inline __attribute__((always_inline)) void scatter(const guint8 *results, int width, guint8 *restrict line, const int bands) {
    for (int x = 0; x < width; x++)
        for (int band = 0; band < bands; band++) line[x * bands + band] = results[x * bands * ROWS + band];
}

// Up to ROWS lines from `top`. Where there are fewer, the lanes of the others hold what was there before, which nobody reads.
static inline __attribute__((always_inline)) void narrow(
    struct worker *worker, const struct weights *weights, VipsRegion *out, const VipsRect *need, int top, const int bands) {
    VipsRect area = out->valid;
    int rows = MIN(ROWS, VIPS_RECT_BOTTOM(&area) - top);
    for (int row = 0; row < rows; row++)
        gather(VIPS_REGION_ADDR(worker->source, need->left, top + row), need->width, worker->columns + row * bands, bands);
    filter(weights, &area, worker->columns, worker->results, bands * ROWS);
    for (int row = 0; row < rows; row++)
        scatter(worker->results + row * bands, area.width, VIPS_REGION_ADDR(out, area.left, top + row), bands);
}

static int generate(VipsRegion *out, void *sequence, void *source, void *context, gboolean *stops) {
    struct worker *worker = sequence;
    const struct weights *weights = context;
    const VipsRect *area = &out->valid;
    int left = weights->first[area->left];
    int right = weights->first[VIPS_RECT_RIGHT(area) - 1] + weights->count;
    VipsRect need = {left, area->top, right - left, area->height};
    if (vips_region_prepare(worker->source, &need)) return -1;
    for (int top = area->top; top < VIPS_RECT_BOTTOM(area); top += ROWS) {
        switch (((VipsImage *)source)->Bands) {
        case 1: narrow(worker, weights, out, &need, top, 1); break;
        case 3: narrow(worker, weights, out, &need, top, 3); break;
        default: narrow(worker, weights, out, &need, top, 4); break;
        }
    }
    return 0;
}

bool vs_image_can_narrow(const VipsImage *image, int width) {
    // Past a factor of eight a weight is too small a number for its fraction; lines so long would take too much memory.
    return image->BandFmt == VIPS_FORMAT_UCHAR && image->Coding == VIPS_CODING_NONE
        && (image->Bands == 1 || image->Bands == 3 || image->Bands == 4)
        && image->Xsize <= 65536 && width > 0 && width < image->Xsize && image->Xsize <= MOST_FACTOR * width;
}

VipsImage *vs_image_narrow(VipsImage *image, int width) {
    if (!vs_image_can_narrow(image, width)) {
        vips_error("magpie", "this image can't be narrowed here");
        return NULL;
    }
    VipsImage *narrowed = vips_image_new();
    struct weights *weights = weights_new(image->Xsize, width);
    g_object_set_data_full(G_OBJECT(narrowed), "magpie-weights", weights, weights_free);
    g_object_set_data_full(G_OBJECT(narrowed), "magpie-source", g_object_ref(image), g_object_unref);
    if (vips_image_pipelinev(narrowed, VIPS_DEMAND_STYLE_FATSTRIP, image, NULL)) {
        g_object_unref(narrowed);
        return NULL;
    }
    narrowed->Xsize = width;
    if (vips_image_generate(narrowed, start, generate, stop, image, weights)) {
        g_object_unref(narrowed);
        return NULL;
    }
    return narrowed;
}
