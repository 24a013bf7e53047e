// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import magpie

@Suite struct QuantityTests {
    @Test(arguments: [
        ("0", 0), ("1024", 1024), ("50MB", 50_000_000), ("50mb", 50_000_000), ("1GiB", 1 << 30), ("1.5 KiB", 1536), ("5 GiB", 5 << 30),
        ("1TiB", 1 << 40), ("7B", 7),
    ])
    func readsSizesWithTheirUnits(text: String, bytes: Int64) { #expect(Quantity.bytes(text) == bytes) }

    @Test(arguments: [
        ("0", Duration.zero), ("30", .seconds(30)), ("250ms", .milliseconds(250)), ("1.5s", .milliseconds(1500)), ("2m", .seconds(120)),
        ("2min", .seconds(120)), ("6h", .seconds(21600)), ("7d", .seconds(604_800)),
    ])
    func readsDurationsWithTheirUnits(text: String, duration: Duration) { #expect(Quantity.duration(text) == duration) }

    @Test(arguments: [
        "", " ", "MB", "-1", "+1", "1e9", "1..5MB", ".5MB", "5.MB", "1,5MB", "5 M B", "5XB", "0x10", "١٢", "nan", "inf",
        "99999999999TiB", "5MB5", "5s\n",
    ])
    func refusesWhatIsNoQuantity(text: String) {
        #expect(Quantity.bytes(text) == nil)
        #expect(Quantity.duration(text) == nil)
    }

    @Test func refusesFractionsOfAByte() { #expect(Quantity.bytes("1.0001KB") == nil) }
}
