// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

struct PartChecksumsTests {
    @Test func areReadAsTheyWereWritten() {
        let checksums = PartChecksums(algorithm: "SHA256", values: ["a+/=", "b==", "c"])
        #expect(checksums.text == "SHA256:a+/=,b==,c")
        #expect(PartChecksums(text: checksums.text) == checksums)
    }

    @Test(arguments: ["", ":", "CRC32", "CRC32:", ":AAAA", "CRC32:AA:BB"])
    func anythingElseIsNone(text: String) { #expect(PartChecksums(text: text) == nil) }
}
