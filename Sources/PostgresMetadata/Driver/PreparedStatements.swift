// SPDX-License-Identifier: Apache-2.0

/// Which statements one connection has prepared, under which names.
///
/// A plan depends on the role it was made for (row-level security), and Postgres makes it anew whenever the role differs from the last
/// one; hence one name per statement and role. Roles come from tokens, so the number of names is bounded: the least
/// recently used ones go.
struct PreparedStatements {
    /// What a name stands for.
    struct Key: Hashable {
        let sql: SQL
        /// Nil where the plan does not depend on it.
        let role: String?
    }

    private struct Entry {
        let name: String
        var lastUse: UInt64
    }

    private let capacity: Int
    private var entries: [Key: Entry] = [:]
    private var uses: UInt64 = 0
    private var names: UInt64 = 0
    /// A pooler may swap the connection behind this one, in spite of what it is told. A name of someone else's is then unknown
    /// there (SQLSTATE 26000) and never stands for another statement.
    private let prefix = "s" + String(UInt64.random(in: 0...UInt64.max), radix: 36) + "_"
    /// Names that Postgres still knows and nothing uses any more.
    private(set) var discarded: [String] = []

    init(capacity: Int) { self.capacity = max(1, capacity) }

    var count: Int { entries.count }

    /// The name under which a statement is prepared, now used once more; nil when it is not.
    mutating func name(of key: Key) -> String? {
        guard let index = entries.index(forKey: key) else { return nil }
        uses += 1
        entries.values[index].lastUse = uses
        return entries.values[index].name
    }

    /// A name that was never used, on this connection or another. Made here, so that nothing a client sent becomes part of it.
    mutating func makeName() -> String {
        names += 1
        return "\(prefix)\(names)"
    }

    /// Postgres has prepared `key` as `name`.
    mutating func insert(_ key: Key, name: String) {
        uses += 1
        if let old = entries.updateValue(Entry(name: name, lastUse: uses), forKey: key) { discarded.append(old.name) }
        while entries.count > capacity, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
            entries.removeValue(forKey: oldest.key)
            discarded.append(oldest.value.name)
        }
    }

    /// Postgres has forgotten a discarded name.
    mutating func remove(discarded name: String) { discarded.removeAll { $0 == name } }
}
