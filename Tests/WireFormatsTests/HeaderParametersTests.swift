// SPDX-License-Identifier: Apache-2.0

import Testing
import WireFormats

struct HeaderParametersTests {
    @Test func readsValueAndParameters() {
        let header = HeaderParameters(#"form-data; name="a;b"; filename="c\"d\\e" ; x=y"#)

        #expect(header.value == "form-data")
        #expect(header["name"] == "a;b")
        #expect(header["filename"] == #"c"d\e"#)
        #expect(header["x"] == "y")
        #expect(header["z"] == nil)
    }

    @Test func ofANameGivenTwiceTheFirstCounts() {
        #expect(HeaderParameters("v; a=1; A=2")["a"] == "1")
    }

    @Test(arguments: ["", ";", ";;;", "v;", "v; =", "v; a", #"v; a=""#, #"v; a="\"#, "v; a=\"b", "v;a=b;c", #"v; a="b"c; d=e"#])
    func oddTextIsReadWithoutHarm(text: String) {
        _ = HeaderParameters(text)["a"]
    }
}
