// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A very small picture of a picture: about 25 bytes that hold its mean colour, its ratio and a few waves of light and colour.
///
/// The format is Evan Wallace's ThumbHash: a luminance and two colour differences (and a transparency) as cosine transforms, the
/// high frequencies left out, each factor in four bits.
struct ThumbHash {
    let bytes: [UInt8]

    /// - Parameter pixels: red, green, blue and alpha, a byte each; neither side longer than 100.
    init(_ pixels: [UInt8], width: Int, height: Int) {
        let picture = Planes(pixels)
        let longer = Double(max(width, height))
        // Transparency takes room that luminance gives.
        let detail: Double = picture.isOpaque ? 7 : 5
        let across = max(1, Int((detail * Double(width) / longer).rounded()))
        let down = max(1, Int((detail * Double(height) / longer).rounded()))
        func waves(_ plane: [Double], _ across: Int, _ down: Int) -> Waves {
            Waves(plane, width: width, height: height, across: across, down: down)
        }
        let light = waves(picture.light, max(3, across), max(3, down))
        let yellowBlue = waves(picture.yellowBlue, 3, 3)
        let redGreen = waves(picture.redGreen, 3, 3)
        let alpha = picture.isOpaque ? nil : waves(picture.alpha, 5, 5)
        let isLandscape = width > height

        var bits = BitWriter()
        bits.write(light.mean * 63, bits: 6)
        bits.write(31.5 + 31.5 * yellowBlue.mean, bits: 6)
        bits.write(31.5 + 31.5 * redGreen.mean, bits: 6)
        bits.write(light.scale * 31, bits: 5)
        bits.write(alpha == nil ? 0 : 1, bits: 1)
        bits.write(Double(isLandscape ? down : across), bits: 3)
        bits.write(yellowBlue.scale * 63, bits: 6)
        bits.write(redGreen.scale * 63, bits: 6)
        bits.write(isLandscape ? 1 : 0, bits: 1)
        if let alpha {
            bits.write(alpha.mean * 15, bits: 4)
            bits.write(alpha.scale * 15, bits: 4)
        }
        for factor in [light, yellowBlue, redGreen, alpha].compactMap(\.self).flatMap(\.factors) {
            bits.write(factor * 15, bits: 4)
        }
        self.bytes = bits.bytes
    }
}

/// The picture as luminance, two colour differences and transparency, 0...1. What is transparent has the mean colour.
private struct Planes {
    private(set) var light: [Double] = []
    private(set) var yellowBlue: [Double] = []
    private(set) var redGreen: [Double] = []
    private(set) var alpha: [Double] = []
    let isOpaque: Bool

    init(_ pixels: [UInt8]) {
        let colors = stride(from: 0, to: pixels.count - 3, by: 4).map { index in
            SIMD4((0..<4).map { Double(pixels[index + $0]) / 255 })
        }
        var sum = SIMD4<Double>.zero
        for color in colors { sum += SIMD4(color.x * color.w, color.y * color.w, color.z * color.w, color.w) }
        isOpaque = colors.allSatisfy { $0.w == 1 }
        let mean = sum.w > 0 ? sum / sum.w : .zero
        for color in colors {
            let shown = mean * (1 - color.w) + color * color.w
            light.append((shown.x + shown.y + shown.z) / 3)
            yellowBlue.append((shown.x + shown.y) / 2 - shown.z)
            redGreen.append(shown.x - shown.y)
            alpha.append(color.w)
        }
    }
}

/// The lowest frequencies of a plane.
private struct Waves {
    let mean: Double
    /// The largest factor.
    let scale: Double
    /// Relative to the largest: 0...1, with 0.5 for none.
    let factors: [Double]

    init(_ plane: [Double], width: Int, height: Int, across: Int, down: Int) {
        var mean = 0.0
        var raw: [Double] = []
        for row in 0..<down {
            let vertical = (0..<height).map { Self.cosine(row, $0, height) }
            // The upper left triangle of all.
            for column in 0..<across where column * down < across * (down - row) {
                let horizontal = (0..<width).map { Self.cosine(column, $0, width) }
                var factor = 0.0
                for y in 0..<height {
                    var line = 0.0
                    for x in 0..<width { line += plane[y * width + x] * horizontal[x] }
                    factor += line * vertical[y]
                }
                factor /= Double(width * height)
                if row == 0, column == 0 { mean = factor } else { raw.append(factor) }
            }
        }
        let scale = raw.map(abs).max() ?? 0
        self.mean = mean
        self.scale = scale
        // Less is the noise of the sums.
        self.factors = scale > 1e-6 ? raw.map { 0.5 + 0.5 * $0 / scale } : raw.map { _ in 0.5 }
    }

    private static func cosine(_ frequency: Int, _ position: Int, _ length: Int) -> Double {
        cos(.pi / Double(length) * Double(frequency) * (Double(position) + 0.5))
    }
}

/// Numbers one behind the other, the lowest bit first.
private struct BitWriter {
    private(set) var bytes: [UInt8] = []
    private var filled = 0

    /// Rounded, and no more than fits.
    mutating func write(_ value: Double, bits: Int) {
        let number = Int(min(max(value.rounded(), 0), Double(1 << bits - 1)))
        for bit in 0..<bits {
            if filled % 8 == 0 { bytes.append(0) }
            bytes[filled / 8] |= UInt8(number >> bit & 1) << UInt8(filled % 8)
            filled += 1
        }
    }
}
