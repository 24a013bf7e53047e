// SPDX-License-Identifier: Apache-2.0

import BlobStores
import Foundation
import MediaCore
import MediaTesting
import NIOCore
import Testing

/// Parts that grow, and multipart writes that nobody ended.
struct AppendConformance {
    @Test(arguments: BackendUnderTest.allCases)
    func appendedPiecesBecomeOneBlob(backend: BackendUnderTest) async throws {
        try await backend.withStore { store, _ in
            let (key, bytes) = (freshKey(), SampleData.bytes(50_000))
            let id = try await store.beginMultipart(at: key)
            var (part, offset) = (try Self.newPart(), 0)

            for size in [1, 4095, 1, 4097, 0, 30_000, 11_806] {
                part = try await store.appendPart(
                    Self.stream(bytes, offset, size), to: part, takingOver: false, of: id, at: key)
                offset += size
                #expect(part.size == Int64(offset))
            }
            let info = try await store.completeMultipart(id, at: key, parts: [part])

            #expect(info.size == 50_000)
            #expect(try await store.get(key, range: nil).stream().collected() == bytes)
        }
    }

    @Test(arguments: BackendUnderTest.allCases)
    func growingPartsJoinInTheOrderGiven(backend: BackendUnderTest) async throws {
        try await backend.withStore { store, _ in
            let (key, bytes) = (freshKey(), SampleData.bytes(20_000))
            let id = try await store.beginMultipart(at: key)

            let one = try await store.appendPart(
                Self.stream(bytes, 0, 12_000), to: Self.newPart(1), takingOver: false, of: id, at: key)
            let two = try await store.appendPart(
                Self.stream(bytes, 12_000, 8_000), to: Self.newPart(2), takingOver: false, of: id, at: key)
            _ = try await store.completeMultipart(id, at: key, parts: [one, two])

            #expect(try await store.get(key, range: nil).stream().collected() == bytes)
        }
    }

