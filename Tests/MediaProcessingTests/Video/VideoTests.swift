// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import MediaTesting
import NIOCore
import Testing

@testable import MediaProcessing

@Suite struct VideoTests {
    private func facts(_ video: TestVideo) async throws -> VideoFacts {
        try await Converting.with(try await video.made()) { workspace, file in try await workspace.facts(ofVideo: file) }
    }

    private func failure(_ bytes: ByteBuffer, limits: ConversionLimits = ConversionLimits()) async throws -> ConversionFailure? {
        try await Converting.with(bytes, limits: limits) { workspace, file in
            try await Converting.failure {
                let facts = try await workspace.facts(ofVideo: file)
                return try await workspace.poster(ofVideo: file, facts)
            }
        }
    }

    @Test(arguments: [
        ("video.mp4", VideoFacts.Container.mp4, "h264"), ("video.mov", .mov, "h264"), ("video.webm", .webm, "vp9"),
    ])
    func aVideoSaysWhatItIs(_ name: String, _ container: VideoFacts.Container, _ codec: String) async throws {
        for hasAudio in [true, false] {
            let facts = try await facts(TestVideo(name: name, seconds: 2, hasAudio: hasAudio))
            #expect(facts.container == container && facts.codec == codec && facts.hasAudio == hasAudio)
            #expect((facts.width, facts.height) == (64, 48))
            #expect(abs(facts.duration - 2) < 0.2)
        }
    }

    @Test func aTurnedVideoIsAsLargeAsItIsShown() async throws {
        let made = try await TestVideo(hasAudio: false).made()
        // The first 16 bytes of a matrix, in the box of the track, turn it: ISO/IEC 14496-12 §8.3.2.
        var bytes = Array(made.readableBytesView)
        let header = try #require(bytes.indices.first { bytes[$0...].starts(with: "tkhd".utf8) })
        let matrix = header + 4 + 4 + 20 + 8 + 8
        bytes.replaceSubrange(matrix..<matrix + 20, with: [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0])
        try await Converting.with(ByteBuffer(bytes: bytes)) { workspace, file in
            let facts = try await workspace.facts(ofVideo: file)
            #expect((facts.width, facts.height) == (48, 64))
            let poster = try await workspace.picture(of: try await workspace.poster(ofVideo: file, facts))
            #expect((poster.width, poster.height) == (48, 64))
        }
    }

    @Test func pixelsThatAreNoSquaresAreMadeSome() async throws {
        let wide = TestVideo(hasAudio: false, options: ["-vf", "setsar=2"])
        try await Converting.with(try await wide.made()) { workspace, file in
            let facts = try await workspace.facts(ofVideo: file)
            #expect((facts.width, facts.height) == (128, 48))
            let poster = try await workspace.picture(of: try await workspace.poster(ofVideo: file, facts))
            #expect((poster.width, poster.height) == (128, 48))
        }
    }

    @Test func thePosterIsTheFrameAfterASecondOrInTheMiddle() async throws {
        // Red for a second, then green; the second one is green after a fifth of its second.
        for (seconds, change) in [(3.0, 0.9), (0.6, 0.2)] {
            let colours = "geq=r='if(lt(T,\(change)),255,0)':g='if(lt(T,\(change)),0,255)':b=0,format=yuv420p"
            let video = TestVideo(seconds: seconds, hasAudio: false, options: ["-vf", colours])
            try await Converting.with(try await video.made()) { workspace, file in
                let facts = try await workspace.facts(ofVideo: file)
                let poster = try await workspace.poster(ofVideo: file, facts)
                #expect(poster.mediaType == "image/jpeg")
                let picture = try await workspace.picture(of: poster)
                #expect((picture.width, picture.height) == (64, 48))
                #expect(near(picture.at(0.5, 0.5), [0, 255, 0], within: 40), "\(picture.at(0.5, 0.5))")
            }
        }
    }

    @Test func aSingleFrameIsItsOwnPoster() async throws {
        let video = TestVideo(seconds: 3, hasAudio: false, options: ["-frames:v", "1"])
        try await Converting.with(try await video.made()) { workspace, file in
            var facts = try await workspace.facts(ofVideo: file)
            // Where no frame is any more.
            facts.duration = 20
            #expect(try await workspace.poster(ofVideo: file, facts).size > 0)
        }
    }

    @Test func aRecordingWithoutADurationIsMeasured() async throws {
        // As browsers record it: to a pipe, with nothing corrected at the end.
        let live = TestVideo(name: "video.webm", hasAudio: false, options: ["-live", "1", "-f", "webm"])
        let facts = try await facts(live)
        #expect(abs(facts.duration - 3) < 0.3)
        #expect(Workspace.progress("out_time_us=5\nx=1\nout_time_us=2500000\nprogress=end\n") == 2.5)
        #expect(Workspace.progress("out_time_us=N/A\n") == 0 && Workspace.progress("") == 0)
    }

