// SPDX-License-Identifier: Apache-2.0

import Crypto
import MediaTesting
import NIOCore
import Testing
import WireFormats

@Suite struct MD5LanesTests {
    private static func check(_ messages: [ByteBuffer]) {
        let expected = messages.map { Array(Insecure.MD5.hash(data: Array($0.readableBytesView))) }
        #expect(MD5Lanes.digests(of: messages) == expected)
    }

    /// Around the ends of blocks, where the padding takes one block more.
    @Test func everyLengthUpToThreeBlocksIsDigested() {
        Self.check((0...192).map { SampleData.bytes($0) })
    }

    @Test(arguments: 0...33)
    func anyNumberOfMessagesIsDigested(count: Int) {
        Self.check((0..<count).map { SampleData.bytes(1000 + $0 * 37) })
    }

    @Test func messagesOfUnlikeLengthsAtAnyAddressAreDigested() {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<50 {
            Self.check(
                (0..<Int.random(in: 2...40, using: &generator)).map { _ in
                    var message = SampleData.bytes(Int.random(in: 0...20_000, using: &generator))
                    message.moveReaderIndex(forwardBy: Int.random(in: 0...min(17, message.readableBytes), using: &generator))
                    return message
                })
        }
    }
}
