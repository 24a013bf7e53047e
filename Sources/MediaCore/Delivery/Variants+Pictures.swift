// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import NIOCore

/// Which picture a variant is made of: the object itself, the first page of a document, a frame of a video.
///
/// What has to be converted is so outside of the line for renderings: a program in a file may run for as long as it is let, and nobody
/// else's images wait for that. One such conversion of a bucket runs at a time, the others wait; its picture is kept like a variant, for
/// whatever is made of it next, and so is its failure.
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

    /// Makes a variant, of whatever it is made of, when there is room for that.
    /// - Throws: `StorageError` with `.overloaded`, `.imageTooLarge`, `.unreadableImage`, `.renderTimedOut`; what reading throws.
    func rendered(_ wanted: WantedVariant, by patience: SharedWork<VariantName, RenderedImage?>.Patience) async throws
        -> RenderedImage
    {
        let bucket = wanted.source.object.record.address.bucket
        guard let conversion = Conversion(of: wanted, by: engine.converter) else {
            return try await inLine(wanted, by: patience) {
                try await delivery.bytes(of: wanted.source, limit: configuration.limits.sourceBytes)
            }
        }
        if let image = try await rendered(wanted, fromKnown: conversion, by: patience) { return image }
        do {
            return try await engine.conversions.withPlace(for: WorkPlaces.Claim(owner: bucket.rawValue)) {
                // Somebody may have made it while this one waited.
                if let image = try await rendered(wanted, fromKnown: conversion, by: patience) { return image }
                let picture = try await converted(wanted, conversion)
                await keep(picture, of: conversion)
                // In memory until it is rendered: as many as convert at a time.
                return try await inLine(wanted, by: patience) { picture.body }
            }
        } catch is WorkPlaces.Full {
            throw StorageError(
                .overloaded, "Too many documents and videos are being converted, please retry in a moment", isRetryable: true,
                retryAfter: Self.busySeconds)
        }
    }

    /// How long somebody is sent away for when too many wait, in seconds.
    private static let busySeconds = 5

    /// Nil where nothing is known of the picture yet. - Throws: why there is none, where that is known.
    private func rendered(
        _ wanted: WantedVariant, fromKnown conversion: Conversion, by patience: SharedWork<VariantName, RenderedImage?>.Patience
    ) async throws -> RenderedImage? {
        guard let content = try await known(wanted, conversion) else { return nil }
        return try await inLine(wanted, by: patience) { try await content.allBytes() }
    }

    private func known(_ wanted: WantedVariant, _ conversion: Conversion) async throws -> BlobContent? {
        if conversion.kind == .document, let page = try await madeByJob(wanted, conversion) { return page }
        if let kept = await kept(conversion.name) { return kept.content }
        if let failure = engine.failures.failure(of: conversion.whole) ?? engine.failures.failure(of: conversion.name) {
            throw failure.storageError
        }
        return nil
    }

    private func converted(_ wanted: WantedVariant, _ conversion: Conversion) async throws -> RenderedImage {
        let source = wanted.source
        let most = conversion.kind == .video ? configuration.assetLimits.video : configuration.assetLimits.document
        guard (source.object.blob?.size ?? 0) <= most else {
            throw StorageError(.imageTooLarge, "The \(conversion.kind.rawValue) has more than \(most) bytes", resource: "size")
        }
        let opened = try await delivery.open(source.object, source.details, range: nil, ticket: nil)
        guard case .full(let content) = opened.outcome else { throw source.missing }
        // Before those who wait leave: what takes longer has failed, and is known to have.
        let allowance = Duration.nanoseconds(configuration.timeout.nanoseconds / 3 * 2)
        let order = ConversionOrder(bucket: source.object.record.address.bucket, allowance: allowance)
        do {
            return try await conversion.converter.withWorkspace(for: order) { workspace in
                let file = try await workspace.receive(content.stream(), limit: content.size)
                return try await picture(of: file, conversion, in: workspace)
            }
        } catch let failure as ConversionFailure {
            throw failure.storageError
        }
    }

    private func picture(
        of file: WorkFile, _ conversion: Conversion, in workspace: any ConversionWorkspace
    ) async throws -> RenderedImage {
        // What is wrong with the file itself is so at any size.
        let video = try await remembering(conversion.whole) { () -> VideoFacts? in
            if conversion.kind == .video { return try await workspace.facts(ofVideo: file) }
            _ = try await workspace.pageCount(ofEPS: file)
            return nil
        }
        return try await remembering(conversion.name) {
            let made =
                if let video {
                    try await workspace.poster(ofVideo: file, video)
                } else {
                    try await workspace.raster(ofEPS: file, width: conversion.width, height: conversion.height).file
                }
            let bytes = try await workspace.contents(of: made).collected(upTo: MediaExaminer.mostPictureBytes)
            return RenderedImage(body: bytes, mediaType: made.mediaType ?? ImageFormat.png.mediaType)
        }
    }

    private func remembering<Value>(_ name: VariantName, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let failure as ConversionFailure {
            engine.failures.remember(failure, of: name)
            throw failure
        }
    }

    private func keep(_ picture: RenderedImage, of conversion: Conversion) async {
        do {
            try await engine.store?.keep(picture, as: conversion.name)
        } catch {
            logger.warning("a converted picture was used and not kept", metadata: ["error": "\(error)"])
        }
    }
}

