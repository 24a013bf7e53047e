// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaProcessing
import NIOCore
import Testing

@Suite struct EngineTests {
    @Test func bytesThatAreNoImageAreRefused() async throws {
        let processor = try VipsImageProcessor(parallelism: 1)
        await #expect(throws: StorageError.self) {
            try await processor.render(
                ByteBuffer(string: "%PDF-1.7"), ImageRecipe(Transform(), deadline: .now() + .seconds(5)))
        }
        try await processor.shutDown()
    }
}
