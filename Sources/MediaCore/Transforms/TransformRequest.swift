// SPDX-License-Identifier: Apache-2.0

/// What a URL asks for, before the project's presets, watermarks and plugins are looked up: what every grammar parses into.
public struct TransformRequest: Hashable, Sendable {
    /// A watermark by its id in the project.
    public struct WatermarkChoice: Hashable, Sendable {
        /// Nil: the preset's.
        public var id: String?
        public var position: Watermark.Position?
        public var opacity: Int?

        public init(id: String? = nil, position: Watermark.Position? = nil, opacity: Int? = nil) {
            self.id = id
            self.position = position
            self.opacity = opacity
        }
    }

    /// A plugin by the name the project activates it under, and what the URL says behind it: `filter` and `sepia`.
    public struct PluginCall: Hashable, Sendable {
        public var plugin: Plugin
        public var value: String

        public init(_ plugin: Plugin, value: String) {
            self.plugin = plugin
            self.value = value
        }
    }

    /// Only what the URL itself says.
    public var transform: Transform
    /// The name of a preset. What the URL says wins, but for what the preset locks.
    public var preset: String?
    public var watermark: WatermarkChoice?
    public var plugins: [PluginCall]
    /// How many pixels of the screen one of width and height is: both are multiplied. Nil: 1.
    public var pixelRatio: FixedPoint?

    public init(
        _ transform: Transform = Transform(), preset: String? = nil, watermark: WatermarkChoice? = nil,
        plugins: [PluginCall] = [], pixelRatio: FixedPoint? = nil
    ) {
        self.transform = transform
        self.preset = preset
        self.watermark = watermark
        self.plugins = plugins
        self.pixelRatio = pixelRatio
    }
}

/// A step that a project switches on before URLs may name it. The raw value is its name and its prefix in URLs.
public enum Plugin: String, Hashable, Sendable, CaseIterable {
    case backgroundRemoval = "bg"
    case smartCrop = "smart_crop"
    case watermarkTemplates = "wt"
    case filterPack = "filter"
    case draw

    /// By any name that it goes by.
    public init?(named name: some StringProtocol) {
        switch name {
        case "background-removal": self = .backgroundRemoval
        default:
            guard let plugin = Plugin(rawValue: String(name)) else { return nil }
            self = plugin
        }
    }
}
