// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import Synchronization
import VipsShim

/// Says when an image is no longer wanted: at its deadline, or when whoever asked for it went away.
///
/// libvips asks again and again while it computes pixels, and between the steps. What can't be stopped is one call into a codec
/// that takes or gives all pixels at once: decoding AVIF, HEIC, JPEG XL and what is interlaced, encoding WebP, AVIF, JPEG XL and GIF.
final class RenderWatch: Sendable {
    private let deadline: NIODeadline
    private let isCancelled = Atomic(false)

    init(deadline: NIODeadline) { self.deadline = deadline }

    /// From any thread.
    func cancel() { isCancelled.store(true, ordering: .relaxed) }

    var isOver: Bool { isCancelled.load(ordering: .relaxed) || NIODeadline.now() >= deadline }

    /// - Throws: `CancellationError`, or `.renderTimedOut`.
    func check() throws {
        if isCancelled.load(ordering: .relaxed) { throw CancellationError() }
        if NIODeadline.now() >= deadline {
            throw StorageError(.renderTimedOut, "The image takes too long to make", isRetryable: true)
        }
    }
}

/// The images of one rendering that a watch can stop. It stays on one thread.
final class WatchedImages {
    private let watch: RenderWatch
    private var images: [VipsImage] = []

    init(_ watch: RenderWatch) { self.watch = watch }

    deinit { for image in images { vs_image_unwatch(image.pointer) } }

    /// Lets the watch stop the computing of an image and of everything made of it. The image lives as long as this does: what is
    /// made of it reports its progress there.
    func add(_ image: VipsImage) -> VipsImage {
        images.append(image)
        vs_image_watch(
            image.pointer,
            { context in
                guard let context else { return }
                Unmanaged<WatchedImages>.fromOpaque(context).takeUnretainedValue().tick()
            }, Unmanaged.passUnretained(self).toOpaque())
        return image
    }

    private func tick() {
        guard watch.isOver else { return }
        for image in images { vs_image_kill(image.pointer) }
    }
}
