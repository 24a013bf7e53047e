// SPDX-License-Identifier: Apache-2.0

/// What a project configured of its images: its presets, watermarks and active plugins.
public struct ImageSettings: Hashable, Sendable {
    public var presets: [String: NamedTransform]
    public var watermarks: [String: WatermarkPicture]
    public var plugins: Set<Plugin>
    /// Originals are only given to those with a right of their own: by policy, or by a signature.
    public var signsOriginals: Bool

    public init(
        presets: [String: NamedTransform] = [:], watermarks: [String: WatermarkPicture] = [:], plugins: Set<Plugin> = [],
        signsOriginals: Bool = false
    ) {
        self.presets = presets
        self.watermarks = watermarks
        self.plugins = plugins
        self.signsOriginals = signsOriginals
    }

    /// Of a bucket that nobody configured.
    public static let none = ImageSettings()
}

/// A transform with a name, which URLs use and may change where it is not locked.
public struct NamedTransform: Hashable, Sendable {
    /// What of a preset a URL can't change.
    public enum Parameter: String, Hashable, Sendable, CaseIterable {
        case width, height, fitMode, quality, blur, watermarkId, watermarkPosition, watermarkOpacity
    }

    /// Lower-case letters, digits and hyphens, at most 32, the first no hyphen.
    public var name: String
    /// Of its fields, width, height, fit, quality and blur are used.
    public var request: TransformRequest
    public var lockedParameters: Set<Parameter>
    /// Plugins that a URL can't call otherwise.
    public var lockedPlugins: Set<Plugin>

    public init(
        name: String, request: TransformRequest, lockedParameters: Set<Parameter> = [], lockedPlugins: Set<Plugin> = []
    ) {
        self.name = name
        self.request = request
        self.lockedParameters = lockedParameters
        self.lockedPlugins = lockedPlugins
    }

    /// Whether a preset may be called so.
    public static func isName(_ text: some StringProtocol) -> Bool {
        let bytes = text.utf8
        return (1...32).contains(bytes.count) && bytes.first != UInt8(ascii: "-")
            && bytes.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
                default: false
                }
            }
    }
}

/// What is known of a watermark's picture; its bytes are read when it is laid on.
public struct WatermarkPicture: Hashable, Sendable {
    /// Lower-case letters, digits, `-` and `_`, at most 64, the first a letter or digit.
    public var id: String
    /// Lower-case hex of the SHA-256 of its bytes.
    public var digest: String
    public var mediaType: String
    /// In bytes.
    public var size: Int
    public var updatedAt: Timestamp

    public init(id: String, digest: String, mediaType: String, size: Int, updatedAt: Timestamp) {
        self.id = id
        self.digest = digest
        self.mediaType = mediaType
        self.size = size
        self.updatedAt = updatedAt
    }
}