/// What a job made of a document already.
extension Variants {
    /// The first page, where the job for this version has made it and it is large enough.
    /// - Throws: `StorageError` with `.unreadableImage` and the job's reason, where it failed without making that page.
    private func madeByJob(_ wanted: WantedVariant, _ conversion: Conversion) async throws -> BlobContent? {
        let address = wanted.source.object.record.address
        guard AssetID.isID(address.key.rawValue),
            let job = try await delivery.metadata.latestJob(
                about: address.key.rawValue, kinds: [.rasteriseDocument], in: address.bucket),
            Self.version(of: job) == conversion.name.version.rawValue
        else { return nil }
        if job.progress.processed > 0, let page = try await firstPage(of: address, conversion) { return page }
        // What used up its attempts may have met a machine that was not well.
        guard job.status == .failed, job.attempts < job.maxAttempts else { return nil }
        throw StorageError(.unreadableImage, job.failure ?? "The document can't be converted")
    }

    private func firstPage(of document: ObjectAddress, _ conversion: Conversion) async throws -> BlobContent? {
        let caller = Caller(principal: engine.service, facts: .jobs)
        let id = AssetID(stored: document.key.rawValue).derived(.image, as: DocumentJob.firstPage)
        do {
            let page = try await delivery.metadata.asset(id.rawValue, in: document.bucket, as: caller)
            guard conversion.leastWidth <= page.facts.width, conversion.leastHeight <= page.facts.height else { return nil }
            let object = try await delivery.metadata.visibleObject(at: page.address, as: caller)
            let details = ObjectMetadata(parsing: object.record.metadata)
            guard (object.blob?.size ?? .max) <= Int64(MediaExaminer.mostPictureBytes),
                case .full(let content) = try await delivery.open(object, details, range: nil, ticket: nil).outcome
            else { return nil }
            return content
        } catch let error as StorageError where [.objectNotFound, .blobMissing].contains(error.code) {
            // Deleted, or being replaced.
            return nil
        }
    }

    /// The version that a job is about.
    private static func version(of job: Job) -> String? {
        do {
            return try JSONDecoder().decode(AssetJobPayload.self, from: Data(job.payload.rawValue.utf8)).version
        } catch {
            // Another version of the server's: about nothing that is known here.
            return nil
        }
    }
}

/// A picture that has to be made of a file before anything is made of that.
private struct Conversion: Sendable {
    let kind: AssetKind
    let converter: any MediaConverter
    /// What the picture is kept as.
    let name: VariantName
    /// What is said of the file, of whatever size its picture is.
    let whole: VariantName
    /// At least so wide and high, in pixels. Nil: as it is.
    let width: Int?
    let height: Int?
    /// What a picture that is there already must have.
    let leastWidth: Int
    let leastHeight: Int

    init?(of wanted: WantedVariant, by converter: (any MediaConverter)?) {
        guard let converter, let kind = Variants.conversion(of: wanted.source.details.mimetype, by: converter) else { return nil }
        self.kind = kind
        self.converter = converter
        // What is cut out of a page is a part of the page at its full size. Frames have one size.
        let transform = wanted.transform
        let isScaled = kind == .document && transform.crop == nil && transform.trim == nil
        (width, height) = isScaled ? Self.steps(transform.width, transform.height) : (nil, nil)
        (leastWidth, leastHeight) = isScaled ? (transform.width ?? 0, transform.height ?? 0) : (0, 0)
        let version = wanted.name.version
        func name(_ what: String) -> VariantName {
            VariantName(version: version, fingerprint: Transform().fingerprint(revision: "\(what)-\(converter.revision)"))
        }
        self.name = name("picture-\(width ?? 0)-\(height ?? 0)")
        whole = name("file")
    }

    /// Sizes in a few steps, so that pictures in a hundred sizes are made of a few.
    private static func steps(_ width: Int?, _ height: Int?) -> (Int?, Int?) {
        guard let longest = [width, height].compactMap(\.self).max() else { return (nil, nil) }
        var step = 1024
        while step < longest { step *= 2 }
        return (width.map { _ in step }, height.map { _ in step })
    }
}
