import Testing
@Test func placeholderPostgresMetadata() { #expect(Bool(true)) }
