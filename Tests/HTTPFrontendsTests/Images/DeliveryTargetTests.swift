// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import HTTPFrontends

struct DeliveryTargetTests {
    /// Each reading as one line: `key < what`.
    private static func readings(_ path: String) -> [String]? {
        DeliveryTarget(path[...]).map { target in
            target.readings.map { reading in
                switch reading.wanted {
                case .image(let parameters, let format): "\(reading.key) < \(parameters).\(format.name)"
                case .original(let format, let name): "\(reading.key) < original.\(name) as \(format.name)"
                case .media(let kind, let name): "\(reading.key) < \(name) as \(kind.mediaType)"
                case .embed: "\(reading.key) < embed"
                }
            }
        }
    }

    @Test(
        arguments: [
            (
                "/shop/img_01J/w_400,h_300.webp",
                ["img_01J < w_400,h_300.webp", "img_01J/w_400,h_300 < .webp", "img_01J/w_400,h_300.webp < .webp"]
            ),
            ("/shop/img_01J/w_400.jpeg", ["img_01J < w_400.jpg", "img_01J/w_400 < .jpg", "img_01J/w_400.jpeg < .jpg"]),
            ("/shop/img_01J/w_400", ["img_01J < w_400.auto"]),
            (
                "/shop/w_400/sunset-beach.auto",
                [
                    "sunset-beach < w_400.auto", "sunset-beach.auto < w_400.auto",
                    "w_400/sunset-beach < .auto", "w_400/sunset-beach.auto < .auto",
                ]
            ),
            (
                "/shop/t_card/a/b%20c.png",
                ["a/b c < t_card.png", "a/b c.png < t_card.png", "t_card/a/b c < .png", "t_card/a/b c.png < .png"]
            ),
            ("/shop/sunset.webp", ["sunset < .webp", "sunset.webp < .webp"]),
            ("/shop/photo/w_800.jpg", ["photo < w_800.jpg", "photo/w_800 < .jpg", "photo/w_800.jpg < .jpg"]),
            (
                "/shop/t_shirt/w_4.jpg",
                [
                    "t_shirt < w_4.jpg", "w_4 < t_shirt.jpg", "w_4.jpg < t_shirt.jpg", "t_shirt/w_4 < .jpg",
                    "t_shirt/w_4.jpg < .jpg",
                ]
            ),
            (
                "/shop/img_01J/original.gif",
                ["img_01J < original.gif as gif", "img_01J/original < .gif", "img_01J/original.gif < .gif"]
            ),
            (
                "/shop/a/b.jpg/original.auto",
                ["a/b.jpg < original.auto as auto", "a/b.jpg/original < .auto", "a/b.jpg/original.auto < .auto"]
            ),
            ("/shop/img_01J/embed", ["img_01J < embed"]), ("/shop/a/b.jpg/embed", ["a/b.jpg < embed"]),
            ("/shop/vid_01J/video.mp4", ["vid_01J < video.mp4 as video/mp4"]),
            ("/shop/eps_01J/original.eps", ["eps_01J < original.eps as application/postscript"]),
            ("/shop/w_4/notes.md", ["notes.md < w_4.auto"]),
            (
                "/shop/w_4%2Ch_5/cat.webp",
                ["cat < w_4,h_5.webp", "cat.webp < w_4,h_5.webp", "w_4,h_5/cat < .webp", "w_4,h_5/cat.webp < .webp"]
            ),
        ] as [(String, [String])])
    func aPathHasItsReadingsInOrder(path: String, expected: [String]) {
        #expect(Self.readings(path) == expected)
    }

    @Test(
        arguments: [
            "/", "/shop", "/shop/", "shop/a.jpg", "/Shop/a.jpg", "/-a/a.jpg", "/a_b/a.jpg", "/api/img_1/w_1.jpg", "/img/a.jpg",
            "/raw/a.jpg",
            "/render/image.jpg", "/object/a.jpg", "/bucket/a.jpg", "/s3/a.jpg", "/storage/v1.jpg", "/upload/a.jpg",
            "/console/a.jpg",
            "/shop/a", "/shop/a.txt", "/shop/a/b", "/shop/w_1/", "/shop/%zz.jpg", "/shop/\u{0}%FF.jpg", "/sh%6Fp/a.jpg",
            "/favicon.ico",
            "/\(String(repeating: "a", count: 64))/a.jpg",
        ])
    func otherPathsAreNotOurs(path: String) {
        #expect(DeliveryTarget(path[...]) == nil)
    }

    @Test(
        arguments: [
            ("/shop/img_1/w_9999.jpg", "w_9999 must be a whole number from 1 to 4096"), ("/shop/w_1,q_0/cat.jpg", "q_0 must be"),
            ("/shop/img_1/w_5.bmp", "The format .bmp is not delivered"),
            ("/shop/img_1/original.doc", "The format .doc is not delivered"),
        ])
    func aMistakeInParametersIsRemembered(path: String, mistake: String) {
        #expect(DeliveryTarget(path[...])?.mistake?.hasPrefix(mistake) == true)
    }

    @Test func anyPathIsReadOrIsNotOurs() {
        var generator = SeededGenerator(seed: 13)
        let segments = [
            "shop", "api", "img_1", "cat.jpg", "embed", "original.png", "a b", "%2F", "", "..", "video.mp4", "x.auto",
        ]
        for _ in 0..<10_000 {
            var path = ""
            for _ in 0..<Int.random(in: 0...5, using: &generator) {
                path +=
                    "/"
                    + (Bool.random(using: &generator)
                        ? ImageParametersTests.random(&generator) : segments.randomElement(using: &generator) ?? "")
            }
            if Bool.random(using: &generator) { path = Mutation.of(path, using: &generator) }
            guard let target = DeliveryTarget(path[...]) else { continue }
            #expect(target.readings.count <= 6, "\(path)")
            #expect(ProjectName.isName(target.project), "\(path)")
        }
    }
}
