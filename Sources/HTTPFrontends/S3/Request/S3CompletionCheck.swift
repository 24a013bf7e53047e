// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import Synchronization
import WireFormats

/// What a request that completes an upload in parts says of the object and of its parts, and what comes out.
final class S3CompletionCheck: Sendable {
    private let plan: S3ChecksumPlan?
    private let named: [PartNumber: [ChecksumValue]]
    /// The checksum of the whole, as the head has it: with the count of parts where it is one of digests.
    private let expected: String?
    /// In bytes.
    private let size: Int64?
    private let result = Mutex<String?>(nil)

    /// - Throws: `S3Error` for a checksum that the upload was not begun with.
    init(_ headers: HTTPFields, plan: S3ChecksumPlan?, named: S3Completion) throws(S3Error) {
        self.plan = plan
        self.named = Dictionary(named.parts.map { ($0.number, $0.checksums) }) { first, _ in first }
        let own = plan ?? .unchosen
        if let text = headers[.amzChecksumType], text.uppercased() != own.type.rawValue {
            throw .invalidRequest("The upload was begun with the checksum type \(own.type.rawValue).")
        }
        let sent = ChecksumAlgorithm.allCases.filter { $0 != .md5 }.compactMap { algorithm in
            HTTPField.Name(algorithm.fieldName).flatMap { headers[$0] }.map { (algorithm, $0) }
        }
        guard sent.allSatisfy({ $0.0 == own.algorithm }) else {
            throw .invalidRequest("The upload was begun with the checksum algorithm \(own.algorithm.name.lowercased()).")
        }
        expected = sent.first?.1
        size = try headers[.amzObjectSize].map { text throws(S3Error) in
            guard let size = Int64(text), size >= 0 else {
                throw .invalidRequest("Value for x-amz-mp-object-size header is invalid.")
            }
            return size
        }
    }

    /// The head of the request, as far as it is about the document and not about the object.
    static func ofDocument(_ headers: HTTPFields) -> HTTPFields {
        var rest = headers
        for algorithm in ChecksumAlgorithm.allCases {
            if let name = HTTPField.Name(algorithm.fieldName) { rest[name] = nil }
        }
        return rest
    }

    /// The object's checksum, once it was asked for.
    var joined: String? { result.withLock { $0 } }

    /// The checksums to be kept of the object. - Throws: `S3Error`.
    func checksums(_ parts: [UploadPart]) throws -> [String: String] {
        for part in parts {
            for value in named[part.number] ?? [] where part.checksums[value.algorithm.name].map({ $0 != value.base64 }) ?? false
            {
                throw S3Error(StorageError(.invalidPart, "The checksum of part \(part.number.rawValue) is another"))
            }
        }
        if let size, size != parts.reduce(0, { $0 + $1.size }) {
            throw S3Error.invalidRequest("The provided 'x-amz-mp-object-size' header does not match what was uploaded.")
        }
        guard plan != nil || expected != nil else { return [:] }
        let own = plan ?? .unchosen
        let joined = try own.joined(parts)
        if let expected, expected != joined, expected + "-\(parts.count)" != joined {
            throw S3Error.badDigest(own.algorithm.name)
        }
        guard plan != nil else { return [:] }
        result.withLock { $0 = joined }
        return [own.algorithm.name: joined]
    }
}

extension HTTPField.Name {
    fileprivate static let amzObjectSize = known("x-amz-mp-object-size")
}
