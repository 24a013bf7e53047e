// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import MediaCore
import NIOCore
import NIOHTTP1
import WireFormats

/// The tokens of a service account: asked for when there is none, kept, and replaced before they end.
actor AccessTokens {
    private static let scope = "https://www.googleapis.com/auth/devstorage.read_write"
    /// How long before its end a token is replaced, in seconds, while it still serves.
    private static let ahead: Int64 = 300
    /// How long before its end a token serves no more, in seconds: a request takes time.
    private static let margin: Int64 = 30

    private struct Token {
        var text: String
        /// Since 1970, in seconds.
        var end: Int64
    }

    private let client: ServiceClient<TokenDialect>
    private var token: Token?
    /// The one request for a token under way.
    private var request: Task<Token, any Error>?

    init(_ key: ServiceAccountKey, limits: RemoteLimits) {
        var limits = limits
        // Whatever needs the token is tried again as a whole.
        limits.retries.attempts = 1
        client = ServiceClient(TokenDialect(key: key, scope: Self.scope), limits: limits)
    }

    func close() async throws { try await client.close() }

    /// A token that is good for now.
    /// - Throws: `ServiceFailure`, which never means that an object is missing.
    func current() async throws -> String {
        let now = Timestamp.now().seconds
        guard let token, now < token.end - Self.margin else { return try await renewed().value.text }
        // Who comes now need not wait for the next one.
        if now >= token.end - Self.ahead { _ = renewed() }
        return token.text
    }

    /// Forgets the token: the service did not take it.
    func rejectLast() { token = nil }

    private func renewed() -> Task<Token, any Error> {
        if let request { return request }
        let made = Task {
            defer { request = nil }
            let fresh = try await ask()
            token = fresh
            return fresh
        }
        request = made
        return made
    }

    /// In seconds: whoever answers may say anything.
    private static let longestLife: Int64 = 86_400

    private struct Grant: Decodable {
        var access_token: String
        var expires_in: Int64
    }

    private func ask() async throws -> Token {
        let start = Timestamp.now().seconds
        do {
            let answer = try await client.send(())
            let grant = try JSONDecoder().decode(Grant.self, from: Data(answer.body.readableBytesView))
            guard !grant.access_token.isEmpty, grant.access_token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw ServiceFailure(.malformed("a token that no request can carry"))
            }
            return Token(text: grant.access_token, end: start + min(max(grant.expires_in, 0), Self.longestLife))
        } catch let failure as ServiceFailure {
            throw failure.ofTokenService
        } catch is DecodingError {
            throw ServiceFailure(.malformed("the token service's answer is no token"))
        }
    }
}

extension ServiceFailure {
    /// Its statuses are none of objects: a 404 here does not say that an object is missing.
    fileprivate var ofTokenService: ServiceFailure {
        switch reason {
        case .refused: ServiceFailure(isTransient ? .transport("token: \(self)") : .denied("token: \(self)"))
        default: self
        }
    }
}

/// How tokens are asked for. RFC 7523 §2.1, RFC 6749 §5.
private struct TokenDialect: ServiceDialect {
    let key: ServiceAccountKey
    let scope: String

    func prepared(_ request: Void) throws -> HTTPClientRequest {
        let assertion: String
        do {
            assertion = try key.assertion(scope: scope, at: Timestamp.now().seconds)
        } catch let failure as ServiceFailure {
            throw failure
        } catch {
            throw ServiceFailure(.malformed("the request for a token can't be written"))
        }
        let grant = PercentEncoding.encodeComponent("urn:ietf:params:oauth:grant-type:jwt-bearer")
        var prepared = HTTPClientRequest(url: key.tokenURL)
        prepared.method = .POST
        prepared.headers.add(name: "content-type", value: "application/x-www-form-urlencoded")
        prepared.body = .bytes(ByteBuffer(string: "grant_type=\(grant)&assertion=\(assertion)"))
        return prepared
    }

    private struct Refusal: Decodable { var error: String }

    /// `invalid_grant` and its like.
    func errorCode(_ headers: HTTPHeaders, _ document: ByteBuffer) -> String? {
        // Anybody may answer here, with anything: what is no refusal has no code.
        guard let refusal = try? JSONDecoder().decode(Refusal.self, from: Data(document.readableBytesView)) else { return nil }
        return refusal.error.utf8.allSatisfy { $0 == 0x5F || (0x61...0x7A).contains($0) } ? refusal.error : nil
    }
}
