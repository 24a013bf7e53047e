import Testing
@Test func placeholderWireFormats() { #expect(Bool(true)) }
