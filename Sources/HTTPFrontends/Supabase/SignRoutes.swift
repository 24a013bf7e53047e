// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import MediaCore

extension SupabaseCall {
    private static let maxPaths = 1000

    func sign(_ bucket: String, _ key: String) async throws -> Response {
        let caller = try requiredCaller()
        let body = try await body()
        let lifetime = try lifetime(body)
        let rendering = try rendering(body)
        let address = try address(bucket, key)
        let token = try await named(address) {
            try await storage.signedURLs.download(address, lifetime: lifetime, rendering: rendering, as: caller)
        }
        let url = Self.signedURL(address.description, token, below: rendering == nil ? "object" : "render/image")
        return Self.json(JSONWriter.object { $0.field("signedURL", url) })
    }

    /// The image that shall be signed. Nil for the object itself: also where there are no images, as the reference has it.
    private func rendering(_ body: RequestFields) throws -> SignedRendering? {
        guard storage.variants != nil, let options = try body.object("transform") else { return nil }
        // What else is in there says nothing, as in the reference; the URL shows what was signed.
        let known = options.fields.filter { RenderQuery.Option(rawValue: $0.key) != nil }
        let query = try RenderQuery(RequestFields(location: options.location, fields: known))
        return SignedRendering(transformations: query.claim, format: query.formatClaim)
    }

    func signMany(_ bucket: String) async throws -> Response {
        let caller = try requiredCaller()
        let body = try await body()
        let lifetime = try lifetime(body)
        guard let paths = try body.strings("paths") else { throw body.missing("paths") }
        guard !paths.isEmpty else { throw body.invalid("paths", "must NOT have fewer than 1 items") }
        guard paths.count <= Self.maxPaths else { throw body.invalid("paths", "must NOT have more than \(Self.maxPaths) items") }
        let bucket = try bucketID(bucket)
        let tokens = try await storage.signedURLs.downloads(paths, in: bucket, lifetime: lifetime, as: caller)
        var writer = JSONWriter()
        writer.array(zip(paths, tokens)) { writer, item in
            let (path, token) = item
            writer.object { writer in
                writer.field("error", token == nil ? "Either the object does not exist or you do not have access to it" : nil)
                writer.field("path", path)
                writer.field("signedURL", token.map { Self.signedURL("\(bucket)/\(path)", $0) })
            }
        }
        return Self.json(writer.text)
    }

    private func lifetime(_ body: RequestFields) throws -> Int64 {
        guard let seconds = try body.integer("expiresIn", minimum: 1) else { throw body.missing("expiresIn") }
        guard seconds <= SignedURLs.maxLifetime() else {
            throw body.invalid("expiresIn", "must be <= \(SignedURLs.maxLifetime())")
        }
        return seconds
    }

    private static func signedURL(_ address: String, _ token: String, below root: String = "object") -> String {
        "/\(root)/sign/\(escapedForClients(address))?token=\(token)"
    }

    /// Quirk: storage-js applies `encodeURI` to what it gets, so only what that leaves alone may be escaped here.
    static func escapedForClients(_ path: String) -> String {
        var result = ""
        for character in path {
            switch character {
            case "%": result += "%25"
            case "?": result += "%3F"
            case "#": result += "%23"
            default: result.append(character)
            }
        }
        return result
    }
}
