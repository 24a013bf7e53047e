// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

@testable import HTTPFrontends

struct ListCursorTextTests {
    @Test(arguments: [
        ListQuery.Cursor(name: "a/b.txt", sortColumn: .name, order: .ascending, milliseconds: nil),
        ListQuery.Cursor(name: "line\nbreak\no:desc", sortColumn: .name, order: .descending, milliseconds: nil),
        ListQuery.Cursor(name: "é", sortColumn: .createdAt, order: .descending, milliseconds: 1_795_241_554_567),
        ListQuery.Cursor(name: "x\na:2026-01-01T00:00:00.000Z", sortColumn: .updatedAt, order: .ascending, milliseconds: 0),
    ])
    func readsBackWhatItWrote(cursor: ListQuery.Cursor) throws {
        #expect(try ListCursorText.parse(ListCursorText.write(cursor)) == cursor)
    }

    @Test(arguments: [
        "", "%%%", "bm90IGEgY3Vyc29y", "bDphCm86c2lkZXdheXM", "bDphCmM6c2l6ZQ", "bDphCmE6bm93", "bDphCmM6Y3JlYXRlZF9hdA",
    ])
    func refusesWhatItDidNotWrite(text: String) {
        #expect { try ListCursorText.parse(text) } throws: { ($0 as? StorageError)?.code == .invalidParameter }
    }
}
