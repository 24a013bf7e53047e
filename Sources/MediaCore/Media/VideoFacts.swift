// SPDX-License-Identifier: Apache-2.0

/// What the headers of a video say.
public struct VideoFacts: Hashable, Sendable {
    public enum Container: String, Hashable, Sendable, CaseIterable {
        case mp4, webm, mov

        public var mediaType: String { self == .mov ? "video/quicktime" : "video/\(rawValue)" }
    }

    public var container: Container
    /// As the video is shown, in pixels: turned as it says, and with the shape of its pixels taken into account.
    public var width: Int
    public var height: Int
    /// In seconds. 0 when nobody knows.
    public var duration: Double
    public var hasAudio: Bool
    /// As FFmpeg calls it: `h264`, `hevc`, `vp9`, `av1`…
    public var codec: String

    public init(container: Container, width: Int, height: Int, duration: Double, hasAudio: Bool, codec: String) {
        self.container = container
        self.width = width
        self.height = height
        self.duration = duration
        self.hasAudio = hasAudio
        self.codec = codec
    }

    /// Where its poster is taken, in seconds: behind what often fades in, and inside of the shortest one.
    public var posterTime: Double { min(1, duration / 2) }
}
