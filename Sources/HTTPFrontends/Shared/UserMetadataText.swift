// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore

/// User metadata as clients send it: a JSON object that the database can hold.
enum UserMetadataText {
    /// Nil for anything else, which the reference ignores.
    static func read(_ bytes: [UInt8]) -> JSONText? {
        // What is no JSON is ignored as well.
        guard let text = String(validating: bytes, as: UTF8.self),
            let value = try? JSONSerialization.jsonObject(with: Data(bytes)), let object = value as? [String: Any],
            !containsNUL(object)
        else { return nil }
        return JSONText(trusted: text)
    }

    private static func containsNUL(_ value: Any) -> Bool {
        switch value {
        case let text as String: text.utf8.contains(0)
        case let list as [Any]: list.contains(where: containsNUL)
        case let object as [String: Any]: object.contains { $0.key.utf8.contains(0) || containsNUL($0.value) }
        default: false
        }
    }
}
