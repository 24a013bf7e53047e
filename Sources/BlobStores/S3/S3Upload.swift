// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import NIOHTTP1
import WireFormats

/// An upload in parts, of the service's own.
struct S3Upload: Sendable {
    let client: ServiceClient<S3Dialect>
    let key: String
    let id: String

    static func begin(_ service: S3Service, _ key: String, fields: [NamedValue]) async throws -> S3Upload {
        let answer = try await service.client.send(S3Request(.POST, key, query: [.init("uploads", "")], fields: fields))
        guard let id = try S3Document.tree(answer.body)["UploadId"]?.text, !id.isEmpty else {
            throw ServiceFailure(.malformed("an upload without an id"))
        }
        return S3Upload(client: service.client, key: key, id: id)
    }

    /// - Returns: the part's entity tag.
    func send(_ bytes: ByteBuffer, as number: Int) async throws -> String {
        let answer = try await client.send(S3Request(.PUT, key, query: query(number), body: bytes))
        guard let tag = answer.headers.first(name: "etag") else {
            throw ServiceFailure(.malformed("a part without an entity tag"))
        }
        return tag
    }

    /// Makes a part of what another key holds. - Returns: the part's entity tag; nil where the service does not know how.
    func copy(_ source: String, _ range: Range<Int64>?, as number: Int) async throws -> String? {
        var fields = [NamedValue("x-amz-copy-source", client.dialect.configuration.copySource(source))]
        if let range {
            fields.append(NamedValue("x-amz-copy-source-range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)"))
        }
        do {
            let answer = try await client.send(S3Request(.PUT, key, query: query(number), fields: fields))
            // Who ignores the field takes this for a part without bytes, and says nothing of a copy.
            guard answer.body.readableBytes > 0 else { return nil }
            let result = try S3Document.tree(answer.body)
            return result.name == "CopyPartResult" ? result["ETag"]?.text : nil
        } catch let failure as ServiceFailure where failure.isUnsupported {
            return nil
        }
    }

    func complete(_ tags: [String], fields: [NamedValue]) async throws {
        _ = try await client.send(
            S3Request(
                .POST, key, query: [.init("uploadId", id)], fields: fields + [NamedValue("content-type", "application/xml")],
                body: S3Document.completion(of: tags)))
    }

    /// Frees what the service holds of it. What can't be freed now is found by the sweep.
    func giveUp() async {
        // Not the caller's task: it may be cancelled, which is why the upload ends.
        await Task {
            do { try await abort() } catch { return }
        }.value
    }

    func abort() async throws {
        do {
            _ = try await client.send(S3Request(.DELETE, key, query: [.init("uploadId", id)]))
        } catch let failure as ServiceFailure where failure.status == 404 {
            return
        }
    }

    private func query(_ number: Int) -> [QueryParameters.Parameter] {
        [.init("partNumber", String(number)), .init("uploadId", id)]
    }
}

extension S3Configuration {
    /// The value of `x-amz-copy-source`.
    func copySource(_ key: String) -> String {
        "/\(PercentEncoding.encodeComponent(bucket))/\(PercentEncoding.encodeComponents(ofPath: key))"
    }
}

extension S3Service {
    struct UnfinishedUpload {
        var key: String
        var id: String
        var begunAt: Timestamp
    }

    func sweepUnfinished(below prefix: String, before date: Timestamp) async throws -> Int {
        var count = 0
        do {
            for upload in try await unfinishedUploads(below: prefix) where upload.begunAt < date {
                try await S3Upload(client: client, key: upload.key, id: upload.id).abort()
                count += 1
            }
        } catch let failure as ServiceFailure where failure.isUnsupported {
            // A service that does not list them has none that it would not free by itself.
            return count
        }
        return count
    }

    /// Uploads in parts of the service's own that were neither completed nor given up.
    private func unfinishedUploads(below prefix: String) async throws -> [UnfinishedUpload] {
        var all: [UnfinishedUpload] = []
        var markers: [QueryParameters.Parameter] = []
        while true {
            let query: [QueryParameters.Parameter] = [.init("uploads", ""), .init("prefix", prefix)] + markers
            let root = try S3Document.tree(try await client.send(S3Request(.GET, query: query)).body)
            let isEncoded = root["EncodingType"]?.text == "url"
            for element in root.all("Upload") {
                guard let text = element["Key"]?.text, let key = isEncoded ? S3Document.decoded(text) : text,
                    let id = element["UploadId"]?.text, let date = element["Initiated"].flatMap({ Timestamp(iso8601: $0.text) }),
                    // Not all services filter.
                    key.hasPrefix(prefix)
                else { continue }
                all.append(UnfinishedUpload(key: key, id: id, begunAt: date))
            }
            guard root["IsTruncated"]?.text == "true", let key = root["NextKeyMarker"]?.text, !key.isEmpty else { return all }
            let next: [QueryParameters.Parameter] = [
                .init("key-marker", key), .init("upload-id-marker", root["NextUploadIdMarker"]?.text ?? ""),
            ]
            guard next != markers else { return all }
            markers = next
        }
    }
}
