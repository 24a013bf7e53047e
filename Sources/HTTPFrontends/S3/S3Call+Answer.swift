// SPDX-License-Identifier: Apache-2.0

import Hummingbird

extension S3Call {
    func answer() async throws -> Response {
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
        default: throw S3Error.notImplemented(operation.rawValue)
        }
    }
}
