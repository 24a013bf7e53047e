// SPDX-License-Identifier: Apache-2.0
#include "VipsShim.h"
#include <vips/vips.h>

struct tick {
    void (*call)(void *context);
    void *context;
};

static void progress(VipsImage *image, VipsProgress *progress, gpointer data) {
    const struct tick *tick = data;
    tick->call(tick->context);
}

static void forget(gpointer data, GClosure *closure) { g_free(data); }

void vs_image_watch(VipsImage *image, void (*call)(void *context), void *context) {
    // Of an earlier watch, whose context may be gone by the next tick.
    vs_image_unwatch(image);
    struct tick *tick = g_new(struct tick, 1);
    tick->call = call;
    tick->context = context;
    vips_image_set_progress(image, TRUE);
    gulong handler = g_signal_connect_data(image, "eval", G_CALLBACK(progress), tick, forget, 0);
    g_object_set_data(G_OBJECT(image), "magpie-watch", GSIZE_TO_POINTER(handler));
}

void vs_image_unwatch(VipsImage *image) {
    gulong handler = GPOINTER_TO_SIZE(g_object_steal_data(G_OBJECT(image), "magpie-watch"));
    if (handler) g_signal_handler_disconnect(image, handler);
}

void vs_image_kill(VipsImage *image) { vips_image_set_kill(image, TRUE); }
