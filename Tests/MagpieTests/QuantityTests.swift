// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import magpie

@Suite struct QuantityTests {
    @Test(arguments: [
        ("0", 0), ("1024", 1024), ("50MB", 50_000_000), ("50mb", 50_000_000), ("1GiB", 1 << 30), ("5 GiB", 5 << 30),
        ("1TiB", 1 << 40), ("7B", 7),
    ])
    func readsSizesWithTheirUnits(text: String, bytes: Int64) { #expect(Quantity.bytes(text) == bytes) }

    @Test(arguments: [
        ("0", 0), ("30", 30_000), ("250ms", 250), ("90 s", 90_000), ("2m", 120_000), ("6h", 21_600_000), ("7D", 604_800_000),
    ])
    func readsDurationsWithTheirUnits(text: String, milliseconds: Int64) { #expect(Quantity.milliseconds(text) == milliseconds) }

    @Test(arguments: [
        "", " ", "MB", "-1", "+1", "1e9", "1.5MB", ".5MB", "5.MB", "1,5MB", "5 M B", "5XB", "0x10", "١٢", "nan", "inf",
        "99999999999TiB", "9223372036854775808", "5MB5", "5s\n",
    ])
    func refusesWhatIsNoQuantity(text: String) {
        #expect(Quantity.bytes(text) == nil)
        #expect(Quantity.milliseconds(text) == nil)
    }
}
