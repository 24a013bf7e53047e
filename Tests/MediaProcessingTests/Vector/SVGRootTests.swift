// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import Testing

@testable import MediaProcessing

/// How large a drawing is that nobody has drawn yet.
@Suite struct SVGRootTests {
    private func root(_ attributes: String) throws -> SVGRoot {
        try SVGRoot(ByteBuffer(string: "<svg xmlns=\"\(SVGVocabulary.namespace)\" \(attributes)><rect/></svg>"))
    }

    @Test(arguments: [
        ("width='100' height='50'", 100, 50), ("viewBox='0 0 30 20'", 30, 20), ("width='60' viewBox='0 0 30 20'", 60, 40),
        ("height='60' viewBox='0 0 30 20'", 90, 60), ("width='100%' height='40' viewBox='0 0 30 20'", 60, 40),
        ("width='50%' height='100%' viewBox='0 0 30 20'", 30, 20), ("width='1in' height='10mm'", 72, 28),
        ("width='10pt' height='10pc'", 10, 120), ("width='2em' height='3ex'", 24, 18),
        ("width='2em' height='3ex' font-size='20'", 40, 30), ("style='width:24px;height:30px' viewBox='0 0 30 20'", 24, 30),
        ("width='9' height='9' style='width:24px;height:30px'", 24, 30), ("width='10.4' height='10.5'", 10, 11),
        ("width='-5' height='10' viewBox='0 0 30 20'", 15, 10), ("width='abc' height='10' viewBox='0 0 30 20'", 15, 10),
        ("viewBox='-5 -5 1000 500'", 1000, 500), ("width='20' viewBox='0 0 30 20' preserveAspectRatio='none'", 20, 13),
        ("width='100vw' height='10' viewBox='0 0 30 20'", 15, 10), ("", 300, 150), ("width='60'", 60, 150),
    ])
    func itsSizeIsWhatTheRootSays(_ attributes: String, _ width: Int, _ height: Int) throws {
        #expect(try root(attributes).size == PixelSize(width: width, height: height))
    }

    @Test(arguments: ["width='0' height='0'", "width='0.3' height='5'", "viewBox='0 0 0.2 0.1'", "width='1e10' height='5'"])
    func aDrawingOfNoSizeIsRefused(_ attributes: String) {
        #expect(throws: StorageError.self) { try root(attributes) }
    }

    @Test(arguments: [
        "", "<svg", "<svg a", "<svg a=", "<svg a=b>", "<svg a='", "<svg a='b'", "<html/>", "<svg a='b' a='c'/>", "<svg a='&x;'/>",
    ])
    func brokenTagsAreRefused(_ text: String) {
        #expect(throws: StorageError.self) { try SVGRoot(ByteBuffer(string: text)) }
    }

    @Test func everybodyIsToldTheSameSize() throws {
        let sized = String(buffer: try root("width='1in' x=\"2>'\" style=\"height:9px;fill:red\"").sized)
        #expect(
            sized == """
                <svg xmlns="\(SVGVocabulary.namespace)" x="2>'" viewBox="0 0 72.0 9.0" width="72.0" height="9.0" \
                style="width:72.0px!important;height:9.0px!important;height:9px;fill:red"><rect/></svg>
                """)
        #expect(
            String(buffer: try SVGRoot(ByteBuffer(string: "<svg viewBox='0 0 3 2'/>")).sized).hasPrefix(
                "<svg viewBox='0 0 3 2' width=\"3.0\""))
    }
}
