// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import PostgresMetadata

/// The same numbers at every run.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite struct ArrayLiteralTests {
    @Test func anyListOfStringsSurvivesTheRoundTrip() {
        var generator = SeededGenerator(state: 1)
        let alphabet: [Unicode.Scalar] = ["\"", "\\", ",", "{", "}", " ", "N", "U", "L", "\n", "ž", "🐦", "a"]
        for _ in 0..<2000 {
            let list = (0..<Int.random(in: 0..<5, using: &generator)).map { _ in
                let length = Int.random(in: 0..<6, using: &generator)
                let scalars = (0..<length).compactMap { _ in alphabet.randomElement(using: &generator) }
                return String(String.UnicodeScalarView(scalars))
            }
            #expect(ArrayLiteral.parse(ArrayLiteral.text(list)) == list)
        }
    }

    @Test func hostileLiteralsAreRefusedOrRead() {
        var generator = SeededGenerator(state: 2)
        let alphabet = Array("{}\",\\ aN")
        for _ in 0..<5000 {
            let text = String(
                (0..<Int.random(in: 0..<10, using: &generator)).compactMap { _ in alphabet.randomElement(using: &generator) })
            if let list = ArrayLiteral.parse(text) { #expect(ArrayLiteral.parse(ArrayLiteral.text(list)) == list) }
        }
    }

    @Test(arguments: ["", "{", "}", "{a", "a}", "{{a}}", "{NULL}", "{a,}", "{,a}", "{\"a}", "{\"a\"b}", "{\"a\\", "[1:2]={a,b}"])
    func malformedLiteralsAreNil(_ text: String) { #expect(ArrayLiteral.parse(text) == nil) }

    @Test func bareElementsAreRead() { #expect(ArrayLiteral.parse("{a,b c,\"d\"}") == ["a", "b c", "d"]) }
}

@Suite struct PreparedStatementsTests {
    private func key(_ name: String, _ role: String? = nil) -> PreparedStatements.Key { .init(sql: SQL(name, name), role: role) }

    @Test func theLeastRecentlyUsedGoesFirst() {
        var prepared = PreparedStatements(capacity: 2)
        prepared.insert(key("a"), name: "s1")
        prepared.insert(key("b"), name: "s2")
        _ = prepared.name(of: key("a"))

        prepared.insert(key("c"), name: "s3")

        #expect(prepared.name(of: key("a")) == "s1")
        #expect(prepared.name(of: key("b")) == nil)
        #expect(prepared.discarded == ["s2"])
    }

    @Test func rolesAndTextsAreToldApart() {
        var prepared = PreparedStatements(capacity: 9)
        prepared.insert(key("a", "anon"), name: "s1")

        #expect(prepared.name(of: key("a", "other")) == nil)
        #expect(prepared.name(of: .init(sql: SQL("a", "another text"), role: "anon")) == nil)
        #expect(prepared.name(of: key("a", "anon")) == "s1")
    }

    @Test func namesAreNeverUsedTwice() {
        var prepared = PreparedStatements(capacity: 1)

        let names = (0..<100).map { _ in prepared.makeName() }

        #expect(Set(names).count == 100)
    }

    @Test func connectionsDoNotShareNames() {
        var one = PreparedStatements(capacity: 1)
        var other = PreparedStatements(capacity: 1)

        #expect(one.makeName() != other.makeName())
    }
}

@Suite struct TimerQueueTests {
    @Test func whatIsDueComesInOrderAndTheRestStays() {
        var generator = SeededGenerator(state: 3)
        let start = ContinuousClock.now
        var queue = TimerQueue()
        var expected: [Int] = []
        for _ in 0..<200 {
            let delay = Int.random(in: 0..<100, using: &generator)
            let id = queue.schedule(at: start + .seconds(delay)) {}
            if Bool.random(using: &generator) { queue.cancel(id) } else { expected.append(delay) }
        }

        let due = queue.takeDue(at: start + .seconds(50)).count

        #expect(due == expected.count { $0 <= 50 })
        #expect(queue.nextDeadline == expected.filter { $0 > 50 }.min().map { start + .seconds($0) })
    }

    @Test func cancellingTwiceHarmsNobody() {
        let start = ContinuousClock.now
        var queue = TimerQueue()
        let first = queue.schedule(at: start) {}
        _ = queue.schedule(at: start) {}
        queue.cancel(first)

        queue.cancel(first)

        #expect(queue.takeDue(at: start).count == 1)
    }
}
