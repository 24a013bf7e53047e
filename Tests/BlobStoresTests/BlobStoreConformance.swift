// SPDX-License-Identifier: Apache-2.0

import BlobStores
import Foundation
import MediaCore
import MediaTesting
import NIOCore
import Testing

/// What every blob store does, whatever it is made of.
struct BlobStoreConformance {
    @Test(arguments: BackendUnderTest.allCases, [0, 1, 1023, 1025, 4096, 300_000])
    func whatWasPutIsGot(backend: BackendUnderTest, size: Int) async throws {
        try await backend.withStore { store, _ in
            let (key, bytes) = (freshKey(), SampleData.bytes(size))

            let info = try await store.put(SampleData.stream(bytes, chunkBytes: 777), at: key)

            #expect(info.size == Int64(size))
            #expect(try await store.get(key, range: nil).stream().collected() == bytes)
            #expect(try await store.info(key).size == Int64(size))
        }
    }

    @Test(arguments: BackendUnderTest.allCases)
    func aBodyOfUnknownLengthIsKept(backend: BackendUnderTest) async throws {
        try await backend.withStore { store, _ in
            let (key, bytes) = (freshKey(), SampleData.bytes(10_000))

            _ = try await store.put(SampleData.stream(bytes, chunkBytes: 999, announced: .nothing), at: key)

            #expect(try await store.get(key, range: nil).stream().collected() == bytes)
        }
    }

