// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import MediaProcessing
import NIOCore

/// One file and all that can be made of it.
struct ConvertedFile {
    var converter: ToolConverter
    var path: String

    private struct Line: Encodable {
        var file: String
        var kind: String?
        /// `320x240`: of the video, or of the box of an EPS at 300 dpi.
        var size: String?
        var duration: Double?
        var hasAudio: Bool?
        var codec: String?
        /// Of the poster, or of each page.
        var pictures: [String] = []
        var designs: Int?
        /// In bytes; nil where the drawing was refused, which `drawingError` says.
        var drawing: Int64?
        var drawingError: String?
        var error: String?
        var message: String?
        var detail: String?
        var milliseconds = 0.0
    }

    func report() async {
        let start = ContinuousClock.now
        var line = Line(file: path)
        do {
            let bytes = ByteBuffer(bytes: try Data(contentsOf: URL(fileURLWithPath: path)))
            let kind = MediaKind(bytes.readableBytesView)
            line.kind = kind?.rawValue
            line = try await converter.withWorkspace(for: ConversionOrder()) { [line] workspace in
                var line = line
                let file = try await workspace.receive(ByteStream(bytes), limit: 1 << 30)
                do {
                    if kind?.isVideo == true {
                        try await convertVideo(file, in: workspace, into: &line)
                    } else {
                        try await convertEPS(file, bytes, in: workspace, into: &line)
                    }
                } catch let failure as ConversionFailure {
                    (line.error, line.message, line.detail) = (failure.reason.rawValue, failure.message, failure.detail)
                }
                return line
            }
        } catch {
            ConversionProbe.fail("\(path): unexpected: \(error)", status: 70)
        }
        line.milliseconds = (ContinuousClock.now - start) / .milliseconds(1)
        print(line)
    }

    private func convertVideo(_ file: WorkFile, in workspace: any ConversionWorkspace, into line: inout Line) async throws {
        let facts = try await workspace.facts(ofVideo: file)
        line.size = "\(facts.width)x\(facts.height)"
        (line.duration, line.hasAudio, line.codec) = (facts.duration, facts.hasAudio, facts.codec)
        let poster = try await workspace.poster(ofVideo: file, facts)
        line.pictures = [try await pictureSize(poster, in: workspace)]
    }

    private func convertEPS(
        _ file: WorkFile, _ bytes: ByteBuffer, in workspace: any ConversionWorkspace, into line: inout Line
    ) async throws {
        let box = try PostScriptHeader(bytes).size()
        line.size = "\(box.width)x\(box.height)"
        var pictures: [String] = []
        var first: DocumentPage?
        for number in 1...(try await workspace.pageCount(ofEPS: file)) {
            let page = try await workspace.page(number, ofEPS: file)
            pictures.append(try await pictureSize(page.file, in: workspace))
            if number == 1 { first = page } else { try await workspace.discard(page.file) }
        }
        line.pictures = pictures
        if let first { line.designs = try await workspace.designs(on: first).count }
        do {
            line.drawing = try await workspace.drawing(ofEPS: file, area: nil).size
        } catch let failure as ConversionFailure {
            line.drawingError = failure.reason.rawValue
        }
    }

    /// As the image engine reads it.
    private func pictureSize(_ file: WorkFile, in workspace: any ConversionWorkspace) async throws -> String {
        var bytes = ByteBuffer()
        for try await chunk in try await workspace.contents(of: file).chunks { bytes.writeImmutableBuffer(chunk) }
        let engine = try VipsImageProcessor(limits: ImageLimits(sourcePixels: 1_000_000_000), parallelism: 1)
        let facts = try await engine.inspect(bytes, deadline: .now() + .seconds(60))
        try await engine.shutDown()
        return "\(facts.width)x\(facts.height)"
    }

    private func print(_ line: Line) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            FileHandle.standardOutput.write(try encoder.encode(line) + Data("\n".utf8))
        } catch {
            ConversionProbe.fail("\(error)", status: 70)
        }
    }
}
