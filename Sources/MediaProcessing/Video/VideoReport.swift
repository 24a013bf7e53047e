// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import MediaCore

/// What ffprobe prints as JSON, as far as it is asked.
struct VideoReport: Decodable {
    struct Stream: Decodable {
        struct SideData: Decodable { var rotation: Double? }
        struct Disposition: Decodable {
            var attachedPicture: Int?
            enum CodingKeys: String, CodingKey { case attachedPicture = "attached_pic" }
        }

        var kind: String?
        var codec: String?
        var width: Int?
        var height: Int?
        /// `1:1`, `4:3`; `0:1` and `N/A` for none.
        var pixelShape: String?
        var duration: String?
        var tags: [String: String]?
        var disposition: Disposition?
        var sideData: [SideData]?

        enum CodingKeys: String, CodingKey {
            case kind = "codec_type"
            case codec = "codec_name"
            case width, height, duration, tags, disposition
            case pixelShape = "sample_aspect_ratio"
            case sideData = "side_data_list"
        }
    }

    struct Format: Decodable { var duration: String? }

    var streams: [Stream]
    var format: Format?

    /// What to ask for.
    static let entries =
        "format=duration:stream=codec_type,codec_name,width,height,sample_aspect_ratio,duration:stream_tags=rotate"
        + ":stream_disposition=attached_pic:stream_side_data=rotation"

    init(_ json: [UInt8]) throws { self = try JSONDecoder().decode(VideoReport.self, from: Data(json)) }

    /// - Parameter duration: where the headers say none.
    /// - Throws: `ConversionFailure` when there is no picture in it, or one larger than allowed.
    func facts(_ container: VideoFacts.Container, _ limits: ConversionLimits) throws(ConversionFailure) -> VideoFacts {
        // Covers of songs count as videos, too.
        let pictures = streams.filter { $0.kind == "video" && $0.disposition?.attachedPicture != 1 }
        guard let video = pictures.first(where: { ($0.width ?? 0) > 0 && ($0.height ?? 0) > 0 }),
            let width = video.width, let height = video.height
        else { throw .unreadable("There is no video in this file that can be read") }
        let shown = video.shown(width, height)
        let (pixels, overflows) = shown.width.multipliedReportingOverflow(by: shown.height)
        guard !overflows, pixels <= limits.pixels, max(shown.width, shown.height) <= limits.side else {
            throw ConversionFailure(.tooManyPixels, "The frames of the video are larger than allowed")
        }
        let durations = [format?.duration, video.duration] + streams.map(\.duration)
        let duration = durations.compactMap { $0.flatMap(Double.init) }.first { $0.isFinite && $0 > 0 }
        return VideoFacts(
            container: container, width: shown.width, height: shown.height, duration: duration ?? 0,
            hasAudio: streams.contains { $0.kind == "audio" }, codec: video.codec ?? "unknown")
    }
}

extension VideoReport.Stream {
    /// As large as it is shown: pixels that are no squares are made some, and turned as it says.
    fileprivate func shown(_ width: Int, _ height: Int) -> (width: Int, height: Int) {
        var size = (width: width, height: height)
        let shape = (pixelShape ?? "").split(separator: ":").compactMap { Double($0) }
        // Nobody shows pixels that are longer than that.
        if shape.count == 2, shape[0] > 0, shape[1] > 0, 0.1...10 ~= shape[0] / shape[1] {
            size.width = max(Int((Double(min(width, 1 << 24)) * shape[0] / shape[1]).rounded()), 1)
        }
        let said = sideData?.compactMap(\.rotation).first ?? tags?["rotate"].flatMap(Double.init) ?? 0
        guard said.isFinite, abs(said) < 100_000 else { return size }
        let isTurned = Int((said / 90).rounded()) % 2 != 0
        return isTurned ? (width: size.height, height: size.width) : size
    }
}
