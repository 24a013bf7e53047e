// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import MediaCore
import NIOCore

/// Watermarks. Their pictures come as they are, not in a form.
extension PixaultAPICall {
    func watermarks(of project: BucketID, as caller: Caller) async throws -> Response {
        let watermarks = try await storage.buckets.imageSettings(of: project, as: caller).watermarks
        var writer = JSONWriter()
        writer.array(watermarks.values.sorted { $0.id < $1.id }) { writer, picture in picture.write(to: &writer) }
        return Self.json(writer.text)
    }

    func putWatermark(_ id: String, in project: BucketID, as caller: Caller) async throws -> Response {
        try await storage.projects.admitUpload(by: caller.principal)
        let limit = frontend.configuration.maxWatermarkBytes
        let body: ByteBuffer
        do {
            body = try await request.collect(upTo: limit, context)
        } catch let error as StorageError where error.code == .tooLarge {
            throw PixaultProblem(.contentTooLarge, "A watermark can't have more than \(limit) bytes", cause: error)
        }
        let (picture, isNew) = try await storage.buckets.putWatermark(id, body: body, in: project, as: caller)
        var writer = JSONWriter()
        picture.write(to: &writer)
        return Self.json(writer.text, status: isNew ? .created : .ok)
    }

    func deleteWatermark(_ id: String, in project: BucketID, as caller: Caller) async throws -> Response {
        guard try await storage.buckets.deleteWatermark(id, in: project, as: caller) else {
            throw PixaultProblem(.notFound, "The project \(project) has no watermark \(id.prefix(64))")
        }
        return Self.done
    }
}

extension WatermarkPicture {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("id", id)
            writer.field("sizeBytes", Int64(size))
            writer.field("contentType", mediaType)
            writer.field("updatedAt", updatedAt)
        }
    }
}
