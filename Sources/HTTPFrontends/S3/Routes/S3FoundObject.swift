// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore

/// The object, or the version of it, that a request names.
struct S3FoundObject {
    let object: ReadableObject
    let details: ObjectMetadata
    /// What the answer calls the version. Nil where nobody asked and the bucket gave it no id.
    let versionID: VersionID?

    var representation: S3Representation { S3Representation(record: object.record, details: details) }
}

extension S3Call {
    /// - Throws: `S3Error` for a delete marker, with the fields that say so, and `NoSuchVersion`; what `Delivery` throws.
    func found() async throws -> S3FoundObject { try await found(try address(), version: try versionID()) }

    func found(_ address: ObjectAddress, version: VersionID?) async throws -> S3FoundObject {
        guard let version else {
            do {
                let (object, details) = try await storage.delivery.describe(address, access: identity.access)
                return S3FoundObject(object: object, details: details, versionID: object.isVersioned ? object.versionID : nil)
            } catch let error as StorageError where error.code == .objectNotFound {
                throw try await missing(address, error)
            }
        }
        switch try await find(version, at: address) {
        case .object(let object, let id):
            return S3FoundObject(object: object, details: ObjectMetadata(parsing: object.record.metadata), versionID: id)
        case .deleteMarker(let id, let createdAt):
            var error = S3Error.methodNotAllowed
            error.headers = Self.markerFields(id)
            error.headers[.lastModified] = createdAt?.httpDate
            error.headers[.allow] = "DELETE"
            throw error
        }
    }

    private func find(_ version: VersionID, at address: ObjectAddress) async throws -> FoundVersion {
        do {
            return try await storage.delivery.find(version, at: address, access: identity.access)
        } catch let error as StorageError where error.code == .objectNotFound {
            throw S3Error.noSuchVersion
        }
    }

    /// What to say of a key without an object: there may be a delete marker.
    func missing(_ address: ObjectAddress, _ error: StorageError) async throws -> S3Error {
        var result = S3Error(error)
        guard case .policy = identity.access else { return result }
        guard try await storage.buckets.settings(of: address.bucket, facts: facts).versioning != .off else { return result }
        do {
            if case .deleteMarker(let id, _) = try await storage.delivery.find(nil, at: address, access: identity.access) {
                result.headers = Self.markerFields(id)
            }
        } catch let error as StorageError where error.code == .objectNotFound {
            // There is nothing at all.
        }
        return result
    }

    private static func markerFields(_ id: VersionID) -> HTTPFields {
        [.amzDeleteMarker: "true", .amzVersionID: id.description]
    }
}

extension S3Call {
    func getObjectAttributes() async throws -> Response {
        _ = try caller()
        let found = try await found()
        var headers: HTTPFields = [:]
        headers.add(found)
        headers[.lastModified] = found.representation.lastModified?.httpDate
        var attributes = try S3ObjectAttributes(found, headers: request.headers)
        if attributes.names.contains(.parts) {
            attributes.partChecksums = try await storage.objects.partChecksums(of: found.object)
        }
        return .xml(attributes.document, headers: headers)
    }
}

extension HTTPFields {
    /// The version that an answer is about.
    mutating func add(_ found: S3FoundObject) { self[.amzVersionID] = found.versionID?.description }
}
