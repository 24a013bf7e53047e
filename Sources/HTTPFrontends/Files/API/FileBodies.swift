// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore

/// The bodies of requests about files.
extension FilesFields {
    /// `{"filename": …, "contentType": …, "fileSize": …, "visibility": …, "category": …}`
    func announcement() throws(FilesProblem) -> FileAnnouncement {
        FileAnnouncement(
            name: try requiredString("filename"), mediaType: try requiredString("contentType"), size: try integer("fileSize"),
            visibility: try choice("visibility") ?? .private, label: try choice("category") ?? .attachments)
    }

    /// `{"s3Key": …, "originalName": …, "mimeType": …, "size": …, …}`
    func registration() throws(FilesProblem) -> FileRegistration {
        // Who owns the file follows from who registers it.
        _ = try choice("ownerType", of: FileOwnerKind.self)
        return FileRegistration(
            s3Key: try requiredString("s3Key"), originalName: try requiredString("originalName"),
            mediaType: try requiredString("mimeType"), size: try requiredInteger("size"), width: try side("width"),
            height: try side("height"), visibility: try choice("visibility"), label: try choice("bucket"),
            metadata: try metadata()?.applied(to: FileMetadata()) ?? FileMetadata(), sharedWith: try strings("sharedWith") ?? [])
    }

    /// `{"originalName": …, "visibility": …, "metadata": {…}, "sharedWith": […]}`, each of them optional.
    func patch() throws(FilesProblem) -> FilePatch {
        FilePatch(
            originalName: try string("originalName"), visibility: try choice("visibility"), metadata: try metadata(),
            sharedWith: try strings("sharedWith"))
    }

    private func side(_ name: String) throws(FilesProblem) -> Int? { try integer(name).map { Int($0) } }

    /// A null removes a field.
    private func metadata() throws(FilesProblem) -> FileMetadataPatch? {
        guard let object = try object("metadata") else { return nil }
        let fields = FilesFields(object)
        do {
            return FileMetadataPatch(
                category: fields.change("category", try fields.string("category")),
                tags: fields.change("tags", try fields.strings("tags")),
                description: fields.change("description", try fields.string("description")),
                alt: fields.change("alt", try fields.string("alt")),
                relatedEntityID: fields.change("relatedEntityId", try fields.string("relatedEntityId")),
                custom: fields.change("custom", try fields.object("custom").map { RequestValue.object($0).json }))
        } catch {
            throw FilesProblem(error.status, error.code, "metadata." + error.message)
        }
    }

    private func change<Value>(_ name: String, _ value: Value?) -> FieldChange<Value> {
        value.map { .set($0) } ?? (contains(name) ? .remove : .keep)
    }

    /// `[{"partNumber": …, "etag": …}]`
    func parts() throws(FilesProblem) -> [PartsCompletion.Named] {
        func problem(_ rule: String) -> FilesProblem { FilesProblem(.badRequest, "file/invalid-parts-array", "parts \(rule)") }
        guard case .array(let items)? = value("parts"), !items.isEmpty else {
            throw problem("must be a list of the parts, with at least one of them")
        }
        var parts: [PartsCompletion.Named] = []
        for item in items {
            guard case .object(let object) = item else { throw problem("must be objects with partNumber and etag") }
            let fields = FilesFields(object)
            guard case .string(let tag)? = fields.value("etag") ?? fields.value("ETag"), !tag.isEmpty,
                case .number(let number)? = fields.value("partNumber"), let part = PartNumber(exactly: number)
            else { throw problem("must be objects with a partNumber from 1 to 10000 and an etag") }
            parts.append(.init(number: part, eTag: tag))
        }
        return parts
    }

    func partNumber() throws(FilesProblem) -> PartNumber {
        guard let part = PartNumber(exactly: Double(try requiredInteger("partNumber"))) else {
            throw FilesProblem(.badRequest, "file/invalid-part-number-range", "partNumber must be from 1 to 10000")
        }
        return part
    }
}

extension PartNumber {
    /// Nil for what is none: the callers have words of their own for that.
    fileprivate init?(exactly number: Double) {
        guard let whole = Int(exactly: number), let part = try? PartNumber(whole) else { return nil }
        self = part
    }
}
