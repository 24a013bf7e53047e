// SPDX-License-Identifier: Apache-2.0

/// The operations of S3 that are there. Whatever else a request asks for is refused and never taken for one of these.
enum S3Operation: String, Hashable, CaseIterable {
    case listBuckets
    case createBucket, headBucket, deleteBucket
    case listObjects, listObjectsV2, listObjectVersions
    case getBucketLocation
    case getBucketVersioning, putBucketVersioning
    case getBucketTagging, putBucketTagging, deleteBucketTagging
    case getBucketCors, putBucketCors, deleteBucketCors
    case getBucketLifecycle, putBucketLifecycle, deleteBucketLifecycle
    case getBucketPolicy, putBucketPolicy, deleteBucketPolicy, getBucketPolicyStatus
    case getBucketAcl, putBucketAcl
    case deleteObjects, postObject
    case listMultipartUploads

    case getObject, headObject, putObject, copyObject, deleteObject
    case getObjectAcl, putObjectAcl
    case getObjectTagging, putObjectTagging, deleteObjectTagging
    case getObjectAttributes
    case createMultipartUpload, uploadPart, uploadPartCopy, completeMultipartUpload, abortMultipartUpload, listParts

    /// The name that policies compare and metrics carry. Those that Supabase has are its own.
    var name: String {
        switch self {
        case .listBuckets: "storage.s3.bucket.list"
        case .createBucket: "storage.s3.bucket.create"
        case .headBucket: "storage.s3.bucket.head"
        case .deleteBucket: "storage.s3.bucket.delete"
        case .getBucketLocation: "storage.s3.bucket.get_location"
        case .getBucketVersioning: "storage.s3.bucket.get_versioning"
        case .putBucketVersioning: "storage.s3.bucket.put_versioning"
        case .getBucketTagging: "storage.s3.bucket.get_tagging"
        case .putBucketTagging: "storage.s3.bucket.put_tagging"
        case .deleteBucketTagging: "storage.s3.bucket.delete_tagging"
        case .getBucketCors: "storage.s3.bucket.get_cors"
        case .putBucketCors: "storage.s3.bucket.put_cors"
        case .deleteBucketCors: "storage.s3.bucket.delete_cors"
        case .getBucketLifecycle: "storage.s3.bucket.get_lifecycle"
        case .putBucketLifecycle: "storage.s3.bucket.put_lifecycle"
        case .deleteBucketLifecycle: "storage.s3.bucket.delete_lifecycle"
        case .getBucketPolicy: "storage.s3.bucket.get_policy"
        case .putBucketPolicy: "storage.s3.bucket.put_policy"
        case .deleteBucketPolicy: "storage.s3.bucket.delete_policy"
        case .getBucketPolicyStatus: "storage.s3.bucket.get_policy_status"
        case .getBucketAcl: "storage.s3.bucket.get_acl"
        case .putBucketAcl: "storage.s3.bucket.put_acl"
        case .listObjects, .listObjectsV2: "storage.s3.object.list"
        case .listObjectVersions: "storage.s3.object.list_versions"
        case .getObject: "storage.s3.object.get"
        case .headObject: "storage.s3.object.info"
        case .putObject, .postObject: "storage.s3.upload"
        case .copyObject: "storage.s3.object.copy"
        case .deleteObject: "storage.s3.object.delete"
        case .deleteObjects: "storage.s3.object.delete_many"
        case .getObjectAcl: "storage.s3.object.get_acl"
        case .putObjectAcl: "storage.s3.object.put_acl"
        case .getObjectTagging: "storage.s3.object.get_tagging"
        case .putObjectTagging: "storage.s3.object.put_tagging"
        case .deleteObjectTagging: "storage.s3.object.delete_tagging"
        case .getObjectAttributes: "storage.s3.object.get_attributes"
        case .listMultipartUploads: "storage.s3.upload.list_multipart"
        case .createMultipartUpload: "storage.s3.upload.create_multipart"
        case .uploadPart: "storage.s3.upload.part"
        case .uploadPartCopy: "storage.s3.upload.part_copy"
        case .completeMultipartUpload: "storage.s3.upload.complete_multipart"
        case .abortMultipartUpload: "storage.s3.upload.abort_multipart"
        case .listParts: "storage.s3.upload.list_parts"
        }
    }
}
