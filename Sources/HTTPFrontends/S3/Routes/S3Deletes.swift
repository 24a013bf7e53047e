// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import WireFormats

extension S3Call {
    func deleteObjects() async throws -> Response {
        let bucket = try bucket()
        let caller = try caller()
        let deletion = try S3DeletionRequest(try await document("Delete"))
        try await storage.buckets.requireExists(bucket, facts: facts)
        var items: [S3DeletionResult.Item] = []
        for object in deletion.objects { items.append(await delete(object, in: bucket, as: caller)) }
        return .xml(S3DeletionResult(items: items, isQuiet: deletion.isQuiet).document)
    }

    private func delete(_ object: S3DeletionRequest.Object, in bucket: BucketID, as caller: Caller) async
        -> S3DeletionResult.Item
    {
        do {
            try await storage.objects.delete(ObjectAddress(bucket: bucket, key: try Self.key(object.key)), as: caller)
        } catch let error as StorageError where error.code == .objectNotFound {
            // Gone is gone.
        } catch {
            return .failed(key: object.key, versionID: object.versionID, S3Error(error))
        }
        return .deleted(key: object.key, versionID: object.versionID, marker: nil)
    }
}
