// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The digests that a client sent with a part, which may stand behind its bytes.
final class SentChecksums: Sendable {
    private let source: (@Sendable () throws -> [String: String])?
    private let state: Mutex<[String: String]> = Mutex([:])

    init(_ source: (@Sendable () throws -> [String: String])?) { self.source = source }

    /// To be called once, after the last byte.
    func ask() throws {
        guard let source else { return }
        let values = try source()
        state.withLock { $0 = values }
    }

    /// What was sent, once it was asked for.
    var values: [String: String] { state.withLock { $0 } }
}
