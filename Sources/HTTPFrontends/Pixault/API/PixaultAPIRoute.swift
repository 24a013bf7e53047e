// SPDX-License-Identifier: Apache-2.0

import MediaCore
import WireFormats

/// A path of this interface. One `/` at its end changes nothing.
enum PixaultAPIRoute: Hashable {
    /// A part of a project: all of its things of a kind, or one of them.
    enum Resource: Hashable {
        case transforms, transform(String)
        case watermarks, watermark(String)
        case plugins, plugin(String, activates: Bool)
        case originalsSigning
        case upload, assets
        case folders, folder(String)
        case asset(String, Part)
        /// The project itself.
        case project
        case usage
        /// Where originals are kept.
        case storage(StoragePart)
        /// Moving originals from one place to another.
        case migrations(MigrationPart)
        /// Below one of the kinds, and nothing.
        case unknown
    }

    /// A part of an asset, or something that is done with it.
    enum Part: String, Hashable, CaseIterable {
        case whole = ""
        case metadata
        case linkedData = "metadata/jsonld"
        case stripMetadata = "strip-exif"
        case derived
        case processingStatus = "processing-status"
        case split
        case extractSVG = "extract-svg"

        var methods: [String] {
            switch self {
            case .whole: ["GET", "HEAD", "DELETE"]
            case .metadata: ["GET", "HEAD", "PATCH"]
            case .linkedData, .derived, .processingStatus: ["GET", "HEAD"]
            case .stripMetadata, .split, .extractSVG: ["POST"]
            }
        }
    }

    /// What is done with the place where originals are kept.
    enum StoragePart: Hashable { case current, validate, health }

    /// All jobs that move originals, a new one, or one of them.
    enum MigrationPart: Hashable { case all, ofStorage, ofBucket, one(String), cancel(String) }

    case catalogue
    case cataloguePlugin(String)
    case project(String, Resource)
    /// Escapes that are none.
    case unreadable

    /// Nil for a path of another front-end.
    init?(path: Substring) {
        var segments = path.split(separator: "/", omittingEmptySubsequences: false)[...]
        guard segments.popFirst() == "", segments.popFirst() == "api" else { return nil }
        if segments.count > 1, segments.last == "" { segments.removeLast() }
        guard let project = segments.popFirst(), !project.isEmpty else { return nil }
        let isCatalogue = project == "plugins"
        // Other interfaces have their places below the same path.
        guard isCatalogue || !ProjectName.reserved.contains(String(project)) else { return nil }
        var names: [String] = []
        for segment in segments {
            guard let name = PercentEncoding.decode(String(segment)) else {
                self = .unreadable
                return
            }
            names.append(name)
        }
        if isCatalogue {
            self = names.isEmpty ? .catalogue : .cataloguePlugin(names.joined(separator: "/"))
        } else if let id = PercentEncoding.decode(String(project)) {
            self = .project(id, Resource(names))
        } else {
            self = .unreadable
        }
    }

    /// What may be done with it. Empty where nothing is.
    var methods: [String] {
        switch self {
        case .catalogue, .cataloguePlugin: ["GET", "HEAD"]
        case .project(_, .transforms): ["GET", "HEAD", "POST"]
        case .project(_, .transform): ["GET", "HEAD", "PUT", "DELETE"]
        case .project(_, .watermarks), .project(_, .plugins), .project(_, .project), .project(_, .usage): ["GET", "HEAD"]
        case .project(_, .watermark): ["PUT", "DELETE"]
        case .project(_, .plugin): ["POST"]
        case .project(_, .originalsSigning): ["GET", "HEAD", "PUT", "DELETE"]
        case .project(_, .upload): ["POST"]
        // Older clients upload to the list.
        case .project(_, .assets): ["GET", "HEAD", "POST"]
        case .project(_, .folders): ["GET", "HEAD", "POST"]
        case .project(_, .folder): ["DELETE"]
        case .project(_, .asset(_, let part)): part.methods
        case .project(_, .storage(.current)): ["GET", "HEAD", "PUT", "DELETE"]
        case .project(_, .storage): ["POST"]
        case .project(_, .migrations(.all)), .project(_, .migrations(.one)): ["GET", "HEAD"]
        case .project(_, .migrations): ["POST"]
        case .project(_, .unknown), .unreadable: []
        }
    }

