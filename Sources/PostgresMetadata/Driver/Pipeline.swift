// SPDX-License-Identifier: Apache-2.0

import CLibPQ

/// What a batch or script came to.
struct BatchOutcome: Sendable {
    /// One per step that is a statement, when there is no failure.
    var results: [ResultSet] = []
    var failure: PostgresError?
}

/// A batch under way: sends it and follows its answers.
///
/// Postgres answers in order. After an error it skips everything up to the Sync that ends the batch, so what is counted here
/// stays right whatever happens.
struct Pipeline {
    /// What the next answer is about.
    private enum Expected {
        case prepare(PreparedStatements.Key, name: String)
        case deallocate(name: String)
        case element(Int)
    }

    private let batch: Batch
    private var expected: [Expected] = []
    private var position = 0
    private var sawResult = false
    private var results: [ResultSet] = []
    private(set) var failure: PostgresError?
    private var handedOverCommit = false
    private var commitAnswered = false
    private var failedAtCommit = false
    /// The answers make no sense any more: only the end of the connection helps.
    private(set) var isConfused = false

    init(_ batch: Batch) { self.batch = batch }

    // MARK: Sending

    /// Hands the whole batch to libpq, with the preparation of what is not prepared yet in front of its first use.
    /// - Returns: false when the connection is lost.
    mutating func send(on link: Link, prepared: inout PreparedStatements) -> Bool {
        expected.reserveCapacity(batch.elements.count + 2)
        if batch.begins {
            for name in prepared.discarded {
                expected.append(.deallocate(name: name))
                guard link.sendUnprepared("DEALLOCATE \(name)") else { return false }
            }
        }
        var new: [PreparedStatements.Key: String] = [:]
        for (index, element) in batch.elements.enumerated() {
            let key = PreparedStatements.Key(sql: element.statement.sql, role: element.role)
            let name: String
            if let known = prepared.name(of: key) ?? new[key] {
                name = known
            } else {
                name = prepared.makeName()
                new[key] = name
                expected.append(.prepare(key, name: name))
                guard link.sendPrepare(name, key.sql.text) else { return false }
            }
            expected.append(.element(index))
            if element.purpose == .commit { handedOverCommit = true }
            guard link.sendPrepared(name, element.statement.parameters) else { return false }
        }
        return link.sendSync()
    }

    // MARK: Receiving

    /// Takes a result, or nil for the end of one statement's results. - Returns: true once the batch is complete.
    mutating func receive(_ result: PGResult?, prepared: inout PreparedStatements) -> Bool {
        guard let result else {
            // Every statement has a result: an end without one means that libpq awaits nothing any more.
            if sawResult { position += 1 } else { confuse("a result is missing") }
            sawResult = false
            return false
        }
        let status = PQresultStatus(result.pointer)
        if status == PGRES_PIPELINE_SYNC { return true }
        sawResult = true
        guard position < expected.count else {
            confuse("more results than statements")
            return false
        }
        switch status {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK: succeed(expected[position], result, &prepared)
        case PGRES_PIPELINE_ABORTED: break
        case PGRES_FATAL_ERROR: fail(PostgresError(result, statement: statementName(at: position)))
        default: confuse("neither a query nor a command")
        }
        return false
    }

    private mutating func succeed(_ item: Expected, _ result: PGResult, _ prepared: inout PreparedStatements) {
        switch item {
        case .prepare(let key, let name): prepared.insert(key, name: name)
        case .deallocate(let name): prepared.remove(discarded: name)
        case .element(let index):
            switch batch.elements[index].purpose {
            case .control: break
            case .step: results.append(ResultSet(result))
            case .commit:
                commitAnswered = true
                // COMMIT of a failed transaction succeeds, and rolls back.
                if result.commandTag != "COMMIT" {
                    fail(PostgresError(.server, "the transaction had failed and was rolled back", sqlState: .failedTransaction))
                }
            }
        }
    }

    private mutating func fail(_ error: PostgresError) {
        guard failure == nil else { return }
        failure = error
        failedAtCommit = purpose(at: position) == .commit
    }

    private mutating func confuse(_ what: String) {
        isConfused = true
        fail(PostgresError(.unexpectedResult, what))
    }

    private func purpose(at position: Int) -> Batch.Purpose? {
        guard position < expected.count, case .element(let index) = expected[position] else { return nil }
        return batch.elements[index].purpose
    }

    private func statementName(at position: Int) -> String {
        switch expected[position] {
        case .prepare(let key, _): key.sql.name
        case .deallocate: "deallocate"
        case .element(let index): batch.elements[index].statement.sql.name
        }
    }

    // MARK: Results

    /// What the batch came to, once it is complete.
    var outcome: BatchOutcome { BatchOutcome(results: failure == nil ? results : [], failure: failure) }

    /// What the batch came to when the connection broke before it was complete.
    func outcome(lostBecause reason: String) -> BatchOutcome {
        // An ordinary error came first: Postgres had refused the transaction already.
        if let failure, !failure.endsConnection { return outcome }
        if commitAnswered, failure == nil { return outcome }
        var lost = failure ?? PostgresError(.connectionLost, reason)
        // Answers come in order: when what ended the connection answers an element before COMMIT, COMMIT was not reached.
        // Without a SQLSTATE it is libpq that noticed the loss, which says nothing about what Postgres did.
        let refusedBeforeCommit = lost.sqlState != nil && !failedAtCommit
        lost.kind = handedOverCommit && !refusedBeforeCommit ? .outcomeUnknown : .connectionLost
        return BatchOutcome(failure: lost)
    }
}
