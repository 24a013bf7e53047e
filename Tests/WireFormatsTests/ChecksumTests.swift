// SPDX-License-Identifier: Apache-2.0

import CChecksums
import MediaTesting
import NIOCore
import Testing
import WireFormats

@Suite struct ChecksumTests {
    /// Of `123456789`, as the checks' catalogue, RFC 1321 and NIST's standards have them.
    @Test(arguments: [
        (ChecksumAlgorithm.crc32, "cbf43926"), (.crc32c, "e3069283"), (.crc64nvme, "ae8b14860a799888"),
        (.md5, "25f9e794323b453885f5181f1b624d0b"), (.sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
        (.sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
    ])
    func theCheckValuesArePublishedOnes(_ algorithm: ChecksumAlgorithm, _ value: String) {
        #expect(Checksum.of("123456789".utf8, algorithm).hexadecimal == value)
    }

    @Test(arguments: ChecksumAlgorithm.allCases)
    func theDigestOfNothingIsThatOfNoBytes(_ algorithm: ChecksumAlgorithm) {
        #expect(Checksum(algorithm).value == Checksum.of([], algorithm))
        #expect(Checksum(algorithm).value.bytes.count == algorithm.byteCount)
    }

    @Test(arguments: ChecksumAlgorithm.allCases, 0..<40 as Range<UInt64>)
    func piecesGiveTheDigestOfTheWhole(_ algorithm: ChecksumAlgorithm, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let whole = ByteBuffer(bytes: randomBytes(Int.random(in: 0...4000, using: &generator), &generator))
        var checksum = Checksum(algorithm)
        for piece in randomChunks(whole, &generator) { checksum.update(piece) }

        #expect(checksum.value == Checksum.of(whole.readableBytesView, algorithm))
    }

    @Test func aValueIsReadFromBase64OfItsSizeOnly() throws {
        let value = try #require(ChecksumValue(.crc32c, base64: "sOO8/Q=="))

        #expect(value.bytes == [0xB0, 0xE3, 0xBC, 0xFD])
        #expect(value.base64 == "sOO8/Q==")
        for wrong in ["", "sOO8/Q", "sOO8/Q=", "sOO8", "sOO8/QAA", "sOO8_Q==", "sOO8/Q==\n", " sOO8/Q==", "é"] {
            #expect(ChecksumValue(.crc32c, base64: wrong) == nil, "\(wrong)")
        }
    }

    @Test func namesAreThoseOfTheHeaders() {
        #expect(ChecksumAlgorithm.allCases.map(\.fieldName).sorted().first == "content-md5")
        #expect(ChecksumAlgorithm.crc64nvme.fieldName == "x-amz-checksum-crc64nvme")
        for algorithm in ChecksumAlgorithm.allCases {
            #expect(ChecksumAlgorithm(name: algorithm.name) == algorithm)
            #expect(ChecksumAlgorithm(name: algorithm.name.lowercased()) == algorithm)
            #expect(ChecksumAlgorithm(fieldName: algorithm.fieldName) == algorithm)
        }
        #expect(ChecksumAlgorithm(name: "CRC16") == nil)
        #expect(ChecksumAlgorithm(fieldName: "x-amz-checksum-mode") == nil)
    }
}

/// The kernels against the definition, bit by bit.
@Suite struct CRCKernelTests {
    struct Definition: Sendable {
        var kind: cchecksums_crc
        var polynomial: UInt64
        var ones: UInt64

        func of(_ bytes: some Sequence<UInt8>, after first: UInt64 = 0) -> UInt64 {
            var state = first ^ ones
            for byte in bytes {
                state ^= UInt64(byte)
                for _ in 0..<8 { state = state & 1 == 1 ? state >> 1 ^ polynomial : state >> 1 }
            }
            return state ^ ones
        }
    }

    static let definitions = [
        Definition(kind: CCHECKSUMS_CRC32, polynomial: 0xEDB8_8320, ones: 0xFFFF_FFFF),
        Definition(kind: CCHECKSUMS_CRC32C, polynomial: 0x82F6_3B78, ones: 0xFFFF_FFFF),
        Definition(kind: CCHECKSUMS_CRC64NVME, polynomial: 0x9A6C_9329_AC4B_C9B5, ones: .max),
    ]

    @Test(arguments: definitions)
    func everyLengthGivesWhatTheDefinitionGives(_ definition: Definition) {
        var generator = SeededGenerator(seed: 1)
        let bytes = randomBytes(600, &generator)

        bytes.withUnsafeBytes { all in
            for count in 0...bytes.count {
                let expected = definition.of(bytes.prefix(count))
                #expect(cchecksums_update(definition.kind, 0, all.baseAddress, count) == expected)
                #expect(cchecksums_update_with_tables(definition.kind, 0, all.baseAddress, count) == expected)
            }
        }
    }

    @Test(arguments: definitions, 0..<60 as Range<UInt64>)
    func everyAlignmentAndStartGivesWhatTheDefinitionGives(_ definition: Definition, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let bytes = randomBytes(Int.random(in: 0...3000, using: &generator), &generator)
        let start = Int.random(in: 0...min(70, bytes.count), using: &generator)
        let first = UInt64.random(in: 0...definition.ones, using: &generator)
        let expected = definition.of(bytes[start...], after: first)

        bytes.withUnsafeBytes { all in
            let part = UnsafeRawBufferPointer(rebasing: all[start...])
            #expect(cchecksums_update(definition.kind, first, part.baseAddress, part.count) == expected)
            #expect(cchecksums_update_with_tables(definition.kind, first, part.baseAddress, part.count) == expected)
        }
    }
}

@Suite struct MultipartChecksumTests {
    static let crcs = ChecksumAlgorithm.allCases.filter(\.isCombinable)

    @Test(arguments: crcs, 0..<60 as Range<UInt64>)
    func theWholesCRCFollowsFromItsParts(_ algorithm: ChecksumAlgorithm, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let parts = (0..<Int.random(in: 1...6, using: &generator)).map { _ in
            randomBytes([0, 1, 7, 64, 1000, 5000].randomElement(using: &generator) ?? 0, &generator)
        }
        let checked = parts.map { ChecksummedPart(value: Checksum.of($0, algorithm), byteCount: UInt64($0.count)) }

        #expect(ChecksumValue(joining: checked) == Checksum.of(parts.flatMap { $0 }, algorithm))
    }

    @Test func theWholesCRCNeedsPartsOfOneCRC() {
        let crc = ChecksummedPart(value: Checksum.of([1], .crc32), byteCount: 1)
        let other = ChecksummedPart(value: Checksum.of([1], .crc32c), byteCount: 1)
        let digest = ChecksummedPart(value: Checksum.of([1], .sha256), byteCount: 1)

        #expect(ChecksumValue(joining: []) == nil)
        #expect(ChecksumValue(joining: [crc, other]) == nil)
        #expect(ChecksumValue(joining: [digest, digest]) == nil)
    }

    @Test func aPartOfFiveTebibytesIsJoinedAtOnce() throws {
        let zeros = ChecksummedPart(value: Checksum.of([0], .crc64nvme), byteCount: 1)
        var doubled = zeros
        for _ in 0..<42 {
            doubled = ChecksummedPart(
                value: try #require(ChecksumValue(joining: [doubled, doubled])), byteCount: doubled.byteCount * 2)
        }
        let huge = try #require(ChecksumValue(joining: [zeros, doubled]))

        #expect(huge == ChecksumValue(joining: [doubled, zeros]))
        #expect(huge != doubled.value)
    }

    @Test func aCompositeIsTheDigestOfDigestsWithTheirCount() throws {
        let md5 = try #require(CompositeChecksum([Checksum.of("a".utf8, .md5), Checksum.of("b".utf8, .md5)]))
        #expect(md5.hexadecimal == "96e024ba2074fe77e8e965ba43a704be-2")

        let crc = try #require(CompositeChecksum([Checksum.of("a".utf8, .crc32)]))
        #expect(crc.base64 == Checksum.of([0xE8, 0xB7, 0xBE, 0x43], .crc32).base64 + "-1")

        #expect(CompositeChecksum([]) == nil)
        #expect(CompositeChecksum([Checksum.of([], .md5), Checksum.of([], .sha1)]) == nil)
    }
}

func randomBytes(_ count: Int, _ generator: inout SeededGenerator) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
}
