// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Synchronization
import WireFormats

/// What the head of a request promises of its body, and what the body turned out to be.
final class S3BodyChecks: Sendable {
    /// Digests that the head names. All must be the body's.
    let expected: [ChecksumValue]
    /// `x-amz-content-sha256`, when it is a digest.
    let payload: ChecksumValue?
    /// The checksum that will come behind the body.
    let trailing: ChecksumAlgorithm?
    /// What is to be computed although nobody promised it.
    let wanted: ChecksumAlgorithm?
    private let state = Mutex(State())

    private struct State {
        /// The checksum that the client chose.
        var chosen: ChecksumValue?
        var computed: [ChecksumAlgorithm: ChecksumValue] = [:]
    }

    /// - Throws: `S3Error` for a digest that is none, more than one checksum, or one that is not what was announced.
    init(_ headers: HTTPFields, payload: PayloadHash, computing wanted: ChecksumAlgorithm? = nil) throws(S3Error) {
        self.wanted = wanted
        if case .digest(let value) = payload { self.payload = value } else { self.payload = nil }
        var expected: [ChecksumValue] = []
        if let text = headers[.contentMD5] {
            guard let value = ChecksumValue(.md5, base64: text) else { throw .invalidDigest }
            expected.append(value)
        }
        let checksums = try Self.checksums(headers)
        trailing = try Self.trailing(headers)
        guard checksums.count + (trailing == nil ? 0 : 1) <= 1 else {
            throw .invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
        }
        try Self.requireAnnounced(headers, checksums.first?.algorithm ?? trailing)
        self.expected = expected + checksums
    }

    /// For bytes of which nothing is promised.
    init(computing wanted: ChecksumAlgorithm?) {
        self.wanted = wanted
        expected = []
        payload = nil
        trailing = nil
    }

    /// The checksum that the client chose, or that was wanted, after the body was read.
    var checksum: ChecksumValue? { state.withLock { state in state.chosen ?? wanted.flatMap { state.computed[$0] } } }

    /// That checksum in base64 by the name of its algorithm.
    var values: [String: String] { checksum.map { [$0.algorithm.name: $0.base64] } ?? [:] }

    /// What has to be computed of the body.
    var algorithms: Set<ChecksumAlgorithm> {
        Set(expected.map(\.algorithm) + [payload?.algorithm, trailing, wanted].compactMap(\.self))
    }

    /// Compares what came with what was promised.
    func verify(_ computed: [ChecksumAlgorithm: ChecksumValue], trailer: [NamedValue]) throws(S3Error) {
        state.withLock { $0.computed = computed }
        if let payload, computed[.sha256] != payload {
            throw S3Error(
                .badRequest, "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.")
        }
        for value in expected {
            guard computed[value.algorithm] == value else {
                throw .badDigest(value.algorithm == .md5 ? "Content-MD5" : value.algorithm.name)
            }
            if value.algorithm != .md5 { state.withLock { $0.chosen = value } }
        }
        guard let trailing, let text = trailer.first(where: { $0.name == trailing.fieldName })?.value else { return }
        guard let value = ChecksumValue(trailing, base64: text) else {
            throw .invalidRequest("Value for \(trailing.fieldName) trailing header is invalid.")
        }
        guard computed[trailing] == value else { throw .badDigest(trailing.name) }
        state.withLock { $0.chosen = value }
    }

    private static func checksums(_ headers: HTTPFields) throws(S3Error) -> [ChecksumValue] {
        var values: [ChecksumValue] = []
        for field in headers where field.name.canonicalName.hasPrefix("x-amz-checksum-") {
            guard ![.amzChecksumType, .amzChecksumAlgorithm, .amzChecksumMode].contains(field.name) else { continue }
            guard let algorithm = ChecksumAlgorithm(fieldName: field.name.canonicalName) else {
                throw .notImplemented(field.name.canonicalName)
            }
            guard let value = ChecksumValue(algorithm, base64: field.value) else {
                throw .invalidRequest("Value for \(field.name.canonicalName) header is invalid.")
            }
            values.append(value)
        }
        return values
    }

    private static func trailing(_ headers: HTTPFields) throws(S3Error) -> ChecksumAlgorithm? {
        let names = S3Fields.list(headers[.amzTrailer]).filter { $0.hasPrefix("x-amz-checksum-") }
        guard let name = names.first else { return nil }
        guard names.count == 1, let algorithm = ChecksumAlgorithm(fieldName: name) else {
            throw .invalidRequest("The value specified in the x-amz-trailer header is not supported")
        }
        return algorithm
    }

    private static func requireAnnounced(_ headers: HTTPFields, _ sent: ChecksumAlgorithm?) throws(S3Error) {
        guard let name = headers[.amzSDKChecksumAlgorithm] else { return }
        guard let algorithm = ChecksumAlgorithm(name: name), algorithm != .md5 else {
            throw .invalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.")
        }
        guard sent == nil || sent == algorithm else {
            throw .invalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.")
        }
    }
}

/// Reading field values.
enum S3Fields {
    /// The members of a comma-separated list, in lower case and without blanks.
    static func list(_ value: String?) -> [String] {
        (value ?? "").split(separator: ",").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }.filter { !$0.isEmpty }
    }
}
