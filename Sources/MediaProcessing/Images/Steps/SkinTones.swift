// SPDX-License-Identifier: Apache-2.0

/// Where in an image there are tones of skin. It knows nothing of eyes and mouths: hands, wood and sand attract it, too.
struct SkinTones {
    /// In pixels of the image. Nil where hardly anything has such a colour.
    let centre: (x: Double, y: Double)?

    /// Less than one pixel of so many is chance.
    private static let leastShare = 200

    init(of image: VipsImage) throws {
        let factor = min(128 / Double(max(image.width, image.height)), 1)
        let small = try image.flattened(red: 0, green: 0, blue: 0).resized(to: image.size.scaled(by: factor))
        let samples = try small.samples()
        let width = small.width
        var (count, across, down) = (0, 0, 0)
        for index in 0..<small.size.pixels where Self.isSkin(samples[(index * 3)..<(index * 3 + 3)]) {
            count += 1
            across += index % width
            down += index / width
        }
        guard count > 0, count * Self.leastShare >= small.size.pixels else {
            centre = nil
            return
        }
        centre = (
            (Double(across) / Double(count) + 0.5) * Double(image.width) / Double(width),
            (Double(down) / Double(count) + 0.5) * Double(image.height) / Double(small.height)
        )
    }

    /// The chroma of skin varies little between people, its brightness much: Cb 77...127 and Cr 133...173, as Chai and Ngan
    /// measured, and not nearly black.
    private static func isSkin(_ pixel: ArraySlice<UInt8>) -> Bool {
        let values = pixel.map(Double.init)
        let (red, green, blue) = (values[0], values[1], values[2])
        let luma = 0.299 * red + 0.587 * green + 0.114 * blue
        let chromaBlue = 128 + 0.564 * (blue - luma)
        let chromaRed = 128 + 0.713 * (red - luma)
        return luma > 40 && (77...127).contains(chromaBlue) && (133...173).contains(chromaRed)
    }
}
