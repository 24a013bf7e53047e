// SPDX-License-Identifier: Apache-2.0

import MediaCore

extension JSONWriter {
    mutating func field(_ name: String, _ texts: [String]) {
        key(name)
        array(texts) { $0.string($1) }
    }
}
