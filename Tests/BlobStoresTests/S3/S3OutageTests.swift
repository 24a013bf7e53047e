// SPDX-License-Identifier: Apache-2.0

import BlobStores
import Logging
import MediaCore
import MediaTesting
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

/// What becomes of a call when the service fails.
struct S3OutageTests {
    private static let tag = "\"one\""
    private static let content = ByteBuffer(bytes: (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 7) })

    /// A service with a store in it, whose other requests the script answers.
    /// - Parameter isPatient: whether attempts end by their number alone, however busy the machine is.
    private static func withStore<Value>(
        isPatient: Bool = false, _ script: @escaping @Sendable (ScriptedService.Request) -> ScriptedService.Action,
        _ body: (RemoteBlobStore, ScriptedService) async throws -> Value
    ) async throws -> Value {
        try await ScriptedService.with { request in
            if request.target == "/b/store.json" { return .answer(.ok, [], #"{"format":1,"id":"x"}"#) }
            if request.target.hasPrefix("/b/probes/") {
                return .answer(request.headers.contains(name: "if-none-match") ? .preconditionFailed : .ok)
            }
            return script(request)
        } _: { service in
            let store = try await RemoteBlobStore.open(
                service.configuration {
                    guard isPatient else { return }
                    $0.limits.retries.deadline = .seconds(120)
                    $0.limits.answerTimeout = .seconds(30)
                }, create: false,
                logger: Logger(label: "t", factory: { _ in SwiftLogNoOpLogHandler() }))
            do {
                let value = try await body(store, service)
                try await store.close()
                return value
            } catch {
                try await store.close()
                throw error
            }
        }
    }

    private static func whole(_ request: ScriptedService.Request) -> ScriptedService.Action {
        .bytes(.ok, [("etag", tag)], content)
    }

    @Test(arguments: [HTTPResponseStatus.serviceUnavailable, .internalServerError, .badGateway, .tooManyRequests])
    func whatFailsForAWhileIsTriedAgain(status: HTTPResponseStatus) async throws {
        let attempts = Mutex(0)
        try await Self.withStore { request in
            attempts.withLock { $0 += 1 }
            return attempts.withLock { $0 } < 3
                ? .answer(status, [], "<Error><Code>SlowDown</Code></Error>") : Self.whole(request)
        } _: { store, _ in
            let bytes = try await store.get(BlobKey("k"), range: nil).stream().collected()
            #expect(bytes == Self.content)
        }
        #expect(attempts.withLock { $0 } == 3)
    }

    @Test func whatGoesOnFailingEndsInAnErrorThatMayBeRetried() async throws {
        try await Self.withStore(isPatient: true) { _ in
            .answer(.serviceUnavailable)
        } _: { store, service in
            let before = service.requests.count
            do {
                _ = try await store.info(BlobKey("k"))
                Issue.record("succeeded")
            } catch let error as StorageError {
                #expect(error.code == .backendUnavailable)
                #expect(error.isRetryable)
                #expect(!"\(error)".contains("a-secret-of-the-test"))
            }
            #expect(service.requests.count - before == 4)
        }
    }

    @Test func aRefusalIsNotRepeated() async throws {
        try await Self.withStore(isPatient: true) { _ in
            .answer(.forbidden, [], "<Error><Code>AccessDenied</Code></Error>")
        } _: { store, service in
            let before = service.requests.count
            #expect(await errorCode { _ = try await store.get(BlobKey("k"), range: nil) } == .backendUnavailable)
            #expect(service.requests.count - before == 1)
        }
    }

    @Test func silenceEndsByItself() async throws {
        try await Self.withStore { _ in
            .silence
        } _: { store, _ in
            #expect(await errorCode { _ = try await store.info(BlobKey("k")) } == .backendUnavailable)
            #expect(
                await errorCode { _ = try await store.put(ByteStream(Self.content), at: BlobKey("k")) } == .backendUnavailable)
        }
    }

    @Test func aBodyThatBreaksOffIsReadOn() async throws {
        let answers = Mutex(0)
        try await Self.withStore { request in
            let answer = answers.withLock { count in
                count += 1
                return count
            }
            guard answer > 1, let range = request.headers.first(name: "range") else {
                return .breakOff(.ok, [("etag", Self.tag)], Self.content, after: 1234)
            }
            // The rest was asked for, of the same object, from some byte that came.
            guard request.headers.first(name: "if-match") == Self.tag,
                let start = Int(range.dropFirst("bytes=".count).prefix { $0 != "-" }), range.hasSuffix("-4999"),
                start <= 2 * 1234,
                let rest = Self.content.getSlice(at: start, length: 5000 - start)
            else { return .answer(.badRequest) }
            let fields = [("etag", Self.tag), ("content-range", "bytes \(start)-4999/5000")]
            return answer == 2 ? .breakOff(.partialContent, fields, rest, after: 1234) : .bytes(.partialContent, fields, rest)
        } _: { store, _ in
            let bytes = try await store.get(BlobKey("k"), range: nil).stream().collected()
            #expect(bytes == Self.content)
        }
        #expect(answers.withLock { $0 } == 3)
    }

    @Test func bytesOfTwoObjectsAreNeverMixed() async throws {
        try await Self.withStore { request in
            request.headers.contains(name: "if-match")
                ? .answer(.preconditionFailed) : .breakOff(.ok, [("etag", Self.tag)], Self.content, after: 1234)
        } _: { store, _ in
            let stream = try await store.get(BlobKey("k"), range: nil).stream()
            #expect(await errorCode { _ = try await stream.collected() } == .backendUnavailable)
        }
    }

    @Test func aWriteWhoseAnswerWasLostIsKnownAgain() async throws {
        let mark = Mutex<String?>(nil)
        try await Self.withStore { request in
            switch request.method {
            case .PUT where mark.withLock({ $0 }) == nil:
                mark.withLock { $0 = request.headers.first(name: "x-amz-meta-magpie-write") }
                return .close
            case .PUT: return .answer(.preconditionFailed)
            case .HEAD:
                return .answer(.ok, [("x-amz-meta-magpie-write", mark.withLock { $0 } ?? ""), ("content-length", "5000")])
            default: return .answer(.badRequest)
            }
        } _: { store, _ in
            let info = try await store.put(ByteStream(Self.content), at: BlobKey("k"))
            #expect(info.size == 5000)
        }
        #expect(mark.withLock { $0 } != nil)
    }

    @Test func aWriteOfSomebodyElseIsNot() async throws {
        try await Self.withStore { request in
            request.method == .PUT
                ? .answer(.preconditionFailed) : .answer(.ok, [("x-amz-meta-magpie-write", "other"), ("content-length", "5000")])
        } _: { store, _ in
            #expect(await errorCode { _ = try await store.put(ByteStream(Self.content), at: BlobKey("k")) } == .internal)
        }
    }

    @Test func aCopyThatFailsBehindItsHeadIsTriedAgain() async throws {
        let copies = Mutex(0)
        try await Self.withStore { request in
            guard request.method == .PUT else { return .answer(.ok, [("content-length", "10")]) }
            let count = copies.withLock { count in
                count += 1
                return count
            }
            return .answer(
                .ok, [],
                count == 1 ? "<Error><Code>InternalError</Code></Error>" : "<CopyObjectResult><ETag>x</ETag></CopyObjectResult>")
        } _: { store, _ in
            let info = try await store.copy(BlobKey("a"), to: BlobKey("b"))
            #expect(info.size == 10)
        }
        #expect(copies.withLock { $0 } == 2)
    }

    @Test func aCopyOfAPartWhoseAnswerWasLostIsKnownAgainThoughThePartIsGone() async throws {
        let copies = Mutex(0)
        let listed = """
            <ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>parts/ab/00001/000000000000000-cd-0</Key>\
            <LastModified>2026-01-01T00:00:00Z</LastModified><ETag>"x"</ETag><Size>10</Size></Contents></ListBucketResult>
            """
        try await Self.withStore { request in
            switch request.method {
            case .HEAD where request.target.hasSuffix("/begun"): return .answer(.ok, [("content-length", "0")])
            // The copy, which the service made before it fell silent.
            case .HEAD: return copies.withLock { $0 } == 0 ? .answer(.notFound) : .answer(.ok, [("content-length", "10")])
            case .GET: return .answer(.ok, [], listed)
            case .PUT:
                let isFirst = copies.withLock { count in
                    count += 1
                    return count == 1
                }
                return isFirst ? .close : .answer(.notFound, [], "<Error><Code>NoSuchKey</Code></Error>")
            default: return .answer(.badRequest)
            }
        } _: { store, _ in
            let part = BlobPart(number: try PartNumber(1), size: 10, tag: "cd")
            let blob = try await store.completeMultipart(MultipartID("ab"), at: BlobKey("k"), parts: [part])
            #expect(blob.size == 10)
        }
        #expect(copies.withLock { $0 } == 2)
    }

    @Test func aRangeThatIsAnsweredWithAllBytesIsAnError() async throws {
        try await Self.withStore(Self.whole) { store, _ in
            #expect(await errorCode { _ = try await store.get(BlobKey("k"), range: .closed(10...19)) } == .backendUnavailable)
        }
    }

    @Test func aKeyThatCouldNotBeDeletedIsToldOf() async throws {
        let body = "<DeleteResult><Error><Key>k</Key><Code>AccessDenied</Code></Error></DeleteResult>"
        try await Self.withStore { _ in
            .answer(.ok, [], body)
        } _: { store, service in
            #expect(await errorCode { try await store.delete([BlobKey("k")]) } == .backendUnavailable)
            #expect(service.requests.last?.headers.first(name: "content-md5")?.isEmpty == false)
        }
    }

    @Test func hostileAnswersAreErrors() async throws {
        var generator = SeededGenerator(seed: 23)
        let list =
            "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>blobs/a</Key><Size>1</Size><LastModified>"
            + "2026-01-01T00:00:00.000Z</LastModified></Contents></ListBucketResult>"
        let answers = (0..<60).map { _ -> String in
            var bytes = Array(list.utf8)
            for _ in 0..<Int.random(in: 1...20, using: &generator) {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[at] = UInt8.random(in: 0...127, using: &generator)
            }
            return String(decoding: bytes, as: UTF8.self)
        }
        let next = Mutex(0)
        try await Self.withStore { _ in
            let index = next.withLock { index in
                index += 1
                return index
            }
            return .answer(.ok, [], answers[index % answers.count])
        } _: { store, _ in
            for _ in answers {
                do {
                    #expect(try await store.list(prefix: "", after: nil, limit: 10).blobs.count <= 1)
                } catch {
                    #expect((error as? StorageError)?.code == .backendUnavailable)
                }
            }
        }
    }
}
