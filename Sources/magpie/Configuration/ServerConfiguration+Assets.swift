// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore

extension Assets.Configuration {
    /// What may be spent on media that is uploaded as an asset.
    init(_ settings: Settings) throws {
        self.init(
            limits: AssetLimits(
                image: try settings.bytes("ASSET_IMAGE_LIMIT"), document: try settings.bytes("ASSET_DOCUMENT_LIMIT"),
                video: try settings.bytes("ASSET_VIDEO_LIMIT"), page: try settings.bytes("IMAGE_SOURCE_LIMIT"),
                derived: try settings.bytes("CONVERT_TOTAL")),
            timeout: TimeAmount(try settings.duration("RENDER_TIMEOUT")),
            queue: try settings.integer("ASSET_QUEUE", in: 0...100_000),
            documentJobs: try settings.integer("JOB_DOCUMENTS", in: 1...1024))
        guard limits.image <= Self.mostImageBytes else {
            throw ConfigurationError("MAGPIE_ASSET_IMAGE_LIMIT must be at most 1GiB: an image is read into memory")
        }
    }

    private static let mostImageBytes: Int64 = 1 << 30
}
