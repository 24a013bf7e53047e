// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore

extension Workspace {
    func facts(ofVideo file: WorkFile) async throws -> VideoFacts {
        let kind = MediaKind(try await head(of: file, count: MediaKind.headLength).readableBytesView)
        guard let container = kind?.container else {
            throw ConversionFailure.unreadable("This is no MP4, WebM or QuickTime video")
        }
        let (result, _) = try await run(.ffprobe, on: file) { paths in
            Self.reading(container) + ["-show_entries", VideoReport.entries, "-of", "json", "-i", paths.input]
        }
        guard result.status == 0 else {
            throw ConversionFailure.unreadable("The video is broken or incomplete", detail: Self.said(result))
        }
        let report: VideoReport
        do {
            report = try VideoReport(result.output)
        } catch {
            throw ConversionFailure.unreadable("The video is broken or incomplete", detail: "\(error)")
        }
        var facts = try report.facts(container, limits)
        if facts.duration == 0 { facts.duration = try await measuredDuration(of: file, container) }
        return facts
    }

    func poster(ofVideo file: WorkFile, _ facts: VideoFacts) async throws -> WorkFile {
        var last: ToolResult?
        // The last frame may be shown long before the end.
        for time in facts.posterTime > 0 ? [facts.posterTime, 0] : [0] {
            let (result, made) = try await frame(of: file, facts, at: time)
            if result.status == 0, let made, made.size > 0 { return made }
            last = result
        }
        throw ConversionFailure.unreadable("No frame of the video can be read", detail: last.map(Self.said))
    }

    private func frame(of file: WorkFile, _ facts: VideoFacts, at time: Double) async throws -> (ToolResult, WorkFile?) {
        let most = limits.pixels
        let (result, made) = try await run(.ffmpeg, on: file, making: "frame.jpg", "image/jpeg") { paths in
            var words = ["-nostdin"] + Self.reading(facts.container)
            words += ["-threads", "1", "-max_pixels", "\(most)"]
            if time > 0 { words += ["-ss", "\((time * 1000).rounded() / 1000)"] }
            words += ["-i", paths.input, "-map", "0:V:0", "-frames:v", "1", "-threads", "1", "-filter_threads", "1"]
            words += ["-vf", "scale=\(facts.width):\(facts.height):out_range=full,setsar=1", "-pix_fmt", "yuvj420p"]
            return words + ["-c:v", "mjpeg", "-q:v", "2", "-f", "image2", "-update", "1", "-y", "\(paths.output)/frame.jpg"]
        }
        return (result, made)
    }

    /// What browsers record has no duration in its headers: then the last packet's time tells it, for which all of it is read.
    private func measuredDuration(of file: WorkFile, _ container: VideoFacts.Container) async throws -> Double {
        let (result, _) = try await run(.ffmpeg, on: file) { paths in
            ["-nostdin"] + Self.reading(container) + ["-i", paths.input, "-map", "0:V:0", "-c", "copy", "-progress", "pipe:1"]
                + ["-stats_period", "600", "-f", "null", "-"]
        }
        guard result.status == 0 else { return 0 }
        return Self.progress(String(decoding: result.output, as: UTF8.self))
    }

    /// The last time that ffmpeg's progress report gives, in seconds.
    static func progress(_ text: String) -> Double {
        let name = "out_time_us="
        let last = text.split(whereSeparator: \.isNewline).last { $0.hasPrefix(name) }
        return last.flatMap { Double($0.dropFirst(name.count)) }.map { max($0 / 1_000_000, 0) } ?? 0
    }

    /// The container is told by us and never guessed, so that no playlist is followed; and no file but the one is opened.
    private static func reading(_ container: VideoFacts.Container) -> [String] {
        let format = container == .webm ? "matroska" : "mov"
        return ["-hide_banner", "-v", "error", "-protocol_whitelist", "file,pipe", "-f", format]
    }
}
