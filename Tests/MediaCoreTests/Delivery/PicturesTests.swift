// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import NIOCore
import Synchronization
import Testing

@testable import MediaCore

/// Variants of what has to be converted first.
struct PicturesTests {
    private static let access = Access.publicBucket(RequestFacts(operation: Operation("storage.render.image_public")))

    private struct Server {
        let core: CoreFixture
        let converter: PacedConverter
        let processor: PacedProcessor
        let store = InMemoryVariantStore()

        /// A document at `d`, an image at `i`, and one rendering at a time.
        init(_ converter: PacedConverter = PacedConverter(), _ configuration: Variants.Configuration = Variants.Configuration())
            async throws
        {
            self.converter = converter
            processor = PacedProcessor(parallelism: 1)
            core = try await CoreFixture(
                public: true, processor: processor, converter: converter, variants: store, rendering: configuration)
            try await core.put("program", at: "d", options: CoreFixture.options(type: "application/postscript"))
            try await core.put("pixels", at: "i", options: CoreFixture.options(type: "image/png"))
        }

        func open(_ key: String, width: Int) async throws -> String {
            var transform = Transform()
            transform.width = width
            transform.format = .fixed(.webp)
            let variant = try await #require(core.storage.variants).open(
                core.address(key), as: TransformRequest(transform), accepted: [], access: PicturesTests.access)
            guard case .full(let content) = variant.outcome else { return "" }
            return String(buffer: try await content.collected())
        }
    }

    @Test func aProgramThatRunsKeepsNoImageWaiting() async throws {
        let server = try await Server(PacedConverter(isHeld: true))
        let slow = Task { try await server.open("d", width: 10) }
        await settled { server.converter.runs == 1 }

        #expect(try await server.open("i", width: 10).hasPrefix("pixels|"))

        server.converter.release()
        #expect(try await slow.value.hasPrefix("program@1024|"))
    }

    @Test func aPictureOfADocumentIsMadeOnceForManySizes() async throws {
        let server = try await Server()

        for width in [10, 20, 1000] { #expect(try await server.open("d", width: width).hasPrefix("program@1024|")) }

        #expect((server.converter.runs, server.converter.drawings) == (1, 1))
        #expect(try await server.open("d", width: 1500).hasPrefix("program@2048|"))
        #expect(server.converter.drawings == 2)
    }

    @Test func sizesThatAreWantedAtTheSameTimeWaitForOnePicture() async throws {
        let server = try await Server(PacedConverter(isHeld: true))
        let tasks = (1...5).map { width in Task { try await server.open("d", width: width) } }
        await settled { server.converter.runs == 1 }

        server.converter.release()

        for task in tasks { #expect(try await task.value.hasPrefix("program@1024|")) }
        #expect(server.converter.runs == 1)
    }

    @Test func aDocumentThatFailedIsNotRunAgainForAWhile() async throws {
        let server = try await Server()
        server.converter.fail(with: ConversionFailure(.timedOut, "The file takes too long to convert"))

        for width in [10, 20, 5000] {
            #expect(await errorCode { _ = try await server.open("d", width: width) } == .renderTimedOut)
        }

        #expect(server.converter.runs == 1)
        try await server.core.put("better", at: "d", options: CoreFixture.options(.replace, type: "application/postscript"))
        server.converter.fail(with: nil)
        #expect(try await server.open("d", width: 10).hasPrefix("better@1024|"))
    }

    @Test func whatIsTheMachinesFaultIsTriedAgain() async throws {
        let server = try await Server()
        server.converter.fail(with: ConversionFailure(.busy, "Too many"))
        #expect(await errorCode { _ = try await server.open("d", width: 10) } == .overloaded)

        server.converter.fail(with: nil)

        #expect(try await server.open("d", width: 10).hasPrefix("program@1024|"))
    }

    @Test func whoComesToAFullLineOfConversionsIsTurnedAwayAtOnce() async throws {
        let server = try await Server(PacedConverter(isHeld: true), Variants.Configuration(conversions: 1, conversionQueue: 0))
        let slow = Task { try await server.open("d", width: 10) }
        await settled { server.converter.runs == 1 }

        #expect(await errorCode { _ = try await server.open("d", width: 20) } == .overloaded)

        server.converter.release()
        _ = try await slow.value
    }

    @Test func aConversionHasItsOwnersNameAndLessTimeThanThoseWhoWait() async throws {
        let server = try await Server(PacedConverter(), Variants.Configuration(timeout: .seconds(9)))

        _ = try await server.open("d", width: 10)

        #expect(server.converter.orders == [ConversionOrder(bucket: server.core.bucket, allowance: .seconds(6))])
    }

    private final class Deadline: Sendable {
        let time: Mutex<NIODeadline>
        init(_ start: NIODeadline) { time = Mutex(start) }
    }

    @Test func failuresAreForgottenAfterAWhileAndWhenThereAreTooMany() {
        let start = NIODeadline.now()
        let clock = Deadline(start)
        let failures = RecentFailures(lifetime: .seconds(10), capacity: 2, now: { clock.time.withLock { $0 } })
        let names = (0..<3).map { VariantName(version: ObjectVersion(stored: "\($0)"), fingerprint: "f") }
        let failure = ConversionFailure(.unreadable, "broken")

        failures.remember(failure, of: names[0])
        #expect(failures.failure(of: names[0])?.message == "broken")
        clock.time.withLock { $0 = start + .seconds(10) }
        #expect(failures.failure(of: names[0]) == nil)
        for name in names { failures.remember(failure, of: name) }
        #expect(names.filter { failures.failure(of: $0) != nil }.count == 1)
    }
}
