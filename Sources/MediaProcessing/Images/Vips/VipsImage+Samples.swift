// SPDX-License-Identifier: Apache-2.0

/// Operations that change samples and leave every pixel where it is.
extension VipsImage {
    /// 8 bits a sample.
    func asBytes() throws(VipsFailure) -> VipsImage {
        holdsBytes ? self : try VipsOperation("cast", ["in": .image(self), "format": .choice("uchar")]).image()
    }

    func inSpace(_ interpretation: String) throws(VipsFailure) -> VipsImage {
        guard self.interpretation != interpretation else { return self }
        return try VipsOperation("colourspace", ["in": .image(self), "space": .choice(interpretation)]).image()
    }

    func bands(_ first: Int, count: Int) throws(VipsFailure) -> VipsImage {
        guard first > 0 || count != bands else { return self }
        return try VipsOperation("extract_band", ["in": .image(self), "band": .integer(first), "n": .integer(count)]).image()
    }

    func joined(_ other: VipsImage) throws(VipsFailure) -> VipsImage {
        try VipsOperation("bandjoin", ["in": .images([self, other])]).image()
    }

    /// With a fourth band, opaque where there was none.
    func withAlpha() throws(VipsFailure) -> VipsImage {
        guard !hasAlpha else { return self }
        return try VipsOperation("bandjoin_const", ["in": .image(self), "c": .numbers([255])]).image()
    }

    /// Changes the colours and leaves the transparency.
    func changingColours(_ change: (VipsImage) throws(VipsFailure) -> VipsImage) throws(VipsFailure) -> VipsImage {
        guard hasAlpha else { return try change(self) }
        let colours = try change(try bands(0, count: bands - 1))
        return try colours.joined(try bands(bands - 1, count: 1))
    }

    /// Changes all samples by something that mixes neighbours: the colour of what is transparent must not count.
    func mixingPixels(_ change: (VipsImage) throws(VipsFailure) -> VipsImage) throws(VipsFailure) -> VipsImage {
        guard hasAlpha else { return try change(self) }
        let premultiplied = try VipsOperation("premultiply", ["in": .image(self)]).image()
        let changed = try VipsOperation("unpremultiply", ["in": .image(try change(premultiplied))]).image()
        guard !holdsBytes else { return try changed.linear([1], [0]) }
        return try VipsOperation("cast", ["in": .image(changed), "format": .choice(sampleFormat)]).image()
    }

    /// Every sample by a factor and a summand, one for each band or one for all, rounded to 8 bits.
    func linear(_ factors: [Double], _ summands: [Double]) throws(VipsFailure) -> VipsImage {
        // The operation cuts off what is behind the point.
        let summands = summands.map { $0 + 0.5 }
        return try VipsOperation(
            "linear", ["in": .image(self), "a": .numbers(factors), "b": .numbers(summands), "uchar": true]
        ).image()
    }

    /// Makes the transparency what it is times that of a mask of one band.
    func masked(by mask: VipsImage) throws(VipsFailure) -> VipsImage {
        let image = try withAlpha()
        let product = try VipsOperation(
            "multiply", ["left": .image(try image.bands(image.bands - 1, count: 1)), "right": .image(mask)]
        ).image()
        return try image.bands(0, count: image.bands - 1).joined(try product.linear([1 / 255], [0]))
    }

    /// Lays a transparent picture over this one.
    func under(_ overlay: VipsImage, x: Int = 0, y: Int = 0) throws(VipsFailure) -> VipsImage {
        let both = try VipsOperation(
            "composite2",
            ["base": .image(self), "overlay": .image(overlay), "mode": .choice("over"), "x": .integer(x), "y": .integer(y)]
        ).image()
        return try (hasAlpha ? both : try both.bands(0, count: bands)).asBytes()
    }

    /// Lays it over one colour, all of it.
    func flattened(red: UInt8, green: UInt8, blue: UInt8) throws(VipsFailure) -> VipsImage {
        guard hasAlpha else { return self }
        return try VipsOperation(
            "flatten", ["in": .image(self), "background": .numbers([Double(red), Double(green), Double(blue)])]
        ).image()
    }

    /// The samples of one pixel.
    func pixel(x: Int, y: Int) throws(VipsFailure) -> [Double] {
        try VipsOperation("getpoint", ["in": .image(self), "x": .integer(x), "y": .integer(y)]).numbers("out-array")
    }
}
