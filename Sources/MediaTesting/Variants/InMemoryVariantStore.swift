// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import NIOCore
import Synchronization

/// Variants in memory, without a bound, which may be told to fail.
public final class InMemoryVariantStore: VariantStore {
    private struct State {
        var images: [VariantName: RenderedImage] = [:]
        var failure: StorageError?
        var missesNext = false
    }

    private let state = Mutex(State())

    public init() {}

    /// Lets every call fail from now on, as a full or broken disk would; nil lets them succeed again.
    public func fail(with error: StorageError?) { state.withLock { $0.failure = error } }

    /// Lets the next look find nothing, as if what is here had come after it.
    public func missNext() { state.withLock { $0.missesNext = true } }

    public var count: Int { state.withLock { $0.images.count } }

    public var keptBytes: Int64 { state.withLock { Int64($0.images.values.reduce(0) { $0 + $1.body.readableBytes }) } }

    public func open(_ name: VariantName) async throws -> KeptVariant? {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            if state.missesNext {
                state.missesNext = false
                return nil
            }
            return state.images[name].map { image in
                let size = Int64(image.body.readableBytes)
                return KeptVariant(
                    content: BlobContent(source: .buffer(image.body), size: size, range: 0..<size), mediaType: image.mediaType)
            }
        }
    }

    public func keep(_ image: RenderedImage, as name: VariantName) async throws {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            state.images[name] = image
        }
    }

    public func forget(_ versions: [ObjectVersion]) async throws {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            state.images = state.images.filter { !versions.contains($0.key.version) }
        }
    }
}
