// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import MediaTesting
import NIOCore
import Testing

@testable import MediaProcessing

/// PostScript is a programming language. These programs are run by the real interpreter.
@Suite struct HostileProgramTests {
    private func outcome(
        _ body: String, limits: ConversionLimits = ConversionLimits(timeout: .seconds(20))
    ) async throws -> ConversionFailure? {
        try await Converting.with(TestEPS.drawing(body), limits: limits) { workspace, file in
            try await Converting.failure { try await workspace.page(1, ofEPS: file) }
        }
    }

    @Test(arguments: [
        "(/etc/passwd) (r) file 1000 string readstring pop =",
        "(/in/source) (a) file (x) writestring",
        "(/out/other) (w) file (x) writestring closefile",
        "(%pipe%id > /out/other) (w) file closefile",
        "(%pipe%id) (r) file 100 string readstring pop =",
        "(/out/document.pdf) deletefile",
        "(/in/source) (/out/other) renamefile",
        "(/etc/*) {=} 256 string filenameforall (/etc/passwd) run",
        "<< /OutputFile (/out/other.png) >> setpagedevice (/etc/passwd) run",
        "<< /OutputDevice /png16m >> setpagedevice .unsafe",
        "(/usr/share/ghostscript/../../../etc/hosts) (r) file pop",
        "/.setsafe where {pop .setsafe} if (/etc/passwd) (r) file",
        ".locksafe false .setuserparams (/etc/passwd) (r) file",
        "systemdict /SAFER false put (/etc/passwd) (r) file",
        "{ (/etc/passwd) .runlibfile } exec",
    ])
    func aProgramThatReachesForFilesFails(_ program: String) async throws {
        let reason = try await outcome(program)?.reason
        // Ghostscript calls a file that it may not rename an `ioerror`, as it calls a full disk.
        #expect(reason == .unreadable || program.contains("renamefile") && reason == .outputTooLarge)
    }

    @Test(arguments: [
        "{ } loop", "/f { f } def f", "1 1 2000000000 { pop 10 10 moveto 20 20 lineto stroke } for", "{ showpage } loop",
    ])
    func aProgramThatNeverEndsIsEnded(_ program: String) async throws {
        let limits = ConversionLimits(timeout: .seconds(2), output: 16 << 20)
        let failure = try await outcome(program, limits: limits)
        // Calling itself without end, it runs out of stack first.
        #expect([.timedOut, .outputTooLarge, .unreadable, .outOfMemory].contains(failure?.reason))
    }

    @Test func aProgramThatEatsMemoryIsEnded() async throws {
        let eater = "[ 100000 { 65000 string } repeat ] pop"
        let limits = ConversionLimits(timeout: .seconds(20), memory: 300 << 20)
        #expect(try await outcome(eater, limits: limits)?.reason == .outOfMemory)
    }

    @Test func aHugePageIsDrawnCoarseOrRefused() async throws {
        let huge = ByteBuffer(
            string:
                "%!PS-Adobe-3.0\n%%BoundingBox: 0 0 9 9\n<</PageSize [13000 13000]>> setpagedevice 0 0 9000 9000 rectfill showpage\n"
        )
        try await Converting.with(huge, limits: ConversionLimits(pixels: 1_000_000)) { workspace, file in
            do {
                let page = try await workspace.page(1, ofEPS: file)
                #expect(page.width * page.height <= 1_000_000 && page.resolution < 10)
            } catch let failure as ConversionFailure {
                #expect([.unreadable, .tooManyPixels, .outOfMemory].contains(failure.reason))
            }
        }
    }

    @Test func aBoxThatLiesHasNoEffectButOnTheSize() async throws {
        let lying = ByteBuffer(
            string: "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100000 100000\n0 0 50 50 rectfill showpage\n")
        try await Converting.with(lying, limits: ConversionLimits(timeout: .seconds(20), pixels: 1_000_000)) { workspace, file in
            do {
                let page = try await workspace.page(1, ofEPS: file)
                #expect(page.width * page.height <= 1_000_000)
            } catch let failure as ConversionFailure {
                #expect([.unreadable, .tooManyPixels, .outOfMemory, .timedOut].contains(failure.reason))
            }
        }
    }

    @Test func manyPagesAreRefusedBeforeTheyAreDrawn() async throws {
        let failure = try await outcome(
            "0 1 5000 { pop showpage } for", limits: ConversionLimits(timeout: .seconds(30), pages: 50))
        #expect(failure?.reason == .tooManyPages)
    }

    @Test func damagedProgramsEndInAPageOrARefusal() async throws {
        var generator = SeededGenerator(seed: 11)
        let source = Array(TestEPS.three.readableBytesView)
        let limits = ConversionLimits(timeout: .seconds(20), pixels: 1_000_000)
        for _ in 0..<12 {
            var bytes = source
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                bytes[Int.random(in: 30..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            // Anything but a page or a `ConversionFailure` is thrown.
            _ = try await Converting.with(ByteBuffer(bytes: bytes), limits: limits) { workspace, file in
                try await Converting.failure { try await workspace.page(1, ofEPS: file) }
            }
        }
    }
}
