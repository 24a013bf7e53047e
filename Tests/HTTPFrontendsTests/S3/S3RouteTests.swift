// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaTesting
import Testing
import WireFormats

@testable import HTTPFrontends

/// Which operation a request is.
struct S3RouteTests {
    @Test(
        arguments: [
            ("GET", .service, "", .listBuckets), ("GET", .service, "x-id=ListBuckets&max-buckets=2", .listBuckets),
            ("PUT", .bucket, "", .createBucket), ("HEAD", .bucket, "", .headBucket), ("DELETE", .bucket, "", .deleteBucket),
            ("GET", .bucket, "", .listObjects), ("GET", .bucket, "prefix=&delimiter=%2F&marker=", .listObjects),
            ("GET", .bucket, "list-type=2&metadata=true", .listObjectsV2), ("GET", .bucket, "versions", .listObjectVersions),
            ("GET", .bucket, "location", .getBucketLocation), ("GET", .bucket, "location=", .getBucketLocation),
            ("GET", .bucket, "uploads", .listMultipartUploads), ("POST", .bucket, "delete", .deleteObjects),
            ("POST", .bucket, "", .postObject), ("PUT", .bucket, "versioning", .putBucketVersioning),
            ("DELETE", .bucket, "lifecycle", .deleteBucketLifecycle), ("GET", .bucket, "policyStatus", .getBucketPolicyStatus),
            ("GET", .object, "versionId=null", .getObject), ("GET", .object, "partNumber=1", .getObject),
            ("HEAD", .object, "x-id=HeadObject", .headObject), ("PUT", .object, "x-id=PutObject", .putObject),
            ("PUT", .object, "X-Amz-Signature=0&X-Amz-Date=1", .putObject), ("DELETE", .object, "", .deleteObject),
            ("GET", .object, "response-content-type=a%2Fb", .getObject), ("POST", .object, "uploads", .createMultipartUpload),
            ("POST", .object, "uploads=", .createMultipartUpload), ("PUT", .object, "partNumber=1&uploadId=a", .uploadPart),
            ("POST", .object, "uploadId=a", .completeMultipartUpload), ("DELETE", .object, "uploadId=a", .abortMultipartUpload),
            ("GET", .object, "uploadId=a&max-parts=1", .listParts), ("PUT", .object, "tagging", .putObjectTagging),
            ("GET", .object, "attributes", .getObjectAttributes), ("GET", .object, "acl&versionId=a", .getObjectAcl),
        ] as [(String, S3Route.Resource, String, S3Operation)])
    func anOperationIsKnownByItsMethodAndQuery(
        method: String, resource: S3Route.Resource, query: String, wanted: S3Operation
    ) throws {
        #expect(try operation(method, resource, query) == wanted)
    }

    @Test func aSourceMakesAPutACopy() throws {
        #expect(try operation("PUT", .object, "", copies: true) == .copyObject)
        #expect(try operation("PUT", .object, "partNumber=1&uploadId=a", copies: true) == .uploadPartCopy)
    }

    @Test(
        arguments: [
            ("PUT", .object, "retention"), ("PUT", .object, "legal-hold"), ("PUT", .object, "somethingNew"),
            ("PUT", .object, "somethingNew=1"), ("PUT", .bucket, "object-lock"), ("DELETE", .bucket, "website"),
            ("DELETE", .object, "unknown=x"), ("GET", .object, "torrent"), ("GET", .bucket, "logging"),
            ("GET", .bucket, "somethingNew"), ("POST", .object, "select&select-type=2"), ("POST", .object, "restore"),
            ("PUT", .bucket, "uploads"), ("PUT", .object, "acl&tagging"), ("DELETE", .object, "acl"),
            ("GET", .service, "versions"),
        ] as [(String, S3Route.Resource, String)])
    func whatIsNotThereIsNeverTakenForAnotherOperation(method: String, resource: S3Route.Resource, query: String) throws {
        let error = #expect(throws: S3Error.self) { try operation(method, resource, query) }
        #expect(error?.status == .notImplemented)
    }

    @Test(arguments: [("POST", S3Route.Resource.object), ("PATCH", .object), ("DELETE", .service), ("PATCH", .bucket)])
    func aMethodThatNothingAnswersIsNotAllowed(method: String, resource: S3Route.Resource) throws {
        let error = #expect(throws: S3Error.self) { try operation(method, resource, "") }
        #expect(error?.status == .methodNotAllowed)
    }

    @Test func everyOperationHasANameForPolicies() {
        for operation in S3Operation.allCases { #expect(operation.name.hasPrefix("storage.s3.")) }
    }

    @Test(
        arguments: [
            (.abortMultipartUpload, "upload.abort_multipart"), (.completeMultipartUpload, "upload.complete_multipart"),
            (.createMultipartUpload, "upload.create_multipart"), (.listMultipartUploads, "upload.list_multipart"),
            (.listParts, "upload.list_parts"), (.uploadPart, "upload.part"), (.uploadPartCopy, "upload.part_copy"),
            (.putObject, "upload"), (.postObject, "upload"), (.copyObject, "object.copy"), (.getObject, "object.get"),
            (.listObjects, "object.list"), (.listObjectsV2, "object.list"), (.headObject, "object.info"),
            (.deleteObjects, "object.delete_many"), (.deleteObject, "object.delete"), (.getObjectTagging, "object.get_tagging"),
            (.createBucket, "bucket.create"), (.deleteBucket, "bucket.delete"), (.headBucket, "bucket.head"),
            (.listBuckets, "bucket.list"), (.getBucketLocation, "bucket.get_location"),
            (.getBucketVersioning, "bucket.get_versioning"), (.getBucketLifecycle, "bucket.get_lifecycle"),
            (.putBucketLifecycle, "bucket.put_lifecycle"), (.deleteBucketLifecycle, "bucket.delete_lifecycle"),
        ] as [(S3Operation, String)])
    func policiesThatNameSupabasesOperationsMeanTheseToo(operation: S3Operation, name: String) {
        #expect(operation.name == "storage.s3." + name)
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func aChangingRequestWithAnUnknownNameIsRefused(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let letters = Array("abcdefghijklmnopqrstuvwxyz-=&%2/.")
        let name = "zz" + String((0..<12).compactMap { _ in letters.randomElement(using: &generator) })
        guard let query = try? QueryParameters(parsing: name) else { return }
        for method in [HTTPRequest.Method.put, .delete, .post] {
            #expect(throws: S3Error.self) { try S3Route.operation(method, .object, query: query) }
        }
    }

    private func operation(
        _ method: String, _ resource: S3Route.Resource, _ query: String, copies: Bool = false
    ) throws -> S3Operation {
        try S3Route.operation(
            HTTPRequest.Method(method) ?? .get, resource, query: try QueryParameters(parsing: query), copies: copies)
    }
}
