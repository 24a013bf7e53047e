// SPDX-License-Identifier: Apache-2.0

import Logging
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
        /// How many different images may wait to be rendered.
        public var queue: Int
        /// How many drawings (SVG) are rendered at a time.
        public var drawings: Int
        /// How many more of them may wait.
        public var drawingQueue: Int
        /// Whether JPEG XL is given to readers who accept it and leave the format to the server.
        public var offersJXL: Bool
        /// How many images a second of one bucket are delivered. 0: as many as are wanted.
        public var deliveriesPerSecond: Int
        /// The largest documents and videos that pictures are made of.
        public var assetLimits: AssetLimits
        /// How many documents and videos are converted at a time for whoever wants an image of them; of each bucket one.
        public var conversions: Int
        /// How many such conversions wait at the most; of each bucket a quarter of them.
        public var conversionQueue: Int

        public init(
            limits: ImageLimits = ImageLimits(), timeout: TimeAmount = .seconds(15), queue: Int = 64, drawings: Int = 2,
            drawingQueue: Int = 16, offersJXL: Bool = false, deliveriesPerSecond: Int = 0,
            assetLimits: AssetLimits = AssetLimits(), conversions: Int = 2, conversionQueue: Int = 32
        ) {
            self.limits = limits
            self.timeout = timeout
            self.queue = queue
            self.drawings = drawings
            self.drawingQueue = drawingQueue
            self.offersJXL = offersJXL
            self.deliveriesPerSecond = deliveriesPerSecond
            self.assetLimits = assetLimits
            self.conversions = conversions
            self.conversionQueue = conversionQueue
        }
    }

    /// What renders and what keeps.
    struct Engine: Sendable {
        let processor: any ImageProcessor
        /// Makes pictures of what is none. Nil: only images are rendered.
        let converter: (any MediaConverter)?
        /// Nil: what was rendered is only kept in memory, where at all.
        let store: (any VariantStore)?
        let usage: UsageMeter
        let gate: RenderGate
        /// For what has to be drawn.
        let drawings: RenderGate
        /// Where conversions wait for each other, before and outside of the gate.
        let conversions: WorkPlaces
        let failures = RecentFailures()
        /// Reads what jobs made, for those who may see what it was made of.
        let service: Principal
        /// Nil: somebody else had rendered it by then, and it is kept.
        let renderings = SharedWork<VariantName, RenderedImage?>()
        let metrics = RenderMetrics()
    }

    let delivery: Delivery
    let configuration: Configuration
    let engine: Engine
    let rate: DeliveryRate
    let logger: Logger

    init(
        delivery: Delivery, processor: any ImageProcessor, converter: (any MediaConverter)? = nil,
        store: (any VariantStore)?, usage: UsageMeter, service: Principal, configuration: Configuration, logger: Logger
    ) {
        self.delivery = delivery
        self.configuration = configuration
        self.engine = Engine(
            processor: processor, converter: converter, store: store, usage: usage,
            gate: RenderGate(parallelism: processor.parallelism, queue: configuration.queue),
            drawings: RenderGate(
                parallelism: configuration.drawings, queue: configuration.drawingQueue,
                // Whoever gets a place still has the time to be drawn.
                wait: .nanoseconds(configuration.timeout.nanoseconds / 3), label: "magpie_drawing"),
            conversions: WorkPlaces(
                WorkPlaces.Rules(
                    count: configuration.conversions, countEach: 1, queue: configuration.conversionQueue,
                    queueEach: max(1, configuration.conversionQueue / 4))),
            service: service)
        self.rate = DeliveryRate(perSecond: configuration.deliveriesPerSecond)
        self.logger = logger
    }

    /// Opens an object's image as a request wants it.
    ///
    /// - Parameter accepted: what the reader accepts, for transforms that leave the format to it.
    /// - Throws: what `Delivery.open` throws; `StorageError` with `.objectNotFound` for a preset that is not there,
    ///   `.invalidParameter` for a plugin that is not active, `.unreadableImage`, `.imageTooLarge`, `.overloaded` when too many
    ///   wait already or the bucket had its share, `.renderTimedOut`.
    public func open(
        _ address: ObjectAddress, as request: TransformRequest, accepted: AcceptedFormats, range: ByteRange? = nil,
        preconditions: Preconditions = .none, access: Access
    ) async throws -> DeliveredVariant {
        let deadline = NIODeadline.now() + configuration.timeout
        var lost: ObjectVersion??
        var hasRetried = false
        while true {
            let source = try await delivery.source(address, isFresh: lost != nil, access: access)
            if lost == nil, !hasRetried { try rate.take(from: address.bucket) }
            let wanted = try await resolve(request, of: source, accepted: accepted, facts: access.facts)
            do {
                return try await deliver(wanted, range: range, preconditions: preconditions, by: deadline)
            } catch let error as StorageError where error.code == .blobMissing && lost != .some(source.object.record.version) {
                // The object was replaced between the row and its bytes: the row now names another version.
                lost = .some(source.object.record.version)
            } catch let error as StorageError where error.code == .locked && !hasRetried {
                // So was its watermark.
                hasRetried = true
            }
        }
    }

    private func deliver(
        _ wanted: WantedVariant, range: ByteRange?, preconditions: Preconditions, by deadline: NIODeadline
    ) async throws -> DeliveredVariant {
        let source = wanted.source
        let tag = wanted.name.entityTag
        let modified = source.details.lastModified ?? source.object.record.updatedAt
        try preconditions.check(tag, modifiedAt: modified, of: source.object.record.address)
        var delivered = DeliveredVariant(
            object: source.object, details: source.details, transform: wanted.transform, entityTag: tag,
            mediaType: "application/octet-stream", variesByAccept: wanted.variesByAccept, isCached: true, outcome: .notModified)
        if preconditions.saveTransfer(of: tag) {
            engine.metrics.delivered(from: .notModified)
            return delivered
        }
        let found = try await find(wanted, by: deadline)
        delivered.mediaType = found.variant.mediaType
        delivered.isCached = found.isCached
        delivered.outcome = try found.variant.content.outcome(preconditions.allowRange(of: tag) ? range : nil)
        // A ready answer would be given without being counted.
        if !rate.isLimited, case .full = delivered.outcome { delivered.body = found.body }
        return delivered
    }
}

/// A variant that somebody wants, with everything that decides what it is.
struct WantedVariant: Sendable {
    var name: VariantName
    var transform: Transform
    var source: Delivery.Source
    /// The picture of its watermark, where it has one.
    var watermark: WatermarkPicture?
    var facts: RequestFacts
    var variesByAccept: Bool
}

extension BlobContent {
    /// All of it, or the part that is asked for.
    /// - Throws: `StorageError` with `.rangeNotSatisfiable`.
    fileprivate func outcome(_ wanted: ByteRange?) throws -> Delivered.Outcome {
        guard let part = try wanted?.resolved(size: size) else { return .full(self) }
        guard case .buffer(let bytes) = source else {
            return .partial(BlobContent(source: source, size: size, range: part), part)
        }
        guard let slice = bytes.getSlice(at: bytes.readerIndex + Int(part.lowerBound), length: part.count) else {
            throw StorageError(.internal, "Internal Server Error")
        }
        return .partial(BlobContent(source: .buffer(slice), size: size, range: part), part)
    }
}
