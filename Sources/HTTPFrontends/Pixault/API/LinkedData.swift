// SPDX-License-Identifier: Apache-2.0

import MediaCore
import WireFormats

/// An asset in the words of Schema.org, as JSON-LD.
struct LinkedData {
    private let asset: Asset
    /// Of the delivery URLs.
    private let origin: String

    init(_ asset: Asset, origin: String) {
        self.asset = asset
        self.origin = origin
    }

    var text: String {
        JSONWriter.object { writer in
            writer.field("@context", "https://schema.org")
            writer.field("@type", asset.facts.kind == .video ? "VideoObject" : "ImageObject")
            writer.field("@id", url(""))
            writer.field("contentUrl", contentURL)
            writer.field("thumbnailUrl", url("/w_200,h_200,fit_cover.webp"))
            writeSize(to: &writer)
            writer.field("encodingFormat", asset.facts.mediaType)
            writer.field("contentSize", Self.size(asset.facts.size))
            writer.field("uploadDate", asset.uploadedAt)
            writer.field("dateModified", asset.modifiedAt)
            writeDetails(to: &writer)
        }
    }

    private func writeSize(to writer: inout JSONWriter) {
        for (name, pixels) in [("width", asset.facts.width), ("height", asset.facts.height)] where pixels > 0 {
            writer.key(name)
            writer.object { writer in
                writer.field("@type", "QuantitativeValue")
                writer.field("value", Int64(pixels))
                // UN/CEFACT's code of a pixel.
                writer.field("unitCode", "E37")
            }
        }
        if let duration = asset.facts.duration { writer.field("duration", "PT\(duration)S") }
    }

    /// Only what is set: a null means something else in linked data.
    private func writeDetails(to writer: inout JSONWriter) {
        let details = asset.details
        let texts = [
            ("name", details.name ?? asset.originalFileName), ("description", details.description), ("caption", details.caption),
            ("license", details.license), ("genre", details.category),
        ]
        for (name, text) in texts where text?.isEmpty == false { writer.field(name, text) }
        if !details.keywords.isEmpty { writer.field("keywords", details.keywords.joined(separator: ", ")) }
        for (name, person) in [("author", details.author), ("copyrightHolder", details.copyrightHolder)] {
            guard let person, !person.isEmpty else { continue }
            writer.key(name)
            writer.object { writer in
                writer.field("@type", "Person")
                writer.field("name", person)
            }
        }
        if let year = details.copyrightYear { writer.field("copyrightYear", Int64(year)) }
        if let date = details.dateCreated { writer.field("dateCreated", date) }
        if let date = details.datePublished { writer.field("datePublished", date) }
        if let representative = details.representativeOfPage { writer.field("representativeOfPage", representative) }
        writePlace(to: &writer)
    }

    private func writePlace(to writer: inout JSONWriter) {
        let details = asset.details
        guard details.locationName != nil || details.latitude != nil else { return }
        writer.key("contentLocation")
        writer.object { writer in
            writer.field("@type", "Place")
            if let name = details.locationName { writer.field("name", name) }
            if let latitude = details.latitude, let longitude = details.longitude {
                writer.key("geo")
                writer.object { writer in
                    writer.field("@type", "GeoCoordinates")
                    writer.number("latitude", latitude)
                    writer.number("longitude", longitude)
                }
            }
        }
    }

    private var contentURL: String {
        if asset.facts.kind == .video {
            return url("/video.\(MediaKind.allCases.first { $0.mediaType == asset.facts.mediaType }?.rawValue ?? "mp4")")
        }
        return url("/original.\(asset.facts.kind == .document ? "eps" : "auto")")
    }

    private func url(_ rest: String) -> String {
        "\(origin)/\(PercentEncoding.encodePathSegment(asset.address.bucket.rawValue))/\(asset.id)\(rest)"
    }

    /// For people: `0.7 MB`.
    private static func size(_ bytes: Int64) -> String {
        let tenths = (bytes * 10 + 500_000) / 1_000_000
        return bytes < 50_000 ? "\((bytes + 500) / 1000) KB" : "\(tenths / 10).\(tenths % 10) MB"
    }
}