    @Test(arguments: BackendUnderTest.allCases)
    func whatACrashLeftBehindIsReplacedByWhoeverTakesOver(backend: BackendUnderTest) async throws {
        try await backend.withStore { store, _ in
            let (key, bytes) = (freshKey(), SampleData.bytes(20_000))
            let id = try await store.beginMultipart(at: key)
            let part = try await store.appendPart(
                Self.stream(bytes, 0, 5_000), to: Self.newPart(), takingOver: false, of: id, at: key)
            let cutOff = SampleData.stream(SampleData.bytes(20_000, seed: 9), chunkBytes: 999, failingAfter: 15_000)
            await #expect(throws: SampleFailure.self) {
                try await store.appendPart(cutOff, to: part, takingOver: false, of: id, at: key)
            }

            let whole = try await store.appendPart(
                Self.stream(bytes, 5_000, 15_000), to: part, takingOver: true, of: id, at: key)
            _ = try await store.completeMultipart(id, at: key, parts: [whole])

            #expect(try await store.get(key, range: nil).stream().collected() == bytes)
        }
    }

    @Test(arguments: BackendUnderTest.allCases)
    func aPartThatSomebodyElseMadeLongerIsNotTouched(backend: BackendUnderTest) async throws {
        try await backend.withStore { store, _ in
            let (key, bytes) = (freshKey(), SampleData.bytes(9_000))
            let id = try await store.beginMultipart(at: key)
            let part = try await store.appendPart(
                Self.stream(bytes, 0, 4_000), to: Self.newPart(), takingOver: false, of: id, at: key)
            let longer = try await store.appendPart(
                Self.stream(bytes, 4_000, 5_000), to: part, takingOver: false, of: id, at: key)

            for stale in [part, try Self.newPart()] {
                #expect(
                    await errorCode {
                        _ = try await store.appendPart(
                            Self.stream(bytes, 0, 100), to: stale, takingOver: false, of: id, at: key)
                    } == .preconditionFailed)
            }

            _ = try await store.completeMultipart(id, at: key, parts: [longer])
            #expect(try await store.get(key, range: nil).stream().collected() == bytes)
        }
    }

    @Test(arguments: BackendUnderTest.allCases)
    func twoWritersOfOnePartAreKeptApart(backend: BackendUnderTest) async throws {
        try await backend.withStore { store, _ in
            let key = freshKey()
            let id = try await store.beginMultipart(at: key)
            let (chunks, source) = AsyncThrowingStream.makeStream(of: ByteBuffer.self)
            let (starts, started) = AsyncStream.makeStream(of: Void.self)
            let slow = ByteStream(length: nil, chunks: Announcing(base: chunks, started: started))
            let first = Task { try await store.appendPart(slow, to: Self.newPart(), takingOver: false, of: id, at: key) }
            for await _ in starts { break }

            #expect(
                await errorCode {
                    _ = try await store.appendPart(
                        ByteStream(ByteBuffer(string: "x")), to: Self.newPart(), takingOver: true, of: id, at: key)
                } == .locked)

            source.yield(ByteBuffer(string: "abc"))
            source.finish()
            #expect(try await first.value.size == 3)
        }
    }

    @Test(arguments: BackendUnderTest.allCases)
    func anAppendToNoMultipartWriteIsRefused(backend: BackendUnderTest) async throws {
        try await backend.withStore { store, _ in
            let unknown = MultipartID(ObjectVersion().rawValue)
            #expect(
                await errorCode {
                    _ = try await store.appendPart(
                        ByteStream(ByteBuffer(string: "x")), to: Self.newPart(), takingOver: false, of: unknown, at: freshKey())
                } == .uploadNotFound)
        }
    }

    @Test(arguments: BackendUnderTest.allCases)
    func unfinishedMultipartsAreShownOnceTheyAreOld(backend: BackendUnderTest) async throws {
        try await backend.withStore { store, _ in
            var ids: Set<MultipartID> = []
            for _ in 0..<7 {
                let (key, part) = (freshKey(), try Self.newPart())
                let id = try await store.beginMultipart(at: key)
                _ = try await store.appendPart(
                    ByteStream(ByteBuffer(string: "x")), to: part, takingOver: false, of: id, at: key)
                ids.insert(id)
            }
            let later = Timestamp.now().adding(seconds: 3600)

            try await store.visitUnfinishedMultiparts(before: later.adding(seconds: -7200), batch: 10) { young in
                Issue.record("\(young.count) shown that somebody writes to")
            }
            var seen: [[MultipartID]] = []
            try await store.visitUnfinishedMultiparts(before: later, batch: 3) { multiparts in
                seen.append(multiparts.map(\.id))
                // One that is given up on the way disturbs nothing.
                try await store.abortMultipart(multiparts[0].id, at: multiparts[0].key ?? freshKey())
            }

            #expect(Set(seen.joined()) == ids && seen.joined().count == ids.count)
            #expect(seen.map(\.count) == [3, 3, 1])
        }
    }

    private static func newPart(_ number: Int = 1) throws -> BlobPart {
        BlobPart(number: try PartNumber(number), size: 0, tag: "")
    }

    private static func stream(_ bytes: ByteBuffer, _ offset: Int, _ size: Int) -> ByteStream {
        SampleData.stream(bytes.getSlice(at: offset, length: size) ?? ByteBuffer(), chunkBytes: 999, announced: .nothing)
    }
}

/// Tells when it is read from.
private struct Announcing: AsyncSequence, Sendable {
    typealias Failure = any Error
    let base: AsyncThrowingStream<ByteBuffer, any Error>
    let started: AsyncStream<Void>.Continuation

    struct AsyncIterator: AsyncIteratorProtocol {
        var base: AsyncThrowingStream<ByteBuffer, any Error>.AsyncIterator
        let started: AsyncStream<Void>.Continuation

        mutating func next() async throws -> ByteBuffer? {
            started.yield()
            return try await base.next()
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator(), started: started) }
}
