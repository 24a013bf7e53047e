// SPDX-License-Identifier: Apache-2.0

import VipsShim

/// What a file says besides its pixels, by libvips's names: `exif-ifd0-Copyright`, `n-pages`...
extension VipsImage {
    func hasField(_ name: String) -> Bool { vs_field_exists(pointer, name) }

    func integer(_ name: String) -> Int? {
        var value: Int32 = 0
        return vs_field_integer(pointer, name, &value) ? Int(value) : nil
    }

    func text(_ name: String) -> String? { vs_field_text(pointer, name).map(String.init(cString:)) }

    func integers(_ name: String) -> [Int]? {
        var count: Int32 = 0
        guard let values = vs_field_integers(pointer, name, &count) else { return nil }
        return UnsafeBufferPointer(start: values, count: Int(count)).map(Int.init)
    }

    var fieldNames: [String] {
        final class Names { var all: [String] = [] }
        let names = Names()
        vs_field_names(
            pointer,
            { name, context in
                guard let name, let context else { return }
                Unmanaged<Names>.fromOpaque(context).takeUnretainedValue().all.append(String(cString: name))
            }, Unmanaged.passUnretained(names).toOpaque())
        return names.all
    }

    /// The same pixels with other fields.
    func withFields(_ change: (inout FieldChanges) -> Void) throws(VipsFailure) -> VipsImage {
        var changes = FieldChanges(image: try VipsImage(owning: vs_image_copy(pointer)))
        change(&changes)
        return changes.image
    }

    /// Changes the fields of an image that nobody else has yet.
    struct FieldChanges {
        fileprivate let image: VipsImage

        mutating func set(_ name: String, _ value: Int) { vs_field_set_integer(image.pointer, name, Int32(clamping: value)) }

        mutating func set(_ name: String, _ values: [Int]) {
            let values = values.map { Int32(clamping: $0) }
            vs_field_set_integers(image.pointer, name, values, Int32(values.count))
        }

        mutating func remove(_ name: String) { vs_field_remove(image.pointer, name) }
    }
}

/// EXIF, which libvips gives as one text field for each tag: `exif-ifd0-Model: Cam (Cam, ASCII, 4 components, 4 bytes)`.
extension VipsImage {
    private static let mostTags = 200
    private static let longestValue = 1024

    /// By the names of the tags. Binary values and what is too long are left out.
    var exif: [String: String] {
        var tags: [String: String] = [:]
        for name in fieldNames where name.hasPrefix("exif-ifd") && tags.count < Self.mostTags {
            let parts = name.split(separator: "-", maxSplits: 2)
            // The second directory describes the thumbnail, not the picture.
            guard parts.count == 3, parts[1] != "ifd1", let value = text(name).flatMap(Self.exifValue) else { continue }
            tags[String(parts[2])] = value
        }
        return tags
    }

    /// Of `value (the same for people, type, components, bytes)`.
    private static func exifValue(_ text: String) -> String? {
        let fields = text.split(separator: ",", omittingEmptySubsequences: false)
        guard fields.count >= 4, fields[fields.count - 3] != " Undefined" else { return nil }
        let both = Array(fields.dropLast(3).joined(separator: ",").utf8)
        // Texts are the same twice, and may have brackets of their own.
        let half = (both.count - 2) / 2
        let isTwice = both.count >= 2 && both.prefix(half) == both.suffix(half) && both.dropFirst(half).starts(with: " (".utf8)
        let end = isTwice ? half : both.indices.dropLast().first { both[$0] == 0x20 && both[$0 + 1] == 0x28 }
        guard let end, end > 0, end <= longestValue, both.prefix(end).allSatisfy({ $0 >= 0x20 }) else { return nil }
        return String(validating: both.prefix(end), as: UTF8.self)
    }
}
