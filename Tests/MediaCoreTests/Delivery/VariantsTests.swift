// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import NIOCore
import Synchronization
import Testing

@testable import MediaCore

struct VariantsTests {
    fileprivate static let open = Access.publicBucket(RequestFacts(operation: Operation("storage.render.image_public")))

    fileprivate static func request(_ width: Int, format: FormatChoice? = .fixed(.webp)) -> TransformRequest {
        var transform = Transform()
        transform.width = width
        transform.format = format
        return TransformRequest(transform)
    }

    fileprivate struct Server {
        let core: CoreFixture
        let processor: PacedProcessor
        let store: InMemoryVariantStore

        /// A server with `bytes` at `a` in a bucket.
        init(
            _ processor: PacedProcessor = PacedProcessor(), public isPublic: Bool = true,
            _ configuration: Variants.Configuration = Variants.Configuration()
        ) async throws {
            let store = InMemoryVariantStore()
            self.processor = processor
            self.store = store
            core = try await CoreFixture(public: isPublic, processor: processor, variants: store, rendering: configuration)
            try await core.put("bytes", at: "a", options: CoreFixture.options(type: "image/png"))
        }

        var variants: Variants { get throws { try #require(core.storage.variants) } }

        func open(
            _ key: String = "a", _ request: TransformRequest = VariantsTests.request(10), accepted: AcceptedFormats = [],
            range: ByteRange? = nil, _ preconditions: Preconditions = .none, access: Access = VariantsTests.open
        ) async throws -> DeliveredVariant {
            try await variants.open(
                core.address(key), as: request, accepted: accepted, range: range, preconditions: preconditions, access: access)
        }

        /// Forgets what memory holds, so that the store is asked.
        func forgetMemory() {
            core.storage.cache.apply(.lostTrack)
            core.storage.cache.apply(.tracking)
        }
    }

    private static func text(_ variant: DeliveredVariant) async throws -> String {
        switch variant.outcome {
        case .full(let content), .partial(let content, _): String(buffer: try await content.collected())
        case .notModified: "(not modified)"
        }
    }

    @Test func isRenderedOnceAndThenComesFromMemoryAndFromTheStore() async throws {
        let server = try await Server()

        let first = try await server.open()
        let second = try await server.open()
        await settled { server.store.count == 1 }
        server.forgetMemory()
        let third = try await server.open()

        #expect([first.isCached, second.isCached, third.isCached] == [false, true, true])
        for variant in [first, second, third] {
            #expect(try await Self.text(variant) == "bytes|\(first.transform)")
            #expect(variant.mediaType == "image/webp")
            #expect(variant.entityTag == first.entityTag)
        }
        #expect(server.processor.transforms.count == 1)
    }

    /// Whoever looks just before another rendering is kept, and wants to render when that one is over.
    @Test func whatIsKeptBetweenLookingAndRenderingIsNotRenderedAgain() async throws {
        let server = try await Server()
        let first = try await server.open()
        await settled { server.store.count == 1 }
        server.forgetMemory()
        server.store.missNext()

        let late = try await server.open()

        #expect(late.isCached)
        #expect(try await Self.text(late) == "bytes|\(first.transform)")
        #expect(server.processor.transforms.count == 1)
    }

    @Test func anotherTransformIsAnotherVariant() async throws {
        let server = try await Server()

        let tags = [
            try await server.open("a", Self.request(10)).entityTag, try await server.open("a", Self.request(11)).entityTag,
        ]

        #expect(tags[0] != tags[1])
        #expect(server.processor.transforms.count == 2)
    }

    @Test func anotherObjectWithTheSameBytesHasItsOwn() async throws {
        let server = try await Server()
        try await server.core.put("bytes", at: "b")

        #expect(try await server.open("a").entityTag != server.open("b").entityTag)
    }

    @Test func aReplacedObjectIsRenderedAnew() async throws {
        let server = try await Server()
        let before = try await server.open()
        let hot = before.body
        try await server.core.put("other", at: "a", options: CoreFixture.options(.replace))

        let after = try await server.open()

        #expect(try await Self.text(after).hasPrefix("other|"))
        #expect(after.entityTag != before.entityTag)
        #expect(hot?.bytes == nil)
    }

    @Test func aDeletedObjectsVariantsAreGoneAtOnceAndForgottenWithItsBytes() async throws {
        let server = try await Server()
        _ = try await server.open()
        await settled { server.store.count == 1 }
        try await server.core.storage.objects.delete(server.core.address("a"), as: CoreFixture.service)

        #expect(await errorCode { _ = try await server.open() } == .objectNotFound)
        try await server.core.upkeep.removeDeletedBlobs()
        #expect(server.store.count == 0)
    }

    @Test func blobsAreDeletedWhenTheStoreOfVariantsIsBroken() async throws {
        let server = try await Server()
        try await server.core.storage.objects.delete(server.core.address("a"), as: CoreFixture.service)
        server.store.fail(with: StorageError(.backendUnavailable, ""))

        #expect(try await server.core.upkeep.removeDeletedBlobs() == 1)
    }

    @Test func aStoreThatFailsCostsARenderingAndNoMore() async throws {
        let server = try await Server(public: false)
        server.store.fail(with: StorageError(.backendUnavailable, "The storage is full"))

        for _ in 0..<2 {
            #expect(try await Self.text(server.open(access: .policy(CoreFixture.service))).hasPrefix("bytes|"))
        }

        #expect(server.processor.transforms.count == 2)
    }

    @Test func whatIsKeptIsNoWayAroundAPolicy() async throws {
        let server = try await Server(public: false)
        _ = try await server.open(access: .policy(CoreFixture.service))
        await settled { server.store.count == 1 }

        let stranger = Access.policy(CoreFixture.caller())

        #expect(await errorCode { _ = try await server.open(access: stranger) } == .objectNotFound)
        #expect(await errorCode { _ = try await server.open() } != nil)
    }

    @Test func whatAPolicyAllowedLeavesNothingInMemory() async throws {
        let server = try await Server(public: false)

        #expect(try await server.open(access: .policy(CoreFixture.service)).body == nil)
    }

    @Test func theValidatorIsKnownWithoutRendering() async throws {
        let server = try await Server()
        let tag = try await server.open().entityTag
        let renderings = server.processor.transforms.count
        server.processor.fail(with: StorageError(.unreadableImage, ""))
        server.forgetMemory()
        server.store.fail(with: StorageError(.backendUnavailable, ""))

        let answer = try await server.open("a", Self.request(10), Preconditions(ifNoneMatch: "\"x\", \(tag)"))

        guard case .notModified = answer.outcome else {
            Issue.record("it was delivered")
            return
        }
        #expect(server.processor.transforms.count == renderings)
    }

    @Test func aTagThatDoesNotMatchFailsAWriteLikeCondition() async throws {
        let server = try await Server()

        #expect(
            await errorCode { _ = try await server.open("a", Self.request(10), Preconditions(ifMatch: "\"x\"")) }
                == .preconditionFailed)
        #expect(server.processor.transforms.isEmpty)
    }

    @Test func aRangeIsAPartOfTheVariant() async throws {
        let server = try await Server()

        let part = try await server.open(range: .closed(1...3))
        guard case .partial(let content, let range) = part.outcome else {
            Issue.record("it is not a part")
            return
        }

        #expect(range == 1..<4)
        #expect(String(buffer: try await content.collected()) == "yte")
        #expect(part.body == nil)
    }

    @Test func aRangeOfAnotherVariantIsNotAnswered() async throws {
        let server = try await Server()
        let tag = try await server.open().entityTag

        let same = try await server.open(range: .last(1), Preconditions(ifRange: tag))
        let other = try await server.open(range: .last(1), Preconditions(ifRange: "\"other\""))

        if case .full = same.outcome { Issue.record("the whole came") }
        guard case .full = other.outcome else {
            Issue.record("a part came")
            return
        }
    }

    @Test func manyWhoWantTheSameGetOneRendering() async throws {
        let server = try await Server(PacedProcessor(isHeld: true))
        let tasks = (0..<50).map { _ in Task { try await server.open() } }
        await server.processor.begins()

        server.processor.release()

        for task in tasks { #expect(try await Self.text(task.value).hasPrefix("bytes|")) }
        #expect(server.processor.transforms.count == 1)
    }

    @Test func oneWhoLeavesDoesNotTakeTheOthersImage() async throws {
        let server = try await Server(PacedProcessor(isHeld: true))
        let leader = Task { try await server.open() }
        await server.processor.begins()
        let follower = Task { try await server.open() }
        let shared = try server.variants.engine.renderings
        let transform = Self.request(10)
        let name = try await server.name(of: transform)
        await settled { shared.waiters(for: name) == 2 }

        leader.cancel()
        await #expect(throws: CancellationError.self) { try await leader.value }
        server.processor.release()

        #expect(try await Self.text(follower.value).hasPrefix("bytes|"))
        #expect(server.processor.transforms.count == 1)
        #expect(server.processor.cancelled == 0)
    }

    @Test func aThousandDifferentOnesAreRenderedOrRefusedInTime() async throws {
        let processor = PacedProcessor(parallelism: 2, isHeld: true)
        let server = try await Server(processor, Variants.Configuration(timeout: .seconds(60), queue: 64))
        let ended = Counter()
        let tasks = (1...1000).map { width in
            Task { () -> StorageError.Code? in
                let code = await errorCode { _ = try await server.open("a", Self.request(width)) }
                ended.increment()
                return code
            }
        }
        await processor.begins(2)
        let gate = try server.variants.engine.gate
        await settled { gate.waitingCount == 64 }
        // Nothing is rendered yet, so all others are refused, and at once.
        await settled { ended.value == 1000 - 66 }
        processor.release()

        var outcomes: [StorageError.Code?: Int] = [:]
        for task in tasks { outcomes[await task.value, default: 0] += 1 }

        #expect(outcomes == [nil: 66, .overloaded: 1000 - 66])
        #expect(processor.mostRunning == 2)
    }

    @Test func nobodyWaitsLongerThanTheyMay() async throws {
        let server = try await Server(
            PacedProcessor(parallelism: 1, isHeld: true), Variants.Configuration(timeout: .milliseconds(20), queue: 10))

        // One that is being rendered, and one that waits for its turn.
        let tasks = [10, 11].map { width in
            Task { await errorCode { _ = try await server.open("a", Self.request(width)) } }
        }

        for task in tasks { #expect(await task.value == .renderTimedOut) }
        await settled { server.processor.cancelled == 1 }
        #expect(try server.variants.engine.gate.waitingCount == 0)
    }

    @Test func aSourceThatIsTooLargeIsNotEvenRead() async throws {
        var limits = ImageLimits()
        limits.sourceBytes = 4
        let server = try await Server(PacedProcessor(), Variants.Configuration(limits: limits))

        #expect(await errorCode { _ = try await server.open() } == .imageTooLarge)
        #expect(server.processor.transforms.isEmpty)
    }

    @Test func anErrorIsNotKept() async throws {
        let server = try await Server()
        server.processor.fail(with: StorageError(.unreadableImage, "not an image"))
        #expect(await errorCode { _ = try await server.open() } == .unreadableImage)
        server.processor.fail(with: nil)

        #expect(try await Self.text(server.open()).hasPrefix("bytes|"))
    }

    @Test func aTimeLimitOfTheProcessorIsTheRenderings() async throws {
        let server = try await Server()
        server.processor.fail(with: StorageError(.timedOut, "too slow"))

        #expect(await errorCode { _ = try await server.open() } == .renderTimedOut)
    }

    @Test func aBucketGetsItsShareAndLeavesNoReadyAnswers() async throws {
        let server = try await Server(PacedProcessor(), Variants.Configuration(deliveriesPerSecond: 1))

        let first = try await server.open()

        #expect(first.body == nil)
        #expect(await errorCode { for _ in 0..<50 { _ = try await server.open() } } == .overloaded)
    }

    @Test(
        arguments: [
            ([], "compatible", 10, 10), ([.webp], "webp", 10, 10), ([.webp, .avif], "avif", 10, 10),
            ([.webp, .avif], "webp", 4000, 4000), ([.webp, .avif, .jxl], "avif", 10, 10), ([.jxl], "compatible", 10, 10),
        ] as [(AcceptedFormats, String, Int, Int)])
    func theFormatIsTheBestThatIsAcceptedAndWorthItsCost(
        _ accepted: AcceptedFormats, _ format: String, _ width: Int, _ height: Int
    ) async throws {
        let server = try await Server()
        var transform = Transform()
        (transform.width, transform.height) = (width, height)

        let variant = try await server.open("a", TransformRequest(transform), accepted: accepted)

        #expect(variant.variesByAccept)
        #expect(variant.transform.description.hasSuffix("format=\(format)"))
    }

    @Test func aSizeThatDependsOnTheSourceIsNoneForAVIF() async throws {
        let server = try await Server()

        let variant = try await server.open("a", Self.request(10, format: nil), accepted: [.avif, .webp])

        #expect(variant.transform.format == .fixed(.webp))
    }

    @Test func whatMovesIsNotMadeToStandStill() async throws {
        let server = try await Server()
        try await server.core.put("GIF", at: "moving", options: CoreFixture.options(type: "image/gif"))
        var transform = Transform()
        (transform.width, transform.height) = (10, 10)
        var still = transform
        still.animated = false

        let moving = try await server.open("moving", TransformRequest(transform), accepted: [.avif, .webp])
        let stopped = try await server.open("moving", TransformRequest(still), accepted: [.avif, .webp])

        #expect(moving.transform.format == .fixed(.webp))
        #expect(stopped.transform.format == .fixed(.avif))
    }

    @Test func aWatermarkThatCannotBeLaidOnIsNotKept() async throws {
        let server = try await Server()
        let (buckets, bucket) = (server.core.storage.buckets, server.core.bucket)
        let png = ByteBuffer(bytes: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        server.processor.fail(with: StorageError(.unreadableImage, "broken"))

        #expect(
            await errorCode { _ = try await buckets.putWatermark("logo", body: png, in: bucket, as: CoreFixture.service) }
                == .unreadableImage)
        #expect(try await buckets.imageSettings(of: bucket, as: CoreFixture.service).watermarks.isEmpty)

        server.processor.fail(with: nil)
        _ = try await buckets.putWatermark("logo", body: png, in: bucket, as: CoreFixture.service)
        #expect(server.processor.overlays == [png, png])
        #expect(try await buckets.imageSettings(of: bucket, as: CoreFixture.service).watermarks.keys.sorted() == ["logo"])
    }

    @Test func theWatermarksPictureComesWithTheRecipe() async throws {
        let server = try await Server()
        let picture = WatermarkPicture(id: "logo", digest: "d1", mediaType: "image/png", size: 4, updatedAt: .now())
        _ = try await server.core.metadata.putWatermark(
            picture, body: ByteBuffer(string: "logo"), in: server.core.bucket, as: CoreFixture.service)
        var request = Self.request(10)
        request.watermark = .init(id: "logo")

        _ = try await server.open("a", request)

        #expect(server.processor.overlays == [ByteBuffer(string: "logo")])
    }
}

extension VariantsTests.Server {
    fileprivate func name(of request: TransformRequest) async throws -> VariantName {
        let source = try await core.storage.delivery.source(core.address("a"), isFresh: false, access: VariantsTests.open)
        return try await variants.resolve(request, of: source, accepted: [], facts: CoreFixture.facts).name
    }
}

/// Counts what several tasks do.
private final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func increment() { count.withLock { $0 += 1 } }
}
