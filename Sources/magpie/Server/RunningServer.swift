// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What a running server leaves in its data directory for the commands beside it.
enum RunningServer {
    private static func file(in dataDirectory: String) -> URL { URL(fileURLWithPath: dataDirectory + "/url") }

    /// Notes where the server listens, which flags and a port of 0 may have decided.
    static func record(url: String, in dataDirectory: String) throws {
        try Data(url.utf8).write(to: file(in: dataDirectory), options: .atomic)
    }

    /// Where the server of a data directory listens, or listened last. Nil when it never ran.
    static func url(in dataDirectory: String) -> String? {
        FileManager.default.contents(atPath: file(in: dataDirectory).path).flatMap { String(validating: $0, as: UTF8.self) }
    }
}
