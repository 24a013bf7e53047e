// SPDX-License-Identifier: Apache-2.0

/// What plugins do: each call is a step of a transform.
extension TransformRequest.PluginCall {
    /// Adds the step to a transform.
    ///
    /// - Parameters:
    ///   - choice: the watermark asked for, whose opacity a template takes over.
    ///   - project: what the bucket is called, for watermarks that say so.
    /// - Throws: `StorageError` with `.invalidParameter` for a value that means nothing.
    func apply(
        to transform: inout Transform, _ settings: ImageSettings, _ choice: TransformRequest.WatermarkChoice?, project: String
    ) throws(StorageError) {
        switch plugin {
        case .backgroundRemoval: transform.backgroundRemoval = try checked(Transform.BackgroundRemoval(plugin: value))
        case .smartCrop: transform.gravity = try checked(Gravity(plugin: value))
        case .filterPack: transform.filters.append(try checked(Filter(plugin: value)))
        case .draw: transform.drawings.append(try checked(Drawing(plugin: value)))
        case .watermarkTemplates:
            let template = try checked(WatermarkTemplate(rawValue: value))
            transform.watermark = template.watermark(of: settings, project: project, opacity: choice?.opacity ?? 30)
        }
    }

    /// - Throws: `StorageError` with `.invalidParameter` for a value that no URL could say either.
    public func check() throws(StorageError) {
        var transform = Transform()
        try apply(to: &transform, .none, nil, project: "")
    }

    private func checked<Step>(_ step: Step?) throws(StorageError) -> Step {
        guard let step else {
            let token = value.isEmpty ? plugin.rawValue : "\(plugin.rawValue)_\(value.prefix(64))"
            throw StorageError(
                .invalidParameter, "\(token) is nothing that the plugin \(plugin.rawValue) can do", resource: token)
        }
        return step
    }
}

/// Watermarks that need no position: `wt_corner-logo`.
private enum WatermarkTemplate: String {
    /// The watermark called `logo`, in the lower right corner. Without one, nothing.
    case cornerLogo = "corner-logo"
    /// The project's name all over, from corner to corner.
    case diagonalText = "diagonal-text"

    func watermark(of settings: ImageSettings, project: String, opacity: Int) -> Watermark? {
        switch self {
        case .cornerLogo:
            settings.watermarks["logo"].map { Watermark(.picture(digest: $0.digest), position: .bottomRight, opacity: opacity) }
        case .diagonalText: Watermark(.text(String(project.prefix(100))), position: .diagonal, opacity: opacity)
        }
    }
}

extension Transform.BackgroundRemoval {
    /// `remove`, or a threshold of 1...255.
    fileprivate init?(plugin value: String) {
        if value == "remove" {
            self = .automatic
        } else {
            guard let threshold = Int(digits: value), (1...255).contains(threshold) else { return nil }
            self = .threshold(threshold)
        }
    }
}

extension Gravity {
    /// `face`, `entropy`, `attention` or `center`, which is also meant by saying nothing.
    fileprivate init?(plugin value: String) {
        switch value {
        case "", "center", "centre": self = .compass(.centre)
        default:
            guard let interest = Interest(rawValue: value) else { return nil }
            self = .interest(interest)
        }
    }
}

extension Filter {
    /// A name, or a name and a factor of 0...10: `sepia`, `brightness-1.2`.
    fileprivate init?(plugin value: String) {
        let parts = value.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            switch value {
            case "sepia": self = .sepia
            case "grayscale", "greyscale": self = .grayscale
            case "invert": self = .invert
            case "vintage": self = .vintage
            case "cool": self = .cool
            case "warm": self = .warm
            default: return nil
            }
            return
        }
        guard let factor = FixedPoint(parts[1]), (FixedPoint(0)...FixedPoint(10)).contains(factor) else { return nil }
        switch parts[0] {
        case "brightness": self = .brightness(factor)
        case "contrast": self = .contrast(factor)
        case "saturation": self = .saturation(factor)
        case "gamma" where factor.thousandths > 0: self = .gamma(factor)
        default: return nil
        }
    }
}

/// The grammar of `draw_…`:
///
///     rect-X-Y-WIDTH-HEIGHT-COLOR[-fill]
///     circle-X-Y-RADIUS-COLOR[-fill]
///     line-X1-Y1-X2-Y2-COLOR
///
/// Lengths are whole pixels, or with a `p` behind them percent of the side along which they run; colours are 3, 6 or 8 hex digits.
extension Drawing {
    fileprivate init?(plugin value: String) {
        var parts = value.split(separator: "-", maxSplits: 8, omittingEmptySubsequences: false)
        guard let figure = parts.first else { return nil }
        let isFilled = parts.last == "fill"
        if isFilled { parts.removeLast() }
        guard parts.count >= 2, let color = Color(hex: parts[parts.count - 1]) else { return nil }
        let lengths = parts[1..<(parts.count - 1)].compactMap { ImageLength(plugin: $0) }
        guard lengths.count == parts.count - 2 else { return nil }
        switch (figure, lengths.count) {
        case ("rect", 4):
            self.init(
                .rectangle(x: lengths[0], y: lengths[1], width: lengths[2], height: lengths[3]), color: color, isFilled: isFilled)
        case ("circle", 3):
            self.init(.circle(x: lengths[0], y: lengths[1], radius: lengths[2]), color: color, isFilled: isFilled)
        case ("line", 4) where !isFilled:
            self.init(.line(x1: lengths[0], y1: lengths[1], x2: lengths[2], y2: lengths[3]), color: color, isFilled: false)
        default: return nil
        }
    }
}

extension ImageLength {
    /// `12`, or `50p` for half the side.
    fileprivate init?(plugin text: Substring) {
        guard text.hasSuffix("p") else {
            guard let count = Int(digits: text), count <= 100_000 else { return nil }
            self = .pixels(count)
            return
        }
        guard let percent = FixedPoint(text.dropLast()), (FixedPoint(0)...FixedPoint(100)).contains(percent) else { return nil }
        self = .fraction(FixedPoint(thousandths: percent.thousandths / 100))
    }
}

extension Int {
    /// Decimal digits and nothing else, no sign.
    fileprivate init?(digits text: some StringProtocol) {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        self.init(text)
    }
}
