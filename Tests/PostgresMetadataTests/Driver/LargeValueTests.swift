// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import PostgresMetadata

@Suite struct LargeValueTests {
    @Test func tenMegabytesGoOutAndComeBack() async throws {
        try await withClient({ $0.poolSize = 1 }) { client in
            let echo = SQL("test_echo", "SELECT $1::text, length($1::text)::bigint")
            let text = String(repeating: "0123456789", count: 1_048_576)

            let results = try await client.transaction(
                [.run(echo, text), .run(echo, text), .run(echo, "small")], ending: .commit)

            #expect(try results[0].onlyRow().int64(1) == 10_485_760)
            #expect(try results[1].onlyRow().string(0) == text)
            #expect(try results[2].onlyRow().string(0) == "small")
        }
    }

    @Test func aHundredThousandRowsArriveInOrder() async throws {
        try await withClient { client in
            let series = SQL("test_series", "SELECT g::bigint FROM generate_series(1, 100000) g")

            let rows = try await client.transaction([.run(series)], ending: .commit)[0].rows

            #expect(rows.count == 100_000)
            #expect(try rows.last?.int64(0) == 100_000)
            #expect(try rows[4711].int64(0) == 4712)
        }
    }

    @Test func aPipelineOfAThousandStatementsIsAnsweredInFull() async throws {
        try await withClient({ $0.poolSize = 1 }) { client in
            let echo = SQL("test_echo", "SELECT $1::text")
            let filler = String(repeating: "x", count: 2000)

            let results = try await client.transaction((0..<1000).map { .run(echo, "\($0)\(filler)") }, ending: .commit)

            #expect(try results.enumerated().allSatisfy { try $1.onlyRow().string(0) == "\($0)\(filler)" })
        }
    }
}
