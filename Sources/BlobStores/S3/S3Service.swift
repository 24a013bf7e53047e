// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import MediaCore
import NIOCore
import NIOHTTP1
import Synchronization
import WireFormats

/// The objects of an S3 bucket.
final class S3Service: ObjectService {
    /// Whether the service refuses to write where something is already (RFC 9110 §13.1.2). Where it does not, it is asked before.
    enum Conditions {
        case assumed, ignored
    }

    let configuration: S3Configuration
    let client: ServiceClient<S3Dialect>
    private let conditions = Mutex(Conditions.assumed)

    /// The most keys that one request deletes or lists.
    private static let batch = 1000

    var limits: RemoteLimits { configuration.limits }
    let longestName = 1024

    init(_ configuration: S3Configuration) {
        self.configuration = configuration
        client = ServiceClient(S3Dialect(configuration: configuration), limits: configuration.limits)
    }

    func close() async throws { try await client.close() }

    var honoursConditions: Bool { conditions.withLock { $0 } == .assumed }

    /// What a write says that must not replace anything.
    var onlyIfFree: [NamedValue] { honoursConditions ? [NamedValue("if-none-match", "*")] : [] }

    /// To be called where a service answers that it does not know conditions.
    func learnThatConditionsAreIgnored() { conditions.withLock { $0 = .ignored } }

    /// Whether the service refuses to write to a key that is taken: asked by doing it.
    func prepare(probes: String) async throws -> [String] {
        let key = probes + UUID().uuidString.lowercased()
        let body = ByteBuffer(string: "probe")
        _ = try await client.send(S3Request(.PUT, key, body: body))
        do {
            _ = try await client.send(S3Request(.PUT, key, fields: onlyIfFree, body: body))
            learnThatConditionsAreIgnored()
        } catch let failure as ServiceFailure where failure.isConflict {
            // As it should be.
        } catch let failure as ServiceFailure where failure.isUnsupported {
            learnThatConditionsAreIgnored()
        }
        _ = try await client.send(S3Request(.DELETE, key))
        return honoursConditions ? [] : ["this S3 service ignores If-None-Match: writes ask first whether their key is free"]
    }

    func write(_ body: ByteStream, to name: String) async throws -> Int64 {
        try await S3Writer(service: self, key: name).write(body)
    }

    func store(_ document: ByteBuffer, at name: String, onlyIfFree: Bool) async throws {
        do {
            _ = try await client.send(S3Request(.PUT, name, fields: onlyIfFree ? self.onlyIfFree : [], body: document))
        } catch let failure as ServiceFailure where onlyIfFree && failure.isConflict {
            throw NameTaken()
        } catch let failure as ServiceFailure where onlyIfFree && honoursConditions && failure.isUnsupported {
            learnThatConditionsAreIgnored()
            _ = try await client.send(S3Request(.PUT, name, body: document))
        }
    }

    func open(_ name: String, range: ByteRange?) async throws -> RemoteObject {
        let fields = (range.map { [NamedValue("range", $0.fieldValue)] } ?? []) + [NamedValue("x-amz-checksum-mode", "ENABLED")]
        let response = try await client.open(S3Request(.GET, name, fields: fields))
        let extent = try ObjectExtent(response.headers, isRange: range != nil)
        return RemoteObject(
            extent: extent, response: response, checksum: extent.isWhole ? Self.checksum(response.headers) : nil,
            reopen: reopening(name, tag: response.headers.first(name: "etag"), end: extent.range.upperBound))
    }

    private func reopening(_ name: String, tag: String?, end: Int64) -> RemoteObject.Reopen? {
        guard let tag else { return nil }
        return { [client] offset in
            let fields = [NamedValue("range", "bytes=\(offset)-\(end - 1)"), NamedValue("if-match", tag)]
            return try await client.open(S3Request(.GET, name, fields: fields))
        }
    }

    /// The digest of an object as a whole. Those of uploads in parts are digests of the parts' digests, unless they say otherwise.
    private static func checksum(_ headers: HTTPHeaders) -> ChecksumValue? {
        guard headers.first(name: "x-amz-checksum-type").map({ $0 == "FULL_OBJECT" }) ?? true else { return nil }
        for algorithm in [ChecksumAlgorithm.crc64nvme, .crc32c, .crc32, .sha256, .sha1] {
            guard let text = headers.first(name: algorithm.fieldName) else { continue }
            return ChecksumValue(algorithm, base64: text)
        }
        return nil
    }

    func describe(_ name: String) async throws -> ObjectEntry {
        let answer: ServiceAnswer
        do {
            answer = try await client.send(S3Request(.HEAD, name))
        } catch let failure as ServiceFailure where failure.isMissingKey && failure.code == nil {
            // An answer to HEAD has no room for a reason, and that the bucket is gone is another one than that the key is.
            _ = try await client.send(S3Request(.GET, name, fields: [NamedValue("range", "bytes=0-0")]))
            throw failure
        }
        guard let size = answer.headers.first(name: "content-length").flatMap({ Int64($0) }) else {
            throw ServiceFailure(.malformed("an object without a length"))
        }
        let date = answer.headers.first(name: "last-modified").flatMap { Timestamp(httpDate: $0) }
        return ObjectEntry(name: name, size: size, modifiedAt: date ?? .now())
    }

    func delete(_ names: [String]) async throws {
        for start in stride(from: 0, to: names.count, by: Self.batch) {
            let body = S3Document.deletion(of: names[start..<min(start + Self.batch, names.count)])
            let answer = try await client.send(
                S3Request(
                    .POST, query: [.init("delete", "")],
                    fields: [
                        NamedValue("content-md5", Checksum.of(body.readableBytesView, .md5).base64),
                        NamedValue("content-type", "application/xml"),
                    ], body: body))
            if let code = try S3Document.deletionErrors(answer.body).first(where: { $0 != "NoSuchKey" }) {
                throw ServiceFailure(.refused(status: 200, code: code))
            }
        }
    }

    /// The token is the last key of the page before.
    func list(_ prefix: String, from token: String?, limit: Int) async throws -> ObjectPage {
        var query: [QueryParameters.Parameter] = [
            .init("list-type", "2"), .init("prefix", prefix), .init("encoding-type", "url"),
            .init("max-keys", String(min(max(limit, 1), Self.batch))),
        ]
        if let token { query.append(.init("start-after", token)) }
        let page = try S3ListPage(try await client.send(S3Request(.GET, query: query)).body)
        return ObjectPage(entries: page.entries, next: page.isTruncated ? page.entries.last?.name : nil)
    }

    func copy(_ source: String, of size: Int64, to destination: String, as presentation: ObjectPresentation?) async throws {
        try await S3Copy(service: self).copy(source, of: size, to: destination, fields: presentation?.fields ?? [])
    }

    func join(_ sources: [ObjectEntry], into name: String) async throws -> Bool {
        try await S3Copy(service: self).join(sources, into: name)
    }

    /// - Throws: `NameTaken`.
    func requireFree(_ name: String) async throws {
        do {
            _ = try await client.send(S3Request(.HEAD, name))
            throw NameTaken()
        } catch let failure as ServiceFailure where failure.isMissingKey {
            return
        }
    }
}

extension ObjectPresentation {
    fileprivate var fields: [NamedValue] {
        [NamedValue("content-type", mediaType)] + (cacheControl.map { [NamedValue("cache-control", $0)] } ?? [])
    }
}
