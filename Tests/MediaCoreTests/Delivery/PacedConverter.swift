// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import Synchronization

/// A converter that takes as long as a test wants. The pages of its documents are the document's bytes and the width that was wanted.
final class PacedConverter: MediaConverter {
    private struct State {
        var files: [UInt64: ByteBuffer] = [:]
        var lastFile: UInt64 = 0
        var isHeld: Bool
        var holds: [AsyncStream<Void>.Continuation] = []
        var runs = 0
        var drawings = 0
        var failure: ConversionFailure?
        var orders: [ConversionOrder] = []
    }

    let revision = "paced"
    let abilities: Set<ConversionAbility> = [.documents, .metadata]
    private let state: Mutex<State>

    /// - Parameter isHeld: whether programs run until `release`.
    init(isHeld: Bool = false) { state = Mutex(State(isHeld: isHeld)) }

    /// How many programs were begun.
    var runs: Int { state.withLock { $0.runs } }
    /// How many pages were drawn.
    var drawings: Int { state.withLock { $0.drawings } }
    var orders: [ConversionOrder] { state.withLock { $0.orders } }

    /// Lets every program fail from now on. Nil: succeed.
    func fail(with failure: ConversionFailure?) { state.withLock { $0.failure = failure } }

    /// Lets all go on that wait, and all that come.
    func release() {
        let holds = state.withLock { state in
            defer { state.holds = [] }
            state.isHeld = false
            return state.holds
        }
        for hold in holds { hold.finish() }
    }

    func withWorkspace<Value: Sendable>(
        for order: ConversionOrder, _ body: (any ConversionWorkspace) async throws -> Value
    ) async throws -> Value {
        state.withLock { $0.orders.append(order) }
        return try await body(Place(converter: self))
    }

    fileprivate func keep(_ bytes: ByteBuffer, _ mediaType: String? = nil) -> WorkFile {
        state.withLock { state in
            state.lastFile += 1
            state.files[state.lastFile] = bytes
            return WorkFile(name: "\(state.lastFile)", size: Int64(bytes.readableBytes), mediaType: mediaType)
        }
    }

    fileprivate func bytes(_ file: WorkFile) -> ByteBuffer {
        state.withLock { state in UInt64(file.name).flatMap { state.files[$0] } ?? ByteBuffer() }
    }

    fileprivate func run() async throws {
        let (waits, hold) = AsyncStream.makeStream(of: Void.self)
        state.withLock { state in
            state.runs += 1
            if state.isHeld { state.holds.append(hold) } else { hold.finish() }
        }
        for await _ in waits {}
        try Task.checkCancellation()
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    fileprivate func drawn() { state.withLock { $0.drawings += 1 } }
}

private struct Place: ConversionWorkspace {
    let converter: PacedConverter
    private static let missing = ConversionFailure(.notConfigured, "not in this test")

    func receive(_ body: ByteStream, limit: Int64) async throws -> WorkFile {
        var bytes = ByteBuffer()
        for try await chunk in body.chunks { bytes.writeImmutableBuffer(chunk) }
        return converter.keep(bytes)
    }

    func contents(of file: WorkFile) async throws -> ByteStream { ByteStream(converter.bytes(file)) }
    func head(of file: WorkFile, count: Int) async throws -> ByteBuffer { converter.bytes(file) }
    func discard(_ file: WorkFile) async throws {}

    func pageCount(ofEPS file: WorkFile) async throws -> Int {
        try await converter.run()
        return 1
    }

    func raster(ofEPS file: WorkFile, width: Int?, height: Int?) async throws -> DocumentPage {
        converter.drawn()
        var bytes = converter.bytes(file)
        bytes.writeString("@\(width ?? 0)")
        return DocumentPage(
            number: 1, total: 1, file: converter.keep(bytes, "image/png"), width: width ?? 1, height: height ?? 1, resolution: 72)
    }

    func stripped(_ image: WorkFile, _ kind: MediaKind) async throws -> WorkFile {
        try await converter.run()
        return converter.keep(converter.bytes(image))
    }

    func facts(ofVideo file: WorkFile) async throws -> VideoFacts { throw Self.missing }
    func poster(ofVideo file: WorkFile, _ facts: VideoFacts) async throws -> WorkFile { throw Self.missing }
    func page(_ number: Int, ofEPS file: WorkFile, atMost bytes: Int64) async throws -> DocumentPage { throw Self.missing }
    func designs(on page: DocumentPage) async throws -> [DesignArea] { throw Self.missing }
    func cutout(_ area: DesignArea, of page: DocumentPage) async throws -> WorkFile { throw Self.missing }
    func drawing(ofEPS file: WorkFile, area: DesignArea?) async throws -> WorkFile { throw Self.missing }
}
