// SPDX-License-Identifier: Apache-2.0

import MediaCore
import WireFormats

/// The canonical texts: one for every set of options, which reads back as the same.
extension RenderQuery {
    /// As a query, without `?`.
    var query: String {
        options.map { "\($0.option.rawValue)=\(PercentEncoding.encodeComponent($0.value))" }.joined(separator: "&")
    }

    /// As it stands in a token: `height:80,width:100,gravity:fp:0.5:0.4,format:webp`.
    var claim: String { joined(options) { ($0.rawValue, $1) } }

    /// The format, which is a claim of its own as well.
    var formatClaim: String? { options.first { $0.option == .format }?.value }

    /// For `X-Transformations`, in the words of imgproxy, as the reference sends it.
    var header: String {
        var options = options
        if request.transform.fit == nil, let size = options.lastIndex(where: { $0.option == .height || $0.option == .width }) {
            options.insert((.resize, Transform.Fit.cover.rawValue), at: size + 1)
        }
        return joined(options) { _, fit in ("resizing_type", Self.resizingTypes.first { $0.fit == fit }?.type ?? fit) }
    }

    /// The options in a token, which the reference writes in words of imgproxy and Magpie in those of the query.
    /// - Throws: `SupabaseError` as for a query.
    init(claim: String, format: String?) throws(SupabaseError) {
        var fields: [String: RequestValue] = [:]
        for pair in claim.utf8.split(separator: UInt8(ascii: ",")).map(Substring.init) {
            let parts = pair.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map(Substring.init)
            let values = parts.dropFirst().map(String.init)
            switch parts[0] {
            case "gravity":
                let names: [Option] = [.gravity, .xOffset, .yOffset]
                guard values.count <= names.count else { throw .validation("token/gravity must be a point and two offsets") }
                for (name, value) in zip(names, values) { fields[name.rawValue] = .string(value) }
            case "resizing_type":
                let type = values.joined(separator: ":")
                fields[Option.resize.rawValue] = .string(Self.resizingTypes.first { $0.type == type }?.fit ?? type)
            case let name: fields[String(name)] = .string(values.joined(separator: ","))
            }
        }
        if let format { fields[Option.format.rawValue] = .string(format) }
        try self.init(RequestFields(location: "token", fields: fields))
    }

    private static let resizingTypes = [
        (fit: "cover", type: "fill"), (fit: "contain", type: "fit"), (fit: "fill", type: "force"),
    ]

    private func joined(
        _ options: [(option: Option, value: String)], resize: (Option, String) -> (name: String, value: String)
    ) -> String {
        var parts: [String] = []
        for (option, value) in options {
            switch option {
            // Behind the point that they belong to.
            case .xOffset, .yOffset: continue
            case .gravity:
                let offsets = options.filter { $0.option == .xOffset || $0.option == .yOffset }.map(\.value)
                parts.append((["gravity", value] + offsets).joined(separator: ":"))
            case .resize:
                let (name, value) = resize(option, value)
                parts.append("\(name):\(value)")
            default: parts.append("\(option.rawValue):\(value.split(separator: ",").joined(separator: ":"))")
            }
        }
        return parts.joined(separator: ",")
    }

    /// What is asked for, in canonical order.
    private var options: [(option: Option, value: String)] {
        let transform = request.transform
        return Option.allCases.compactMap { option in value(of: option, transform).map { (option, $0) } }
    }

    private func value(of option: Option, _ transform: Transform) -> String? {
        switch option {
        case .height: transform.height.map { "\($0)" }
        case .width: transform.width.map { "\($0)" }
        case .resize: transform.fit?.rawValue
        case .enlarge: transform.enlarges.map { $0 ? "1" : "0" }
        case .quality: transform.quality.map { "\($0)" }
        case .gravity: transform.gravity?.name
        case .xOffset: transform.gravity?.offsets?.x
        case .yOffset: transform.gravity?.offsets?.y
        case .dpr: request.pixelRatio?.description
        case .crop: transform.crop.map { "\($0.x.cropText),\($0.y.cropText),\($0.width.cropText),\($0.height.cropText)" }
        case .trim: transform.trim.map { "\($0)" }
        case .rotate: transform.rotation.map { "\($0.rawValue)" }
        case .flip: transform.flip?.rawValue
        case .blur: transform.blur?.description
        case .sharpen: transform.sharpen?.description
        case .radius: transform.cornerRadius?.name
        case .background: transform.background?.description
        case .metadata: transform.metadata.map { $0 == .strip ? "none" : $0.rawValue }
        case .animated: transform.animated.map { $0 ? "1" : "0" }
        case .preset: request.preset
        case .format: transform.format?.name
        }
    }
}

extension Gravity {
    fileprivate var name: String {
        switch self {
        case .compass(let point, _, _): point.rawValue
        case .focalPoint: "fp"
        case .interest(.attention): "sm"
        case .interest(let interest): interest.rawValue
        }
    }

    /// Nil where there are none: both stand there or neither does.
    fileprivate var offsets: (x: String, y: String)? {
        switch self {
        case .compass(_, .pixels(0), .pixels(0)), .interest: nil
        case .compass(_, let x, let y): (x.offsetText, y.offsetText)
        case .focalPoint(let x, let y): ("\(x)", "\(y)")
        }
    }
}

extension ImageLength {
    fileprivate var offsetText: String {
        switch self {
        case .pixels(let count): "\(count)"
        case .fraction(let part): "\(part)"
        }
    }

    /// A part of the side is told by its point.
    fileprivate var cropText: String {
        switch self {
        case .pixels(let count): return "\(count)"
        case .fraction(let part):
            let text = part.description
            return text.utf8.contains(UInt8(ascii: ".")) ? text : text + ".0"
        }
    }
}

extension Transform.CornerRadius {
    fileprivate var name: String {
        switch self {
        case .pixels(let count): "\(count)"
        case .full: "max"
        }
    }
}

extension FormatChoice {
    fileprivate var name: String? {
        switch self {
        case .accepted: "auto"
        case .source: "origin"
        case .information: "json"
        case .fixed(let format): format.rawValue
        // No URL of this dialect says it.
        case .compatible: nil
        }
    }
}
