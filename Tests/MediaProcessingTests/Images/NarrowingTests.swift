// SPDX-License-Identifier: Apache-2.0

import Glibc
import MediaCore
import MediaTesting
import Testing

@testable import MediaProcessing

/// The horizontal pass of the resize, which is ours.
@Suite struct NarrowingTests {
    @Test(arguments: [1, 3, 4]) func isWhatTheFormulaSays(_ bands: Int) throws {
        var generator = SeededGenerator(seed: UInt64(bands))
        for (from, to) in [(1000, 800), (97, 96), (64, 8), (9, 2), (2, 1), (17, 13), (801, 101), (5, 4)] {
            // 19 lines are two full turns and a rest.
            let picture = TestPicture(from, 19) { _, _ in (0..<bands).map { _ in UInt8.random(in: 0...255, using: &generator) } }
            let narrowed = try picture.image("multiband").narrowed(to: to)

            #expect(narrowed.size == PixelSize(width: to, height: 19) && narrowed.bands == bands)
            let worst = zip(try narrowed.samples(), Self.reference(picture, width: to)).map { abs(Double($0) - $1) }.max() ?? 255
            // Half for the rounding, and what weights of 14 bits add.
            #expect(worst <= 0.9, "\(from) to \(to): off by \(worst)")
        }
    }

    @Test(arguments: [(1000, 999), (1000, 501), (1000, 125), (3, 2), (2, 1)]) func plainStaysPlain(_ from: Int, _ to: Int) throws
    {
        for value in [0, 1, 127, 254, 255] as [UInt8] {
            let narrowed = try TestPicture.plain(from, 9, [value, value, value]).image().narrowed(to: to)
            #expect(try narrowed.samples().allSatisfy { $0 == value })
        }
    }

    @Test func anyPartIsThatPartOfTheWhole() throws {
        var generator = SeededGenerator(seed: 3)
        let picture = TestPicture(300, 60) { _, _ in (0..<3).map { _ in UInt8.random(in: 0...255, using: &generator) } }
        let narrowed = try picture.image().narrowed(to: 211)
        let whole = try narrowed.inMemory()
        for _ in 0..<50 {
            let x = Int.random(in: 0..<211, using: &generator), y = Int.random(in: 0..<60, using: &generator)
            let part = PixelRectangle(
                x: x, y: y, width: Int.random(in: 1...211 - x, using: &generator),
                height: Int.random(in: 1...60 - y, using: &generator))
            #expect(try narrowed.cut(part).samples() == whole.cut(part).samples())
        }
    }

    @Test func whatItIsNotMadeForIsLeftToLibvips() throws {
        let picture = TestPicture.quarters(800, 4)
        let image = try picture.image()
        #expect(image.canBeNarrowed(to: 799) && image.canBeNarrowed(to: 100))
        for width in [0, -1, 99, 800, 801] {
            #expect(!image.canBeNarrowed(to: width))
            #expect(throws: VipsFailure.self) { try image.narrowed(to: width) }
        }
        let deep = try VipsOperation("cast", ["in": .image(image), "format": .choice("ushort")]).image()
        let two = try TestPicture.plain(800, 4, [1, 2]).image("b-w")
        let long = try VipsOperation("black", ["width": 65537, "height": 1]).image()
        for other in [deep, two, long] {
            #expect(!other.canBeNarrowed(to: other.width / 2))
            #expect(try other.resized(to: PixelSize(width: other.width / 2, height: 2)).size.width == other.width / 2)
        }
    }

    /// Lanczos with three lobes, in floating point; weights past the sides count for nothing.
    private static func reference(_ picture: TestPicture, width: Int) -> [Double] {
        let factor = Double(picture.size.width) / Double(width)
        func lanczos(_ x: Double) -> Double {
            guard abs(x) > 1e-9 else { return 1 }
            let angle = Double.pi * x
            return abs(x) < 3 ? 3 * sin(angle) * sin(angle / 3) / (angle * angle) : 0
        }
        let weights = (0..<width).map { x -> [Double] in
            let centre = (Double(x) + 0.5) * factor - 0.5
            let all = (0..<picture.size.width).map { lanczos((Double($0) - centre) / factor) }
            let sum = all.reduce(0, +)
            return all.map { $0 / sum }
        }
        var result: [Double] = []
        for y in 0..<picture.size.height {
            let line = picture.samples[(y * picture.size.width * picture.bands)...].prefix(picture.size.width * picture.bands)
                .map(Double.init)
            for x in 0..<width {
                for band in 0..<picture.bands {
                    var sum = 0.0
                    for (column, weight) in weights[x].enumerated() where weight != 0 {
                        sum += weight * line[column * picture.bands + band]
                    }
                    result.append(min(max(sum, 0), 255))
                }
            }
        }
        return result
    }
}
