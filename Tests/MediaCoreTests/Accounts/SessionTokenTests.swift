// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization
import Testing

@testable import MediaCore

struct SessionTokenTests {
    @Test func tokensAreRandomAndReadBack() {
        let tokens = (0..<100).map { _ in SessionToken() }
        #expect(Set(tokens.map(\.text)).count == 100)
        #expect(tokens.allSatisfy { SessionToken($0.text) == $0 && $0.text.utf8.count == 43 })
        #expect(!"\(tokens[0])".contains(tokens[0].text))
    }

    @Test(arguments: [
        "", "A", String(repeating: "A", count: 42), String(repeating: "A", count: 44), String(repeating: "é", count: 43),
        String(repeating: "+", count: 43),
    ])
    func whatIsNoTokenIsNotRead(_ text: String) {
        #expect(SessionToken(text) == nil)
    }

    @Test func theTokenAgainstForgeryIsTheSessionsOwn() {
        let (a, b) = (SessionToken(), SessionToken())
        #expect(a.isAntiForgeryToken(a.antiForgeryToken))
        #expect(!a.isAntiForgeryToken(b.antiForgeryToken) && !a.isAntiForgeryToken(a.text) && !a.isAntiForgeryToken(""))
        #expect(a.antiForgeryToken != a.text)
    }
}

struct EmailAddressTests {
    @Test func oneFormIsKept() throws {
        let written = [" Ann@Example.COM", "ann@example.com\n", "ANN@EXAMPLE.COM"]
        #expect(Set(written.compactMap { EmailAddress($0)?.rawValue }) == ["ann@example.com"])
        #expect(EmailAddress("zoe\u{308}@example.com") == EmailAddress("ZO\u{cb}@example.com"))
    }

    @Test(arguments: [
        "", "@", "a@", "@b", "a", "a@b@c", "a b@c", "a@b\u{0}", "a@\u{202f}b", "a@" + String(repeating: "b", count: 260),
    ])
    func whatIsNoAddressIsNotRead(_ text: String) {
        #expect(EmailAddress(text) == nil)
    }
}

struct AttemptLimitTests {
    private final class Clock: Sendable {
        private let time = Mutex(NIODeadline.uptimeNanoseconds(1_000_000_000))
        var now: NIODeadline { time.withLock { $0 } }
        func pass(seconds: Int64) { time.withLock { $0 = $0 + .seconds(seconds) } }
    }

    private func retryAfter(_ limit: AttemptLimit, _ name: String) -> Int? {
        do {
            try limit.take(for: name)
            return nil
        } catch {
            return error.code == .overloaded ? error.retryAfter : -1
        }
    }

    @Test func soManyAtOnceAndThenOneInAWhile() {
        let clock = Clock()
        let limit = AttemptLimit(burst: 3, interval: 32, now: { clock.now })
        #expect((0..<3).allSatisfy { _ in retryAfter(limit, "a") == nil })
        #expect(retryAfter(limit, "a") == 32 && retryAfter(limit, "b") == nil)
        clock.pass(seconds: 24)
        #expect(retryAfter(limit, "a") == 8)
        clock.pass(seconds: 8)
        #expect(retryAfter(limit, "a") == nil && retryAfter(limit, "a") == 32)
    }

    @Test func whatTurnsOutWellDoesNotCount() {
        let limit = AttemptLimit(burst: 2, interval: 30)
        for _ in 0..<10 {
            #expect(retryAfter(limit, "a") == nil)
            limit.giveBack(for: "a")
        }
        limit.giveBack(for: "a")
        #expect(retryAfter(limit, "a") == nil && retryAfter(limit, "a") == nil && retryAfter(limit, "a") != nil)
    }

    @Test func noneIsNoLimit() {
        let limit = AttemptLimit(burst: 0, interval: 30)
        #expect((0..<100).allSatisfy { _ in retryAfter(limit, "a") == nil })
    }

    @Test func newNamesDoNotGetOldFailuresForgotten() {
        let limit = AttemptLimit(burst: 2, interval: 30, capacity: 10)
        #expect(retryAfter(limit, "victim") == nil && retryAfter(limit, "victim") == nil)
        for number in 0..<200 { #expect(retryAfter(limit, "\(number)") == nil) }
        #expect(retryAfter(limit, "victim") != nil)
    }
}

struct SignInClientTests {
    @Test(arguments: [
        ("10.1.2.3", "10.1.2.3"), ("", ""), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("2001:DB8::1", "2001:db8:0:0::/64"),
        ("::1", "0:0:0:0::/64"), ("fe80::1:2:3:4", "fe80:0:0:0::/64"), ("::ffff:10.0.0.1", "::ffff:10.0.0.1"),
    ])
    func whatIsCountedTogether(_ address: String, _ network: String) {
        #expect(SignInClient(address: address).network == network)
    }
}
