// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import MediaCore

extension S3Call {
    /// The answer, or the refusal of a bucket that is there and that the caller does not see or may not change.
    ///
    /// As on Amazon S3, whether a bucket is there is no secret: clients ask before anything else, and lists of a bucket whose row no
    /// policy shows are useful. What is in it is one.
    func answer() async throws -> Response {
        do {
            return try await perform()
        } catch let error as StorageError where error.code == .bucketNotFound {
            guard let name = error.resource else { throw error }
            try await storage.buckets.requireExists(BucketID(stored: name), facts: facts)
            var refusal = S3Error.accessDenied
            refusal.cause = error
            throw refusal
        }
    }

    private func perform() async throws -> Response {
        switch operation {
        case .listBuckets: try await listBuckets()
        case .createBucket: try await createBucket()
        case .headBucket: try await headBucket()
        case .deleteBucket: try await deleteBucket()
        case .getBucketLocation: try await getBucketLocation()
        case .getBucketAcl: try await getBucketACL()
        case .putBucketAcl: try await putBucketACL()
        case .listObjects: try await listObjects(isV2: false)
        case .listObjectsV2: try await listObjects(isV2: true)
        case .deleteObjects: try await deleteObjects()
        case .getObject: try await getObject()
        case .headObject: try await headObject()
        case .putObject: try await putObject()
        case .copyObject: try await copyObject()
        case .deleteObject: try await deleteObject()
        case .getObjectAcl: try await getObjectACL()
        case .putObjectAcl: try await putObjectACL()
        case .createMultipartUpload: try await createMultipartUpload()
        case .uploadPart: try await uploadPart()
        case .uploadPartCopy: try await uploadPartCopy()
        case .completeMultipartUpload: try await completeMultipartUpload()
        case .abortMultipartUpload: try await abortMultipartUpload()
        case .listParts: try await listParts()
        case .listMultipartUploads: try await listMultipartUploads()
        case .postObject: try await postObject()
        case .getBucketPolicy: try await getBucketPolicy()
        case .putBucketPolicy: try await putBucketPolicy()
        case .deleteBucketPolicy: try await deleteBucketPolicy()
        case .getBucketPolicyStatus: try await getBucketPolicyStatus()
        case .listObjectVersions: try await listObjectVersions()
        case .getBucketVersioning: try await getBucketVersioning()
        case .putBucketVersioning: try await putBucketVersioning()
        case .getBucketTagging: try await getBucketTagging()
        case .putBucketTagging: try await putBucketTagging()
        case .deleteBucketTagging: try await deleteBucketTagging()
        case .getBucketCors: try await getBucketCORS()
        case .putBucketCors: try await putBucketCORS()
        case .deleteBucketCors: try await deleteBucketCORS()
        case .getBucketLifecycle: try await getBucketLifecycle()
        case .putBucketLifecycle: try await putBucketLifecycle()
        case .deleteBucketLifecycle: try await deleteBucketLifecycle()
        case .getObjectTagging: try await getObjectTagging()
        case .putObjectTagging: try await putObjectTagging()
        case .deleteObjectTagging: try await deleteObjectTagging()
        case .getObjectAttributes: try await getObjectAttributes()
        }
    }
}
