// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import NIOCore
import WireFormats

extension S3Call {
    func getBucketACL() async throws -> Response {
        _ = try caller()
        let bucket = try await visibleBucket()
        return .xml(S3AccessControlPolicy(owner: S3Owner(subject: bucket.owner), isPublic: bucket.isPublic).document)
    }

    func getObjectACL() async throws -> Response {
        _ = try caller()
        let (object, _) = try await storage.delivery.describe(try address(), access: identity.access)
        return .xml(
            S3AccessControlPolicy(owner: S3Owner(subject: object.record.ownerID), isPublic: object.bucket.isPublic).document)
    }

    func getBucketPolicy() async throws -> Response {
        _ = try caller()
        let bucket = try await visibleBucket()
        guard bucket.isPublic else { throw Self.noPolicy }
        return Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(string: S3BucketPolicy.document(of: bucket.id))))
    }

    func getBucketPolicyStatus() async throws -> Response {
        _ = try caller()
        let bucket = try await visibleBucket()
        guard bucket.isPublic else { throw Self.noPolicy }
        var xml = XMLWriter(capacity: 256)
        xml.element("PolicyStatus", namespace: XMLWriter.s3Namespace) { $0.element("IsPublic", text: "true") }
        return .xml(xml)
    }

    /// A policy that lets everybody read makes the bucket public; what else may be done is said in the database.
    func putBucketPolicy() async throws -> Response {
        let caller = try caller()
        let bucket = try bucket()
        let json = try await S3Body(request, identity, context).collect(upTo: S3BucketPolicy.maxBytes)
        try S3BucketPolicy.requirePublicRead(json.readableBytesView, of: bucket)
        try await storage.buckets.update(bucket, changes: BucketChanges(isPublic: true), as: caller)
        return Response(status: .noContent)
    }

    func deleteBucketPolicy() async throws -> Response {
        try await storage.buckets.update(try bucket(), changes: BucketChanges(isPublic: false), as: try caller())
        return Response(status: .noContent)
    }

    private static let noPolicy = S3Error(.notFound, "NoSuchBucketPolicy", "The bucket policy does not exist")

    func putBucketACL() async throws -> Response {
        let caller = try caller()
        let isPublic = try await wantedACL()
        try await storage.buckets.update(try bucket(), changes: BucketChanges(isPublic: isPublic), as: caller)
        return Response(status: .ok)
    }

    /// Objects are as public as their bucket: what says so is accepted, and anything else refused.
    func putObjectACL() async throws -> Response {
        _ = try caller()
        let (object, _) = try await storage.delivery.describe(try address(), access: identity.access)
        guard try await !wantedACL() || object.bucket.isPublic else {
            throw S3Error.unsupportedACL("an object to be public in a bucket that is not")
        }
        return Response(status: .ok)
    }

    /// Whether the list in the head of an upload is one that the bucket fulfils.
    func requireMappableACL(in bucket: BucketID) async throws { try await requireMappableACL(request.headers, in: bucket) }

    func requireMappableACL(_ headers: HTTPFields, in bucket: BucketID) async throws {
        guard let list = try S3CannedACL(headers), list.isPublic else { return }
        guard try await storage.buckets.rules(of: bucket, facts: facts).isPublic else {
            throw S3Error.unsupportedACL("an object to be public in a bucket that is not")
        }
    }

    /// Whether all shall be able to read, as the head or the document says.
    private func wantedACL() async throws -> Bool {
        if let list = try S3CannedACL(request.headers) { return list.isPublic }
        return try S3AccessControlPolicy(try await document("AccessControlPolicy")).isPublic
    }
}
