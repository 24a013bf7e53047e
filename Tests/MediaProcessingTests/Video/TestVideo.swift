// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import Subprocess

/// Videos that FFmpeg makes for a test. Its own test picture moves and has a tone.
struct TestVideo {
    var name = "video.mp4"
    var seconds = 3.0
    var hasAudio = true
    /// In front of the output's name.
    var options: [String] = []
    var size = "64x48"

    struct Failed: Error { var text: String }

    func made() async throws -> ByteBuffer {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("magpie-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let file = directory.appendingPathComponent(name).path
        var words = ["-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc=duration=\(seconds):size=\(size):rate=10"]
        if hasAudio { words += ["-f", "lavfi", "-i", "sine=duration=\(seconds)"] }
        words += ["-pix_fmt", "yuv420p"] + options + [file]
        let result = try await Subprocess.run(
            .name("ffmpeg"), arguments: Arguments(words), output: .discarded, error: .string(limit: 65_536))
        guard result.terminationStatus.isSuccess else { throw Failed(text: result.standardError) }
        let bytes = ByteBuffer(bytes: try Data(contentsOf: URL(fileURLWithPath: file)))
        try FileManager.default.removeItem(at: directory)
        return bytes
    }
}
