// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import Testing

@testable import MediaCore

@Suite struct MediaKindTests {
    private static func box(_ brand: String, _ compatible: [String] = []) -> [UInt8] {
        let length = 16 + 4 * compatible.count
        return [0, 0, 0, UInt8(length)] + Array("ftyp\(brand)".utf8) + [0, 0, 0, 0] + compatible.flatMap { Array($0.utf8) }
    }

    private static func ebml(_ type: String) -> [UInt8] {
        // EBMLVersion, then DocType.
        let elements: [UInt8] = [0x42, 0x86, 0x81, 1, 0x42, 0x82, 0x80 | UInt8(type.utf8.count)] + Array(type.utf8)
        return [0x1A, 0x45, 0xDF, 0xA3, 0x01, 0, 0, 0, 0, 0, 0, UInt8(elements.count)] + elements
    }

    @Test(
        arguments: [
            (box("isom", ["iso2", "avc1", "mp41"]), .mp4), (box("mp42", ["isom"]), .mp4), (box("M4V ", ["M4V ", "mp42"]), .mp4),
            (box("qt  ", ["qt  "]), .mov), (box("xxxx", ["qt  "]), .mov), (box("avif", ["mif1", "miaf"]), .avif),
            (box("mif1", ["avif"]), .avif), (box("heic", ["mif1", "heic"]), .heic), (box("mif1", ["heic", "isom"]), .heic),
            (box("M4A ", ["mp42", "isom"]), nil), (box("crx ", ["isom"]), nil), (box("xxxx"), nil),
            (ebml("webm"), .webm), (ebml("webm\0\0"), .webm), (ebml("matroska"), nil), (ebml("webmx"), nil), (ebml(""), nil),
            (Array("%!PS-Adobe-3.0 EPSF-3.0\n".utf8), .eps), (Array("%!PS\n".utf8), nil), (Array("%PDF-1.7".utf8), nil),
            ([0, 0, 0, 8] + Array("wide".utf8) + [0, 0, 9, 9] + Array("mdat".utf8), .mov),
            ([0, 0, 1, 0] + Array("moov".utf8) + [0, 0, 0, 9] + Array("mvhd".utf8), .mov),
            ([0, 0, 0, 8] + Array("free".utf8) + [0, 0, 9, 9] + Array("abcd".utf8), nil),
            (Array("<?xml version='1.0'?><!-- x --><svg xmlns='http://www.w3.org/2000/svg'>".utf8), .svg),
            (Array("<html><svg>".utf8), nil), (Array("#EXTM3U\n".utf8), nil), ([], nil),
            (Array("RIFF\0\0\0\0WEBP".utf8), .webp), (Array("RIFF\0\0\0\0AVI ".utf8), nil), (Array("GIF89a".utf8), .gif),
            ([0xFF, 0xD8, 0xFF, 0xE0], .jpeg), ([0xC5, 0xD0, 0xD3, 0xC6], nil),
        ] as [([UInt8], MediaKind?)])
    func bytesSayWhatTheyAre(_ bytes: [UInt8], _ kind: MediaKind?) {
        #expect(MediaKind(bytes) == kind)
        // More behind it changes nothing.
        #expect(MediaKind(bytes + [UInt8](repeating: 0x20, count: 100_000)) == kind)
    }

    @Test func aKindHasItsTypeAndItsContainer() {
        #expect(MediaKind.mov.mediaType == "video/quicktime" && MediaKind.mov.container == .mov)
        #expect(MediaKind.eps.mediaType == "application/postscript" && !MediaKind.eps.isImage && !MediaKind.eps.isVideo)
        #expect(MediaKind.svg.mediaType == "image/svg+xml" && MediaKind.svg.isImage)
        #expect(VideoFacts.Container.allCases.map(\.mediaType) == ["video/mp4", "video/webm", "video/quicktime"])
    }

    @Test func noPrefixAndNoNoiseIsTooMuch() {
        var generator = SeededGenerator(seed: 5)
        let starts = [
            Self.box("isom", ["mp41", "avif"]), Self.ebml("webm"), Array("<!DOCTYPE svg [<!ENTITY a '>'>]><svg>".utf8),
        ]
        for start in starts {
            for length in 0...start.count { _ = MediaKind(start.prefix(length)) }
            for _ in 0..<2000 {
                var bytes = start
                for _ in 0..<3 {
                    bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
                }
                _ = MediaKind(bytes)
            }
        }
    }
}
