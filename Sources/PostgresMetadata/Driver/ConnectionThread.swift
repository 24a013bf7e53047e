// SPDX-License-Identifier: Apache-2.0

import CEpoll
import Glibc
import Synchronization

/// Told when its socket can be read or written.
protocol SocketHandler: AnyObject, Sendable {
    /// Called on the connection thread, which it must not block.
    func socketIsReady()
    /// Called once, on any thread, when nothing will ever be told any more.
    func threadHasStopped()
}

/// The one thread that waits for the sockets of all connections and for timeouts.
///
/// It starts with the object and ends with `stop()`. Handlers and timers run on it one after another.
final class ConnectionThread: Sendable {
    /// What a handler waits for besides the loss of its socket.
    struct Interest: OptionSet, Sendable {
        let rawValue: UInt32
        static let read = Interest(rawValue: EPOLLIN.rawValue)
        static let write = Interest(rawValue: EPOLLOUT.rawValue)
    }

    private struct State {
        var handlers: [UInt64: any SocketHandler] = [:]
        var timers = TimerQueue()
        var isStopped = false
    }

    private static let wakeupID: UInt64 = 0

    private let epoll: Int32
    private let wakeup: Int32
    private let state = Mutex(State())

    /// - Throws: `PostgresError` of kind `.connectFailed` when the process is out of descriptors or threads.
    init() throws(PostgresError) {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        wakeup = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard epoll >= 0, wakeup >= 0 else {
            let reason = errno
            Self.close([epoll, wakeup])
            throw PostgresError(.connectFailed, "epoll: \(String(cString: strerror(reason)))")
        }
        var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u64: Self.wakeupID))
        var thread = pthread_t()
        // The thread owns this reference until it ends.
        let context = Unmanaged.passRetained(self)
        guard epoll_ctl(epoll, EPOLL_CTL_ADD, wakeup, &event) == 0, Self.start(&thread, context) else {
            context.release()
            throw PostgresError(.connectFailed, "the connection thread can't be started")
        }
        pthread_detach(thread)
    }

    deinit { Self.close([epoll, wakeup]) }

    /// Ends the thread once it has run what it is running. Handlers are told so, timers that are left are forgotten.
    func stop() {
        let handlers = state.withLock { state in
            state.isStopped = true
            defer { state.handlers = [:] }
            return Array(state.handlers.values)
        }
        for handler in handlers { handler.threadHasStopped() }
        wake()
    }

    var isStopped: Bool { state.withLock { $0.isStopped } }

    /// Makes `handler` the one that is told about sockets watched as `id`. - Returns: false when the thread has been stopped.
    func add(_ handler: any SocketHandler, as id: UInt64) -> Bool {
        state.withLock { state in
            if !state.isStopped { state.handlers[id] = handler }
            return !state.isStopped
        }
    }

    func remove(_ id: UInt64) { _ = state.withLock { $0.handlers.removeValue(forKey: id) } }

    /// Waits on a socket, level-triggered, until the socket is closed. - Returns: false when the kernel refuses.
    func watch(_ socket: Int32, for interest: Interest, as id: UInt64) -> Bool {
        var event = epoll_event(events: interest.rawValue | EPOLLRDHUP.rawValue, data: epoll_data_t(u64: id))
        if epoll_ctl(epoll, EPOLL_CTL_MOD, socket, &event) == 0 { return true }
        // libpq opens another socket for the next address of a host, perhaps under the same number.
        return errno == ENOENT && epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) == 0
    }

    /// Runs `action` on the thread after a while.
    func schedule(after delay: Duration, _ action: @escaping TimerQueue.Action) -> TimerQueue.ID {
        let deadline = ContinuousClock.now + delay
        let (id, isNext) = state.withLock { state in
            let id = state.timers.schedule(at: deadline, action)
            return (id, state.timers.nextDeadline == deadline)
        }
        if isNext { wake() }
        return id
    }

    func cancel(_ timer: TimerQueue.ID) { state.withLock { $0.timers.cancel(timer) } }

    private func wake() {
        // A full counter wakes as well, so the result tells nothing.
        _ = eventfd_write(wakeup, 1)
    }

    private func run() {
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        while let timeout = nextTimeout() {
            let count = epoll_wait(epoll, &events, Int32(events.count), timeout)
            for event in events[..<max(0, Int(count))] { dispatch(event.data.u64) }
            for action in state.withLock({ $0.timers.takeDue(at: .now) }) { action() }
        }
    }

    private func dispatch(_ id: UInt64) {
        if id == Self.wakeupID {
            var count: eventfd_t = 0
            _ = eventfd_read(wakeup, &count)
        } else {
            state.withLock { $0.handlers[id] }?.socketIsReady()
        }
    }

    /// Milliseconds until the next timer, -1 for none; nil once stopped.
    private func nextTimeout() -> Int32? {
        state.withLock { state in
            guard !state.isStopped else { return nil }
            guard let deadline = state.timers.nextDeadline else { return -1 }
            let wait = max(.zero, ContinuousClock.now.duration(to: deadline))
            // Rounded up: waking too early would spin.
            return Int32(clamping: wait.components.seconds * 1000 + wait.components.attoseconds / 1_000_000_000_000_000 + 1)
        }
    }

    private static func start(_ thread: inout pthread_t, _ context: Unmanaged<ConnectionThread>) -> Bool {
        let result = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let owner = Unmanaged<ConnectionThread>.fromOpaque(argument).takeRetainedValue()
                owner.run()
                return nil
            }, context.toOpaque())
        return result == 0
    }

    private static func close(_ descriptors: [Int32]) {
        for descriptor in descriptors where descriptor >= 0 { _ = Glibc.close(descriptor) }
    }
}
