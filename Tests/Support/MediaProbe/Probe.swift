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
        var source: ImageFacts?
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
            line.source = try await processor.inspect(bytes, deadline: deadline)
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

extension ImageFacts: @retroactive Encodable {
    enum CodingKeys: String, CodingKey { case format, width, height, hasAlpha, frames, orientation }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(format, forKey: .format)
        try values.encode(width, forKey: .width)
        try values.encode(height, forKey: .height)
        try values.encode(hasAlpha, forKey: .hasAlpha)
        try values.encode(frames, forKey: .frames)
        try values.encode(orientation, forKey: .orientation)
    }
}

/// Of this process.
enum Memory {
    /// The most it ever had in memory.
    static var peakMegabytes: Int {
        var usage = rusage()
        getrusage(RUSAGE_SELF, &usage)
        return usage.ru_maxrss / 1024
    }
}
