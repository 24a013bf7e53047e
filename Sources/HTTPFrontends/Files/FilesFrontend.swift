// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
public import Hummingbird
public import MediaCore
import WireFormats

/// bkend's CDN and its store: images below `/img/`, files as they are below `/raw/`, where they are uploaded, too. Everybody reads here what
/// is in public buckets and what policies let the anonymous role see; a token in the URL opens one file besides.
public struct FilesFrontend: Frontend {
    public let name = "files"
    let storage: Storage
    private let hotReads: HotReads

    /// A file may become private or be replaced under its name, and what others keep can't be called back: a minute is how long it
    /// may still be seen. Asking again costs little, for the answer is 304 while nothing changed.
    private static let cacheControl = "public, max-age=60"
    /// A file of which a policy decides is gone for everybody at once when it turns private.
    private static let policedCacheControl = "public, no-cache"
    /// What was opened by a token is one reader's.
    private static let grantedCacheControl = "private, no-store"

    /// - Parameter hotReads: where ready answers to public reads are left for the connection to give.
    public init(storage: Storage, hotReads: HotReads) {
        self.storage = storage
        self.hotReads = hotReads
    }

    public func respond(to request: Request, context: MagpieRequestContext) async -> Response? {
        let target = request.head.path ?? "/"
        let path = target.prefix { $0 != "?" }
        let isImage = path.hasPrefix("/img/")
        guard isImage || path.hasPrefix("/raw/") else { return nil }
        let rest = path.dropFirst(isImage ? "/img/".count : "/raw/".count)
        do {
            if request.method == .put, !isImage {
                context.trace.operation = "files.put"
                return try await put(try address(rest, context), try FilesQuery(target), request, context)
            }
            context.trace.operation = isImage ? "files.image" : "files.raw"
            guard request.method == .get || request.method == .head else {
                throw FilesProblem.wrongMethod(allowed: isImage ? ["GET", "HEAD"] : ["GET", "HEAD", "PUT"])
            }
            return isImage ? try await image(try ImageURL(rest), request, context) : try await raw(rest, request, context)
        } catch {
            return FilesProblem(error).response(to: request, context.trace)
        }
    }

    private func image(_ url: ImageURL, _ request: Request, _ context: MagpieRequestContext) async throws -> Response {
        let address = try address(url.bucket, url.key, context)
        guard !url.isOriginal else {
            return try await open(request, context) { access in
                try await original(address, access, mustBeImage: true, request, context)
            }
        }
        guard let variants = storage.variants else { throw FilesProblem.notFound }
        return try await open(request, context) { access in
            let variant = try await variants.open(
                address, as: url.request,
                // Of what is negotiated, this dialect promises WebP alone.
                accepted: request.acceptedFormats.intersection(.webp), range: request.singleRange,
                preconditions: request.readConditions, access: access)
            return try await .delivering(
                variant, headers: [.cacheControl: Self.cacheControl(of: access)], to: request, context,
                kept: HotReads.Place(reads: hotReads, frontend: name, storage: storage))
        }
    }

    private func raw(_ path: Substring, _ request: Request, _ context: MagpieRequestContext) async throws -> Response {
        let address = try address(path, context)
        let query = try FilesQuery(request.head.path ?? "/")
        guard let token = try query.text("token", upTo: 4096) else {
            return try await open(request, context) { access in
                try await original(address, access, mustBeImage: false, request, context)
            }
        }
        let grant: SignedGrant
        do {
            grant = try storage.signedURLs.grant(token: token, address: address, action: .download)
        } catch {
            // As a store answers it: 401 would be about another token.
            throw FilesProblem(.forbidden, "file/access-denied", "The URL is not valid, or has expired")
        }
        var response = try await original(
            address, .grant(grant, facts(request, context)), mustBeImage: false, request, context)
        if let name = try query.text("download"), !query.flag("inline") {
            let encoded = PercentEncoding.encodeComponent(name)
            response.headers[.contentDisposition] = "attachment; filename=\(encoded); filename*=UTF-8''\(encoded)"
        }
        return response
    }

    /// Answers as public buckets are read and, where that leads nowhere, as the anonymous role reads. An object is there for everybody or
    /// not at all.
    private func open(
        _ request: Request, _ context: MagpieRequestContext, _ read: (Access) async throws -> Response
    ) async throws -> Response {
        let facts = facts(request, context)
        do {
            return try await read(.publicBucket(facts))
        } catch let error as StorageError where error.code == .bucketNotFound || error.code == .objectNotFound {
            return try await read(.policy(Caller(principal: storage.authenticator.anonymous, facts: facts)))
        }
    }

    private func original(
        _ address: ObjectAddress, _ access: Access, mustBeImage: Bool, _ request: Request, _ context: MagpieRequestContext
    ) async throws -> Response {
        let delivered = try await storage.delivery.open(
            address, range: request.singleRange, preconditions: request.readConditions, access: access)
        guard !mustBeImage || delivered.details.mimetype?.lowercased().hasPrefix("image/") == true else {
            throw FilesProblem.notAnImage
        }
        var headers = HTTPFields(describing: delivered)
        headers[.cacheControl] = Self.cacheControl(of: access)
        if case .publicBucket = access, case .full = delivered.outcome {
            hotReads.remember(
                delivered, headers: headers, answering: request, by: name, operation: context.trace.operation, in: storage)
        }
        return try await .delivering(delivered.outcome, headers: headers, to: request, context)
    }

    private static func cacheControl(of access: Access) -> String {
        switch access {
        case .publicBucket: cacheControl
        case .policy: policedCacheControl
        case .grant: grantedCacheControl
        }
    }

    // MARK: Requests

    private func address(_ path: Substring, _ context: MagpieRequestContext) throws -> ObjectAddress {
        var segments = ImageURL.Segments(path)
        let (bucket, key) = try segments.object()
        return try address(bucket, key, context)
    }

    private func address(_ bucket: String, _ key: String, _ context: MagpieRequestContext) throws -> ObjectAddress {
        let address = ObjectAddress(bucket: try BucketID(existing: bucket), key: try ObjectKey(key))
        context.trace.bucket = address.bucket
        return address
    }

    func facts(_ request: Request, _ context: MagpieRequestContext) -> RequestFacts {
        RequestFacts(
            operation: Operation(context.trace.operation), method: request.method.rawValue, path: request.head.path ?? "",
            headers: request.headers.map { ($0.name.canonicalName, $0.value) }, requestID: context.trace.requestID)
    }
}
