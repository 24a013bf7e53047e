// SPDX-License-Identifier: Apache-2.0

extension TransformRequest {
    /// The transform that is run: with the pixel ratio applied, sizes clamped to what is allowed, and the format settled.
    func resolved(by settings: ImageSettings, accepted: AcceptedFormats, limits: ImageLimits) -> Transform {
        var transform = transform
        let ratio = pixelRatio?.doubleValue ?? 1
        func side(_ length: Int?) -> Int? {
            length.map { min(max(Int((Double($0) * ratio).rounded()), 1), limits.resultSide) }
        }
        transform.width = side(transform.width)
        transform.height = side(transform.height)
        if (transform.format ?? .accepted) == .accepted {
            transform.format = .negotiated(accepted, for: transform, limits: limits)
        }
        return transform
    }
}
