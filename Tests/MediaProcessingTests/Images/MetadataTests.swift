// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import Testing

@testable import MediaProcessing

@Suite struct MetadataTests {
    static let texts: [(tag: UInt16, name: String)] = [
        (0x010F, "exif-ifd0-Make"), (0x013B, "exif-ifd0-Artist"), (0x8298, "exif-ifd0-Copyright"),
    ]

    @Test(arguments: [ImageFormat.jpeg, .webp, .avif, .png]) func nothingIsKeptUnlessItIsAskedFor(_ format: ImageFormat)
        async throws
    {
        let fields = try await fields(of: format, .strip) + (try await self.fields(of: format, nil))
        #expect(!fields.contains { $0.hasPrefix("exif-ifd0-Make") || $0.hasPrefix("exif-ifd0-Copyright") || $0.hasPrefix("xmp") })
    }

    @Test(arguments: [ImageFormat.jpeg, .webp]) func copyrightIsKeptAlone(_ format: ImageFormat) async throws {
        let fields = try await fields(of: format, .copyright)
        #expect(fields.contains("exif-ifd0-Copyright") && fields.contains("exif-ifd0-Artist"))
        #expect(!fields.contains("exif-ifd0-Make") && !fields.contains("xmp-data"))
    }

    @Test(arguments: [ImageFormat.jpeg, .webp]) func everythingIsKeptButWhatIsNoLongerTrue(_ format: ImageFormat) async throws {
        let fields = try await fields(of: format, .keep)
        for (_, name) in Self.texts { #expect(fields.contains(name), "\(name)") }
        #expect(fields.contains("xmp-data"))
        #expect(!fields.contains("icc-profile-data") && !fields.contains("jpeg-thumbnail-data"))
    }

    @Test func aKeptOrientationIsUpright() async throws {
        let image = try await Engine().render(try Self.source(orientation: 6)) {
            ($0.format, $0.metadata) = (.fixed(.jpeg), .keep)
        }
        let looked = try Looked(image)
        #expect(looked.width == 40 && looked.height == 60)
        #expect((looked.image.integer("orientation") ?? 1) == 1)
    }

    private func fields(of format: ImageFormat, _ policy: Transform.MetadataPolicy?) async throws -> [String] {
        let image = try await Engine().render(try Self.source()) { ($0.format, $0.metadata) = (.fixed(format), policy) }
        return try Looked(image).image.fieldNames
    }

    /// A JPEG with EXIF (CIPA DC-008 §4.5) and XMP, and a comment.
    private static func source(orientation: UInt16 = 1) throws -> ByteBuffer {
        var bytes = try Engine.plainJPEG(TestPicture.quarters(60, 40))
        var source = ByteBuffer()
        bytes.readBytes(length: 2).map { _ = source.writeBytes($0) }
        source.writeSegment(0xE1, ByteBuffer(string: "Exif\0\0") + exif(orientation: orientation))
        source.writeSegment(0xE1, ByteBuffer(string: "http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"))
        source.writeBuffer(&bytes)
        return source
    }

    private static func exif(orientation: UInt16) -> ByteBuffer {
        var block = ByteBuffer(string: "MM\0*")
        block.writeInteger(UInt32(8))
        block.writeInteger(UInt16(texts.count + 1))
        // Ascending tags: the orientation is behind Make.
        let entries = texts.map(\.tag) + [0x0112]
        let values = 8 + 2 + 12 * entries.count + 4
        for tag in entries.sorted() {
            block.writeInteger(tag)
            if tag == 0x0112 {
                block.writeMultipleIntegers(UInt16(3), UInt32(1), orientation, UInt16(0))
            } else {
                block.writeMultipleIntegers(UInt16(2), UInt32(8), UInt32(values))
            }
        }
        block.writeInteger(UInt32(0))
        block.writeString("Lovelace".prefix(7) + "\0")
        return block
    }
}

extension Engine {
    /// Without any metadata of its own.
    fileprivate static func plainJPEG(_ picture: TestPicture) throws -> ByteBuffer {
        try Encoder(format: .jpeg, quality: 95, isStripped: true).encode(try picture.image())
    }
}

extension ByteBuffer {
    fileprivate mutating func writeSegment(_ marker: UInt8, _ body: ByteBuffer) {
        writeMultipleIntegers(UInt8(0xFF), marker, UInt16(body.readableBytes + 2))
        writeImmutableBuffer(body)
    }

    fileprivate static func + (left: ByteBuffer, right: ByteBuffer) -> ByteBuffer {
        var both = left
        both.writeImmutableBuffer(right)
        return both
    }
}
