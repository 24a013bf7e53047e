// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import Synchronization

extension InMemoryMetadataStore {
    public func insertSession(_ session: AccountSession, digest: SecretDigest, most: Int) async throws {
        state.withLock { state in
            state.sessions[session.id] = StoredSession(session: session, digest: digest)
            let others = state.sessions.values.map(\.session).filter { $0.account == session.account && $0.id != session.id }
            let kept = Self.lastUsedFirst(others.filter { $0.expiresAt > session.createdAt }).prefix(max(1, most) - 1)
            for other in others where !kept.contains(other) { state.sessions[other.id] = nil }
        }
    }

    public func session(
        _ digest: SecretDigest, kind: AccountSession.Kind, at time: Timestamp
    ) async throws -> (session: AccountSession, account: Account)? {
        state.withLock { $0.session(digest, kind: kind, at: time) }
    }

    public func touchSession(_ id: SessionID, at time: Timestamp, expiresAt: Timestamp) async throws {
        state.withLock { state in
            guard let session = state.sessions[id]?.session else { return }
            state.sessions[id]?.session.usedAt = max(session.usedAt, time)
            state.sessions[id]?.session.expiresAt = max(session.expiresAt, min(session.endsAt, expiresAt))
        }
    }

    public func sessions(of id: AccountID, at time: Timestamp) async throws -> [AccountSession] {
        state.withLock { state in
            Self.lastUsedFirst(state.sessions.values.map(\.session).filter { $0.account == id && $0.expiresAt > time })
        }
    }

    public func endSession(_ id: SessionID, of account: AccountID) async throws -> Bool {
        state.withLock { state in
            guard state.sessions[id]?.session.account == account else { return false }
            state.sessions[id] = nil
            return true
        }
    }

    public func endSessions(of account: AccountID, except kept: SessionID?) async throws {
        state.withLock { state in
            state.sessions = state.sessions.filter { $0.value.session.account != account || $0.key == kept }
        }
    }

    public func rotateToken(
        from old: SecretDigest, to new: SecretDigest, at time: Timestamp, expiresAt: Timestamp
    ) async throws -> (session: AccountSession, account: Account)? {
        state.withLock { state in
            if let found = state.session(old, kind: .tokens, at: time) {
                var session = found.session
                session.usedAt = time
                session.expiresAt = min(session.endsAt, expiresAt)
                state.sessions[session.id]?.session = session
                state.sessions[session.id]?.digest = new
                state.sessions[session.id]?.spent.insert(old)
                return (session, found.account)
            }
            state.sessions = state.sessions.filter { !$0.value.spent.contains(old) }
            return nil
        }
    }

    private static func lastUsedFirst(_ sessions: [AccountSession]) -> [AccountSession] {
        sessions.sorted { $0.usedAt == $1.usedAt ? $0.id.rawValue < $1.id.rawValue : $0.usedAt > $1.usedAt }
    }
}

extension InMemoryMetadataStore.State {
    fileprivate func session(
        _ digest: SecretDigest, kind: AccountSession.Kind, at time: Timestamp
    ) -> (session: AccountSession, account: Account)? {
        let found = sessions.values.first { $0.digest == digest && $0.session.kind == kind && $0.session.expiresAt > time }
        guard let session = found?.session, let account = accounts[session.account]?.account, account.disabledAt == nil else {
            return nil
        }
        return (session, account)
    }
}
