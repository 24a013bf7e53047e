// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import MediaCore
import MediaProcessing

/// conversion-probe SCRATCH [--timeout SECONDS] [--pixels N]: converts the files whose paths it is given on standard input, one a line,
/// and prints one line of JSON for each.
///
/// Not part of the product: the corpus and the crash test use it. Only what the converter promises counts as an answer: results or a
/// `ConversionFailure`. Anything else ends the process with status 70.
@main
struct ConversionProbe {
    static func main() async throws {
        var limits = ConversionLimits()
        var arguments = CommandLine.arguments.dropFirst()
        guard let scratch = arguments.popFirst() else { fail("the scratch directory is missing", status: 2) }
        while let option = arguments.popFirst() {
            guard let number = arguments.popFirst().flatMap(Int.init) else { fail("\(option) needs a number", status: 2) }
            switch option {
            case "--timeout": limits.timeout = .seconds(number)
            case "--pixels": limits.pixels = number
            default: fail("unknown option \(option)", status: 2)
            }
        }
        let logger = Logger(label: "conversion-probe", factory: { StreamLogHandler.standardError(label: $0) })
        let converter = try await ToolConverter.open(at: scratch, limits: limits, logger: logger)
        let isAble = converter.abilities == Set(ConversionAbility.allCases)
        guard isAble else { fail("this machine converts only \(converter.abilities)", status: 3) }
        while let path = readLine() { await ConvertedFile(converter: converter, path: path).report() }
        try await converter.shutDown()
    }

    static func fail(_ message: String, status: Int32) -> Never {
        FileHandle.standardError.write(Data("conversion-probe: \(message)\n".utf8))
        exit(status)
    }
}
