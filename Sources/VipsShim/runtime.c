// SPDX-License-Identifier: Apache-2.0
#include "VipsShim.h"
#include <malloc.h>
#include <vips/vips.h>

// Warnings of decoders, and of the libraries below them, are about foreign bytes: anybody could fill the log with them. Errors come
// back as results. What ends the process is printed.
static void drop(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer context) {
    if (level & (G_LOG_FLAG_FATAL | G_LOG_LEVEL_ERROR)) g_log_default_handler(domain, level, message, context);
}

int vs_start(void) {
    g_log_set_default_handler(drop, NULL);
    // Left to itself, glibc keeps planes of up to 32 MB in heaps once one was freed, and HEIC decoded twice holds twice the memory.
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    if (vips_init("magpie")) return -1;
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    vips_block_untrusted_set(TRUE);
    return 0;
}

void vs_unblock(const char *class_name) { vips_operation_block_set(class_name, FALSE); }

const char *vs_version(void) { return vips_version_string(); }

size_t vs_take_error(char *into, size_t size) {
    // Copied and cleared in one: other threads write into the same buffer.
    char *error = vips_error_buffer_copy();
    size_t length = g_strlcpy(into, error, size);
    g_free(error);
    return length < size ? length : size - 1;
}

void vs_thread_done(void) { vips_thread_shutdown(); }

size_t vs_memory_high_water(void) { return vips_tracked_get_mem_highwater(); }
