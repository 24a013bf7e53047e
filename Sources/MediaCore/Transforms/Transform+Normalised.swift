// SPDX-License-Identifier: Apache-2.0

extension Transform {
    /// The one of all transforms that give the same bytes by which variants are called: what says nothing is not said.
    func normalised() -> Transform {
        var normal = self
        // A drawing has no size of its own, and is no file of ours. What is to be drawn into it stays, to be refused.
        if format == .fixed(.svg) {
            (normal.width, normal.height, normal.fit, normal.enlarges, normal.gravity) = (nil, nil, nil, nil, nil)
            (normal.metadata, normal.animated, normal.quality) = (nil, nil, nil)
        }
        normal.normaliseSource()
        normal.normaliseSize()
        normal.normaliseLook()
        normal.normaliseFile()
        return normal
    }

    private mutating func normaliseSource() {
        if flip == .both {
            flip = nil
            rotation = Rotation(rawValue: ((rotation?.rawValue ?? 0) + 180) % 360)
        }
        if trim == 0 { trim = nil }
        if let area = crop, area.x.isNothing, area.y.isNothing, area.width.isEverything, area.height.isEverything { crop = nil }
    }

    private mutating func normaliseSize() {
        if enlarges == false { enlarges = nil }
        // One side leaves nothing to fit, but for how large the result may be, and none leaves the size as it is.
        let isBox = width != nil && height != nil
        if fit == .scaleDown { enlarges = nil } else if !isBox || fit == .cover { fit = nil }
        if width == nil, height == nil { (fit, enlarges) = (nil, nil) }
        switch fit {
        case nil where isBox: gravity = gravity.flatMap(\.unlessCentre)
        case .pad: gravity = gravity.flatMap(\.unlessInterest).flatMap(\.unlessCentre)
        default: gravity = nil
        }
    }

    private mutating func normaliseLook() {
        if blur?.thousandths == 0 { blur = nil }
        if sharpen?.thousandths == 0 { sharpen = nil }
        filters.removeAll(where: \.isNothing)
        if let mark = watermark, mark.opacity <= 0 { watermark = nil }
        if cornerRadius == .pixels(0) { cornerRadius = nil }
        if background?.alpha == 0 { background = nil }
        if format == .fixed(.jpeg), background == .white { background = nil }
    }

    private mutating func normaliseFile() {
        if metadata == .strip { metadata = nil }
        if animated == true { animated = nil }
        if case .fixed(let format) = format, !format.keepsAnimation { animated = nil }
    }
}

extension ImageLength {
    fileprivate var isNothing: Bool {
        switch self {
        case .pixels(let count): count == 0
        case .fraction(let fraction): fraction.thousandths == 0
        }
    }

    fileprivate var isEverything: Bool { self == .fraction(FixedPoint(1)) }
}

extension Gravity {
    /// Nil for the centre, which is where things go anyway.
    fileprivate var unlessCentre: Gravity? {
        switch self {
        case .compass(let point, let x, let y):
            let plain = Gravity.compass(point, x: x.isNothing ? .pixels(0) : x, y: y.isNothing ? .pixels(0) : y)
            return plain == .compass(.centre) ? nil : plain
        case .focalPoint(FixedPoint(thousandths: 500), FixedPoint(thousandths: 500)): return nil
        case .focalPoint, .interest: return self
        }
    }

    /// What is looked for in an image says nothing of where all of it goes.
    fileprivate var unlessInterest: Gravity? {
        if case .interest = self { return nil }
        return self
    }
}

extension Filter {
    fileprivate var isNothing: Bool {
        switch self {
        case .brightness(let factor), .contrast(let factor), .saturation(let factor), .gamma(let factor): factor == FixedPoint(1)
        case .sepia, .grayscale, .invert, .vintage, .cool, .warm: false
        }
    }
}
