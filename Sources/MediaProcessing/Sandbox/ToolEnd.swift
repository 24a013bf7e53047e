// SPDX-License-Identifier: Apache-2.0

import Glibc
import MediaCore

/// What the end of a tool means.
enum ToolEnd {
    static let timedOut = ConversionFailure(.timedOut, "The file takes too long to convert")
    static let outputTooLarge = ConversionFailure(.outputTooLarge, "The file becomes too large when it is converted")
    static let outOfMemory = ConversionFailure(.outOfMemory, "The file needs too much memory to be converted")

    /// What a limit did to the tool. Nil when it ended by itself, well or not.
    static func failure(of result: ToolResult) -> ConversionFailure? {
        switch result.status {
        case 0: return nil
        case 128 + SIGXCPU: return timedOut
        case 128 + SIGXFSZ: return outputTooLarge
        // Nobody of us sent it: it is how the kernel takes memory back.
        case 128 + SIGKILL: return with(result.complaints, outOfMemory)
        default: break
        }
        // Ghostscript complains where others print.
        let said = result.complaints + printable(Array(result.output.prefix(2000)))
        if signsOfMemory.contains(where: said.contains) { return with(said, outOfMemory) }
        if signsOfSize.contains(where: said.contains) { return with(said, outputTooLarge) }
        return nil
    }

    /// Ghostscript's `ioerror` is what a file that can't be written on is to a program.
    private static let signsOfSize = ["File too large", "No space left on device", "Error: /ioerror"]

    /// How the tools, and the C and C++ libraries below them, say it.
    private static let signsOfMemory = [
        "VMerror", "Cannot allocate memory", "out of memory", "Out of memory", "bad_alloc", "failed to map segment",
    ]

    private static func with(_ detail: String, _ failure: ConversionFailure) -> ConversionFailure {
        ConversionFailure(failure.reason, failure.message, detail: detail)
    }

    /// One line, without what terminals would obey.
    static func printable(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        let lines = text.split { $0.isNewline }.map { line in
            String(String.UnicodeScalarView(line.unicodeScalars.filter { $0.value >= 0x20 && !(0x7F...0x9F ~= $0.value) }))
        }
        return lines.joined(separator: "; ")
    }
}
