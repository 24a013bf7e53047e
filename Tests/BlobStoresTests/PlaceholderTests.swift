import Testing

@Test func placeholderBlobStores() { #expect(Bool(true)) }
