// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// The colour that most pixels are like.
enum DominantColor {
    /// - Parameter pixels: red, green, blue and alpha, a byte each. Transparent ones count as little as they show.
    static func of(_ pixels: [UInt8]) -> Color {
        // Sixteen steps for each of the three: neighbours are one colour to the eye.
        var weights = [Int](repeating: 0, count: 4096)
        var sums = [SIMD3<Int>](repeating: .zero, count: 4096)
        for index in stride(from: 0, to: pixels.count - 3, by: 4) {
            let color = SIMD3(Int(pixels[index]), Int(pixels[index + 1]), Int(pixels[index + 2]))
            let alpha = Int(pixels[index + 3])
            let bin = (color.x >> 4) << 8 | (color.y >> 4) << 4 | color.z >> 4
            weights[bin] += alpha
            sums[bin] &+= color &* SIMD3(repeating: alpha)
        }
        guard let best = weights.indices.max(by: { weights[$0] < weights[$1] }), weights[best] > 0 else {
            return Color(red: 0, green: 0, blue: 0)
        }
        let mean = (0..<3).map { UInt8((sums[best][$0] + weights[best] / 2) / weights[best]) }
        return Color(red: mean[0], green: mean[1], blue: mean[2])
    }
}
