// SPDX-License-Identifier: Apache-2.0

public import Hummingbird
public import MediaCore

/// The image storage of a compute server, at `/api/v1/storage/images` and `/storage/images`: images by their paths, in one bucket.
///
/// Made for services that speak to a FastAPI application; errors and their bodies are FastAPI's.
public struct ComputeFrontend: Frontend {
    public struct Configuration: Sendable {
        /// The bucket that the images are in. It is made when the first one is saved.
        public var bucket: BucketID
        /// The largest image, in bytes.
        public var maxUploadBytes: Int64
        /// Who makes the bucket, and who calls with the key.
        public var service: Principal
        /// Nil: only tokens are taken.
        public var key: ComputeKey?
        public var origin: PublicOrigin

        public init(
            bucket: BucketID, maxUploadBytes: Int64 = 50_000_000, service: Principal, key: ComputeKey? = nil, origin: PublicOrigin
        ) {
            self.bucket = bucket
            self.maxUploadBytes = maxUploadBytes
            self.service = service
            self.key = key
            self.origin = origin
        }
    }

    public let name = "compute"
    let storage: Storage
    let publications: Publications?
    let configuration: Configuration

    /// - Parameter publications: keeps copies of the images where a CDN serves them; readers are sent there. Nil: there is none.
    public init(storage: Storage, publications: Publications? = nil, configuration: Configuration) {
        self.storage = storage
        self.publications = publications
        self.configuration = configuration
    }

    public func respond(to request: Request, context: MagpieRequestContext) async -> Response? {
        let target = request.head.path ?? "/"
        guard let route = ComputeRoute(path: target.prefix { $0 != "?" }) else { return nil }
        context.trace.operation = route.operation(request.method)
        do {
            let call = ComputeCall(route: route, request: request, target: target, context: context, frontend: self)
            return try await call.answer()
        } catch {
            return ComputeProblem(error).response(to: request, context.trace)
        }
    }
}
