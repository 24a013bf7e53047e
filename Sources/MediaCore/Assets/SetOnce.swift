// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A value that a callback leaves for whoever gave it.
final class SetOnce<Value: Sendable>: Sendable {
    private let state = Mutex<Value?>(nil)

    var value: Value? { state.withLock { $0 } }

    func set(_ value: Value) { state.withLock { $0 = value } }
}
