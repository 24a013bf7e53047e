import Testing

@Test func placeholderMagpie() { #expect(Bool(true)) }
