// SPDX-License-Identifier: Apache-2.0

extension Transform {
    /// Whether an SVG image is given away as the drawing that it is.
    public var isDeliveredAsSVG: Bool { format == .fixed(.svg) || (format == .source && !draws) }

    /// Whether anything but a size is asked for: what an SVG delivered as it is would not show.
    public var draws: Bool {
        rotation != nil || flip != nil || trim != nil || crop != nil || backgroundRemoval != nil || blur != nil
            || sharpen != nil || !filters.isEmpty || !drawings.isEmpty || watermark != nil || cornerRadius != nil
            || background != nil
    }
}
