// SPDX-License-Identifier: Apache-2.0

import MediaCore

extension Files.Configuration {
    init(_ settings: Settings) throws {
        let refused = try settings.text("FILE_REFUSED_TYPES") ?? ""
        self.init(
            limits: Files.Limits(
                imageBytes: try settings.bytes("FILE_IMAGE_LIMIT"), mediaBytes: try settings.bytes("FILE_MEDIA_LIMIT"),
                documentBytes: try settings.bytes("FILE_DOCUMENT_LIMIT"), otherBytes: try settings.bytes("FILE_OTHER_LIMIT"),
                partsBytes: try settings.bytes("FILE_PARTS_LIMIT"), leastBytes: try settings.bytes("FILE_SMALLEST"),
                refusedTypes: refused.lowercased().split(separator: ",").map { String($0.filter { $0 != " " }) },
                checksTypes: try settings.choice("FILE_TYPE_CHECK", of: Switch.self) == .on,
                metadataBytes: Int(clamping: try settings.bytes("FILE_METADATA_LIMIT")),
                shares: try settings.integer("FILE_SHARES", in: 0...1000)),
            uploadLifetime: try settings.duration(
                "FILE_UPLOAD_EXPIRY", atLeast: .seconds(1), atMost: .seconds(7 * 86_400)
            ).components.seconds,
            downloadLifetime: try settings.duration("FILE_DOWNLOAD_EXPIRY", atLeast: .seconds(1)).components.seconds,
            unregisteredLifetime: try settings.duration("FILE_REGISTER_WITHIN", atLeast: .seconds(1)).components.seconds)
    }
}
