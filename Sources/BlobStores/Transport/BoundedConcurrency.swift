// SPDX-License-Identifier: Apache-2.0

/// Does something with each element, so many at a time. The first error ends it, once what is under way has ended.
func forEach<Element: Sendable>(
    _ elements: [Element], concurrently width: Int, _ body: @escaping @Sendable (Element) async throws -> Void
) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        for (index, element) in elements.enumerated() {
            if index >= width { try await group.next() }
            group.addTask { try await body(element) }
        }
        try await group.waitForAll()
    }
}
