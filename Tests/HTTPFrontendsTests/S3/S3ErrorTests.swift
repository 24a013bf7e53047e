// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import NIOCore
import Testing
import WireFormats

@testable import HTTPFrontends

/// Errors as clients of S3 branch on them.
struct S3ErrorTests {
    @Test(
        arguments: [
            (.bucketNotFound, 404, "NoSuchBucket"), (.objectNotFound, 404, "NoSuchKey"), (.bucketNotEmpty, 409, "BucketNotEmpty"),
            (.tooLarge, 400, "EntityTooLarge"), (.preconditionFailed, 412, "PreconditionFailed"),
            (.rangeNotSatisfiable, 416, "InvalidRange"), (.accessDenied, 403, "AccessDenied"), (.overloaded, 503, "SlowDown"),
            (.uploadNotFound, 404, "NoSuchUpload"), (.partTooSmall, 400, "EntityTooSmall"), (.invalidPart, 400, "InvalidPart"),
            (.invalidPartOrder, 400, "InvalidPartOrder"), (.invalidTag, 400, "InvalidTag"), (.internal, 500, "InternalError"),
        ] as [(StorageError.Code, Int, String)])
    func theCoresErrorsHaveAmazonsStatusAndCode(code: StorageError.Code, status: Int, wanted: String) {
        let error = S3Error(StorageError(code, "x", resource: "7"))
        #expect(error.status.code == status)
        #expect(error.code == wanted)
    }

    @Test func noErrorOfTheServersTellsOfItsInsides() {
        struct Secret: Error {}
        for error in [S3Error(StorageError(.internal, "row 5 of the table")), S3Error(Secret() as any Error)] {
            #expect(error.message == "We encountered an internal error. Please try again.")
        }
    }

    @Test func theDocumentNamesTheRequest() throws {
        let error = S3Error(StorageError(.objectNotFound, "x"))
        let tree = try S3DocumentTests.tree(error.document(resource: "/b/<k>", requestID: "r", hostID: "h"))
        #expect(tree.children.map(\.name) == ["Code", "Message", "Resource", "RequestId", "HostId"])
        #expect(tree["Resource"]?.text == "/b/<k>")
        #expect(tree["RequestId"]?.text == "r")
    }

    @Test func theDocumentIsOneForEveryReader() throws {
        let error = S3Error.invalidArgument("prefix", "a\u{0}b\tc\u{FFFF}", "It has \u{1}")
        let text = String(buffer: error.document(resource: "/b/\u{7}", requestID: "r", hostID: "h").buffer)
        for reference in ["&#0;", "&#1;", "&#7;", "&#65535;"] { #expect(!text.contains(reference)) }
        #expect(text.contains("<ArgumentValue>a\u{FFFD}b&#9;c\u{FFFD}</ArgumentValue>"))
    }

    @Test func aRefusalByPolicyNamesRoleAndCommand() throws {
        let refusal = PolicyRefusal(role: "anon", command: .insert, table: "storage.objects")
        let error = S3Error(StorageError(.accessDenied, "no", refusal: refusal))
        let tree = try S3DocumentTests.tree(error.document(resource: "/b", requestID: "r", hostID: "h"))
        #expect(tree["Role"]?.text == "anon")
        #expect(tree["Command"]?.text == "INSERT")
    }

    @Test func anUnsatisfiableRangeTellsTheSize() {
        #expect(S3Error(StorageError(.rangeNotSatisfiable, "x", resource: "12")).headers[.contentRange] == "bytes */12")
    }
}
