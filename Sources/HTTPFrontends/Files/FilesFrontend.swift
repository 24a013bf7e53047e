// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
public import Hummingbird
public import MediaCore

/// bkend's CDN: images below `/img/`, files as they are below `/raw/`. Public buckets only, and nobody needs a token.
public struct FilesFrontend: Frontend {
    public let name = "files"
    private let storage: Storage
    private let hotReads: HotReads

    /// A file may become private or be replaced under its name, and what others keep can't be called back: a minute is how long it
    /// may still be seen. Asking again costs little, for the answer is 304 while nothing changed.
    private static let cacheControl = "public, max-age=60"

    /// - Parameter hotReads: where ready answers to public reads are left for the connection to give.
    public init(storage: Storage, hotReads: HotReads) {
        self.storage = storage
        self.hotReads = hotReads
    }

    public func respond(to request: Request, context: MagpieRequestContext) async -> Response? {
        let path = (request.head.path ?? "/").prefix { $0 != "?" }
        let isImage = path.hasPrefix("/img/")
        guard isImage || path.hasPrefix("/raw/") else { return nil }
        let rest = path.dropFirst(isImage ? "/img/".count : "/raw/".count)
        context.trace.operation = isImage ? "files.image" : "files.raw"
        do {
            guard request.method == .get || request.method == .head else {
                throw FilesProblem.wrongMethod(allowed: ["GET", "HEAD"])
            }
            return isImage ? try await image(try ImageURL(rest), request, context) : try await raw(rest, request, context)
        } catch {
            return FilesProblem(error).response(to: request, context.trace)
        }
    }

    private func image(_ url: ImageURL, _ request: Request, _ context: MagpieRequestContext) async throws -> Response {
        guard !url.isOriginal else {
            return try await original(try address(url.bucket, url.key, context), mustBeImage: true, request, context)
        }
        guard let variants = storage.variants else { throw FilesProblem.notFound }
        let variant = try await variants.open(
            try address(url.bucket, url.key, context), as: url.request,
            // Of what is negotiated, this dialect promises WebP alone.
            accepted: request.acceptedFormats.intersection(.webp), range: request.singleRange,
            preconditions: request.readConditions, access: access(request, context))
        return try await .delivering(
            variant, headers: [.cacheControl: Self.cacheControl], to: request, context,
            kept: HotReads.Place(reads: hotReads, frontend: name, storage: storage))
    }

    private func raw(_ path: Substring, _ request: Request, _ context: MagpieRequestContext) async throws -> Response {
        var segments = ImageURL.Segments(path)
        let (bucket, key) = try segments.object()
        return try await original(try address(bucket, key, context), mustBeImage: false, request, context)
    }

    private func original(
        _ address: ObjectAddress, mustBeImage: Bool, _ request: Request, _ context: MagpieRequestContext
    ) async throws -> Response {
        let delivered = try await storage.delivery.open(
            address, range: request.singleRange, preconditions: request.readConditions, access: access(request, context))
        guard !mustBeImage || delivered.details.mimetype?.lowercased().hasPrefix("image/") == true else {
            throw FilesProblem.notAnImage
        }
        var headers = HTTPFields(describing: delivered)
        headers[.cacheControl] = Self.cacheControl
        if case .full = delivered.outcome {
            hotReads.remember(
                delivered, headers: headers, answering: request, by: name, operation: context.trace.operation, in: storage)
        }
        return try await .delivering(delivered.outcome, headers: headers, to: request, context)
    }

    private func address(_ bucket: String, _ key: String, _ context: MagpieRequestContext) throws -> ObjectAddress {
        let address = ObjectAddress(bucket: try BucketID(existing: bucket), key: try ObjectKey(key))
        context.trace.bucket = address.bucket
        return address
    }

    private func access(_ request: Request, _ context: MagpieRequestContext) -> Access {
        .publicBucket(
            RequestFacts(
                operation: Operation(context.trace.operation), method: request.method.rawValue, path: request.head.path ?? "",
                headers: request.headers.map { ($0.name.canonicalName, $0.value) }, requestID: context.trace.requestID))
    }
}
