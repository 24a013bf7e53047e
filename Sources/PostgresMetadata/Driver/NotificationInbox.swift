// SPDX-License-Identifier: Apache-2.0

/// Notifications that have arrived and were not read yet.
struct NotificationInbox {
    typealias Notification = (channel: String, payload: String)
    typealias Reader = CheckedContinuation<Void, Never>

    /// More unread notifications than this, and the listener starts anew instead of keeping them.
    static let capacity = 65_536

    private var unread: [Notification] = []
    private(set) var hasOverflowed = false
    /// Who waits for the next notification.
    var reader: Reader?
    /// No notification will come any more.
    var isClosed = false

    var isEmpty: Bool { unread.isEmpty }

    mutating func add(_ notification: Notification) {
        if unread.count < Self.capacity { unread.append(notification) } else { hasOverflowed = true }
    }

    mutating func takeAll() -> [Notification] {
        defer { unread = [] }
        return unread
    }

    /// The reader to be resumed, if there is one and something to tell it.
    mutating func takeReader() -> Reader? {
        guard let waiting = reader, !unread.isEmpty || isClosed || hasOverflowed else { return nil }
        reader = nil
        return waiting
    }
}
