// SPDX-License-Identifier: Apache-2.0

/// Which format those get who leave it to the server.
extension FormatChoice {
    /// The best format that is accepted and worth its cost.
    ///
    /// AVIF is the smallest and costs ten times WebP, so there is a limit to the pixels it is made for. A size that follows from the
    /// source's is not known before the source was read, and counts as beyond it.
    static func negotiated(_ accepted: AcceptedFormats, for transform: Transform, limits: ImageLimits) -> FormatChoice {
        if accepted.contains(.avif), transform.boundedPixels.map({ $0 <= limits.avifPixels }) ?? false { return .fixed(.avif) }
        if accepted.contains(.jxl) { return .fixed(.jxl) }
        return accepted.contains(.webp) ? .fixed(.webp) : .compatible
    }
}

extension Transform {
    /// How many pixels the result has at the most. Nil where that depends on the source.
    fileprivate var boundedPixels: Int? {
        guard let width, let height, fit != .outside else { return nil }
        let (pixels, overflows) = width.multipliedReportingOverflow(by: height)
        return overflows ? nil : pixels
    }
}

extension AcceptedFormats {
    /// Without what is not offered for a source: JPEG XL where it is switched off, and formats that stand still for sources that may
    /// move, unless they are to stand still.
    func offered(for mediaType: String?, _ transform: Transform, jxl: Bool) -> AcceptedFormats {
        var offered = jxl ? self : subtracting(.jxl)
        let mayMove = mediaType.map { ["image/gif", "image/webp"].contains($0.lowercased()) } ?? false
        if mayMove, transform.animated != false { offered.subtract([.avif, .jxl]) }
        return offered
    }
}
