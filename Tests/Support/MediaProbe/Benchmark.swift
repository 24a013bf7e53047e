// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import MediaProcessing
import NIOCore

/// The same files again and again, all at once, as many as there are threads at work.
struct Benchmark {
    var processor: VipsImageProcessor
    var options: Options
    var rounds: Int

    func run() async throws {
        let sources = try options.files.map { ByteBuffer(bytes: try Data(contentsOf: URL(fileURLWithPath: $0))) }
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for source in sources {
                for _ in 0..<rounds {
                    group.addTask {
                        let recipe = ImageRecipe(options.transform, deadline: .now() + .seconds(600))
                        _ = try await processor.render(source, recipe)
                    }
                }
            }
            try await group.waitForAll()
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let rate = Double(rounds * sources.count) / seconds
        print("{\"images\": \(rounds * sources.count), \"perSecond\": \(rate), \"peakMegabytes\": \(Memory.peakMegabytes)}")
    }
}
