// SPDX-License-Identifier: Apache-2.0

import VipsShim

/// An image of libvips: mostly a promise of pixels, which are computed when an encoder or `inMemory` asks for them.
///
/// It stays on the thread it was made on. Nothing changes it: every step gives another.
final class VipsImage {
    let pointer: OpaquePointer

    /// Takes over a reference; nil is a failure.
    init(owning pointer: OpaquePointer?) throws(VipsFailure) {
        guard let pointer else { throw VipsFailure.taken() }
        self.pointer = pointer
    }

    deinit { vs_image_free(pointer) }

    var width: Int { Int(vs_image_width(pointer)) }
    var height: Int { Int(vs_image_height(pointer)) }
    var size: PixelSize { PixelSize(width: width, height: height) }
    var bands: Int { Int(vs_image_bands(pointer)) }
    var hasAlpha: Bool { vs_image_has_alpha(pointer) }
    var holdsBytes: Bool { sampleFormat == "uchar" }
    /// `uchar`, `ushort`, `float`...
    var sampleFormat: String { String(cString: vs_image_sample_format(pointer)) }
    /// Of one sample.
    var sampleBytes: Int { Int(vs_image_sample_bytes(pointer)) }
    /// `srgb`, `b-w`, `cmyk`...
    var interpretation: String { String(cString: vs_image_interpretation(pointer)) }

    /// An image of the given samples, `bands` a pixel, line by line.
    convenience init(bytes: [UInt8], size: PixelSize, bands: Int) throws(VipsFailure) {
        precondition(bytes.count == size.pixels * bands)
        let made = bytes.withUnsafeBytes {
            vs_image_from_bytes($0.baseAddress, Int32(size.width), Int32(size.height), Int32(bands))
        }
        try self.init(owning: made)
    }

    /// A matrix as operations take it; all rows have the same length.
    convenience init(matrix rows: [[Double]]) throws(VipsFailure) {
        let numbers = rows.flatMap(\.self)
        try self.init(owning: vs_matrix_new(numbers, Int32(rows[0].count), Int32(rows.count)))
    }

    /// Computes all pixels: afterwards they can be read in any order and as often as needed.
    func inMemory() throws(VipsFailure) -> VipsImage { try VipsImage(owning: vs_image_in_memory(pointer)) }

    /// All samples, line by line. Computes the pixels.
    func samples() throws(VipsFailure) -> [UInt8] {
        let computed = try inMemory()
        var count = 0
        guard let pixels = vs_image_pixels(computed.pointer, &count) else { throw VipsFailure.taken() }
        return [UInt8](UnsafeRawBufferPointer(start: pixels, count: count))
    }
}
