// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import WireFormats

extension S3Call {
    func listBuckets() async throws -> Response {
        let buckets = try await storage.buckets.list(BucketQuery(sortColumn: .id), as: try caller())
        return .xml(try S3BucketList(buckets, query: query, owner: S3Owner(try caller())).document)
    }

    func createBucket() async throws -> Response {
        let caller = try caller()
        let id = try S3BucketName.check(try bucket().rawValue)
        let isPublic = try S3CannedACL(request.headers)?.isPublic ?? false
        try await requireReadableConfiguration()
        do {
            _ = try await storage.buckets.create(Bucket(id: id, name: id.rawValue, isPublic: isPublic), as: caller)
        } catch let error as StorageError where error.code == .bucketExists {
            guard let own = try await takenBucket(id, caller) else { throw error }
            // Amazon's oldest region takes an owner's second request for the first, and clients that make sure of a bucket by making it
            // rely on that.
            guard configuration.region == "us-east-1" else { throw own }
        }
        return Response(status: .ok, headers: [.location: "/\(id.rawValue)"])
    }

    func headBucket() async throws -> Response {
        _ = try await visibleBucket()
        return Response(status: .ok, headers: [.amzBucketRegion: configuration.region])
    }

    func deleteBucket() async throws -> Response {
        try await storage.buckets.delete(try bucket(), as: try caller())
        return Response(status: .noContent)
    }

    /// Who may write in a bucket need not see its row, and clients ask this before anything else.
    func getBucketLocation() async throws -> Response {
        _ = try caller()
        try await storage.buckets.requireExists(try bucket(), facts: facts)
        var xml = XMLWriter(capacity: 256)
        xml.element(
            "LocationConstraint", text: configuration.region == "us-east-1" ? "" : configuration.region,
            namespace: XMLWriter.s3Namespace)
        return .xml(xml)
    }

    /// The bucket as the caller sees it; nobody in particular sees those that are public.
    func visibleBucket() async throws -> Bucket {
        let id = try bucket()
        if case .policy(let caller) = identity.access { return try await storage.buckets.get(id, as: caller) }
        let bucket = try await storage.buckets.rules(of: id, facts: facts)
        guard bucket.isPublic else { throw S3Error.accessDenied }
        return bucket
    }

    /// Where the bucket is to be is read and has no effect: there is one place.
    private func requireReadableConfiguration() async throws {
        guard request.announcedLength != 0 else { return }
        let bytes = try await S3Body(request, identity, context).collect(upTo: configuration.maxDocumentBytes)
        guard bytes.readableBytes > 0 else { return }
        let tree = try XMLTree(parsing: bytes, limits: .init(bytes: configuration.maxDocumentBytes))
        guard tree.name == "CreateBucketConfiguration" else { throw S3Error.malformedXML }
    }

    private func takenBucket(_ id: BucketID, _ caller: Caller) async throws -> S3Error? {
        let bucket = try await storage.buckets.rules(of: id, facts: facts)
        guard bucket.owner == caller.principal.subject else { return nil }
        return S3Error(
            .conflict, "BucketAlreadyOwnedByYou",
            "Your previous request to create the named bucket succeeded and you already own it.")
    }
}

/// The names that S3 lets a new bucket have: those of DNS, so that it may be part of a host name.
enum S3BucketName {
    /// - Throws: `StorageError` with code `.invalidBucketName`.
    static func check(_ name: String) throws(StorageError) -> BucketID {
        let bytes = Array(name.utf8)
        func isAlphanumeric(_ byte: UInt8?) -> Bool {
            guard let byte else { return false }
            return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard (3...63).contains(bytes.count),
            bytes.allSatisfy({ isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }),
            labels.allSatisfy({ isAlphanumeric($0.utf8.first) && isAlphanumeric($0.utf8.last) }),
            !(labels.count == 4 && labels.allSatisfy { UInt8($0) != nil })
        else { throw StorageError(.invalidBucketName, "Bucket name invalid", resource: String(name.prefix(128))) }
        return try BucketID(naming: name)
    }
}
