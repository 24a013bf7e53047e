// SPDX-License-Identifier: Apache-2.0

import Crypto
import MediaCore
import NIOCore
import Synchronization

/// Which documents could not be drawn of late, so that the same one is not tried again for every width that anybody thinks of.
///
/// What fails at a size fails at a larger one. At a much smaller one it may be drawn, and is tried: or a visitor who asks for it too large
/// would take it from everybody. So a document is tried a dozen times at the most.
final class PaintFailures: Sendable {
    private struct Entry {
        var failure: ConversionFailure
        var pixels: Int
        var until: NIODeadline
    }

    private struct State {
        var entries: [SHA256Digest: Entry] = [:]
        /// In the order in which they came; some may be gone.
        var order: [SHA256Digest] = []
    }

    private let state = Mutex(State())
    private let lifetime: TimeAmount
    private let capacity: Int
    private let now: @Sendable () -> NIODeadline

    init(
        lifetime: TimeAmount = .minutes(10), capacity: Int = 4096, now: @escaping @Sendable () -> NIODeadline = { .now() }
    ) {
        self.lifetime = lifetime
        self.capacity = capacity
        self.now = now
    }

    /// Why it can't be drawn at this size. Nil when nothing is known.
    func failure(of document: SHA256Digest, _ size: PixelSize) -> ConversionFailure? {
        state.withLock { state in
            guard let entry = state.entries[document], entry.until > now(), size.pixels >= entry.pixels / Self.share else {
                return nil
            }
            return entry.failure
        }
    }

    func remember(_ failure: ConversionFailure, of document: SHA256Digest, _ size: PixelSize) {
        let now = now()
        state.withLock { state in
            let known = state.entries[document].flatMap { $0.until > now ? $0 : nil }
            // One that was answered from here does not live longer by that.
            if let known, size.pixels >= known.pixels / Self.share { return }
            if state.entries.updateValue(Entry(failure: failure, pixels: size.pixels, until: now + lifetime), forKey: document)
                == nil
            {
                state.order.append(document)
            }
            while state.order.count > capacity { state.entries[state.order.removeFirst()] = nil }
        }
    }

    /// A picture of so much less may be another matter.
    private static let share = 8
}
