// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import NIOCore
import WireFormats

extension S3Call {
    /// An upload from a web page: who signed the form's policy puts the object, as the policy says.
    func postObject() async throws -> Response {
        let bucket = try bucket()
        let reader = S3FormReader(boundary: try formBoundary(), body: request.byteStream(context))
        try await reader.readFields()
        let form = S3Form(reader.fields, fileName: reader.fileName)
        let signer = try await signer(of: form)
        let size = try form.checkPolicy(bucket: bucket, isSigned: signer != nil)
        guard let signer else { throw S3Error.accessDenied }
        try await storage.buckets.requireExists(bucket, facts: facts)
        let address = ObjectAddress(bucket: bucket, key: try form.key())
        let headers = form.headers
        try await requireMappableACL(headers, in: bucket)
        let fields = try form.objectFields()
        let checks = try S3BodyChecks(headers, payload: .unsigned)
        let options = UploadOptions(fields, length: nil, condition: .none)
        let record = try await storage.objects.put(
            Upload(body: checks.stream(reader.file(size: size)), options: options), at: address,
            access: .policy(Caller(principal: signer, facts: facts)))
        return answer(form, address, record)
    }

    private func formBoundary() throws -> MultipartBoundary {
        guard let type = request.headers[.contentType], MultipartBoundary.isForm(contentType: type) else {
            throw S3Error(
                .preconditionFailed, "PreconditionFailed", "Bucket POST must be of the enclosure-type multipart/form-data")
        }
        do {
            return try MultipartBoundary(contentType: type)
        } catch {
            throw S3Error(
                .badRequest, "MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.")
        }
    }

    /// Nil for a form that nobody signed.
    private func signer(of form: S3Form) async throws -> Principal? {
        guard let signature = try form.signature() else { return nil }
        let credentials = try await frontend.authentication.credentials(
            of: signature.accessKeyID, sessionToken: form["x-amz-security-token"])
        do {
            try signature.verify(policy: form["policy"] ?? "", secretAccessKey: credentials.secret)
        } catch {
            throw S3Error(error)
        }
        return credentials.principal
    }

    private func answer(_ form: S3Form, _ address: ObjectAddress, _ record: ObjectRecord) -> Response {
        let eTag = record.entityTag(ObjectMetadata(parsing: record.metadata))
        let location = location(address) + (target.rawKey == nil ? "/" : "") + PercentEncoding.encodePath(address.key.rawValue)
        if let page = form.redirect(bucket: address.bucket, key: address.key, eTag: eTag) {
            return Response(status: .seeOther, headers: [.location: page, .eTag: eTag])
        }
        let headers: HTTPFields = [.location: location, .eTag: eTag]
        switch form["success_action_status"] {
        case "200": return Response(status: .ok, headers: headers)
        case "201":
            var xml = XMLWriter()
            xml.element("PostResponse") { xml in
                xml.element("Location", text: location)
                xml.element("Bucket", text: address.bucket.rawValue)
                xml.element("Key", text: address.key.rawValue)
                xml.element("ETag", text: eTag)
            }
            return .xml(xml, status: .created, headers: headers)
        default: return Response(status: .noContent, headers: headers)
        }
    }
}
