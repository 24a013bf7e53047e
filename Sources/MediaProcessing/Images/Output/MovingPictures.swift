// SPDX-License-Identifier: Apache-2.0

extension VipsImage {
    /// Forgets that it was one of several frames.
    func withoutFrames() throws(VipsFailure) -> VipsImage {
        guard hasField("page-height") || hasField("n-pages") else { return self }
        return try withFields { fields in
            for name in ["page-height", "n-pages", "delay", "gif-delay", "loop", "gif-loop"] { fields.remove(name) }
        }
    }
}

extension [VipsImage] {
    /// Puts frames together, with the times and the count of rounds of the picture they were taken from.
    func moving(like source: VipsImage, frameHeight: Int) throws(VipsFailure) -> VipsImage {
        let delays = source.integers("delay") ?? []
        let loops = source.integer("loop") ?? 0
        // Frames are transparent or not together.
        let alpha = contains(where: \.hasAlpha)
        var frames: [VipsImage] = []
        for frame in self { frames.append(alpha ? try frame.withAlpha() : frame) }
        return try VipsImage.stacked(frames).withFields { fields in
            fields.set("page-height", frameHeight)
            fields.set("n-pages", frames.count)
            if !delays.isEmpty { fields.set("delay", Array<Int>(delays.prefix(frames.count))) }
            fields.set("loop", loops)
        }
    }
}
