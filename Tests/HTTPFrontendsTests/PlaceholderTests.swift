import Testing
@Test func placeholderHTTPFrontends() { #expect(Bool(true)) }
