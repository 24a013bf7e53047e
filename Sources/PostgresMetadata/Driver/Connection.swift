// SPDX-License-Identifier: Apache-2.0

import CLibPQ
import Dispatch
import Synchronization

/// One connection to Postgres, used by one caller at a time.
///
/// The caller's task hands a batch to libpq; the connection thread receives the answers and resumes the caller. Both work on
/// the state below under its lock, which is never held while anything waits.
final class Connection: Sendable, SocketHandler {
    typealias Continuation = CheckedContinuation<BatchOutcome, Never>

    /// What the connection is doing.
    enum Activity {
        case idle
        case handshake
        case script(failure: PostgresError?)
        case pipeline(Pipeline)
    }

    /// How far the request to stop the running batch has come.
    enum CancelStage { case none, requested, answered }

    struct State {
        /// Nil once the connection is closed.
        var link: Link?
        var activity = Activity.idle
        /// Who waits for the end of the activity.
        var continuation: Continuation?
        /// Counts activities, so that a late cancellation never hits the next one.
        var ticket: UInt64 = 0
        var cancelStage = CancelStage.none
        /// The end of an activity held back until the request to cancel it has arrived: it might hit the next one.
        var heldOutcome: BatchOutcome?
        var graceTimer: TimerQueue.ID?
        /// The process that may be committing still, when the connection broke during COMMIT.
        var committingBackend: Int32?
        var waitsForWrite = false
        var prepared: PreparedStatements
        var inbox = NotificationInbox()
    }

    /// How long a cancelled batch may take to end before the connection is given up.
    static let cancelGrace = Duration.seconds(5)
    /// For the calls of libpq that block: looking up a host name, sending a cancel request.
    static let blockingCalls = DispatchQueue(label: "magpie.db.blocking", attributes: .concurrent)

    let id: UInt64
    /// Connections older than the pool's generation are closed when they come back.
    let generation: UInt64
    let thread: ConnectionThread
    let state: Mutex<State>
    private let onIdleLoss: @Sendable (Connection) -> Void

    /// - Parameter onIdleLoss: called on the connection thread when the connection breaks while nothing runs on it.
    init(
        link: sending Link, id: UInt64, generation: UInt64, thread: ConnectionThread, maxPreparedStatements: Int,
        onIdleLoss: @escaping @Sendable (Connection) -> Void
    ) {
        self.id = id
        self.generation = generation
        self.thread = thread
        self.state = Mutex(State(link: link, prepared: PreparedStatements(capacity: maxPreparedStatements)))
        self.onIdleLoss = onIdleLoss
    }

    var isOpen: Bool { state.withLock { $0.link != nil } }

    /// Whether a transaction was left open or failed.
    var isInTransaction: Bool { state.withLock { $0.link.map { $0.transactionStatus != .idle } ?? false } }

    /// The process of Postgres that may be committing still, when this connection broke during COMMIT.
    var committingBackend: Int32? { state.withLock { $0.committingBackend } }

    var preparedCount: Int { state.withLock { $0.prepared.count } }

    /// Runs a batch. A cancelled task makes Postgres stop it, which still ends in an outcome.
    func run(_ batch: Batch) async -> BatchOutcome { await perform { Self.send(batch, &$0) } }

    /// Runs a batch to its end even in a cancelled task: for rolling back.
    func runShielded(_ batch: Batch) async -> BatchOutcome {
        await withCheckedContinuation { start($0) { Self.send(batch, &$0) } }
    }

    /// Runs several statements through the simple query protocol. Only before `enterPipelineMode`.
    func run(script: String) async throws {
        guard !script.containsNUL else { throw PostgresError(.invalidParameter, "a script must not contain a NUL character") }
        let outcome = await perform { state in
            state.activity = .script(failure: nil)
            return state.link?.sendScript(script) ?? false
        }
        if let failure = outcome.failure { throw failure }
    }

    func enterPipelineMode() -> Bool { state.withLock { $0.link?.enterPipelineMode() ?? false } }

    /// Closes the connection; what runs on it ends as lost.
    func close(because reason: String = "the connection was closed") {
        settle(state.withLock { Self.breakLink(&$0, because: reason) })
    }
}

// MARK: Running

extension Connection {
    private static func send(_ batch: Batch, _ state: inout State) -> Bool {
        guard let link = state.link else { return false }
        var pipeline = Pipeline(batch)
        let isSent = pipeline.send(on: link, prepared: &state.prepared)
        state.activity = .pipeline(pipeline)
        return isSent
    }

