// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import WireFormats

/// Which operation a request is, decided by its method, by whether it names a bucket and a key, by the names in its query and
/// by whether it names a source to copy.
///
/// What a query asks for and is not there is `501 NotImplemented`: `PUT /bucket/key?retention` must not be taken for a
/// `PutObject` that replaces the object with its retention.
enum S3Route {
    /// What a request is about.
    enum Resource: Hashable { case service, bucket, object }

    /// - Throws: `S3Error.notImplemented` for a sub-resource that is not there, `.methodNotAllowed`.
    static func operation(
        _ method: HTTPRequest.Method, _ resource: Resource, query: QueryParameters, copies: Bool = false
    ) throws(S3Error) -> S3Operation {
        guard method != .options else {
            throw S3Error(.badRequest, "BadRequest", "Insufficient information. Origin request header needed.")
        }
        let names = Set(query.all.map(\.name))
        let found = names.intersection(subresources)
        try requireKnown(query, method, resource, found)
        switch resource {
        case .service:
            guard found.isEmpty else { throw .notImplemented(found.sorted().joined(separator: ", ")) }
            guard method == .get else { throw .methodNotAllowed }
            return .listBuckets
        case .bucket: return try bucketOperation(method, found, isV2: query["list-type"] == "2")
        case .object: return try objectOperation(method, found, copies: copies)
        }
    }

    private static func bucketOperation(
        _ method: HTTPRequest.Method, _ found: Set<String>, isV2: Bool
    ) throws(S3Error) -> S3Operation {
        guard let subresource = found.first else {
            switch method {
            case .get: return isV2 ? .listObjectsV2 : .listObjects
            case .head: return .headBucket
            case .put: return .createBucket
            case .delete: return .deleteBucket
            case .post: return .postObject
            default: throw .methodNotAllowed
            }
        }
        guard found.count == 1, let operation = bucketTable[subresource]?[method] else {
            throw .notImplemented(found.sorted().joined(separator: ", "))
        }
        return operation
    }

    private static func objectOperation(
        _ method: HTTPRequest.Method, _ found: Set<String>, copies: Bool
    ) throws(S3Error) -> S3Operation {
        switch (method, found.sorted()) {
        case (.get, []): return .getObject
        case (.head, []): return .headObject
        case (.put, []): return copies ? .copyObject : .putObject
        case (.delete, []): return .deleteObject
        case (_, []): throw .methodNotAllowed
        case (.put, ["uploadId"]): return copies ? .uploadPartCopy : .uploadPart
        case (let method, let names):
            guard names.count == 1, let operation = objectTable[names[0]]?[method] else {
                throw .notImplemented(names.joined(separator: ", "))
            }
            return operation
        }
    }

    private typealias Table = [String: [HTTPRequest.Method: S3Operation]]

    private static let bucketTable: Table = [
        "acl": [.get: .getBucketAcl, .put: .putBucketAcl],
        "cors": [.get: .getBucketCors, .put: .putBucketCors, .delete: .deleteBucketCors],
        "delete": [.post: .deleteObjects],
        "lifecycle": [.get: .getBucketLifecycle, .put: .putBucketLifecycle, .delete: .deleteBucketLifecycle],
        "location": [.get: .getBucketLocation],
        "policy": [.get: .getBucketPolicy, .put: .putBucketPolicy, .delete: .deleteBucketPolicy],
        "policyStatus": [.get: .getBucketPolicyStatus],
        "tagging": [.get: .getBucketTagging, .put: .putBucketTagging, .delete: .deleteBucketTagging],
        "uploads": [.get: .listMultipartUploads],
        "versioning": [.get: .getBucketVersioning, .put: .putBucketVersioning],
        "versions": [.get: .listObjectVersions],
    ]

    private static let objectTable: Table = [
        "acl": [.get: .getObjectAcl, .put: .putObjectAcl],
        "attributes": [.get: .getObjectAttributes],
        "tagging": [.get: .getObjectTagging, .put: .putObjectTagging, .delete: .deleteObjectTagging],
        "uploadId": [.get: .listParts, .post: .completeMultipartUpload, .delete: .abortMultipartUpload],
        "uploads": [.post: .createMultipartUpload],
    ]

    /// The names that turn a request into another operation, those of operations that are not there included.
    private static let subresources = Set(bucketTable.keys).union(objectTable.keys).union([
        "abac", "accelerate", "analytics", "append", "encryption", "intelligent-tiering", "inventory", "legal-hold", "logging",
        "metadataConfiguration", "metadataTable", "metrics", "notification", "object-lock", "ownershipControls",
        "publicAccessBlock", "rename", "renameObject", "renamePart", "replication", "requestPayment", "restore", "retention",
        "select", "session", "torrent", "website",
    ])

    /// What a query may hold besides.
    private static let parameters: Set<String> = [
        "x-id", "list-type", "prefix", "delimiter", "marker", "max-keys", "encoding-type", "continuation-token", "start-after",
        "fetch-owner", "key-marker", "version-id-marker", "versionId", "max-uploads", "upload-id-marker", "max-parts",
        "part-number-marker", "partNumber", "max-buckets", "bucket-region", "AWSAccessKeyId", "Signature", "Expires",
    ]

    /// A name without a value asks for a sub-resource. Changing requests may not have any name that is not known.
    private static func requireKnown(
        _ query: QueryParameters, _ method: HTTPRequest.Method, _ resource: Resource, _ found: Set<String>
    ) throws(S3Error) {
        let isRead = method == .get || method == .head
        for parameter in query.all where !found.contains(parameter.name) && !parameters.contains(parameter.name) {
            let name = parameter.name.lowercased()
            guard !name.hasPrefix("x-amz-"), !name.hasPrefix("response-") else { continue }
            guard isRead, !parameter.value.isEmpty else { throw .notImplemented(String(parameter.name.prefix(64))) }
        }
    }
}
