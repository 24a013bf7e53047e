// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// An asset as clients read it: all fields are always there, and those that clients of strict languages need are never null.
extension Asset {
    var document: String { JSONWriter.object { writer in writeFields(to: &writer) } }

    func write(to writer: inout JSONWriter) { writer.object { writeFields(to: &$0) } }

    private func writeFields(to writer: inout JSONWriter) {
        writeFacts(to: &writer)
        writeDetails(to: &writer)
        writer.field("uploadedAt", uploadedAt)
        writer.field("createdAt", uploadedAt)
        writer.field("dateModified", modifiedAt)
        writer.field("exifData", exif)
        writer.field("isVideo", facts.kind == .video)
        writer.field("isEps", facts.kind == .document)
        writer.number("duration", facts.duration)
        writer.field("hasAudio", facts.hasAudio)
        writer.field("codec", facts.codec)
        writer.field("thumbnailId", thumbnailID?.rawValue)
        writer.field("sourceAssetId", origin?.source.rawValue)
        writer.field("derivationType", origin?.type)
    }

    private func writeFacts(to writer: inout JSONWriter) {
        writer.field("imageId", id.rawValue)
        writer.field("publicId", publicID)
        writer.field("projectId", address.bucket.rawValue)
        writer.field("originalFileName", originalFileName)
        writer.field("contentType", facts.mediaType)
        writer.field("sizeBytes", facts.size)
        writer.field("width", Int64(facts.width))
        writer.field("height", Int64(facts.height))
    }

    private func writeDetails(to writer: inout JSONWriter) {
        writer.field("name", details.name)
        writer.field("description", details.description)
        writer.field("caption", details.caption)
        writer.field("category", details.category)
        writer.field("folder", details.folder.isRoot ? nil : details.folder.rawValue)
        writer.field("author", details.author)
        writer.field("copyrightHolder", details.copyrightHolder)
        writer.field("copyrightYear", details.copyrightYear.map(Int64.init))
        writer.field("license", details.license)
        writer.field("locationName", details.locationName)
        writer.number("locationLatitude", details.latitude)
        writer.number("locationLongitude", details.longitude)
        writer.key("keywords")
        writer.array(details.keywords) { writer, keyword in writer.string(keyword) }
        writer.field("dateCreated", details.dateCreated)
        writer.field("datePublished", details.datePublished ?? uploadedAt)
        writer.field("representativeOfPage", details.representativeOfPage)
        writer.field("tags", details.tags)
        writer.field("customId", details.customID)
    }
}

extension JSONWriter {
    /// A number with a fraction. JSON has none that is not finite.
    mutating func number(_ name: String, _ value: Double?) {
        key(name)
        json(value.flatMap { $0.isFinite ? JSONText(trusted: "\($0)") : nil })
    }

    /// Texts by name, in the order of the names.
    mutating func field(_ name: String, _ pairs: [String: String]) {
        key(name)
        object { writer in for (name, value) in pairs.sorted(by: { $0.key < $1.key }) { writer.field(name, value) } }
    }
}
