// SPDX-License-Identifier: Apache-2.0

import MediaCore
import WireFormats

extension JSONWriter {
    /// A file as its caller may see it: who is not its owner sees the public fields.
    mutating func file(_ view: FileView, _ urls: FileURLs) {
        object { $0.fields(of: view, urls) }
    }

    mutating func fields(of view: FileView, _ urls: FileURLs) {
        let file = view.file
        field("id", file.id.rawValue)
        if let key = view.s3Key {
            field("s3Key", key)
            // What some of the vendor's guides read.
            field("key", key)
        }
        if file.visibility == .public { field("url", urls.raw(file.s3Key)) }
        field("originalName", file.originalName)
        field("mimeType", file.mediaType)
        field("size", file.size)
        field("width", file.width.map { Int64($0) })
        field("height", file.height.map { Int64($0) })
        field("visibility", file.visibility.rawValue)
        if let owner = view.owner {
            field("bucket", file.label.rawValue)
            field("ownerId", owner.subject)
            field("ownerType", owner.kind.rawValue)
        }
        if let subjects = view.sharedWith { field("sharedWith", subjects) }
        field("metadata", file.metadata.json.compact)
        field("createdAt", file.createdAt)
        if view.isWhole { field("updatedAt", file.updatedAt) }
    }
}

/// URLs of files for one client.
struct FileURLs {
    /// By which the client knows the server.
    let origin: String

    /// Of the bytes as they are: good for everybody while the file is public.
    func raw(_ s3Key: String) -> String { "\(origin)/raw/\(PercentEncoding.encodePath(s3Key))" }

    func upload(_ s3Key: String, token: String) -> String { "\(raw(s3Key))?token=\(token)" }

    func part(_ part: IssuedPart) -> String {
        "\(raw(part.ticket.s3Key))?partNumber=\(part.number.rawValue)"
            + "&uploadId=\(PercentEncoding.encodeComponent(part.upload.rawValue))&token=\(part.token)"
    }

    /// To be saved under the name that its owner gave the file.
    func download(_ download: FileDownload) -> String {
        let url = raw(download.address.description)
        guard let token = download.token else { return url }
        return "\(url)?token=\(token)&download=\(PercentEncoding.encodeComponent(download.file.file.originalName))"
    }
}
