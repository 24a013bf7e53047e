// SPDX-License-Identifier: Apache-2.0

/// Spreads transfers over time, so that no more than so many bytes a second are begun.
actor TransferRate {
    private let bytesPerSecond: Int64
    private var nextStart = ContinuousClock.now

    /// - Parameter bytesPerSecond: 0: any number.
    init(bytesPerSecond: Int64) { self.bytesPerSecond = bytesPerSecond }

    /// Returns when a transfer of so many bytes may begin. - Throws: `CancellationError`.
    func wait(for bytes: Int64) async throws {
        guard bytesPerSecond > 0 else { return }
        let start = max(nextStart, .now)
        nextStart = start + .seconds(Double(bytes) / Double(bytesPerSecond))
        try await Task.sleep(until: start, clock: .continuous)
    }
}
