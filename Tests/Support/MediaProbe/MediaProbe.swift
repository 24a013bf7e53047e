// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import MediaProcessing
import NIOCore

/// media-probe [OPTION…] FILE…: runs files through the image engine and prints one line of JSON for each.
///
/// Not part of the product: the corpus, the fuzzer and the benchmarks use it. Only what the engine promises counts as an answer: an image
/// or a `StorageError`. Anything else ends the process with status 70.
@main
struct MediaProbe {
    static func main() async throws {
        let options: Options
        do {
            options = try Options(CommandLine.arguments.dropFirst())
        } catch {
            FileHandle.standardError.write(Data("media-probe: \(error)\n".utf8))
            exit(2)
        }
        let processor = try VipsImageProcessor(limits: options.limits, parallelism: options.threads, cleanSVG: { $0 })
        if let rounds = options.rounds {
            do {
                try await Benchmark(processor: processor, options: options, rounds: rounds).run()
            } catch {
                FileHandle.standardError.write(Data("media-probe: \(error)\n".utf8))
                exit(1)
            }
        } else if options.readsList {
            while let path = readLine() { await Probe(processor: processor, options: options).run(path) }
        } else {
            for path in options.files { await Probe(processor: processor, options: options).run(path) }
        }
        try await processor.shutDown()
    }
}
