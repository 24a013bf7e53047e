// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
public import Hummingbird
public import MediaCore
import WireFormats

/// Pixault's delivery URLs: images by `/{project}/{asset}/{parameters}.{format}`, originals, and HTML to embed.
///
/// A project is a bucket, and only public ones are delivered. The paths begin at the root, so this front-end is asked last.
public struct PixaultDeliveryFrontend: Frontend {
    public let name = "pixault"
    let storage: Storage
    let origin: PublicOrigin
    let hotReads: HotReads

    /// - Parameters:
    ///   - origin: of the URLs in HTML to embed.
    ///   - hotReads: where ready answers to public reads are left for the connection to give.
    public init(storage: Storage, origin: PublicOrigin, hotReads: HotReads) {
        self.storage = storage
        self.origin = origin
        self.hotReads = hotReads
    }

    public func respond(to request: Request, context: MagpieRequestContext) async -> Response? {
        guard request.method == .get || request.method == .head, let variants = storage.variants else { return nil }
        let target = request.head.path ?? "/"
        guard let path = DeliveryTarget(target.prefix { $0 != "?" }) else { return nil }
        context.trace.operation = "pixault.deliver"
        do {
            let call = try DeliveryCall(path: path, variants: variants, request: request, context: context, frontend: self)
            return try await call.answer()
        } catch {
            return PixaultProblem(error).response(to: request, context.trace)
        }
    }
}