    /// What somebody who signed in has to be in the project. Of rows the policies decide all the same.
    var leastRole: ProjectRole {
        switch self {
        case .project(_, .storage): .owner
        case .project(_, .migrations): .admin
        default: .viewer
        }
    }

    /// Whether keys of the project open it. Where originals go is for its owner to say, not for a program.
    var takesKeys: Bool {
        if case .project(_, .storage) = self { false } else { true }
    }

    /// For metrics and policies.
    var operation: String {
        switch self {
        case .catalogue, .cataloguePlugin, .project(_, .plugins), .project(_, .plugin): "pixault.plugins"
        case .project(_, .transforms), .project(_, .transform): "pixault.transforms"
        case .project(_, .watermarks), .project(_, .watermark): "pixault.watermarks"
        case .project(_, .originalsSigning): "pixault.originals_signing"
        case .project(_, .upload): "pixault.upload"
        case .project(_, .assets), .project(_, .asset): "pixault.assets"
        case .project(_, .folders), .project(_, .folder): "pixault.folders"
        case .project(_, .project): "pixault.project"
        case .project(_, .usage): "pixault.usage"
        case .project(_, .storage): "pixault.storage"
        case .project(_, .migrations): "pixault.migrations"
        case .project(_, .unknown), .unreadable: "pixault.unknown"
        }
    }
}

extension PixaultAPIRoute.Resource {
    fileprivate init(_ names: [String]) {
        guard !names.contains("") else {
            self = .unknown
            return
        }
        switch (names.first, names.count) {
        case (nil, _): self = .project
        case ("usage", 1): self = .usage
        case ("storage", 1): self = .storage(.current)
        case ("storage", 2) where names[1] == "validate": self = .storage(.validate)
        case ("storage", 2) where names[1] == "health": self = .storage(.health)
        case ("migrations", 1): self = .migrations(.all)
        case ("migrations", 2) where names[1] == "storage": self = .migrations(.ofStorage)
        case ("migrations", 2) where names[1] == "bucket-import": self = .migrations(.ofBucket)
        case ("migrations", 2): self = .migrations(.one(names[1]))
        case ("migrations", 3) where names[2] == "cancel": self = .migrations(.cancel(names[1]))
        case ("transforms", 1): self = .transforms
        case ("transforms", 2): self = .transform(names[1])
        case ("watermarks", 1): self = .watermarks
        case ("watermarks", 2): self = .watermark(names[1])
        case ("plugins", 1): self = .plugins
        case ("plugins", 3) where names[2] == "activate": self = .plugin(names[1], activates: true)
        case ("plugins", 3) where names[2] == "deactivate": self = .plugin(names[1], activates: false)
        case ("originals-signing", 1): self = .originalsSigning
        case ("upload", 1): self = .upload
        case ("images", 1), ("videos", 1): self = .assets
        case ("folders", 1): self = .folders
        // The slashes of a path come encoded or plain.
        case ("folders", _): self = .folder(names.dropFirst().joined(separator: "/"))
        case (let first?, _) where Self.words.contains(first): self = .unknown
        case (let id?, _):
            let part = PixaultAPIRoute.Part(rawValue: names.dropFirst().joined(separator: "/"))
            self = part.map { .asset(id, $0) } ?? .unknown
        }
    }

    /// What no asset is called, so that its routes are not taken for those of another thing.
    static let words: Set<String> = [
        "transforms", "watermarks", "plugins", "originals-signing", "upload", "images", "videos", "folders", "storage",
        "migrations", "usage",
    ]
}