    @Test func soundAloneIsNoVideo() async throws {
        for name in ["sound.mp4", "sound.mov", "sound.webm"] {
            let sound = TestVideo(name: name, options: ["-map", "1:a"])
            #expect(try await failure(try await sound.made())?.reason == .unreadable)
        }
    }

    @Test func aTruncatedVideoIsShownAsFarAsItGoesOrRefused() async throws {
        let whole = try await TestVideo(hasAudio: false).made()
        // What tells where the frames are stands at the end, and is missing.
        let cut = try #require(whole.getSlice(at: 0, length: whole.readableBytes / 2))
        #expect(try await failure(cut)?.reason == .unreadable)
        let front = try await TestVideo(hasAudio: false, options: ["-movflags", "faststart"]).made()
        let started = try #require(front.getSlice(at: 0, length: front.readableBytes * 3 / 4))
        #expect(try await failure(started) == nil)
    }

    @Test func frameSizesAreBounded() async throws {
        let bytes = try await TestVideo(hasAudio: false, size: "640x480").made()
        #expect(try await failure(bytes, limits: ConversionLimits(pixels: 100_000))?.reason == .tooManyPixels)
        #expect(try await failure(bytes, limits: ConversionLimits(pixels: 640 * 480)) == nil)
    }

    @Test func otherFilesAreNoVideosWhateverTheyArePlayedAs() async throws {
        let playlists = [
            "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "ffconcat version 1.0\nfile /etc/passwd\n",
            "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/x\n", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "RIFF\0\0\0\0AVI LIST",
            "",
        ]
        for text in playlists { #expect(try await failure(ByteBuffer(string: text))?.reason == .unreadable) }
        for name in ["video.mkv", "video.avi", "video.ts", "video.gif"] {
            #expect(try await failure(try await TestVideo(name: name, seconds: 1, hasAudio: false).made())?.reason == .unreadable)
        }
    }

    @Test func aPlaylistBehindAVideosHeaderIsNotFollowed() async throws {
        let header: [UInt8] = [0, 0, 0, 0x18] + Array("ftypisom".utf8) + [0, 0, 2, 0] + Array("isommp41".utf8)
        let playlist = "\n#EXTM3U\n#EXTINF:1,\n/in/source\nfile:///usr/share/common-licenses/GPL-3\n"
        #expect(try await failure(ByteBuffer(bytes: header + Array(playlist.utf8)))?.reason == .unreadable)
    }

    @Test func randomAndDamagedBytesEndInAPosterOrARefusal() async throws {
        var generator = SeededGenerator(seed: 3)
        let header: [UInt8] = [0, 0, 0, 0x18] + Array("ftypisom".utf8) + [0, 0, 2, 0] + Array("isommp41".utf8)
        let ebml: [UInt8] = [0x1A, 0x45, 0xDF, 0xA3, 0x87, 0x42, 0x82, 0x84] + Array("webm".utf8)
        let limits = ConversionLimits(timeout: .seconds(20), pixels: 1_000_000)
        for start in [header, ebml] {
            let noise = (0..<5000).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(try await failure(ByteBuffer(bytes: start + noise), limits: limits)?.reason == .unreadable)
        }
        for name in ["video.mp4", "video.webm"] {
            let source = Array(try await TestVideo(name: name, seconds: 1).made().readableBytesView)
            for _ in 0..<5 {
                var bytes = source
                for _ in 0..<20 {
                    bytes[Int.random(in: 40..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
                }
                // Anything but a poster or a `ConversionFailure` is thrown.
                _ = try await failure(ByteBuffer(bytes: bytes), limits: limits)
            }
        }
    }

    @Test func reportsAreReadWithTheirOddities() throws {
        func facts(_ json: String) throws -> VideoFacts { try VideoReport(Array(json.utf8)).facts(.mp4, ConversionLimits()) }
        let cover = #"{"codec_type":"video","codec_name":"png","width":9,"height":9,"disposition":{"attached_pic":1}}"#
        let video =
            #"{"codec_type":"video","codec_name":"h264","width":16,"height":8,"sample_aspect_ratio":"N/A","tags":{"rotate":"270"}}"#
        let read = try facts(#"{"streams":[\#(cover),\#(video)],"format":{"duration":"N/A"}}"#)
        #expect((read.width, read.height, read.duration, read.hasAudio) == (8, 16, 0, false))
        #expect(throws: ConversionFailure.self) { try facts(#"{"streams":[\#(cover)]}"#) }
        #expect(throws: ConversionFailure.self) { try facts(#"{"streams":[{"codec_type":"video","width":0,"height":8}]}"#) }
        #expect(throws: ConversionFailure.self) {
            try facts(#"{"streams":[{"codec_type":"video","width":9223372036854775807,"height":9223372036854775807}]}"#)
        }
        let odd =
            #"{"codec_type":"video","width":10,"height":8,"sample_aspect_ratio":"9000:1","side_data_list":[{"rotation":1e300},{}]}"#
        #expect(try facts(#"{"streams":[\#(odd)]}"#).width == 10)
    }
}
