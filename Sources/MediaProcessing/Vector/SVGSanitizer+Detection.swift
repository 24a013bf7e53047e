// SPDX-License-Identifier: Apache-2.0

import MediaCore
public import NIOCore

extension SVGSanitizer {
    /// Whether bytes begin like an SVG, whatever they are called: see `SVGPrologue`.
    /// - Parameter prefix: The first bytes of a file.
    public static func isSVG(_ prefix: ByteBuffer) -> Bool { SVGPrologue.leadsToSVG(prefix.readableBytesView) }
}
