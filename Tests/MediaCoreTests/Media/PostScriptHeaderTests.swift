// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import NIOCore
import Testing

@testable import MediaCore

@Suite struct PostScriptHeaderTests {
    private func header(_ text: String) throws -> PostScriptHeader { try PostScriptHeader(ByteBuffer(string: text)) }

    private func refusal(_ text: String) -> String? {
        do {
            _ = try header(text)
            return nil
        } catch let failure as ConversionFailure {
            return failure.reason == .unreadable ? failure.message : "not that reason"
        } catch {
            return "not that error"
        }
    }

    @Test(arguments: ["\n", "\r\n", "\r"])
    func theBoxIsReadWhateverEndsALine(_ end: String) throws {
        let lines = ["%!PS-Adobe-3.0 EPSF-3.0", "%%Title: x", "%%BoundingBox: 10 20 110 70", "%%EndComments", ""]
        let read = try header(lines.joined(separator: end))
        #expect((read.left, read.bottom, read.width, read.height) == (10, 20, 100, 50))
        #expect(read.size() == (417, 208))
        #expect(read.isEncapsulated)
        #expect(read.size(at: 72) == (100, 50))
    }

    @Test func numbersMayHaveFractionsSignsAndMuchSpace() throws {
        let read = try header("%!PS-Adobe-2.0\n%%BoundingBox:\t -10.5   0 \t9.5  0.1 \n")
        #expect((read.left, read.width) == (-10.5, 20))
        #expect(read.size().height == 1)
        #expect(!read.isEncapsulated)
    }

    @Test func whatIsNoEPSIsRefusedWithAReason() {
        #expect(refusal("")?.contains("%!PS-Adobe-") == true)
        #expect(refusal("%!PS\n%%BoundingBox: 0 0 1 1\n")?.contains("%!PS-Adobe-") == true)
        #expect(refusal("%!PS-Adobe-3.0\n%%Title: x\n")?.contains("no %%BoundingBox") == true)
        #expect(refusal("%!PS-Adobe-3.0\n%%BoundingBox: (atend)\n")?.contains("(atend)") == true)
        for box in ["", "1 2 3", "a b c d", "0 0 nan 9", "0 0 inf 9", "0 0 1e300 9"] {
            #expect(refusal("%!PS-Adobe-3.0\n%%BoundingBox: \(box)\n")?.contains("four numbers") == true, "\(box)")
        }
        for box in ["0 0 0 9", "9 9 0 0"] {
            #expect(refusal("%!PS-Adobe-3.0\n%%BoundingBox: \(box)\n")?.contains("empty") == true, "\(box)")
        }
    }

    @Test func aBinaryPreviewIsRefused() throws {
        let bytes = ByteBuffer(bytes: [0xC5, 0xD0, 0xD3, 0xC6, 30, 0, 0, 0])
        #expect(throws: ConversionFailure.self) { try PostScriptHeader(bytes) }
    }

    @Test func theBoxIsLookedForInTheFirstFourKilobytes() throws {
        let box = "%%BoundingBox: 0 0 9 9\n"
        let start = "%!PS-Adobe-3.0\n%"
        let within = start + String(repeating: "x", count: 4096 - start.count - 1 - box.count) + "\n" + box
        #expect(within.count == 4096)
        #expect(refusal(within) == nil)
        #expect(refusal(start + String(repeating: "x", count: 4096) + "\n" + box)?.contains("no %%BoundingBox") == true)
    }

    @Test func noiseIsReadOrRefused() {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<3000 {
            let noise = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                "0123456789 .-+eE()x\n\r%".randomElement(using: &generator) ?? " "
            }
            _ = refusal("%!PS-Adobe-3.0\n%%BoundingBox:" + String(noise))
        }
    }
}