    @Test(arguments: BackendUnderTest.allCases, [9_999, 10_001] as [Int64])
    func aBodyOfAnotherLengthThanAnnouncedIsRefused(backend: BackendUnderTest, announced: Int64) async throws {
        try await backend.withStore { store, directory in
            let key = freshKey()
            let body = SampleData.stream(SampleData.bytes(10_000), chunkBytes: 999, announced: .exactly(announced))

            #expect(await errorCode { _ = try await store.put(body, at: key) } == .lengthMismatch)

            #expect(await errorCode { _ = try await store.info(key) } == .blobMissing)
            if let directory { #expect(contentFiles(in: directory).isEmpty) }
        }
    }

    @Test(arguments: BackendUnderTest.allCases)
    func aBodyThatFailsLeavesNothing(backend: BackendUnderTest) async throws {
        try await backend.withStore { store, directory in
            let key = freshKey()
            let body = SampleData.stream(SampleData.bytes(20_000), chunkBytes: 999, failingAfter: 15_000)

            await #expect(throws: SampleFailure.self) { try await store.put(body, at: key) }

            #expect(await errorCode { _ = try await store.get(key, range: nil) } == .blobMissing)
            if let directory { #expect(contentFiles(in: directory).isEmpty) }
        }
    }

    @Test(arguments: BackendUnderTest.allCases)
    func aKeyThatIsTakenKeepsItsBytes(backend: BackendUnderTest) async throws {
        try await backend.withStore { store, _ in
            let (key, bytes) = (freshKey(), SampleData.bytes(100))
            _ = try await store.put(ByteStream(bytes), at: key)

            await #expect(throws: (any Error).self) { try await store.put(ByteStream(SampleData.bytes(100, seed: 2)), at: key) }

            #expect(try await store.get(key, range: nil).stream().collected() == bytes)
        }
    }

    @Test(
        arguments: BackendUnderTest.allCases,
        [
            (ByteRange.closed(0...0), 0..<1), (.closed(10...2000), 10..<2001), (.from(4990), 4990..<5000),
            (.last(7), 4993..<5000),
            (.closed(4000...9999), 4000..<5000),
        ])
    func aRangeIsItsBytes(backend: BackendUnderTest, range: (ByteRange, Range<Int>)) async throws {
        try await backend.withStore { store, _ in
            let (key, bytes) = (freshKey(), SampleData.bytes(5000))
            _ = try await store.put(ByteStream(bytes), at: key)

            let content = try await store.get(key, range: range.0)

            #expect(content.size == 5000)
            #expect(content.range == Int64(range.1.lowerBound)..<Int64(range.1.upperBound))
            #expect(try await content.stream().collected() == bytes.getSlice(at: range.1.lowerBound, length: range.1.count))
        }
    }

    @Test(arguments: BackendUnderTest.allCases)
    func aRangeOutsideOfTheBlobIsRefused(backend: BackendUnderTest) async throws {
        try await backend.withStore { store, _ in
            let key = freshKey()
            _ = try await store.put(ByteStream(SampleData.bytes(10)), at: key)

            #expect(await errorCode { _ = try await store.get(key, range: .from(10)) } == .rangeNotSatisfiable)
        }
    }

    @Test(arguments: BackendUnderTest.allCases)
    func anAbsentKeyIsMissing(backend: BackendUnderTest) async throws {
        try await backend.withStore { store, _ in
            #expect(await errorCode { _ = try await store.get(freshKey(), range: nil) } == .blobMissing)
            #expect(await errorCode { _ = try await store.info(freshKey()) } == .blobMissing)
            #expect(await errorCode { _ = try await store.copy(freshKey(), to: freshKey()) } == .blobMissing)
        }
    }

    @Test(arguments: BackendUnderTest.allCases)
    func aCopyOutlivesItsSource(backend: BackendUnderTest) async throws {
        try await backend.withStore { store, _ in
            let (source, copy, bytes) = (freshKey(), freshKey(), SampleData.bytes(5000))
            _ = try await store.put(ByteStream(bytes), at: source)

            #expect(try await store.copy(source, to: copy).size == 5000)
            try await store.delete([source])

            #expect(try await store.get(copy, range: nil).stream().collected() == bytes)
        }
    }

    @Test(arguments: BackendUnderTest.allCases)
    func deletingWhatIsNotThereIsFine(backend: BackendUnderTest) async throws {
        try await backend.withStore { store, _ in
            let key = freshKey()
            _ = try await store.put(ByteStream(SampleData.bytes(10)), at: key)

            try await store.delete([key, freshKey()])
            try await store.delete([key])

            #expect(await errorCode { _ = try await store.info(key) } == .blobMissing)
        }
    }

    @Test(arguments: BackendUnderTest.allCases)
    func anOpenReaderSurvivesTheDeletion(backend: BackendUnderTest) async throws {
        try await backend.withStore { store, _ in
            let (key, bytes) = (freshKey(), SampleData.bytes(500_000))
            _ = try await store.put(ByteStream(bytes), at: key)
            let content = try await store.get(key, range: nil)

            try await store.delete([key])

            #expect(try await content.stream().collected() == bytes)
        }
    }

    @Test(arguments: BackendUnderTest.allCases)
    func aListHasEveryKeyOnceInOrder(backend: BackendUnderTest) async throws {
        try await backend.withStore { store, _ in
            let keys = (0..<50).map { _ in freshKey() }
            for key in keys { _ = try await store.put(ByteStream(SampleData.bytes(1)), at: key) }
            var listed: [String] = []
            var cursor: String?

            repeat {
                let page = try await store.list(prefix: "", after: cursor, limit: 7)
                #expect(page.blobs.count <= 7)
                listed += page.blobs.map(\.key.rawValue)
                cursor = page.cursor
            } while cursor != nil

            #expect(listed == keys.map(\.rawValue).sorted())
        }
    }

    @Test(arguments: BackendUnderTest.allCases)
    func partsBecomeOneBlobInTheirOrder(backend: BackendUnderTest) async throws {
        try await backend.withStore { store, _ in
            let key = freshKey()
            let id = try await store.beginMultipart(at: key)
            let (first, second) = (SampleData.bytes(6000), SampleData.bytes(10, seed: 2))

            let two = try await store.putPart(ByteStream(second), as: PartNumber(2), of: id, at: key)
            _ = try await store.putPart(ByteStream(SampleData.bytes(5)), as: PartNumber(1), of: id, at: key)
            let one = try await store.putPart(ByteStream(first), as: PartNumber(1), of: id, at: key)
            #expect(await errorCode { _ = try await store.info(key) } == .blobMissing)
            let info = try await store.completeMultipart(id, at: key, parts: [one, two])

            var whole = first
            whole.writeImmutableBuffer(second)
            #expect(info.size == 6010)
            #expect(try await store.get(key, range: nil).stream().collected() == whole)
        }
    }

    @Test(arguments: BackendUnderTest.allCases)
    func aPartThatWasNeverWrittenIsRefused(backend: BackendUnderTest) async throws {
        try await backend.withStore { store, _ in
            let key = freshKey()
            let id = try await store.beginMultipart(at: key)
            let part = try await store.putPart(ByteStream(SampleData.bytes(10)), as: PartNumber(1), of: id, at: key)
            let ghost = BlobPart(number: try PartNumber(2), size: 10, tag: part.tag)

            #expect(
                await errorCode { _ = try await store.completeMultipart(id, at: key, parts: [part, ghost]) } == .invalidPart)
        }
    }

    @Test(arguments: BackendUnderTest.allCases)
    func aPartThatIsReplacedMeanwhileIsNeverTakenForTheOneNamed(backend: BackendUnderTest) async throws {
        try await backend.withStore { store, _ in
            let (old, new) = (SampleData.bytes(64), SampleData.bytes(64, seed: 2))
            for round in 0..<backend.rounds {
                let key = freshKey()
                let id = try await store.beginMultipart(at: key)
                let part = try await store.putPart(ByteStream(old), as: PartNumber(1), of: id, at: key)

                async let replaced = try? store.putPart(ByteStream(new), as: PartNumber(1), of: id, at: key)
                let code = await errorCode { _ = try await store.completeMultipart(id, at: key, parts: [part]) }
                let second = await replaced

                if code == nil {
                    #expect(try await store.get(key, range: nil).stream().collected() == old, "round \(round)")
                } else {
                    #expect(code == .invalidPart, "round \(round)")
                    let whole = try await store.completeMultipart(id, at: key, parts: [try #require(second)])
                    #expect(whole.size == 64)
                    #expect(try await store.get(key, range: nil).stream().collected() == new, "round \(round)")
                }
                try await store.abortMultipart(id, at: key)
            }
        }
    }

    @Test(arguments: BackendUnderTest.allCases)
    func thePartsStayUntilTheMultipartWriteIsGivenUp(backend: BackendUnderTest) async throws {
        try await backend.withStore { store, directory in
            let (key, bytes) = (freshKey(), SampleData.bytes(3000))
            let id = try await store.beginMultipart(at: key)
            let part = try await store.putPart(ByteStream(bytes), as: PartNumber(1), of: id, at: key)
            _ = try await store.completeMultipart(id, at: key, parts: [part])
            try await store.delete([key])

            _ = try await store.completeMultipart(id, at: key, parts: [part])
            try await store.abortMultipart(id, at: key)

            #expect(try await store.get(key, range: nil).stream().collected() == bytes)
            if let directory { #expect(contentFiles(in: directory) == [key.rawValue]) }
        }
    }

    @Test(arguments: BackendUnderTest.allCases)
    func aBlobThatCanNotBeMadeCostsNoPart(backend: BackendUnderTest) async throws {
        try await backend.withStore { store, directory in
            let (key, bytes) = (freshKey(), SampleData.bytes(3000))
            let id = try await store.beginMultipart(at: key)
            let part = try await store.putPart(ByteStream(bytes), as: PartNumber(1), of: id, at: key)
            _ = try await store.put(ByteStream(SampleData.bytes(10, seed: 2)), at: key)

            #expect(await errorCode { _ = try await store.completeMultipart(id, at: key, parts: [part]) } == .internal)
            if let directory { #expect(Set(contentFiles(in: directory)) == [key.rawValue, "1"]) }
            try await store.delete([key])
            _ = try await store.completeMultipart(id, at: key, parts: [part])

            #expect(try await store.get(key, range: nil).stream().collected() == bytes)
        }
    }

    @Test(arguments: BackendUnderTest.allCases)
    func whatBecomesOfAPartLaterIsNothingToTheBlob(backend: BackendUnderTest) async throws {
        try await backend.withStore { store, _ in
            let (key, bytes) = (freshKey(), SampleData.bytes(3000))
            let id = try await store.beginMultipart(at: key)
            let part = try await store.putPart(ByteStream(bytes), as: PartNumber(1), of: id, at: key)
            _ = try await store.completeMultipart(id, at: key, parts: [part])

            let empty = BlobPart(number: try PartNumber(1), size: 0, tag: "")
            for takingOver in [false, true] {
                _ = await errorCode {
                    _ = try await store.appendPart(
                        ByteStream(SampleData.bytes(9, seed: 3)), to: takingOver ? empty : part, takingOver: takingOver, of: id,
                        at: key)
                }
            }
            _ = try await store.putPart(ByteStream(SampleData.bytes(5)), as: PartNumber(1), of: id, at: key)

            #expect(try await store.get(key, range: nil).stream().collected() == bytes)
        }
    }

    @Test(arguments: BackendUnderTest.allCases)
    func anAbortedMultipartLeavesNothing(backend: BackendUnderTest) async throws {
        try await backend.withStore { store, directory in
            let key = freshKey()
            let id = try await store.beginMultipart(at: key)
            _ = try await store.putPart(ByteStream(SampleData.bytes(10)), as: PartNumber(1), of: id, at: key)

            try await store.abortMultipart(id, at: key)
            try await store.abortMultipart(id, at: key)

            if let directory { #expect(contentFiles(in: directory).isEmpty) }
        }
    }
}
