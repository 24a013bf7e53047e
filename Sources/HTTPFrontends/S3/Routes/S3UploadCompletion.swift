// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import NIOCore
import WireFormats

extension S3Call {
    /// Makes an object of parts, which takes as long as the disk needs to copy it.
    ///
    /// What is over soon has the status that it deserves. What is not gets the status 200 and white space while it goes on, and then
    /// the document, which may be that of an error: as Amazon S3 documents it for CompleteMultipartUpload, and as clients expect it.
    func completeMultipartUpload() async throws -> Response {
        let session = try await session()
        let completion = try S3Completion(
            try await document(
                "CompleteMultipartUpload", limit: configuration.maxDocumentBytes,
                headers: S3CompletionCheck.ofDocument(request.headers)))
        let plan = S3ChecksumPlan(session.attributes)
        let verification = try S3CompletionCheck(request.headers, plan: plan, named: completion)
        let parts = PartsCompletion(
            parts: completion.parts.map { PartsCompletion.Named(number: $0.number, eTag: $0.eTag) },
            condition: try WriteCondition(request.headers), checksums: { try verification.checksums($0) })
        let work = Heartbeats(every: configuration.completionSilence) { [uploads = storage.uploads, identity] in
            let state = try await uploads.complete(parts, of: session.id, access: identity.access)
            return Completed(state: state, plan: plan, joined: verification.joined)
        }
        for await beat in work.beats {
            switch beat {
            case .ended(let result): return try await answer(try result.get())
            case .goesOn: return try await answer(of: session, when: work)
            }
        }
        throw CancellationError()
    }

    /// An upload that became an object.
    private struct Completed {
        let state: UploadState
        let plan: S3ChecksumPlan?
        /// The checksum of the whole, in the upload's own algorithm, from the call that completed it.
        let joined: String?

        var checksums: S3StoredChecksums {
            var values = state.session.digest.checksums
            if let plan { values = [plan.algorithm.name: joined ?? values[plan.algorithm.name] ?? ""] }
            return S3StoredChecksums(values.filter { !$0.value.isEmpty })
        }
    }

    private func answer(_ completed: Completed) async throws -> Response {
        let session = completed.state.session
        var headers: HTTPFields = [:]
        headers[.amzVersionID] = try await newVersionID(session.id.version, in: session.address.bucket)
        if let record = completed.state.record { headers[.amzExpiration] = try await expiration(of: record) }
        return .xml(document(of: completed), headers: headers)
    }

    /// The answer that begins before there is one. Of its head only the version is known by now.
    private func answer(of session: UploadSession, when work: Heartbeats<Completed>) async throws -> Response {
        var headers: HTTPFields = [.contentType: "application/xml"]
        headers[.amzVersionID] = try await newVersionID(session.id.version, in: session.address.bucket)
        let body = ResponseBody { writer in
            try await writer.write(ByteBuffer(string: XMLWriter.declaration))
            for await beat in work.beats {
                switch beat {
                case .goesOn: try await writer.write(ByteBuffer(string: " "))
                case .ended(let result):
                    try await writer.write(document(of: result).content)
                    return try await writer.finish(nil)
                }
            }
            // Without an end, so that nobody takes it for a document.
            throw CancellationError()
        }
        return Response(status: .ok, headers: headers, body: body)
    }

    private func document(of result: Result<Completed, any Error>) -> XMLWriter {
        switch result {
        case .success(let completed): document(of: completed)
        case .failure(let error): frontend.document(of: S3Error(error), for: request, context.trace)
        }
    }

    private func document(of completed: Completed) -> XMLWriter {
        let session = completed.state.session
        return S3UploadCompleted(
            location: location(session.address), address: session.address, eTag: session.eTag, checksums: completed.checksums
        ).document
    }
}
