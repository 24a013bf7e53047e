// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore

/// Names and values, for a person or a program to read.
enum Table {
    /// - Parameter json: as one object; otherwise a line each.
    static func show(_ rows: [(name: String, value: String)], json: Bool) {
        guard !json else {
            return print(JSONWriter.object { writer in for (name, value) in rows { writer.field(name, value) } })
        }
        for (name, value) in rows { print(name + String(repeating: " ", count: max(1, 16 - name.count)) + value) }
    }
}

/// What programs that read the output need not read.
enum StandardError {
    static func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
