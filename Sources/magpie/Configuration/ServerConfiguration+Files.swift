// SPDX-License-Identifier: Apache-2.0

import HTTPFrontends
import MediaCore

extension ServerConfiguration {
    /// bkend's interface, and what files of apps may weigh and hold.
    struct FileSettings: Sendable {
        fileprivate enum Switch: String, CaseIterable { case on, off }

        var envelope: FilesEnvelope
        var configuration: Files.Configuration
    }
}

extension ServerConfiguration.FileSettings {
    init(_ settings: Settings) throws {
        envelope = try settings.choice("BKEND_ENVELOPE", of: FilesEnvelope.self)
        func seconds(_ name: String) throws -> Int64 {
            try settings.duration(name, atLeast: .seconds(1), atMost: Self.longestLife).components.seconds
        }
        configuration = Files.Configuration(
            limits: try Files.Limits(settings), uploadLifetime: try seconds("FILE_UPLOAD_URL_EXPIRY"),
            downloadLifetime: try seconds("FILE_DOWNLOAD_URL_EXPIRY"),
            unregisteredLifetime: try seconds("FILE_UNREGISTERED_EXPIRY"))
    }

    private static let longestLife = Duration.seconds(366 * 86_400)
}

extension Files.Limits {
    fileprivate init(_ settings: Settings) throws {
        let refused = try settings.text("FILE_TYPES_REFUSED") ?? ""
        self.init(
            imageBytes: try settings.bytes("FILE_IMAGE_LIMIT"), mediaBytes: try settings.bytes("FILE_MEDIA_LIMIT"),
            documentBytes: try settings.bytes("FILE_DOCUMENT_LIMIT"), otherBytes: try settings.bytes("FILE_LIMIT"),
            partsBytes: try settings.bytes("FILE_PARTS_LIMIT"), leastBytes: try settings.bytes("FILE_MINIMUM"),
            leastPartBytes: try settings.bytes("FILE_PART_MINIMUM"),
            refusedTypes: refused.split(separator: ",").map { $0.filter { $0 != " " }.lowercased() },
            checksTypes: try settings.choice("FILE_TYPE_CHECK", of: ServerConfiguration.FileSettings.Switch.self) == .on,
            metadataBytes: Int(clamping: try settings.bytes("FILE_METADATA_LIMIT")),
            shares: try settings.integer("FILE_SHARES", in: 1...10_000))
    }
}
