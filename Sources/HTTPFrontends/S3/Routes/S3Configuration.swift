// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore

// MARK: - Versioning

extension S3Call {
    func getBucketVersioning() async throws -> Response {
        .xml(S3Versioning(try await settings().versioning).document)
    }

    func putBucketVersioning() async throws -> Response {
        let wanted = try S3Versioning(try await document("VersioningConfiguration"))
        try await change(BucketSettingsChanges(versioning: wanted.versioning))
        return Response(status: .ok)
    }
}

// MARK: - Tags

extension S3Call {
    func getBucketTagging() async throws -> Response {
        let tags = try await settings().tags
        guard !tags.isEmpty else { throw S3Error(.notFound, "NoSuchTagSet", "The TagSet does not exist") }
        return .xml(S3Tagging(tags).document)
    }

    func putBucketTagging() async throws -> Response {
        try await change(BucketSettingsChanges(tags: try S3Tagging(try await document("Tagging"), limit: .bucket).tags))
        return Response(status: .noContent)
    }

    func deleteBucketTagging() async throws -> Response {
        try await change(BucketSettingsChanges(tags: .empty))
        return Response(status: .noContent)
    }

    func getObjectTagging() async throws -> Response {
        _ = try caller()
        let found = try await found()
        var headers: HTTPFields = [:]
        headers.add(found)
        return .xml(S3Tagging(found.details.tags).document, headers: headers)
    }

    func putObjectTagging() async throws -> Response {
        try await replaceTags(try S3Tagging(try await document("Tagging"), limit: .object).tags, status: .ok)
    }

    func deleteObjectTagging() async throws -> Response { try await replaceTags(.empty, status: .noContent) }

    private func replaceTags(_ tags: TagSet, status: HTTPResponse.Status) async throws -> Response {
        let address = try address()
        let version = try versionID()
        do {
            let id = try await storage.objects.replaceTags(tags, of: address, version: version, as: try caller())
            var headers: HTTPFields = [:]
            if version != nil || id != .null { headers[.amzVersionID] = id.description }
            return Response(status: status, headers: headers)
        } catch let error as StorageError where error.code == .objectNotFound && version != nil {
            throw S3Error.noSuchVersion
        }
    }
}

// MARK: - Pages of other origins

extension S3Call {
    func getBucketCORS() async throws -> Response {
        guard let rules = try await settings().cors else {
            throw S3Error(.notFound, "NoSuchCORSConfiguration", "The CORS configuration does not exist")
        }
        return .xml(S3CORSConfiguration(rules).document)
    }

    func putBucketCORS() async throws -> Response {
        let rules = try S3CORSConfiguration(try await document("CORSConfiguration")).rules
        try await change(BucketSettingsChanges(cors: .some(rules)))
        return Response(status: .ok)
    }

    func deleteBucketCORS() async throws -> Response {
        try await change(BucketSettingsChanges(cors: .some(nil)))
        return Response(status: .noContent)
    }
}

// MARK: - What goes with time

extension S3Call {
    func getBucketLifecycle() async throws -> Response {
        guard let rules = try await settings().lifecycle else {
            throw S3Error(.notFound, "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist")
        }
        return .xml(S3Lifecycle(rules).document)
    }

    func putBucketLifecycle() async throws -> Response {
        // A thousand rules.
        let rules = try S3Lifecycle(try await document("LifecycleConfiguration", limit: 8 * Self.maxSettingsBytes)).rules
        try await change(BucketSettingsChanges(lifecycle: .some(rules)))
        return Response(status: .ok)
    }

    func deleteBucketLifecycle() async throws -> Response {
        try await change(BucketSettingsChanges(lifecycle: .some(nil)))
        return Response(status: .noContent)
    }
}

extension S3Call {
    private func settings() async throws -> BucketSettings {
        try await storage.buckets.settings(of: try bucket(), as: try caller())
    }

    private func change(_ changes: BucketSettingsChanges) async throws {
        try await storage.buckets.changeSettings(of: try bucket(), changes, as: try caller())
    }
}
