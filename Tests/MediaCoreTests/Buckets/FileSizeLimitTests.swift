// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

struct FileSizeLimitTests {
    @Test(
        arguments: [
            ("100", 100), ("0", 0), ("20MB", 20_000_000), ("1.5gb", 1_500_000_000), ("10 KB".replacing(" ", with: ""), 10_000),
            ("7B", 7),
            ("1234567B", 1_230_000), ("0.5kb", 500),
        ] as [(String, Int64)])
    func readsDecimalUnits(text: String, bytes: Int64) throws {
        #expect(try FileSizeLimit.bytes(text) == bytes)
    }

    @Test(arguments: ["", "MB", "-1", "1TB", "ten", "1e3MB", "99999999999999999999GB", ".MB", "1.2.3MB", "NaNMB", "infKB"])
    func refusesEverythingElse(text: String) {
        #expect { try FileSizeLimit.bytes(text) } throws: { ($0 as? StorageError)?.code == .invalidRequest }
    }
}
