// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import WireFormats

extension S3Call {
    func deleteObject() async throws -> Response {
        let address = try address()
        let caller = try caller()
        let version = try versionID()
        try await storage.buckets.requireExists(address.bucket, facts: facts)
        let deletion = ObjectDeletion(key: address.key, version: version, condition: try deletionCondition())
        guard let outcome = try await delete(deletion, in: address.bucket, as: caller) else {
            var headers: HTTPFields = [:]
            headers[.amzVersionID] = version?.description
            return Response(status: .noContent, headers: headers)
        }
        var headers: HTTPFields = [:]
        headers[.amzVersionID] = (outcome.marker ?? outcome.removed)?.description
        if outcome.marker != nil || outcome.removedMarker { headers[.amzDeleteMarker] = "true" }
        return Response(status: .noContent, headers: headers)
    }

    func deleteObjects() async throws -> Response {
        let bucket = try bucket()
        let caller = try caller()
        let deletion = try S3DeletionRequest(try await document("Delete", limit: configuration.maxDocumentBytes))
        try await storage.buckets.requireExists(bucket, facts: facts)
        // What can't be a key is told of in its place, and the others are deleted together.
        let named = deletion.objects.map { object in Result { try Self.key(object.key) } }
        let valid = zip(deletion.objects, named).compactMap { object, key in
            // The others are told of below.
            (try? key.get()).map { key in
                ObjectDeletion(key: key, version: object.versionID.map { VersionID($0) }, condition: object.condition)
            }
        }
        var outcomes = try await storage.objects.delete(valid, in: bucket, as: caller).makeIterator()
        let items = zip(deletion.objects, named).map { object, key -> S3DeletionResult.Item in
            do {
                _ = try key.get()
                let outcome = try outcomes.next()?.get()
                return .deleted(key: object.key, versionID: object.versionID, outcome)
            } catch {
                return .failed(key: object.key, versionID: object.versionID, S3Error(error))
            }
        }
        return .xml(S3DeletionResult(items: items, isQuiet: deletion.isQuiet).document)
    }

    /// Nil when there was nothing to delete: gone is gone, unless a condition says that there be something.
    private func delete(_ deletion: ObjectDeletion, in bucket: BucketID, as caller: Caller) async throws -> DeletionOutcome? {
        do {
            return try await storage.objects.delete(deletion, in: bucket, as: caller)
        } catch let error as StorageError where error.code == .objectNotFound && deletion.condition == .none {
            return nil
        }
    }

    private func deletionCondition() throws(S3Error) -> WriteCondition {
        let headers = request.headers
        var match = headers[.ifMatch].map { ObjectMatch(field: $0) }
        if let text = headers[.amzIfMatchSize] {
            guard let size = Int64(text) else { throw .invalidArgument("x-amz-if-match-size", text, "It must be a number") }
            match = match ?? .anything
            match?.size = size
        }
        if let text = headers[.amzIfMatchLastModified] {
            guard let time = Timestamp(httpDate: text) ?? Timestamp(iso8601: text) else {
                throw .invalidArgument("x-amz-if-match-last-modified-time", text, "It must be a date")
            }
            match = match ?? .anything
            match?.lastModified = time
        }
        return match.map { .ifMatch($0) } ?? .none
    }
}

extension HTTPField.Name {
    fileprivate static let amzIfMatchSize = known("x-amz-if-match-size")
    fileprivate static let amzIfMatchLastModified = known("x-amz-if-match-last-modified-time")
}

extension S3DeletionRequest.Object {
    fileprivate var condition: WriteCondition {
        guard eTag != nil || size != nil || lastModified != nil else { return .none }
        var match = eTag.map { ObjectMatch(field: $0) } ?? .anything
        match.size = size
        match.lastModified = lastModified
        return .ifMatch(match)
    }
}
