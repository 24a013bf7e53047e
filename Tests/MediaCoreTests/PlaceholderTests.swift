import Testing
@Test func placeholderMediaCore() { #expect(Bool(true)) }
