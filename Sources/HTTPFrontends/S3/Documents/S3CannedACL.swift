// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import WireFormats

/// The canned access control lists that mean something here: who may read is decided by the database's policies, and by
/// whether the bucket is public.
enum S3CannedACL: String, Hashable {
    case isPrivate = "private"
    case publicRead = "public-read"
    case bucketOwnerRead = "bucket-owner-read"
    case bucketOwnerFullControl = "bucket-owner-full-control"

    var isPublic: Bool { self == .publicRead }

    /// Nil when the head names none.
    /// - Throws: `S3Error` with `AccessControlListNotSupported` for grants and for lists that nothing here corresponds to.
    init?(_ headers: HTTPFields) throws(S3Error) {
        for field in headers where field.name.canonicalName.hasPrefix("x-amz-grant-") {
            throw .unsupportedACL(field.name.canonicalName)
        }
        guard let text = headers[.amzACL] else { return nil }
        try self.init(name: text)
    }

    init(name: String) throws(S3Error) {
        guard let known = S3CannedACL(rawValue: name.lowercased()) else {
            if ["public-read-write", "authenticated-read", "aws-exec-read", "log-delivery-write"].contains(name) {
                throw .unsupportedACL(name)
            }
            throw .invalidArgument("x-amz-acl", name, "The canned ACL is unknown")
        }
        self = known
    }
}

/// `AccessControlPolicy`: what the answer to `?acl` looks like. The owner may do everything, and all may read what is public.
struct S3AccessControlPolicy {
    static let everybody = "http://acs.amazonaws.com/groups/global/AllUsers"

    let owner: S3Owner
    let isPublic: Bool

    init(owner: S3Owner, isPublic: Bool) {
        self.owner = owner
        self.isPublic = isPublic
    }

    var document: XMLWriter {
        var xml = XMLWriter()
        xml.element("AccessControlPolicy", namespace: XMLWriter.s3Namespace) { xml in
            owner.write(to: &xml)
            xml.element("AccessControlList") { xml in
                grant("FULL_CONTROL", type: "CanonicalUser", to: &xml) { xml in
                    xml.element("ID", text: owner.id)
                    xml.element("DisplayName", text: owner.id)
                }
                if isPublic {
                    grant("READ", type: "Group", to: &xml) { $0.element("URI", text: Self.everybody) }
                }
            }
        }
        return xml
    }

    private func grant(
        _ permission: String, type: String, to xml: inout XMLWriter, grantee: (inout XMLWriter) -> Void
    ) {
        xml.element("Grant") { xml in
            xml.element(
                "Grantee", attributes: ["xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance", "xsi:type": type],
                content: grantee)
            xml.element("Permission", text: permission)
        }
    }

    /// Reads what a client wants to be so.
    /// - Throws: `S3Error` for a document that is none, and for grants that nothing here corresponds to.
    init(_ tree: XMLTree) throws(S3Error) {
        guard tree.name == "AccessControlPolicy", let list = tree["AccessControlList"], let owner = tree["Owner"]?["ID"]?.text
        else {
            throw .malformedXML
        }
        var isPublic = false
        for grant in list.all("Grant") {
            guard let grantee = grant["Grantee"], let permission = grant["Permission"]?.text else { throw .malformedXML }
            switch (grantee["URI"]?.text, grantee["ID"]?.text, permission) {
            case (Self.everybody, nil, "READ"): isPublic = true
            case (nil, owner, "FULL_CONTROL"): break
            default: throw .unsupportedACL(permission)
            }
        }
        self.init(owner: S3Owner(subject: owner), isPublic: isPublic)
    }
}
