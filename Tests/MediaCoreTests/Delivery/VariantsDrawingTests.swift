// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import NIOCore
import Testing

@testable import MediaCore

/// Drawings (SVG) wait for each other, and nobody waits for them.
struct VariantsDrawingTests {
    private static let drawing = "<svg xmlns='http://www.w3.org/2000/svg'/>"

    /// One place for images and one for drawings, behind which nobody may wait.
    private static func fixture(_ processor: PacedProcessor) async throws -> CoreFixture {
        let core = try await CoreFixture(
            public: true, processor: processor, variants: InMemoryVariantStore(),
            rendering: Variants.Configuration(drawings: 1, drawingQueue: 0))
        try await core.put("bytes", at: "picture", options: CoreFixture.options(type: "image/png"))
        for name in ["one", "other"] {
            try await core.put(drawing, at: name, options: CoreFixture.options(type: "image/svg+xml"))
        }
        try await core.put(drawing, at: "disguised", options: CoreFixture.options(type: "image/png"))
        return core
    }

    private static func open(_ core: CoreFixture, _ key: String, _ format: ImageFormat = .webp) async throws -> DeliveredVariant {
        var transform = Transform()
        (transform.width, transform.format) = (10, .fixed(format))
        return try await #require(core.storage.variants).open(
            core.address(key), as: TransformRequest(transform), accepted: [],
            access: Access.publicBucket(RequestFacts(operation: Operation("storage.render.image_public"))))
    }

    @Test(arguments: ["one", "disguised"]) func anImageIsRenderedWhileADrawingTakesItsTime(_ name: String) async throws {
        let processor = PacedProcessor(parallelism: 1, isHeld: true)
        let core = try await Self.fixture(processor)
        let drawn = Task { try await Self.open(core, name) }
        await processor.begins()
        let rendered = Task { try await Self.open(core, "picture") }
        await processor.begins()

        #expect(processor.mostRunning == 2)
        processor.release()
        _ = try await (drawn.value, rendered.value)
    }

    @Test(arguments: ["other", "disguised"]) func aDrawingIsTurnedAwayWhenTooManyWait(_ name: String) async throws {
        let processor = PacedProcessor(parallelism: 2, isHeld: true)
        let core = try await Self.fixture(processor)
        let drawn = Task { try await Self.open(core, "one") }
        await processor.begins()

        #expect(await errorCode { _ = try await Self.open(core, name) } == .overloaded)
        processor.release()
        _ = try await drawn.value
    }

    @Test func whatIsDeliveredAsTheDrawingThatItIsIsNotDrawn() async throws {
        let processor = PacedProcessor(parallelism: 1, isHeld: true)
        let core = try await Self.fixture(processor)
        let drawn = Task { try await Self.open(core, "one") }
        await processor.begins()
        let delivered = Task { try await Self.open(core, "other", .svg) }
        await processor.begins()

        processor.release()
        _ = try await (drawn.value, delivered.value)
    }

    @Test func aWaitIsNoLongerThanAllowed() async throws {
        let gate = RenderGate(parallelism: 1, queue: 1, wait: .milliseconds(10))
        let (waits, go) = AsyncStream.makeStream(of: Void.self)
        let (starts, started) = AsyncStream.makeStream(of: Void.self)
        let running = Task {
            try await gate.run {
                started.finish()
                for await _ in waits {}
            }
        }
        for await _ in starts {}

        #expect(await errorCode { try await gate.run {} } == .overloaded)
        #expect(gate.waitingCount == 0)
        go.finish()
        try await running.value
        try await gate.run {}
    }
}
