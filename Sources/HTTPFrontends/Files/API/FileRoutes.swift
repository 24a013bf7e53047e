// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import WireFormats

/// Files: their keys, their records, and their URLs.
extension FilesAPICall {
    func answer(as caller: FilesCaller) async throws -> Response {
        let isRead = request.method == .get || request.method == .head
        switch (route, isRead) {
        case (.presign, _): return try await presign(as: caller)
        case (.files, true): return try await list(as: caller)
        case (.files, false): return try await register(as: caller)
        case (.stats, _): return try await statistics(as: caller)
        case (.buckets, _): return try await labels(as: caller)
        case (.parts(let step, let upload), _): return try await answer(step, of: upload, as: caller)
        case (.file(let text, let part), _):
            // What is no id is the id of nothing.
            guard let id = FileID(text) else { throw FilesProblem.notFound }
            return try await answer(part, of: id, isRead: isRead, as: caller)
        case (.avatarUpload(let user), _): return try await issueAvatar(of: user, as: caller)
        case (.avatar(let user), _):
            return request.method == .delete
                ? try await removeAvatar(of: user, as: caller) : try await setAvatar(of: user, as: caller)
        default: throw Self.nothingHere
        }
    }

    private func answer(
        _ part: FilesAPIRoute.Part, of id: FileID, isRead: Bool, as caller: FilesCaller
    ) async throws -> Response {
        switch (part, isRead) {
        case (.whole, true): file(try await files.file(id, in: caller.project, as: caller.caller))
        case (.whole, false) where request.method == .delete: try await delete(id, as: caller)
        case (.whole, false): try await update(id, try await fields().patch(), as: caller)
        case (.downloadURL, _): try await download(id, as: caller)
        case (.visibility, _): try await setVisibility(of: id, as: caller)
        case (.complete, _): try await complete(id, as: caller)
        case (.shares, true): shares(try await files.shares(of: id, in: caller.project, as: caller.caller))
        case (.shares, false): try await share(id, as: caller)
        case (.share(let user), _):
            shares(try await files.unshare(id, with: user, in: caller.project, as: caller.caller))
        }
    }

    var files: Files { storage.files }
    var urls: FileURLs { FileURLs(origin: frontend.configuration.origin.url(for: request)) }

    // MARK: Uploads

    /// Also with the id that the file will have, which other texts of the vendor's read here.
    private func presign(as caller: FilesCaller) async throws -> Response {
        let announcement = try await fields().announcement()
        let issued = try await files.issue(announcement, in: caller.project, as: caller.caller)
        return envelope.response { writer in
            writer.field("url", url(of: issued))
            writer.field("key", issued.ticket.s3Key)
            writer.field("filename", issued.ticket.fileName)
            writer.field("contentType", issued.ticket.mediaType)
            writer.field("fileId", issued.ticket.id.rawValue)
            writer.field("expiresAt", issued.expiresAt)
        }
    }

    func url(of issued: IssuedUpload) -> String {
        switch issued.destination {
        case .server(let token): urls.upload(issued.ticket.s3Key, token: token)
        case .store(let request): request.url
        }
    }

    private func register(as caller: FilesCaller) async throws -> Response {
        let registration = try await fields().registration()
        return file(try await files.register(registration, in: caller.project, as: caller.caller), status: .created)
    }

    /// Registers a file as it was announced. One that is registered already is shown.
    private func complete(_ id: FileID, as caller: FilesCaller) async throws -> Response {
        file(try await files.registerAsAnnounced(id, in: caller.project, as: caller.caller))
    }

    private func answer(
        _ step: FilesAPIRoute.PartsStep, of upload: String?, as caller: FilesCaller
    ) async throws -> Response {
        let fields = try await fields()
        guard step != .begin else {
            var announcement = try fields.announcement()
            announcement.size = try fields.requiredInteger("fileSize")
            let ticket = try await files.beginParts(announcement, in: caller.project, as: caller.caller)
            return envelope.response { writer in
                writer.field("uploadId", ticket.upload?.rawValue)
                writer.field("key", ticket.s3Key)
                writer.field("filename", ticket.fileName)
                writer.field("fileId", ticket.id.rawValue)
            }
        }
        let key = try fields.requiredString("key")
        let id = UploadID(try upload ?? fields.requiredString("uploadId"))
        switch step {
        case .begin, .partURL:
            let part = try await files.part(
                try fields.partNumber(), of: id, at: key, in: caller.project, as: caller.caller)
            return envelope.response { writer in
                writer.field("url", urls.part(part))
                writer.field("partNumber", Int64(part.number.rawValue))
            }
        case .complete:
            let ticket = try await files.complete(
                try fields.parts(), of: id, at: key, in: caller.project, as: caller.caller)
            return envelope.response { writer in
                writer.field("key", ticket.s3Key)
                writer.field("location", urls.raw(ticket.s3Key))
            }
        case .abort:
            let ticket = try await files.abort(id, at: key, in: caller.project, as: caller.caller)
            return envelope.response(saysSuccess: true) { $0.field("key", ticket.s3Key) }
        }
    }

