// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Turns a token into a principal: verifies it, and remembers for a while that it did.
public struct Authenticator: Sendable {
    private let keys: KeyRing
    /// The role of tokens that name none, and of callers without a token.
    private let anonymousRole: String
    private let verified = VerifiedTokens()

    public init(keys: KeyRing, anonymousRole: String = "anon") {
        self.keys = keys
        self.anonymousRole = anonymousRole
    }

    /// Who shows no token.
    public var anonymous: Principal {
        Principal(
            role: anonymousRole, subject: nil,
            claims: JSONText(trusted: JSONWriter.object { $0.field("role", anonymousRole) }), token: "")
    }

    /// - Throws: `StorageError` with code `.unauthenticated`; the message is for the client. `.accessDenied` for a token that names the
    ///   role of keys of projects: whose claims count is decided by those who sign tokens, and what a key opens is not.
    public func principal(token: String, at now: Timestamp = .now()) throws(StorageError) -> Principal {
        if let known = try verified.principal(for: token, at: now) { return known }
        let claims = try keys.verify(token, at: now)
        guard claims.role != ProjectScope.role else {
            throw StorageError(.accessDenied, "The role of this token is not known here", resource: ProjectScope.role)
        }
        let principal = Principal(
            role: claims.role ?? anonymousRole, subject: claims.subject, claims: claims.text, token: token)
        verified.remember(principal, claims: claims)
        return principal
    }
}

/// Tokens whose signature was found good, so that a busy client's token is not verified on every request.
private final class VerifiedTokens: Sendable {
    private struct Entry {
        let principal: Principal
        let claims: Claims
    }

    // Bounded: clients choose how many tokens there are. When it is full everything is verified anew once.
    private static let capacity = 4096
    private static let maxTokenBytes = 4096
    private let entries = Mutex<[String: Entry]>([:])

    func principal(for token: String, at now: Timestamp) throws(StorageError) -> Principal? {
        guard let entry = entries.withLock({ $0[token] }) else { return nil }
        try entry.claims.requireCurrent(at: now)
        return entry.principal
    }

    func remember(_ principal: Principal, claims: Claims) {
        guard principal.token.utf8.count <= Self.maxTokenBytes else { return }
        entries.withLock {
            if $0.count >= Self.capacity { $0.removeAll(keepingCapacity: true) }
            $0[principal.token] = Entry(principal: principal, claims: claims)
        }
    }
}
