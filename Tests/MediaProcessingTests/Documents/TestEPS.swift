// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// PostScript that a test makes.
enum TestEPS {
    /// - Parameter body: drawn in a box of the given size in points, with the corner at 10, 20.
    static func drawing(width: Int = 200, height: Int = 100, header: String = "%!PS-Adobe-3.0 EPSF-3.0", _ body: String)
        -> ByteBuffer
    {
        ByteBuffer(
            string: """
                \(header)
                %%BoundingBox: 10 20 \(10 + width) \(20 + height)
                %%EndComments
                10 20 translate
                \(body)
                showpage
                %%EOF

                """)
    }

    /// Red, green and blue boxes: left above, right above, left below; and a black line of text in the red one.
    static let three = drawing(
        """
        1 0 0 setrgbcolor 10 60 60 30 rectfill
        0 1 0 setrgbcolor 120 60 60 30 rectfill
        0 0 1 setrgbcolor 10 10 60 30 rectfill
        0 setgray /Helvetica findfont 10 scalefont setfont 14 70 moveto (Magpie) show
        """)

    /// A document of so many sheets, each with its number of dots.
    static func pages(_ count: Int) -> ByteBuffer {
        ByteBuffer(
            string: "%!PS-Adobe-3.0\n%%BoundingBox: 0 0 100 50\n<</PageSize [100 50]>> setpagedevice\n"
                + "1 1 \(count) { 0 setgray 0 1 3 -1 roll { 3 mul 10 4 4 rectfill } for showpage } for\n%%EOF\n")
    }
}