    // MARK: One file

    private func file(_ view: FileView, status: HTTPResponse.Status = .ok) -> Response {
        envelope.response(status: status) { $0.fields(of: view, urls) }
    }

    private func update(_ id: FileID, _ patch: FilePatch, as caller: FilesCaller) async throws -> Response {
        file(try await files.update(id, patch, in: caller.project, as: caller.caller))
    }

    private func setVisibility(of id: FileID, as caller: FilesCaller) async throws -> Response {
        let fields = try await fields()
        let visibility: FileVisibility = try FilesFields.choice("visibility", try fields.requiredString("visibility"))
        return try await update(id, FilePatch(visibility: visibility), as: caller)
    }

    private func delete(_ id: FileID, as caller: FilesCaller) async throws -> Response {
        try await files.delete(id, in: caller.project, as: caller.caller)
        return envelope.response { _ in }
    }

    /// A public file's URL is good for ever, anybody else's for a while.
    private func download(_ id: FileID, as caller: FilesCaller) async throws -> Response {
        let download = try await files.download(id, in: caller.project, as: caller.caller)
        return envelope.response { writer in
            writer.field("url", urls.download(download))
            writer.field("filename", download.file.file.originalName)
            writer.field("contentType", download.file.file.mediaType)
            writer.field("size", download.file.file.size)
            writer.field("expiresAt", download.expiresAt)
        }
    }

    // MARK: Shares

    /// `{"userId": …}` or `{"userIds": […]}`
    private func share(_ id: FileID, as caller: FilesCaller) async throws -> Response {
        let fields = try await fields()
        let subjects = try fields.strings("userIds") ?? [try fields.requiredString("userId")]
        return shares(try await files.share(id, with: subjects, in: caller.project, as: caller.caller))
    }

    private func shares(_ subjects: [String]) -> Response { envelope.response { $0.field("sharedWith", subjects) } }

    // MARK: Many

    private func list(as caller: FilesCaller) async throws -> Response {
        let query = try FileQuery(try FilesQuery(target))
        let page = try await files.list(query, in: caller.project, as: caller.caller)
        return envelope.response { writer in
            writer.key("items")
            writer.array(page.files) { writer, view in writer.file(view, urls) }
            writer.key("pagination")
            writer.object { writer in
                writer.field("total", Int64(page.total.count))
                writer.field("page", Int64(page.page))
                writer.field("limit", Int64(page.limit))
                writer.field("totalPages", Int64(page.totalPages))
                writer.field("hasNextPage", page.hasNextPage)
                writer.field("hasPrevPage", page.hasPreviousPage)
                // Of so many that counting them would take longer than showing them.
                if !page.total.isExact { writer.field("isTotalExact", false) }
            }
        }
    }

    private func statistics(as caller: FilesCaller) async throws -> Response {
        let statistics = try await files.statistics(of: caller.project, as: caller.caller)
        return envelope.response { writer in
            writer.field("totalFiles", statistics.total.files)
            writer.field("totalSize", statistics.total.bytes)
            writer.key("byVisibility")
            writer.object { writer in
                for visibility in FileVisibility.allCases {
                    writer.key(visibility.rawValue)
                    writer.count(statistics.byVisibility[visibility] ?? FileCount())
                }
            }
            writer.key("byBucket")
            writer.object { writer in
                for label in FileLabel.allCases {
                    guard let count = statistics.byLabel[label], count.files > 0 else { continue }
                    writer.key(label.rawValue)
                    writer.count(count)
                }
            }
        }
    }

    private func labels(as caller: FilesCaller) async throws -> Response {
        let statistics = try await files.statistics(of: caller.project, as: caller.caller)
        return envelope.response { writer in
            writer.key("items")
            writer.array(FileLabel.allCases) { writer, label in
                let count = statistics.byLabel[label] ?? FileCount()
                writer.object { writer in
                    writer.field("name", label.rawValue)
                    writer.field("files", count.files)
                    writer.field("size", count.bytes)
                }
            }
        }
    }
}

extension JSONWriter {
    fileprivate mutating func count(_ count: FileCount) {
        object { writer in
            writer.field("files", count.files)
            writer.field("size", count.bytes)
        }
    }
}
