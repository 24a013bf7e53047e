// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import MediaCore

/// Virtual folders.
extension PixaultAPICall {
    func folders(of project: BucketID, as caller: Caller) async throws -> Response {
        let folders = try await storage.assets.folders(in: project, as: caller)
        var writer = JSONWriter()
        writer.array(folders) { writer, folder in writer.string(folder.rawValue) }
        return Self.json(writer.text)
    }

    func createFolder(in project: BucketID, as caller: Caller) async throws -> Response {
        guard case .string(let text)? = try await fields()["path"] else {
            throw PixaultProblem.invalid("path", "must be text")
        }
        let path = try FolderPath(text)
        try await storage.assets.createFolder(path, in: project, as: caller)
        return Self.json(JSONWriter.object { $0.field("path", path.rawValue) }, status: .created)
    }

    func deleteFolder(_ path: String, in project: BucketID, as caller: Caller) async throws -> Response {
        guard try await storage.assets.deleteFolder(try FolderPath(path), in: project, as: caller) else {
            throw PixaultProblem(.notFound, "There is no folder '\(path.prefix(128))'")
        }
        return Self.done
    }
}
