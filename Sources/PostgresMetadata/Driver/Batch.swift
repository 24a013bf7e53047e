// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What is sent in one pipeline and answered in one round trip: perhaps BEGIN, steps, perhaps the transaction's end.
struct Batch: Sendable {
    /// Why an element is there.
    enum Purpose: Sendable { case control, step, commit }

    struct Element: Sendable {
        let statement: Statement
        /// The role whose plan is used; nil where the plan does not depend on it.
        let role: String?
        let purpose: Purpose
    }

    /// The protocol counts parameters in 16 bits.
    private static let maxParameters = 65_535

    private(set) var elements: [Element] = []
    /// Whether the connection is outside of a transaction when the batch starts.
    let begins: Bool

    /// - Parameters:
    ///   - role: the role in force before, and afterwards the one in force behind the steps.
    ///   - end: nil leaves the transaction open.
    /// - Throws: `PostgresError` of kind `.invalidParameter` for text with a NUL character, which the protocol can't carry.
    init(begins: Bool, steps: [Step], role: inout String?, end: TransactionEnd?) throws(PostgresError) {
        self.begins = begins
        elements.reserveCapacity(steps.count + 2)
        if begins { elements.append(Element(statement: Statement(.begin), role: nil, purpose: .control)) }
        for step in steps {
            switch step {
            case .scope(let scope):
                try append(scope.statement(), role: nil, as: .control)
                role = scope.role
            case .statement(let statement):
                try append(statement, role: role, as: .step)
            }
        }
        switch end {
        case .commit: elements.append(Element(statement: Statement(.commit), role: nil, purpose: .commit))
        case .rollback: elements.append(Element(statement: Statement(.rollback), role: nil, purpose: .control))
        case nil: break
        }
    }

    /// Ends a transaction that failed or is not wanted.
    static let rollback = Batch(begins: false, elements: [Element(statement: Statement(.rollback), role: nil, purpose: .control)])

    private init(begins: Bool, elements: [Element]) {
        self.begins = begins
        self.elements = elements
    }

    private mutating func append(_ statement: Statement, role: String?, as purpose: Purpose) throws(PostgresError) {
        guard statement.parameters.count <= Self.maxParameters else {
            throw PostgresError(
                .invalidParameter, "more than \(Self.maxParameters) parameters", statement: statement.sql.name)
        }
        for case let parameter? in statement.parameters where parameter.containsNUL {
            // libpq takes C strings: what follows the NUL would silently be lost.
            throw PostgresError(.invalidParameter, "text must not contain a NUL character", statement: statement.sql.name)
        }
        elements.append(Element(statement: statement, role: role, purpose: purpose))
    }
}

extension String {
    /// True when a C string would be cut short.
    var containsNUL: Bool {
        var copy = self
        return copy.withUTF8 { bytes in
            guard let start = bytes.baseAddress else { return false }
            return memchr(start, 0, bytes.count) != nil
        }
    }
}
