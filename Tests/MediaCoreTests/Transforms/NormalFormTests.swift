// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MediaCore

/// Transforms that mean the same share a variant.
struct NormalFormTests {
    typealias Change = @Sendable (inout Transform) -> Void

    struct Pair: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var left: Change
        var right: Change

        init(_ name: String, _ left: @escaping Change, _ right: @escaping Change = { _ in }) {
            self.testDescription = name
            self.left = left
            self.right = right
        }

        func transforms(_ base: Change) -> (Transform, Transform) {
            var (left, right) = (Transform(), Transform())
            base(&left)
            base(&right)
            self.left(&left)
            self.right(&right)
            return (left.normalised(), right.normalised())
        }
    }

    static let box: Change = { transform in
        transform.width = 10
        transform.height = 10
    }
    static let part = FixedPoint(thousandths: 500)

    static let same = [
        Pair(
            "fit of one side",
            {
                $0.height = nil; $0.fit = .pad
            }, { $0.height = nil }),
        Pair(
            "fit of no side",
            {
                $0.width = nil; $0.height = nil; $0.fit = .fill; $0.enlarges = true
            },
            {
                $0.width = nil; $0.height = nil
            }),
        Pair("cover", { $0.fit = .cover }),
        Pair(
            "scale-down",
            {
                $0.fit = .scaleDown; $0.enlarges = true
            }, { $0.fit = .scaleDown }),
        Pair(
            "gravity of contain",
            {
                $0.fit = .contain; $0.gravity = .compass(.north)
            }, { $0.fit = .contain }),
        Pair(
            "gravity of fill",
            {
                $0.fit = .fill; $0.gravity = .interest(.face)
            }, { $0.fit = .fill }),
        Pair(
            "gravity of one side",
            {
                $0.width = nil; $0.gravity = .interest(.face)
            }, { $0.width = nil }),
        Pair(
            "interest of pad",
            {
                $0.fit = .pad; $0.gravity = .interest(.entropy)
            }, { $0.fit = .pad }),
        Pair("centre", { $0.gravity = .compass(.centre) }),
        Pair("centre without an offset", { $0.gravity = .compass(.centre, x: .fraction(FixedPoint(0)), y: .pixels(0)) }),
        Pair("point in the centre", { $0.gravity = .focalPoint(x: part, y: part) }),
        Pair("no enlargement", { $0.enlarges = false }),
        Pair("both flips", { $0.flip = .both }, { $0.rotation = .half }),
        Pair(
            "both flips and half a turn",
            {
                $0.flip = .both; $0.rotation = .half
            }),
        Pair(
            "both flips and a quarter",
            {
                $0.flip = .both; $0.rotation = .quarter
            }, { $0.rotation = .threeQuarters }),
        Pair(
            "all of it",
            {
                $0.crop = CropArea(
                    x: .pixels(0), y: .fraction(FixedPoint(0)), width: .fraction(FixedPoint(1)), height: .fraction(FixedPoint(1)))
            }),
        Pair(
            "nothing",
            { transform in
                transform.blur = FixedPoint(0)
                transform.sharpen = FixedPoint(0)
                transform.trim = 0
                transform.cornerRadius = .pixels(0)
                transform.filters = [
                    .brightness(FixedPoint(1)), .contrast(FixedPoint(1)), .saturation(FixedPoint(1)), .gamma(FixedPoint(1)),
                ]
                transform.background = Color(red: 1, green: 2, blue: 3, alpha: 0)
                transform.metadata = .strip
                transform.animated = true
            }),
        Pair(
            "white JPEG",
            {
                $0.format = .fixed(.jpeg); $0.background = .white
            }, { $0.format = .fixed(.jpeg) }),
        Pair(
            "what never moves",
            {
                $0.format = .fixed(.avif); $0.animated = false
            }, { $0.format = .fixed(.avif) }),
        Pair(
            "a drawing",
            {
                $0.format = .fixed(.svg); $0.quality = 50; $0.metadata = .keep
            },
            {
                $0 = Transform(); $0.format = .fixed(.svg)
            }),
    ]

    @Test(arguments: same) func whatMeansTheSameIsEqual(_ pair: Pair) {
        let (left, right) = pair.transforms(Self.box)
        #expect(left == right && left.description == right.description)
    }

    static let different = [
        Pair(
            "what would be drawn into a drawing",
            {
                $0.format = .fixed(.svg); $0.blur = part
            }, { $0.format = .fixed(.svg) }),
        Pair("scale-down", { $0.fit = .scaleDown }, { $0.fit = .contain }),
        Pair(
            "scale-down of one side",
            {
                $0.width = nil
                $0.fit = .scaleDown
            }, { $0.width = nil }),
        Pair("fit", { $0.fit = .contain }), Pair("enlargement", { $0.enlarges = true }),
        Pair(
            "enlarged contain",
            {
                $0.fit = .contain; $0.enlarges = true
            }, { $0.fit = .contain }),
        Pair("gravity", { $0.gravity = .compass(.north) }), Pair("interest", { $0.gravity = .interest(.face) }),
        Pair("offset", { $0.gravity = .compass(.centre, x: .pixels(1), y: .pixels(0)) }),
        Pair(
            "where pad puts it",
            {
                $0.fit = .pad; $0.gravity = .compass(.south)
            }, { $0.fit = .pad }),
        Pair("flip", { $0.flip = .horizontal }), Pair("rotation", { $0.rotation = .quarter }),
        Pair("filter", { $0.filters = [.brightness(part)] }),
        Pair("order of filters", { $0.filters = [.sepia, .cool] }, { $0.filters = [.cool, .sepia] }),
        Pair(
            "white PNG",
            {
                $0.format = .fixed(.png); $0.background = .white
            }, { $0.format = .fixed(.png) }),
        Pair(
            "what may move",
            {
                $0.format = .fixed(.webp); $0.animated = false
            }, { $0.format = .fixed(.webp) }),
        Pair("quality", { $0.quality = 80 }), Pair("metadata", { $0.metadata = .keep }),
    ]

    @Test(arguments: different) func whatMeansSomethingElseIsNot(_ pair: Pair) {
        let (left, right) = pair.transforms(Self.box)
        #expect(left != right && left.description != right.description)
    }

    @Test func theNormalFormIsItsOwn() {
        for pair in Self.same + Self.different {
            let (left, right) = pair.transforms(Self.box)
            #expect(left.normalised() == left && right.normalised() == right)
        }
    }
}
