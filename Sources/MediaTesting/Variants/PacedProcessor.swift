// SPDX-License-Identifier: Apache-2.0

public import MediaCore
public import NIOCore
import Synchronization

/// A processor that takes as long as a test wants. Its images are the source's bytes, `|`, and the transform's text.
public final class PacedProcessor: ImageProcessor {
    private struct State {
        var isHeld: Bool
        var holds: [AsyncStream<Void>.Continuation] = []
        var transforms: [String] = []
        var overlays: [ByteBuffer?] = []
        var running = 0
        var mostRunning = 0
        var cancelled = 0
        var failure: (any Error)?
    }

    public let revision = "paced"
    public let parallelism: Int
    private let state: Mutex<State>
    private let starts: AsyncStream<Void>
    private let started: AsyncStream<Void>.Continuation

    /// - Parameter isHeld: whether renderings wait for `release`.
    public init(parallelism: Int = 2, isHeld: Bool = false) {
        self.parallelism = parallelism
        self.state = Mutex(State(isHeld: isHeld))
        (starts, started) = AsyncStream.makeStream()
    }

    /// What was rendered, or begun to be.
    public var transforms: [String] { state.withLock { $0.transforms } }
    /// The pictures that were to be laid on, one for each rendering.
    public var overlays: [ByteBuffer?] { state.withLock { $0.overlays } }
    /// How many ran at the same time at the most.
    public var mostRunning: Int { state.withLock { $0.mostRunning } }
    /// How many were given up.
    public var cancelled: Int { state.withLock { $0.cancelled } }

    /// Lets all go on that wait, and all that come.
    public func release() {
        let holds = state.withLock { state in
            defer { state.holds = [] }
            state.isHeld = false
            return state.holds
        }
        for hold in holds { hold.finish() }
    }

    /// Lets every rendering fail from now on. Nil: succeed.
    public func fail(with error: (any Error)?) { state.withLock { $0.failure = error } }

    /// Returns once so many more renderings began.
    public func begins(_ count: Int = 1) async {
        var left = count
        for await _ in starts {
            left -= 1
            if left == 0 { return }
        }
    }

    public func render(_ source: ByteBuffer, _ recipe: ImageRecipe) async throws -> RenderedImage {
        let (waits, hold) = AsyncStream.makeStream(of: Void.self)
        state.withLock { state in
            state.transforms.append(recipe.transform.description)
            state.overlays.append(recipe.overlay)
            state.running += 1
            state.mostRunning = max(state.mostRunning, state.running)
            if state.isHeld { state.holds.append(hold) } else { hold.finish() }
        }
        started.yield()
        defer { state.withLock { $0.running -= 1 } }
        for await _ in waits {}
        if Task.isCancelled {
            state.withLock { $0.cancelled += 1 }
            throw CancellationError()
        }
        if let failure = state.withLock({ $0.failure }) { throw failure }
        var body = source
        body.writeString("|\(recipe.transform)")
        return RenderedImage(body: body, mediaType: mediaType(of: recipe.transform))
    }

    private func mediaType(of transform: Transform) -> String {
        guard case .fixed(let format) = transform.format else { return ImageFormat.jpeg.mediaType }
        return format.mediaType
    }

    public func inspect(_ source: ByteBuffer, deadline: NIODeadline) async throws -> ImageFacts {
        ImageFacts(format: "jpeg", width: 1, height: 1, hasAlpha: false)
    }

    public func sanitized(_ svg: ByteBuffer, deadline: NIODeadline) async throws -> ByteBuffer { svg }
}