    /// Starts an activity and waits for its outcome; cancels it with the task.
    func perform(_ begin: (inout State) -> Bool) async -> BatchOutcome {
        // Whoever calls has the connection for itself, so this is the ticket that `start` will draw.
        let ticket = state.withLock { $0.ticket + 1 }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                start(continuation, begin)
                // A task cancelled before the start called the handler when there was nothing to cancel.
                if Task.isCancelled { cancel(ticket) }
            }
        } onCancel: {
            cancel(ticket)
        }
    }

    private func start(_ continuation: Continuation, _ begin: (inout State) -> Bool) {
        let ending = state.withLock { state -> Ending in
            state.ticket += 1
            guard state.link != nil else {
                return .outcome(continuation, BatchOutcome(failure: PostgresError(.connectionLost, "the connection is closed")))
            }
            precondition(state.continuation == nil, "a connection has one user at a time")
            state.continuation = continuation
            guard begin(&state) else { return Self.breakLink(&state, because: nil) }
            return flush(&state)
        }
        settle(ending)
    }

    /// Sends what libpq still holds; waits for room in the socket when that is not all of it.
    private func flush(_ state: inout State) -> Ending {
        guard let link = state.link else { return .none }
        switch link.flush() {
        case .failed: return Self.breakLink(&state, because: nil)
        case .done:
            guard state.waitsForWrite else { return .none }
            state.waitsForWrite = false
        case .pending:
            guard !state.waitsForWrite else { return .none }
            state.waitsForWrite = true
        }
        let watched = thread.watch(link.socket, for: state.waitsForWrite ? [.read, .write] : .read, as: id)
        // A socket that libpq has closed meanwhile can't be watched; libpq knows why it did.
        return watched ? .none : Self.breakLink(&state, because: link.socket < 0 ? nil : "epoll refused the socket")
    }

    /// Called on the connection thread.
    func socketIsReady() {
        let (ending, wasIdle) = state.withLock { state -> (Ending, Bool) in
            let wasIdle = state.continuation == nil && state.heldOutcome == nil
            return (advance(&state), wasIdle)
        }
        settle(ending)
        if wasIdle, !isOpen { onIdleLoss(self) }
    }

    private func advance(_ state: inout State) -> Ending {
        guard let link = state.link else { return .none }
        if case .handshake = state.activity { return advanceHandshake(&state) }
        repeat {
            let isAlive = link.consumeInput()
            let ending = receive(&state)
            if case .none = ending {} else { return ending }
            guard isAlive, !link.isBroken else { return Self.breakLink(&state, because: nil) }
        } while link.hasBufferedInput
        return flush(&state)
    }

    /// Takes what has arrived: results of the activity, notifications.
    private func receive(_ state: inout State) -> Ending {
        guard let link = state.link else { return .none }
        var ending = Ending.none
        receiving: while !link.isBusy {
            switch state.activity {
            case .idle, .handshake: break receiving
            case .script(let failure):
                guard let result = link.nextResult() else {
                    ending = finish(&state, BatchOutcome(failure: failure))
                    break receiving
                }
                state.activity = .script(failure: failure ?? result.scriptFailure)
                if result.isCopy { return Self.breakLink(&state, because: "COPY is not possible here") }
            case .pipeline(var pipeline):
                // Emptied meanwhile, so that the pipeline's arrays are changed in place.
                state.activity = .idle
                let isComplete = pipeline.receive(link.nextResult(), prepared: &state.prepared)
                state.activity = .pipeline(pipeline)
                if pipeline.isConfused { return Self.breakLink(&state, because: "the protocol got out of step") }
                if isComplete {
                    ending = finish(&state, pipeline.outcome)
                    break receiving
                }
                if link.isBroken { break receiving }
            }
        }
        while let notification = link.nextNotification() { state.inbox.add(notification) }
        if case .none = ending, let reader = state.inbox.takeReader() { return .notified(reader) }
        return ending
    }

    private func finish(_ state: inout State, _ outcome: BatchOutcome) -> Ending {
        state.activity = .idle
        guard state.cancelStage != .requested else {
            state.heldOutcome = outcome
            return .none
        }
        return Self.deliver(&state, outcome, thread: thread)
    }

    private static func deliver(_ state: inout State, _ outcome: BatchOutcome, thread: ConnectionThread) -> Ending {
        guard let continuation = state.continuation else { return .none }
        state.continuation = nil
        state.heldOutcome = nil
        state.cancelStage = .none
        if let timer = state.graceTimer {
            thread.cancel(timer)
            state.graceTimer = nil
        }
        return .outcome(continuation, outcome)
    }
}

// MARK: Ends

extension Connection {
    /// Whom to resume, once the lock is released.
    enum Ending {
        case none
        case outcome(Continuation, BatchOutcome)
        case notified(NotificationInbox.Reader)
        case lost(Continuation?, BatchOutcome, NotificationInbox.Reader?)

        func resume() {
            switch self {
            case .none: break
            case .outcome(let continuation, let outcome): continuation.resume(returning: outcome)
            case .notified(let reader): reader.resume()
            case .lost(let continuation, let outcome, let reader):
                continuation?.resume(returning: outcome)
                reader?.resume()
            }
        }
    }

