// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import MediaProcessing
import NIOCore

/// One file and what becomes of it.
struct Probe {
    var processor: VipsImageProcessor
    var options: Options

    private struct Line: Encodable {
        var file: String
        /// Format, size, frames.
        var source: String?
        var type: String?
        var bytes: Int?
        var error: String?
        var cause: String?
        var milliseconds: Double
        var peakMegabytes: Int
    }

    func run(_ path: String) async {
        let start = ContinuousClock.now
        var line = Line(file: path, milliseconds: 0, peakMegabytes: 0)
        do {
            let bytes = ByteBuffer(bytes: try Data(contentsOf: URL(fileURLWithPath: path)))
            let deadline = NIODeadline.now() + options.timeout
            let facts = try await processor.inspect(bytes, deadline: deadline)
            line.source = "\(facts.format) \(facts.width)x\(facts.height) \(facts.frames)"
            let image = try await processor.render(bytes, ImageRecipe(options.transform, deadline: deadline))
            (line.type, line.bytes) = (image.mediaType, image.body.readableBytes)
            if let directory = options.output { try write(image, of: path, to: directory) }
        } catch let error as StorageError where error.code != .internal {
            (line.error, line.cause) = (error.code.rawValue, error.cause.map { "\($0)" })
        } catch {
            FileHandle.standardError.write(Data("media-probe: \(path): unexpected: \(error)\n".utf8))
            exit(70)
        }
        line.milliseconds = (ContinuousClock.now - start) / .milliseconds(1)
        line.peakMegabytes = Memory.peakMegabytes
        print(line)
    }

    private func print(_ line: Line) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            FileHandle.standardOutput.write(try encoder.encode(line) + Data("\n".utf8))
        } catch {
            FileHandle.standardError.write(Data("media-probe: \(error)\n".utf8))
            exit(70)
        }
    }

    private func write(_ image: RenderedImage, of path: String, to directory: String) throws {
        let type = image.mediaType.split(separator: "/").last.map(String.init) ?? "bin"
        let name = URL(fileURLWithPath: path).lastPathComponent + "." + type
        try Data(image.body.readableBytesView).write(to: URL(fileURLWithPath: directory).appendingPathComponent(name))
    }
}

/// Of this process.
enum Memory {
    /// The most it ever had in memory.
    static var peakMegabytes: Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss / 1024
    }
}
