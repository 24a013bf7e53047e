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
