// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import NIOCore
import NIOHTTP1
import WireFormats

/// A resumable upload: pieces of one object, one after the other.
struct GCSUpload: Sendable {
    /// How Google answers for an upload that goes on, and for one that was given up.
    private static let goesOn: UInt = 308
    private static let givenUp: UInt = 499

    let client: ServiceClient<GCSDialect>
    /// Path and query of the URL. The host is ours to choose: an answer does not send us elsewhere.
    let session: String

    static func begin(
        _ client: ServiceClient<GCSDialect>, query: [(String, String)], resource: GCSResource
    ) async throws -> GCSUpload {
        let answer = try await client.send(
            GCSRequest(
                .POST, .uploads, query: query, fields: [NamedValue("content-type", "application/json")],
                body: try resource.document))
        guard let location = answer.headers.first(name: "location"), let scheme = location.range(of: "://"),
            let slash = location[scheme.upperBound...].firstIndex(of: "/")
        else { throw ServiceFailure(.malformed("an upload without a URL")) }
        return GCSUpload(client: client, session: String(location[slash...]))
    }

    /// Sends a piece that is not the last.
    func send(_ bytes: ByteBuffer, at offset: Int64) async throws {
        guard try await transfer(bytes, at: offset, total: nil) == nil else {
            throw ServiceFailure(.malformed("an upload that ended early"))
        }
    }

    /// Sends the last piece.
    func finish(_ bytes: ByteBuffer, at offset: Int64) async throws -> GCSObject {
        guard let made = try await transfer(bytes, at: offset, total: offset + Int64(bytes.readableBytes)) else {
            throw ServiceFailure(.malformed("an upload that does not end"))
        }
        return made
    }

    private enum State {
        case whole(GCSObject)
        /// So many bytes of the object.
        case kept(Int64)
    }

    /// Sends bytes until the service has all of them: what it kept of a piece that broke off, it says itself.
    /// - Returns: the object, once it is whole.
    private func transfer(_ bytes: ByteBuffer, at offset: Int64, total: Int64?) async throws -> GCSObject? {
        let end = offset + Int64(bytes.readableBytes)
        let policy = client.limits.retries
        let deadline = ContinuousClock.now + policy.deadline
        var (position, failures) = (offset, 0)
        while true {
            do {
                var state = State.kept(position)
                if failures > 0 { state = try await ask(total: total) }
                if case .kept(let count) = state {
                    position = try Self.checked(count, in: offset...end)
                    if position < end || total != nil { state = try await put(bytes, from: offset, position..<end, total) }
                }
                switch state {
                case .whole(let object): return object
                case .kept(let count) where count == end && total == nil: return nil
                case .kept(let count):
                    let reached = try Self.checked(count, in: offset...end)
                    guard reached > position else { throw ServiceFailure(.transport("a piece was not taken")) }
                    (position, failures) = (reached, 0)
                }
            } catch let failure as ServiceFailure where failure.isTransient {
                failures += 1
                let pause = policy.pause(after: failures)
                guard failures < policy.attempts, ContinuousClock.now + pause < deadline else { throw failure }
                try await Task.sleep(for: pause)
            }
        }
    }

    private static func checked(_ count: Int64, in range: ClosedRange<Int64>) throws(ServiceFailure) -> Int64 {
        guard range.contains(count) else { throw ServiceFailure(.malformed("an upload that lost bytes")) }
        return count
    }

    /// Sends `range` of the object; `bytes` begin at `start`.
    private func put(_ bytes: ByteBuffer, from start: Int64, _ range: Range<Int64>, _ total: Int64?) async throws -> State {
        let body = bytes.getSlice(at: bytes.readerIndex + Int(range.lowerBound - start), length: range.count) ?? ByteBuffer()
        let place = range.isEmpty ? "*" : "\(range.lowerBound)-\(range.upperBound - 1)"
        return try await state("bytes \(place)/\(total.map(String.init) ?? "*")", body)
    }

    private func ask(total: Int64?) async throws -> State {
        try await state("bytes */\(total.map(String.init) ?? "*")", ByteBuffer())
    }

    private func state(_ place: String, _ body: ByteBuffer) async throws -> State {
        var request = GCSRequest(
            .PUT, .session(session),
            fields: [NamedValue("content-range", place), NamedValue("content-type", "application/octet-stream")], body: body)
        request.accepted = [Self.goesOn]
        let answer = try await client.sendOnce(request)
        guard answer.status.code == Self.goesOn else { return .whole(try GCSObject.read(GCSObject.self, answer.body)) }
        guard let field = answer.headers.first(name: "range") else { return .kept(0) }
        guard let last = field.split(separator: "-").last.flatMap({ Int64($0) }), last >= 0, last < .max else {
            throw ServiceFailure(.malformed("an upload in an unknown state"))
        }
        return .kept(last + 1)
    }

    /// Frees what the service holds of it. What can't be freed now it forgets within a week.
    func giveUp() async {
        // Not the caller's task: it may be cancelled, which is why the upload ends.
        await Task {
            var request = GCSRequest(.DELETE, .session(session))
            request.accepted = [Self.givenUp]
            do { _ = try await client.sendOnce(request) } catch { return }
        }.value
    }
}
