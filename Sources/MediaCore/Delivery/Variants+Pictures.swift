// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Which picture a variant is made of: the object itself, the first page of a document, a frame of a video.
extension Variants {
    /// What has to be converted before it can be rendered. Nil for images, and where nothing converts it.
    static func conversion(of mediaType: String?, by converter: (any MediaConverter)?) -> AssetKind? {
        guard let converter else { return nil }
        switch AssetKind(mediaType: mediaType) {
        case .document: return converter.abilities.contains(.documents) ? .document : nil
        case .video: return converter.abilities.contains(.videos) ? .video : nil
        case .image, .other: return nil
        }
    }

    /// The bytes to render.
    /// - Throws: `StorageError` with `.imageTooLarge`, `.unreadableImage`, `.renderTimedOut`; what reading throws.
    func picture(of wanted: WantedVariant) async throws -> ByteBuffer {
        let source = wanted.source
        guard let converter = engine.converter, let kind = Self.conversion(of: source.details.mimetype, by: converter) else {
            return try await delivery.bytes(of: source, limit: configuration.limits.sourceBytes)
        }
        let most = kind == .video ? configuration.assetLimits.video : configuration.assetLimits.document
        guard (source.object.blob?.size ?? 0) <= most else {
            throw StorageError(.imageTooLarge, "The \(kind.rawValue) has more than \(most) bytes", resource: "size")
        }
        let opened = try await delivery.open(source.object, source.details, range: nil, ticket: nil)
        guard case .full(let content) = opened.outcome else { throw source.missing }
        do {
            return try await converter.withWorkspace { workspace in
                let file = try await workspace.receive(content.stream(), limit: content.size)
                let picture = try await workspace.picture(of: file, kind, for: wanted.transform)
                return try await workspace.contents(of: picture).collected(upTo: MediaExaminer.mostPictureBytes)
            }
        } catch let failure as ConversionFailure {
            throw failure.storageError
        }
    }
}

extension ConversionWorkspace {
    fileprivate func picture(of file: WorkFile, _ kind: AssetKind, for transform: Transform) async throws -> WorkFile {
        guard kind == .document else { return try await poster(ofVideo: file, try await facts(ofVideo: file)) }
        // What is cut out of a page is a part of the page at its full size.
        let isWhole = transform.crop == nil && transform.trim == nil
        return try await raster(
            ofEPS: file, width: isWhole ? transform.width : nil, height: isWhole ? transform.height : nil
        ).file
    }
}