    /// Resumes whoever waits, with the lock released.
    private func settle(_ ending: Ending) {
        if case .lost = ending { thread.remove(id) }
        ending.resume()
    }

    /// Closes the link and ends what runs on it. - Parameter reason: nil for libpq's own words.
    static func breakLink(_ state: inout State, because reason: String?) -> Ending {
        guard let link = state.link else { return .none }
        let reason = reason ?? link.errorMessage
        let outcome: BatchOutcome
        if let held = state.heldOutcome {
            outcome = held
        } else {
            switch state.activity {
            case .pipeline(let pipeline): outcome = pipeline.outcome(lostBecause: reason)
            case .script(let failure): outcome = BatchOutcome(failure: failure ?? PostgresError(.connectionLost, reason))
            case .handshake:
                var failure = PostgresError(connectMessage: reason)
                failure.needsPassword = link.needsPassword
                outcome = BatchOutcome(failure: failure)
            case .idle: outcome = BatchOutcome(failure: PostgresError(.connectionLost, reason))
            }
        }
        if outcome.failure?.kind == .outcomeUnknown { state.committingBackend = link.backendID }
        // Freed here, under the lock: nothing can reach it afterwards.
        state.link = nil
        state.activity = .idle
        let continuation = state.continuation
        state.continuation = nil
        state.heldOutcome = nil
        state.cancelStage = .none
        state.inbox.isClosed = true
        return .lost(continuation, outcome, state.inbox.takeReader())
    }
}

// MARK: Handshake

extension Connection {
    /// Waits until Postgres has accepted the connection or refused it.
    func shakeHands(within timeout: Duration) async throws(PostgresError) {
        let timer = thread.schedule(after: timeout) { [weak self] in self?.close(because: "timed out while connecting") }
        defer { thread.cancel(timer) }
        thread.add(self, as: id)
        let outcome = await perform { state in
            state.activity = .handshake
            // Fresh from PQconnectStart, as if the last poll had asked for writing (PostgreSQL 15, §34.1).
            return state.link.map { !$0.isBroken && thread.watch($0.socket, for: .write, as: id) } ?? false
        }
        if var failure = outcome.failure {
            // A connection that never was can't be lost: its time was over before it began.
            if failure.kind == .connectionLost { failure.kind = .connectFailed }
            throw failure
        }
    }

    private func advanceHandshake(_ state: inout State) -> Ending {
        guard let link = state.link else { return .none }
        let interest: ConnectionThread.Interest
        switch link.pollHandshake() {
        case .reading: interest = .read
        case .writing: interest = .write
        case .failed: return Self.breakLink(&state, because: nil)
        case .done:
            interest = .read
            if thread.watch(link.socket, for: interest, as: id) { return finish(&state, BatchOutcome()) }
        }
        return thread.watch(link.socket, for: interest, as: id)
            ? .none : Self.breakLink(&state, because: "epoll refused the socket")
    }
}

// MARK: Cancelling

extension Connection {
    /// Asks Postgres to stop the activity with this ticket, if it still runs.
    private func cancel(_ ticket: UInt64) {
        let ending = state.withLock { state -> Ending in
            guard state.ticket == ticket, state.continuation != nil, state.cancelStage == .none else { return .none }
            if case .handshake = state.activity { return Self.breakLink(&state, because: "cancelled while connecting") }
            guard let cancellation = state.link?.makeCancellation() else { return .none }
            state.cancelStage = .requested
            state.graceTimer = thread.schedule(after: Self.cancelGrace) { [weak self] in
                self?.giveUp(ticket)
            }
            Self.blockingCalls.async { [weak self] in
                // A request that fails leaves the batch to end by itself or by the timer.
                _ = cancellation.send()
                self?.cancelAnswered(ticket)
            }
            return .none
        }
        settle(ending)
    }

    /// The request to cancel has been delivered: from now on it can't hit a later batch.
    private func cancelAnswered(_ ticket: UInt64) {
        let ending = state.withLock { state -> Ending in
            guard state.ticket == ticket, state.cancelStage == .requested else { return .none }
            state.cancelStage = .answered
            guard let outcome = state.heldOutcome else { return .none }
            return Self.deliver(&state, outcome, thread: thread)
        }
        settle(ending)
    }

    private func giveUp(_ ticket: UInt64) {
        let isStuck = state.withLock { $0.ticket == ticket && $0.cancelStage != .none }
        if isStuck { close(because: "a cancelled statement did not end") }
    }
}

extension PGResult {
    fileprivate var scriptFailure: PostgresError? {
        PQresultStatus(pointer) == PGRES_FATAL_ERROR ? PostgresError(self, statement: nil) : nil
    }

    fileprivate var isCopy: Bool {
        let status = PQresultStatus(pointer)
        return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH
    }
}
