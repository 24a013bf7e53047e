// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// Delivering images: what `Delivery` gives, changed by a transform.
///
/// Whether the caller may see the object is asked first, of the object itself, on every call: a variant that is there already is
/// no way around a policy.
public struct Variants: Sendable {
    /// What rendering may cost, parsed and checked by the executable.
    public struct Configuration: Sendable {
        public var limits: ImageLimits
        /// How long a request may wait for its image, queueing included.
        public var timeout: TimeAmount

        public init(limits: ImageLimits = ImageLimits(), timeout: TimeAmount = .seconds(15)) {
            self.limits = limits
            self.timeout = timeout
        }
    }

    let delivery: Delivery
    let processor: any ImageProcessor
    let configuration: Configuration

    /// Opens an object's image as a request wants it.
    ///
    /// - Parameter accepted: what the reader accepts, for transforms that leave the format to it.
    /// - Throws: what `Delivery.open` throws; `StorageError` with `.objectNotFound` for a preset that is not there,
    ///   `.invalidParameter` for a plugin that is not active, `.unreadableImage`, `.imageTooLarge`, `.overloaded` when too many
    ///   wait already, `.renderTimedOut`.
    public func open(
        _ address: ObjectAddress, as request: TransformRequest, accepted: AcceptedFormats, range: ByteRange? = nil,
        preconditions: Preconditions = .none, access: Access
    ) async throws -> DeliveredVariant {
        let deadline = NIODeadline.now() + configuration.timeout
        let (object, details) = try await delivery.look(at: address, access: access)
        let variesByAccept = (request.transform.format ?? .accepted) == .accepted
        let settings = try await delivery.cache.imageSettings.settings(
            of: address.bucket, in: delivery.metadata, facts: access.facts)
        let transform = try request.resolved(
            by: settings, project: address.bucket.rawValue, accepted: accepted, limits: configuration.limits)
        let original = try await delivery.open(object)
        guard case .full(let content) = original.outcome else { throw StorageError(.internal, "Internal Server Error") }
        var source = ByteBuffer()
        for try await chunk in content.stream().chunks { source.writeImmutableBuffer(chunk) }
        let image = try await processor.render(source, ImageRecipe(transform, deadline: deadline))
        let size = Int64(image.body.readableBytes)
        let tag = "\"\(transform.fingerprint(revision: processor.revision))\""
        return DeliveredVariant(
            object: object, details: details, transform: transform, entityTag: tag, mediaType: image.mediaType,
            variesByAccept: variesByAccept, isCached: false,
            outcome: .full(BlobContent(source: .buffer(image.body), size: size, range: 0..<size)))
    }
}
