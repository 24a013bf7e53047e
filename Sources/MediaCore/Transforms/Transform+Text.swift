// SPDX-License-Identifier: Apache-2.0

import Crypto
import WireFormats

/// The canonical text: one for every transform, the same for equal ones only.
///
/// `name=value` pairs in the order of the steps, joined by `;`, with parts of values joined by `,` and text in hex, so that nothing
/// needs escaping. It is what variants are called by, and for logs.
extension Transform: CustomStringConvertible {
    public var description: String {
        var text = TransformText()
        text.add("rotate", rotation.map { "\($0.rawValue)" })
        text.add("flip", flip?.rawValue)
        text.add("trim", trim.map { "\($0)" })
        text.add("crop", crop.map { "\($0.x.text),\($0.y.text),\($0.width.text),\($0.height.text)" })
        text.add("bg-removal", backgroundRemoval?.text)
        text.add("width", width.map { "\($0)" })
        text.add("height", height.map { "\($0)" })
        text.add("fit", fit?.rawValue)
        text.add("enlarge", enlarges.map { $0 ? "1" : "0" })
        text.add("gravity", gravity?.text)
        text.add("blur", blur?.description)
        text.add("sharpen", sharpen?.description)
        for filter in filters { text.add("filter", filter.text) }
        for drawing in drawings { text.add("draw", drawing.text) }
        text.add("watermark", watermark?.text)
        text.add("radius", cornerRadius?.text)
        text.add("background", background?.description)
        text.add("metadata", metadata?.rawValue)
        text.add("animated", animated.map { $0 ? "1" : "0" })
        text.add("quality", quality.map { "\($0)" })
        text.add("format", format?.text)
        return text.joined
    }

    /// What a transform is called: the SHA-256 of its text and of the processor that runs it, in lower-case hex.
    public func fingerprint(revision: String) -> String {
        var hash = SHA256()
        hash.update(data: Array(description.utf8))
        hash.update(data: [0])
        hash.update(data: Array(revision.utf8))
        return Hexadecimal.encode(hash.finalize())
    }
}

private struct TransformText {
    private var pairs: [String] = []

    mutating func add(_ name: String, _ value: String?) {
        if let value { pairs.append("\(name)=\(value)") }
    }

    var joined: String { pairs.joined(separator: ";") }
}

extension ImageLength {
    /// `12` for pixels, `0.5r` for half the side.
    fileprivate var text: String {
        switch self {
        case .pixels(let count): "\(count)"
        case .fraction(let fraction): "\(fraction)r"
        }
    }
}

extension Transform.BackgroundRemoval {
    fileprivate var text: String {
        switch self {
        case .automatic: "auto"
        case .threshold(let threshold): "\(threshold)"
        }
    }
}

extension Transform.CornerRadius {
    fileprivate var text: String {
        switch self {
        case .pixels(let count): "\(count)"
        case .full: "full"
        }
    }
}

extension Gravity {
    fileprivate var text: String {
        switch self {
        case .compass(let point, let x, let y): "\(point.rawValue),\(x.text),\(y.text)"
        case .focalPoint(let x, let y): "fp,\(x),\(y)"
        case .interest(let interest): interest.rawValue
        }
    }
}

extension Filter {
    fileprivate var text: String {
        switch self {
        case .sepia: "sepia"
        case .grayscale: "grayscale"
        case .invert: "invert"
        case .vintage: "vintage"
        case .cool: "cool"
        case .warm: "warm"
        case .brightness(let factor): "brightness,\(factor)"
        case .contrast(let factor): "contrast,\(factor)"
        case .saturation(let factor): "saturation,\(factor)"
        case .gamma(let factor): "gamma,\(factor)"
        }
    }
}

extension Drawing {
    fileprivate var text: String {
        let figure =
            switch shape {
            case .rectangle(let x, let y, let width, let height): "rect,\(x.text),\(y.text),\(width.text),\(height.text)"
            case .circle(let x, let y, let radius): "circle,\(x.text),\(y.text),\(radius.text)"
            case .line(let x1, let y1, let x2, let y2): "line,\(x1.text),\(y1.text),\(x2.text),\(y2.text)"
            }
        return "\(figure),\(color),\(isFilled ? "fill" : "line")"
    }
}

extension Watermark {
    fileprivate var text: String {
        let mark =
            switch mark {
            case .picture(let digest): "picture,\(digest)"
            case .text(let text): "text,\(Hexadecimal.encode(text.utf8))"
            }
        return "\(mark),\(position.rawValue),\(opacity)"
    }
}

extension FormatChoice {
    fileprivate var text: String {
        switch self {
        case .accepted: "accepted"
        case .compatible: "compatible"
        case .source: "source"
        case .fixed(let format): format.rawValue
        case .information: "information"
        }
    }
}
