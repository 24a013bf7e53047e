// SPDX-License-Identifier: Apache-2.0

import MediaCore

extension Filter: Step {
    func apply(_ image: VipsImage, in stage: Stage) throws -> VipsImage {
        try image.changingColours { (image) throws(VipsFailure) in
            switch self {
            case .sepia: try image.recombined(.sepia)
            case .grayscale: try image.recombined(.saturation(0))
            case .invert: try image.linear([-1], [255])
            case .vintage: try image.recombined(.saturation(0.6)).linear([0.95, 0.88, 0.75], [22, 18, 30])
            case .cool: try image.linear([0.9, 1, 1.1], [0, 0, 8])
            case .warm: try image.linear([1.1, 1.02, 0.88], [8, 2, 0])
            case .brightness(let factor): try image.linear([factor.doubleValue], [0])
            case .contrast(let factor): try image.linear([factor.doubleValue], [127.5 * (1 - factor.doubleValue)])
            case .saturation(let factor): try image.recombined(.saturation(factor.doubleValue))
            case .gamma(let factor): try image.gamma(factor.doubleValue)
            }
        }
    }
}

/// How much of red, green and blue goes into each of them.
private struct ColourMatrix {
    var rows: [[Double]]

    /// Of the W3C's Filter Effects.
    static let sepia = ColourMatrix(rows: [[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])

    /// 0 leaves the luminance alone (with the weights of sRGB), 1 changes nothing, more exaggerates.
    static func saturation(_ amount: Double) -> ColourMatrix {
        let weights = [0.2126, 0.7152, 0.0722]
        return ColourMatrix(
            rows: (0..<3).map { row in
                (0..<3).map { column in weights[column] * (1 - amount) + (row == column ? amount : 0) }
            })
    }
}

extension VipsImage {
    fileprivate func recombined(_ matrix: ColourMatrix) throws(VipsFailure) -> VipsImage {
        let weights = try VipsImage(matrix: matrix.rows)
        // Rounds to the nearest and keeps within a byte.
        return try VipsOperation("recomb", ["in": .image(self), "m": .image(weights)]).image().linear([1], [0])
    }

    /// More than 1 makes the middle tones brighter, less makes them darker; black and white stay.
    fileprivate func gamma(_ factor: Double) throws(VipsFailure) -> VipsImage {
        guard factor > 0 else { return try linear([0], [0]) }
        return try VipsOperation("gamma", ["in": .image(self), "exponent": .number(factor)]).image().asBytes()
    }
}
