// SPDX-License-Identifier: Apache-2.0

/// A place where calls wait until a test lets them, and all that come later, go on.
public actor Gate {
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var watching: [CheckedContinuation<Void, Never>] = []

    public init() {}

    /// Returns once the gate is open. A call that is cancelled waits on.
    public func wait() async {
        guard !isOpen else { return }
        await withCheckedContinuation { continuation in
            waiting.append(continuation)
            for watcher in watching { watcher.resume() }
            watching = []
        }
    }

    /// Returns once somebody waits.
    public func isReached() async {
        guard waiting.isEmpty, !isOpen else { return }
        await withCheckedContinuation { watching.append($0) }
    }

    public func open() {
        isOpen = true
        for continuation in waiting { continuation.resume() }
        waiting = []
    }
}
