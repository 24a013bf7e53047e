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
        /// The project itself.
        case project
        case usage
        /// Below one of the kinds, and nothing.
        case unknown
    }

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
        guard isCatalogue || segments.first.map(Self.kinds.contains) ?? !ProjectName.reserved.contains(String(project)) else {
            return nil
        }
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

    private static let kinds: Set<Substring> = ["transforms", "watermarks", "plugins", "originals-signing", "usage"]

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
        case .project(_, .unknown), .unreadable: []
        }
    }

    /// For metrics and policies.
    var operation: String {
        switch self {
        case .catalogue, .cataloguePlugin, .project(_, .plugins), .project(_, .plugin): "pixault.plugins"
        case .project(_, .transforms), .project(_, .transform): "pixault.transforms"
        case .project(_, .watermarks), .project(_, .watermark): "pixault.watermarks"
        case .project(_, .originalsSigning): "pixault.originals_signing"
        case .project(_, .project): "pixault.project"
        case .project(_, .usage): "pixault.usage"
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
        case ("transforms", 1): self = .transforms
        case ("transforms", 2): self = .transform(names[1])
        case ("watermarks", 1): self = .watermarks
        case ("watermarks", 2): self = .watermark(names[1])
        case ("plugins", 1): self = .plugins
        case ("plugins", 3) where names[2] == "activate": self = .plugin(names[1], activates: true)
        case ("plugins", 3) where names[2] == "deactivate": self = .plugin(names[1], activates: false)
        case ("originals-signing", 1): self = .originalsSigning
        default: self = .unknown
        }
    }
}
