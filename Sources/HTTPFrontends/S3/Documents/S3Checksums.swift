// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import MediaCore
import WireFormats

/// How the checksum of an object follows from those of its parts.
enum S3ChecksumType: String, Hashable {
    /// The digest of the parts' digests.
    case composite = "COMPOSITE"
    /// The digest of the whole.
    case fullObject = "FULL_OBJECT"
}

/// What a client said, when it began an upload in parts, of the checksum that it will have.
struct S3ChecksumPlan: Hashable {
    let algorithm: ChecksumAlgorithm
    let type: S3ChecksumType

    /// What holds where the client chose nothing.
    static let unchosen = S3ChecksumPlan(.crc64nvme, .fullObject)

    private init(_ algorithm: ChecksumAlgorithm, _ type: S3ChecksumType) {
        self.algorithm = algorithm
        self.type = type
    }

    /// Reads the head of the request that begins the upload. Nil when nothing is said.
    /// - Throws: `S3Error` for an algorithm or a type that is not there, or that don't go together.
    init?(_ headers: HTTPFields) throws(S3Error) {
        let type = try headers[.amzChecksumType].map { text throws(S3Error) in
            guard let type = S3ChecksumType(rawValue: text.uppercased()) else {
                throw .invalidRequest("Value for x-amz-checksum-type header is invalid.")
            }
            return type
        }
        guard let name = headers[.amzChecksumAlgorithm] else {
            guard type == nil else {
                throw .invalidRequest("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
            }
            return nil
        }
        guard let algorithm = ChecksumAlgorithm(name: name), algorithm != .md5 else {
            throw .invalidRequest(
                "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
                    + "[CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
        }
        let chosen = type ?? (algorithm == .crc64nvme ? .fullObject : .composite)
        guard chosen == .composite ? algorithm != .crc64nvme : algorithm.isCombinable else {
            throw .invalidRequest(
                "The \(chosen.rawValue) checksum type cannot be used with the \(name.lowercased()) checksum algorithm.")
        }
        self.algorithm = algorithm
        self.type = chosen
    }

    /// Reads what `attributes` wrote.
    init?(_ attributes: JSONText) {
        // What is written by another dialect is none of these.
        guard let fields = (try? JSONSerialization.jsonObject(with: Data(attributes.rawValue.utf8))) as? [String: Any],
            let algorithm = (fields["checksumAlgorithm"] as? String).flatMap(ChecksumAlgorithm.init(name:)),
            let type = (fields["checksumType"] as? String).flatMap(S3ChecksumType.init(rawValue:))
        else { return nil }
        self.algorithm = algorithm
        self.type = type
    }

    /// What an upload's session keeps of it.
    static func attributes(_ plan: S3ChecksumPlan?) -> JSONText {
        JSONText(
            trusted: JSONWriter.object { writer in
                guard let plan else { return }
                writer.field("checksumAlgorithm", plan.algorithm.name)
                writer.field("checksumType", plan.type.rawValue)
            })
    }

    /// The object's checksum, in base64, from those of its parts.
    /// - Throws: `S3Error` with `InvalidRequest` when a part has none.
    func joined(_ parts: [UploadPart]) throws(S3Error) -> String {
        var values: [ChecksummedPart] = []
        for part in parts {
            guard let value = part.checksums[algorithm.name].flatMap({ ChecksumValue(algorithm, base64: $0) }) else {
                throw .invalidRequest(
                    "The upload was created using a \(algorithm.name.lowercased()) checksum. The complete request must include the "
                        + "checksum for each part. It was missing for part \(part.number.rawValue) in the request.")
            }
            values.append(ChecksummedPart(value: value, byteCount: UInt64(part.size)))
        }
        let joined =
            switch type {
            case .composite: CompositeChecksum(values.map(\.value))?.base64
            case .fullObject: ChecksumValue(joining: values)?.base64
            }
        guard let joined else { throw .malformedXML }
        return joined
    }
}

/// The checksums that are kept of an object, by the names of their algorithms in base64; `…-N` for those of parts' digests.
struct S3StoredChecksums: Hashable {
    let values: [String: String]

    init(_ values: [String: String]) { self.values = values }

    /// The one that answers show: what the client chose, or else what the server computes of everything.
    var shown: (algorithm: ChecksumAlgorithm, value: String, type: S3ChecksumType)? {
        let known = values.compactMap { name, value in ChecksumAlgorithm(name: name).map { ($0, value) } }
        guard let (algorithm, value) = known.first(where: { $0.0 != .crc64nvme }) ?? known.first else { return nil }
        return (algorithm, value, value.contains("-") ? .composite : .fullObject)
    }

    func write(to xml: inout XMLWriter) {
        guard let shown else { return }
        xml.checksum(shown.algorithm, shown.value)
        xml.element("ChecksumType", text: shown.type.rawValue)
    }

    func add(to headers: inout HTTPFields) {
        guard let shown, let name = HTTPField.Name(shown.algorithm.fieldName) else { return }
        headers[name] = shown.value
        headers[.amzChecksumType] = shown.type.rawValue
    }
}

extension XMLWriter {
    mutating func checksum(_ algorithm: ChecksumAlgorithm, _ value: String) {
        switch algorithm {
        case .crc32: element("ChecksumCRC32", text: value)
        case .crc32c: element("ChecksumCRC32C", text: value)
        case .crc64nvme: element("ChecksumCRC64NVME", text: value)
        case .sha1: element("ChecksumSHA1", text: value)
        case .sha256: element("ChecksumSHA256", text: value)
        case .md5: break
        }
    }
}
