// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import NIOCore
import WireFormats

/// One request to this interface.
struct ComputeCall {
    let route: ComputeRoute
    let request: Request
    /// The request target as sent, query included.
    let target: String
    let context: MagpieRequestContext
    let frontend: ComputeFrontend

    private var storage: Storage { frontend.storage }
    private var configuration: ComputeFrontend.Configuration { frontend.configuration }

    /// - Throws: `ComputeProblem`, `StorageError`.
    func answer() async throws -> Response {
        guard route.methods.contains(request.method) else { throw ComputeProblem.methodNotAllowed(allowed: route.methods) }
        // Who calls is asked before anything else of the request is looked at, as FastAPI does with its dependencies.
        switch (route, request.method) {
        case (.images, _): return try await list()
        case (.image(let path), .post): return try await save(path, as: try caller())
        case (.image(let path), .delete): return try await delete(path, as: try caller())
        case (.image(let path), .head): return try await exists(path, access: try access())
        case (.image(let path), _): return try await get(path, access: try access())
        }
    }
}

// MARK: - Credentials

extension ComputeCall {
    private func caller() throws -> Caller {
        guard let token = request.bearerToken, !token.isEmpty else { throw ComputeProblem.notAuthenticated }
        return try caller(token)
    }

    /// By what right an image is read: without a token, if everybody may.
    private func access() throws -> Access {
        guard let token = request.bearerToken, !token.isEmpty else { return .publicBucket(facts) }
        return .policy(try caller(token))
    }

    private func caller(_ token: String) throws(StorageError) -> Caller {
        if let key = configuration.key, key.matches(token) { return Caller(principal: configuration.service, facts: facts) }
        return Caller(principal: try storage.authenticator.principal(token: token), facts: facts)
    }

    private var facts: RequestFacts {
        RequestFacts(
            operation: Operation(context.trace.operation), method: request.method.rawValue, path: target,
            headers: request.headers.map { ($0.name.canonicalName, $0.value) }, requestID: context.trace.requestID)
    }

    /// Where nothing is to be had without a token, the answer is to come with one.
    private func asked<Value>(by access: Access, _ read: () async throws -> Value) async throws -> Value {
        do {
            return try await read()
        } catch let error as StorageError where error.code == .bucketNotFound || error.code == .accessDenied {
            guard case .publicBucket = access else { throw error }
            throw ComputeProblem.notAuthenticated
        }
    }
}

// MARK: - Reading

extension ComputeCall {
    private func list() async throws -> Response {
        let caller = try caller()
        let query = try ComputeListQuery(target)
        let page = try await storage.objects.keys(
            KeyQuery(prefix: query.prefix, limit: query.limit), in: configuration.bucket, as: caller)
        var writer = JSONWriter()
        writer.array(page.items) { writer, item in
            switch item {
            case .object(let entry): writer.string(entry.key.rawValue)
            // Nothing is folded without a delimiter.
            case .prefix(let prefix): writer.string(prefix)
            }
        }
        return Self.json(writer.text)
    }

    private func get(_ path: ImagePath?, access: Access) async throws -> Response {
        let address = try address(path)
        if let publications = frontend.publications {
            let (object, _) = try await asked(by: access) { try await storage.delivery.describe(address, access: access) }
            if let url = try await publications.url(of: object) { return .redirecting(to: url) }
        }
        let delivered = try await asked(by: access) {
            try await storage.delivery.open(
                address, range: request.singleRange, preconditions: request.readConditions, access: access)
        }
        var headers = HTTPFields(describing: delivered)
        headers[.cacheControl] = HTTPFields.value(delivered.details.cacheControl)
        return try await .delivering(delivered.outcome, headers: headers, to: request, context)
    }

    private func exists(_ path: ImagePath?, access: Access) async throws -> Response {
        let address = try address(path)
        let (object, details) = try await asked(by: access) {
            try await storage.delivery.describe(address, access: access)
        }
        var headers: HTTPFields = [.acceptRanges: "bytes", .contentType: details.safeMediaType]
        headers.restrain(details.safeMediaType)
        headers[.eTag] = object.record.entityTag(details)
        headers[.lastModified] = (details.lastModified ?? object.record.updatedAt)?.httpDate
        headers[.contentLength] = (object.blob?.size ?? details.size).map { String($0) }
        return Response(status: .ok, headers: headers)
    }

    private func address(_ path: ImagePath?) throws -> ObjectAddress {
        guard let path else { throw ComputeProblem.invalidPath }
        return ObjectAddress(bucket: configuration.bucket, key: try ObjectKey(path.rawValue))
    }
}

// MARK: - Writing

extension ComputeCall {
    /// What a form adds to its file, at most, in bytes: more than it takes.
    private static let formOverhead: Int64 = 128 << 10

    private func save(_ path: ImagePath?, as caller: Caller) async throws -> Response {
        let address = try address(path)
        if let length = request.announcedLength, length > configuration.maxUploadBytes + Self.formOverhead {
            throw StorageError.tooLarge("file")
        }
        let form = try ComputeForm(
            contentType: request.headers[.contentType], body: request.byteStream(context), limit: configuration.maxUploadBytes)
        let file = try await form.file()
        try await requireBucket()
        let upload = Upload(body: file.body, options: UploadOptions(mode: .replace, contentType: file.mediaType))
        _ = try await storage.objects.put(upload, at: address, access: .policy(caller))
        try await frontend.publications?.refresh(address.key)
        return Self.json(
            JSONWriter.object { writer in
                writer.field("path", address.key.rawValue)
                writer.field("url", url(of: address))
            })
    }

    private func delete(_ path: ImagePath?, as caller: Caller) async throws -> Response {
        let address = try address(path)
        try await storage.objects.delete(address, as: caller)
        try await frontend.publications?.refresh(address.key)
        return Self.json(
            JSONWriter.object { writer in
                writer.field("deleted", true)
                writer.field("path", address.key.rawValue)
            })
    }

    /// Makes the bucket where there is none yet: private, for who may read is the operator's to say.
    private func requireBucket() async throws {
        let bucket = configuration.bucket
        do {
            try await storage.buckets.requireExists(bucket, facts: facts)
        } catch let error as StorageError where error.code == .bucketNotFound {
            let service = Caller(principal: configuration.service, facts: facts)
            do {
                _ = try await storage.buckets.create(Bucket(id: bucket, name: bucket.rawValue), as: service)
            } catch let error as StorageError where error.code == .bucketExists {
                return  // another request was first
            }
        }
    }

    private func url(of address: ObjectAddress) -> String {
        if let url = frontend.publications?.url(of: address.key) { return url }
        let path = PercentEncoding.encodePath(address.key.rawValue)
        return configuration.origin.url(for: request) + ComputeRoute.mounts[0] + "/" + path
    }
}

// MARK: - Answers

extension ComputeCall {
    private static func json(_ text: String) -> Response {
        Response(
            status: .ok, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
