// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore

/// The command line.
struct Options {
    struct Misuse: Error, CustomStringConvertible {
        var description: String
    }

    var files: [String] = []
    /// The paths come from standard input, one a line, each answered before the next is read.
    var readsList = false
    var transform = Transform()
    var threads = 2
    var timeout = TimeAmount.seconds(15)
    var limits = ImageLimits()
    /// How many times each file is rendered, all threads busy, for the time it takes.
    var rounds: Int?
    /// A directory the results are written to.
    var output: String?

    init(_ arguments: some Sequence<String>) throws {
        var rest = Array(arguments)[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("--") else {
                files.append(argument)
                continue
            }
            if argument == "--stdin-list" {
                readsList = true
                continue
            }
            guard let value = rest.popFirst() else { throw Misuse(description: "\(argument) needs a value") }
            try set(argument, value)
        }
    }

    private mutating func set(_ name: String, _ value: String) throws {
        switch name {
        case "--transform":
            for pair in value.split(separator: ",") {
                let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
                try set(parts[0], to: parts.count > 1 ? parts[1] : "")
            }
        case "--threads": threads = try number(value)
        case "--timeout": timeout = .milliseconds(Int64(try number(value)))
        case "--rounds": rounds = try number(value)
        case "--pixels": limits.sourcePixels = try number(value)
        case "--output": output = value
        default: throw Misuse(description: "unknown option \(name)")
        }
    }

    private mutating func set(_ field: String, to value: String) throws {
        switch field {
        case "w": transform.width = try number(value)
        case "h": transform.height = try number(value)
        case "q": transform.quality = try number(value)
        case "blur": transform.blur = FixedPoint(value)
        case "trim": transform.trim = try number(value)
        case "bg-removal": transform.backgroundRemoval = .automatic
        case "radius": transform.cornerRadius = .pixels(try number(value))
        case "fit": transform.fit = Transform.Fit(rawValue: value)
        case "gravity": transform.gravity = Gravity.Interest(rawValue: value).map(Gravity.interest)
        case "rotate": transform.rotation = Transform.Rotation(rawValue: try number(value))
        case "metadata": transform.metadata = Transform.MetadataPolicy(rawValue: value)
        case "text": transform.watermark = Watermark(.text(value), position: .diagonal)
        case "filter": transform.filters = [value == "sepia" ? .sepia : .grayscale]
        case "format":
            switch value {
            case "compatible": transform.format = .compatible
            case "source": transform.format = .source
            case "information": transform.format = .information
            default:
                guard let format = ImageFormat(named: value) else { throw Misuse(description: "unknown format \(value)") }
                transform.format = .fixed(format)
            }
        default: throw Misuse(description: "unknown field \(field)")
        }
    }

    private func number(_ text: String) throws -> Int {
        guard let number = Int(text) else { throw Misuse(description: "no number: \(text)") }
        return number
    }
}
